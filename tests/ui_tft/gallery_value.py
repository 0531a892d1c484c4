"""Screens of points that pay, of shares that are used up, and of what members take without a sale, made by playing a
till.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.txn.events import Started
from agent.txn.state import TillState
from contract.value import Account, Asset
from tests.txn.desk import GOLD, GOLD_PHONE, GOLD_UID, Desk, pack, paper_text, promising, verifier
from tests.ui_tft import gallery_till

_LIST = (
    ("cup", "积分换保温杯", "A vacuum cup for points", {"sku": "CUP", "points": 500}),
    ("wash", "洗车一次", "One car wash", {"sku": "WASH", "card": "ten", "service": True}),
    (
        "bag",
        "积分加次数换拉杆箱",
        "A trolley for points and uses",
        {"sku": "BAG", "points": 800, "card": "ten", "uses": 2},
    ),
    ("coffee", "咖啡一杯", "A coffee", {"sku": "COFFEE", "points": 30, "service": True}),
    ("umbrella", "会员专享晴雨两用折叠伞一把", "A folding umbrella for rain and sun", {"sku": "UMB", "points": 1200}),
    ("towel", "毛巾", "A towel", {"sku": "TOWEL", "points": 100}),
    ("mug", "马克杯", "A mug", {"sku": "MUG", "points": 100}),
)
_PAY = {"pay_points": {"points": 100, "minor": 100}}
_SAVE = {"spend_save": {"steps": [{"spend_minor": 10_000, "save_minor": 2_000}]}}
_EARN = {"points_per_money": {"points": 1, "spend_minor": 100}}


def _rule(name: str, titles: tuple[str, str], effect: object, **more: object) -> dict[str, object]:
    return {"rule": name, "title": titles[0], "title_en": titles[1], "lane": "points", "then": [effect], **more}


def _till(desk: Desk, offered: int) -> None:
    ten = {"card": "ten", "title": "洗车十次卡", "title_en": "Ten washes", "valid_days": 90}
    rules = [_rule(name, (zh, en), {"redeem": redeem}) for name, zh, en, redeem in _LIST[:offered]]
    rules += [
        _rule("pay", ("积分抵现", "Points as cash"), _PAY, priority=9),
        _rule("earn", ("消费积分", "Points"), _EARN),
        _rule("save", ("满100减20", "Save 20 at 100"), _SAVE, lane="basket", limits={"budget_minor": 100_000}),
    ]
    points = {"pools": ["s01"], "unfunded": "pending"}
    desk.book.active = pack(1, promising(*rules, count_cards=[ten], points=points))
    desk.book.share(Account(Asset.POINTS, "m-1"), 1_250, 1)
    desk.book.share(Account(Asset.USES, "m-1", "ten"), 1, 2)
    desk.book.share(Account(Asset.GIFT, "CUP"), 1, 3)
    desk.tap()


def _pays(desk: Desk) -> None:
    _till(desk, 1)
    desk.book.share(Account(Asset.BUDGET, "save"), 9_000, 4)
    desk.book.share(Account(Asset.POOL, "s01"), 9_000, 5)
    desk.keys("150", "enter", "points")


def _used_up(desk: Desk) -> None:
    _till(desk, 1)
    desk.keys("150", "enter")


def _used_up_paid(desk: Desk) -> None:
    _used_up(desk)
    desk.keys("cash")
    desk.commit()


def _redeem(offered: int, *keys: str) -> Callable[[Desk], None]:
    def play(desk: Desk) -> None:
        _till(desk, offered)
        desk.keys("redeem", *keys)

    return play


def _handed_out(desk: Desk) -> None:
    _till(desk, 3)
    desk.keys("redeem", "2")
    desk.commit()


def _generous(desk: Desk) -> None:
    """A till whose rules give everything there is, to who buys and to who tops up."""
    ten = {"card": "ten", "title": "洗车十次卡", "title_en": "Ten washes", "valid_days": 90}
    off = {"coupon": "off", "title": "10元代金券", "title_en": "10 off", "valid_from_days": 1, "valid_days": 30}
    step = {"amount_minor": 100_000, "bonus_minor": 12_000, "points": 500, "counts": [{"card": "ten", "uses": 2}]}
    rules = [
        _rule("top", ("充1000送120", "120 with 1,000"), {"top_up": {"steps": [step]}}),
        _rule("bag", ("送礼品袋", "A gift bag"), {"gift": {"sku": "GIFT-BAG"}}, lane="basket"),
        _rule("off", ("送券", "A coupon"), {"issue_coupon": {"coupon": "off"}}),
        _rule("ten", ("送洗车", "Washes"), {"grant_counts": {"card": "ten", "uses": 1}}),
        _rule("earn", ("消费积分", "Points"), _EARN),
    ]
    desk.book.active = pack(1, promising(*rules, count_cards=[ten], coupons=[off]))
    desk.tap()


def _generous_top_up(*keys: str) -> Callable[[Desk], None]:
    def play(desk: Desk) -> None:
        _generous(desk)
        desk.keys("1000", "topup", *keys)
        if keys:
            desk.commit()

    return play


def _generous_refund(desk: Desk) -> None:
    _generous(desk)
    desk.sell("268")
    desk.keys("enter", "refund", "1", "enter", "refund")


def _papers(desk: Desk) -> None:
    gallery_till.SCRIPTS["shift-closed"](desk)
    desk.keys("enter")
    _till(desk, 3)
    desk.keys("redeem", "2")
    desk.commit()
    desk.tap()
    desk.keys("1000", "topup", "cash")
    desk.commit()
    desk.keys("enter", "reprint")


def _plan_changed(desk: Desk) -> None:
    _till(desk, 1)
    desk.keys("1000", "topup", "cash")
    desk.commit()
    paper = next(row for row in reversed(paper_text(desk.effects[-1:])) if row.startswith("TLR1:"))
    desk.keys("enter", "refund")
    desk.scan(paper)
    lot = next(number for number, held in desk.book.leases.items() if held.lease.lot is not None)
    desk.book.leases[lot] = replace(desk.book.leases[lot], amount=60_000)
    desk.keys("enter")


def _recovered(name: str) -> Callable[[Desk], None]:
    """The power went before the paper of what that script books."""

    def play(desk: Desk) -> None:
        SCRIPTS[name](desk)
        desk.book.owed[:] = desk.book.owed[-1:]
        desk.state = TillState(lang=desk.state.lang)
        desk.tell(Started())

    return play


def _long_title(desk: Desk) -> None:
    _till(desk, 7)
    desk.book.share(Account(Asset.GIFT, "UMB"), 1, 6)
    desk.keys("redeem", "6")
    desk.commit()


def _pin(*keys: str) -> Callable[[Desk], None]:
    """A phone number wants to pay from stored value: the member's PIN is asked for."""

    def play(desk: Desk) -> None:
        member = replace(GOLD, pin=verifier("2468"))
        desk.book.cards[GOLD_UID] = desk.book.phones[GOLD_PHONE] = member
        desk.book.lend(member.member, 90_000)
        desk.keys(GOLD_PHONE, "enter", "888", "enter", "stored", *keys)

    return play


SCRIPTS: dict[str, Callable[[Desk], None]] = gallery_till.SCRIPTS | {
    "points-pay": _pays,
    "share-used": _used_up,
    "share-used-paid": _used_up_paid,
    "redeem": _redeem(3),
    "redeem-many": _redeem(7),
    "redeem-short": _redeem(3, "1"),
    "redeem-booking": _redeem(3, "2"),
    "handed-out": _handed_out,
    "handed-out-long": _long_title,
    "recovered-handed-out": _recovered("handed-out-long"),
    "recovered-refund": _recovered("refunded-cash"),
    "recovered-shift": _recovered("shift-closed"),
    "top-up-rich": _generous_top_up(),
    "topped-up-rich": _generous_top_up("cash"),
    "refund-plan-rich": _generous_refund,
    "reprint": _papers,
    "plan-changed": _plan_changed,
    "member-pin": _pin("246"),
    "member-pin-wrong": _pin("1111", "enter"),
}
"""What is played for each screen, those of returns and shifts among them."""
