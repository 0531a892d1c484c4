"""Every screen there is, by name, made by playing a till: for the tests, and for people who want to look.

``python -m tests.ui_tft.gallery FOLDER`` paints all of them, in both languages, as PNG files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agent.txn.events import ReceiptPrinted, ReceiptWaiting, Started, Tick
from agent.txn.state import Lang, Notice, TillState
from agent.ui_tft.paint import Painter
from agent.ui_tft.view import DeviceNote, StatusBar, compose
from contract.documents import CatalogueItem
from contract.ids import TerminalAddress
from contract.refusals import Refusal, RefusalCode
from contract.slips import Slip, slip_text
from contract.value import Account, Asset, Lease
from tests.txn.desk import GOLD_PHONE, NOTHING_OFF, PACK_1, SILVER_UID, Desk, pack, promising
from tests.txn.purse import coupon
from tests.ui_tft.gallery_value import SCRIPTS

ONLINE = StatusBar(True, 0, 0, "15:06", 1, shop_name="示范珠宝店")
OFFLINE = replace(ONLINE, online=False, backlog=2, oldest_age_s=190)
NO_PAPER = replace(ONLINE, devices=(DeviceNote("printer", "self_check_failed", "paper_out"),))
ALL_TROUBLE = replace(
    OFFLINE,
    backlog=12_345,
    oldest_age_s=86_400 * 12,
    devices=(
        DeviceNote("card", "gone", "reader_aborted"),
        DeviceNote("printer", "self_check_failed", "paper_out"),
        DeviceNote("code", "config_error", "in_use"),
        DeviceNote("keypad", "ready", ""),
    ),
)
NOTICED = replace(
    ONLINE,
    notice=(
        "国庆期间营业至22:00，请提前备好零钱。",
        "Open until 22:00 over the National Day holidays; have change ready.",
    ),
)
LONG_NOTICE = replace(
    ONLINE,
    notice=(
        "今天起金条回收须登记证件号码，并请顾客在回收单上签字；价格以总部每日九点公布的为准，任何人不得私自改价。有疑问请致电区域经理，谢谢大家配合，祝开工大吉。。。",
        "From today the number of a paper of identity is noted for gold taken back and the form is signed; prices are"
        " those head office tells at nine, and no one changes them, ever.",
    ),
)
UNPROVISIONED = replace(ONLINE, pack_version=0, fetching="members", shop_name="")

IN_TROUBLE = ("refund-many", "refund-plan", "refund-plan-rich", "report", "menu", "redeem-many", "reprint")
Shown = tuple[TillState, StatusBar]
Script = Callable[[Desk], None]


def _gold(desk: Desk) -> None:
    desk.tap()
    desk.keys("268.00", "enter")


RICH_RULES: tuple[dict[str, object], ...] = (
    {
        "rule": "gold-price",
        "title": "金卡95折",
        "title_en": "Gold 5 % off",
        "lane": "line",
        "when": [{"tier": ["gold"]}],
        "then": [{"percent": {"rate_bp": 500, "scope": "line"}}],
    },
    {
        "rule": "save-30",
        "title": "满300减30",
        "title_en": "Save 30 at 300",
        "lane": "basket",
        "then": [{"spend_save": {"steps": [{"spend_minor": 300_00, "save_minor": 30_00}]}}],
    },
    {
        "rule": "bag",
        "title": "满200送礼品袋",
        "title_en": "A gift bag at 200",
        "lane": "basket",
        "when": [{"spend": {"at_least_minor": 200_00}}],
        "then": [{"gift": {"sku": "GIFT-BAG"}}],
    },
    {
        "rule": "next-visit",
        "title": "下次用的券",
        "title_en": "For the next visit",
        "lane": "points",
        "when": [{"spend": {"at_least_minor": 100_00}}],
        "then": [{"issue_coupon": {"coupon": "ten-off"}}],
    },
    {
        "rule": "points",
        "title": "消费积分",
        "title_en": "Points",
        "lane": "points",
        "when": [{"member": True}],
        "then": [{"points_per_money": {"points": 1, "spend_minor": 1_00}}],
    },
    {
        "rule": "whole-yuan",
        "title": "抹零",
        "title_en": "Whole yuan",
        "lane": "tender",
        "then": [{"round_total": {"to_minor": 1_00, "mode": "down"}}],
    },
)
RICH = promising(
    *RICH_RULES,
    coupons=[
        {"coupon": "ten-off", "title": "10元代金券", "title_en": "10 off", "valid_from_days": 1, "valid_days": 30}
    ],
)
"""Most of what a rule can give: money off, a gift, a coupon, points, a rounded total."""


def _rich(desk: Desk, *amounts: str) -> None:
    desk.book.active = pack(4, RICH)
    desk.tap()
    for amount in amounts:
        desk.keys(amount, "enter")
    desk.tell(Tick())


def _far(desk: Desk, save_minor: int, spend_minor: int) -> None:
    """One rule that is still far away."""
    steps = [{"spend_minor": spend_minor, "save_minor": save_minor}]
    rule = {
        "rule": "far",
        "title": "双节会员尊享满额立减大促销活动珠宝首饰专场周年",
        "title_en": "Members' golden week promotion",
    }
    effect = {"spend_save": {"steps": steps}}
    desk.book.active = pack(5, promising({**rule, "lane": "basket", "then": [effect]}))


def _offer_large(desk: Desk) -> None:
    _far(desk, 345_678_90, 999_999_98)
    desk.keys("200000.01", "enter")
    desk.tell(Tick())


def _offer_lines(desk: Desk) -> None:
    _far(desk, 50_00, 700_00)
    _lines(desk)
    desk.tell(Tick())


def _crowded(desk: Desk) -> None:
    """Long names, many lines, many rules: what a screen must survive."""
    titles = "中秋国庆双节会员尊享黄金珠宝首饰满额立减大促销活"
    rules = [
        {
            "rule": f"r{number}",
            "title": titles[:24],
            "title_en": "Mid-autumn members' golden week promotion",
            "lane": "basket",
            "then": [{"spend_save": {"steps": [{"spend_minor": 100_00, "save_minor": 12_34}], "every": True}}],
        }
        for number in range(9)
    ]
    rules = [{**rule, "title_en": str(rule["title_en"])[:40]} for rule in rules]
    points = dict(PACK_1["rules"][2]) if isinstance(PACK_1["rules"], list) else {}
    desk.book.active = pack(3, promising(*rules, points))
    desk.book.open_article = CatalogueItem("LONG", "足" * 40, "W" * 40, "gold", 0)
    desk.tap()
    for _line in range(5):
        desk.keys("199999.99", "enter")


def _recovered(desk: Desk) -> None:
    _gold(desk)
    desk.keys("cash")
    desk.commit()
    desk.keys("5", "enter", "cash")
    desk.commit()
    desk.state = TillState(lang=desk.state.lang)
    desk.tell(Started())


def _paid(desk: Desk) -> None:
    desk.keys(GOLD_PHONE, "enter", "268.00", "enter", "cash")
    desk.commit()


def _waiting(desk: Desk) -> None:
    _paid(desk)
    desk.tell(ReceiptWaiting(1, "paper_out", 1))


def _printed(desk: Desk) -> None:
    _paid(desk)
    desk.tell(ReceiptPrinted(1, 1))


def _large(desk: Desk) -> None:
    desk.book.active = pack(2, NOTHING_OFF)
    desk.scan(desk.credential())
    desk.keys("999999.99", "enter")


def _lines(desk: Desk) -> None:
    for amount in ("1", "22.22", "333.33", "9.99"):
        desk.keys(amount, "enter")
    desk.scan("6901234567892")
    desk.scan("6901234567892")


def _replaced(desk: Desk) -> None:
    _gold(desk)
    desk.tap(SILVER_UID)


def _keys(*keys: str) -> Script:
    """A script that only presses keys."""
    return lambda desk: (desk.keys(*keys), None)[1]


def _then(first: Script, *steps: Callable[[Desk], object]) -> Script:
    """A script that goes on after another."""

    def script(desk: Desk) -> None:
        first(desk)
        for step in steps:
            step(desk)

    return script


def _tap(desk: Desk) -> None:
    desk.tap()


def _rich_member(desk: Desk) -> None:
    """A member with stored value here, at a till where topping up brings something."""
    step = {"amount_minor": 500_00, "bonus_minor": 80_00, "points": 200}
    ladder = {"rule": "ladder", "title": "充500送80", "title_en": "Pay in 500, get 80", "lane": "points"}
    points = {"rule": "points", "title": "消费积分", "title_en": "Points", "lane": "points"}
    earn = {"points_per_money": {"points": 1, "spend_minor": 1_00}}
    topping = {**ladder, "then": [{"top_up": {"steps": [step]}}]}
    desk.book.active = pack(6, promising(topping, {**points, "then": [earn]}))
    desk.book.lend("m-1", 100_00, 20_00)
    desk.tap()


def _wealthy(desk: Desk) -> None:
    """The longest figures there are beside each other."""
    _rich_member(desk)
    desk.book.lend("m-1", 888_888_88, 0, number=2)
    desk.tap()
    desk.keys("999999.99", "enter", "stored")


def _coupon_shown(desk: Desk) -> None:
    _gold(desk)
    desk.scan(coupon(desk.book.hq))


def _slip_choice(desk: Desk, shop: str, terminals: int) -> None:
    """So many terminals to carry value to."""
    _rich_member(desk)
    for number in range(1, terminals + 1):
        desk.book.others[TerminalAddress("acme", shop, f"t{number:02d}"), 1] = desk.book.own.public
    desk.keys("60", "slip")


def _slip_in(desk: Desk) -> None:
    there = TerminalAddress("acme", "s02", "t01")
    desk.book.others[there, 1] = desk.book.own.public
    lot = b"L" * 16
    value = Lease(lot, Account(Asset.STORED, "m-1"), 50_00, 2**50, 10_00, lot, "s02")
    desk.scan(slip_text(desk.book.signed_slip(Slip(1, there, 1, desk.book.address, value))))


_ready = _keys()
SCENES: dict[str, tuple[Script, StatusBar]] = {
    "sign-in": (_keys("signout"), ONLINE),
    "sign-in-pin": (_keys("signout", "1001", "enter", "135"), OFFLINE),
    "sign-in-wrong": (_keys("signout", "1001", "enter", "1", "enter"), ALL_TROUBLE),
    "sign-in-no-rules": (_keys("signout"), UNPROVISIONED),
    "ready": (_ready, ONLINE),
    "ready-offline": (_ready, OFFLINE),
    "ready-no-paper": (_ready, NO_PAPER),
    "ready-notice": (_ready, NOTICED),
    "ready-notice-long": (_ready, LONG_NOTICE),
    "ready-notice-long-trouble": (_keys("cash"), replace(ALL_TROUBLE, notice=LONG_NOTICE.notice)),
    "ready-no-rules": (_ready, UNPROVISIONED),
    "ready-no-rules-waiting": (_ready, replace(UNPROVISIONED, fetching="", online=False)),
    "ready-all-trouble": (_ready, ALL_TROUBLE),
    "ready-refused": (_keys("cash"), ONLINE),
    "ready-refused-trouble": (_keys("cash"), ALL_TROUBLE),
    "amount": (_keys("268.00"), ONLINE),
    "amount-in-basket": (_then(_tap, _keys("100", "enter", "1688")), OFFLINE),
    "amount-longest": (_keys("9" * 16), ONLINE),
    "phone": (_keys("member", "1380000"), ONLINE),
    "phone-straight": (_keys(GOLD_PHONE), ONLINE),
    "phone-refused": (_keys("member", "138", "enter"), ALL_TROUBLE),
    "member": (_tap, ONLINE),
    "basket": (_gold, ONLINE),
    "basket-phone": (_keys(GOLD_PHONE, "enter", "268.00", "enter"), ONLINE),
    "basket-offline": (_gold, OFFLINE),
    "basket-trouble": (_gold, ALL_TROUBLE),
    "basket-refused": (_then(_gold, lambda desk: desk.tap(b"1234")), NO_PAPER),
    "basket-no-member": (_keys("268", "enter"), ONLINE),
    "basket-lines": (_lines, ONLINE),
    "basket-large": (_large, ONLINE),
    "basket-crowded": (_crowded, ALL_TROUBLE),
    "basket-replaced": (_replaced, ONLINE),
    "basket-offer": (_then(_keys("187.50", "enter"), lambda desk: desk.tell(Tick())), ONLINE),
    "basket-offer-member": (_then(_tap, _keys("187.50", "enter"), lambda desk: desk.tell(Tick())), ONLINE),
    "basket-offer-lines": (_offer_lines, OFFLINE),
    "basket-offer-large": (_offer_large, ONLINE),
    "basket-offer-trouble": (_offer_lines, ALL_TROUBLE),
    "basket-offer-refused": (_then(_offer_lines, lambda desk: desk.tap(b"1234")), NO_PAPER),
    "basket-crowded-quiet": (_then(_crowded, lambda desk: desk.tell(Tick())), ONLINE),
    "basket-rich": (lambda desk: _rich(desk, "268.37"), ONLINE),
    "basket-rich-reached": (lambda desk: _rich(desk, "99.99", "268.37"), ONLINE),
    "basket-rich-gift-next": (lambda desk: _rich(desk, "150"), ONLINE),
    "basket-rich-coupon-next": (lambda desk: _rich(desk, "99.99"), ONLINE),
    "paid-rich": (_then(lambda desk: _rich(desk, "99.99", "268.37"), _keys("cash"), Desk.commit), ONLINE),
    "member-stored": (_rich_member, ONLINE),
    "basket-stored": (_then(_rich_member, _keys("88", "enter")), ONLINE),
    "basket-stored-part": (_then(_rich_member, _keys("168", "enter", "stored")), ONLINE),
    "basket-stored-large": (_wealthy, ALL_TROUBLE),
    "basket-stored-refused": (_then(_keys(GOLD_PHONE, "enter", "88", "enter"), _keys("stored")), ONLINE),
    "basket-coupon": (_coupon_shown, ONLINE),
    "paid-stored": (_then(_rich_member, _keys("88", "enter", "stored"), Desk.commit), ONLINE),
    "paid-stored-part": (_then(_rich_member, _keys("168", "enter", "stored", "cash"), Desk.commit), ONLINE),
    "amount-top-up": (_then(_rich_member, _keys("500")), ONLINE),
    "top-up": (_then(_rich_member, _keys("500", "topup")), ONLINE),
    "top-up-plain": (_then(_rich_member, _keys("50", "topup")), ALL_TROUBLE),
    "topping-up": (_then(_rich_member, _keys("500", "topup", "cash")), ONLINE),
    "paid-top-up": (_then(_rich_member, _keys("500", "topup", "cash"), Desk.commit), OFFLINE),
    "slip": (lambda desk: _slip_choice(desk, "s02", 3), ONLINE),
    "slip-many": (lambda desk: _slip_choice(desk, "nanjing-xinjieko", 20), ALL_TROUBLE),
    "slip-out": (_then(lambda desk: _slip_choice(desk, "s02", 3), _keys("2"), Desk.commit), ONLINE),
    "slip-out-waiting": (_then(lambda desk: _slip_choice(desk, "s02", 3), _keys("2")), ONLINE),
    "slip-in": (_then(_slip_in, Desk.commit), ONLINE),
    "slip-in-waiting": (_slip_in, ONLINE),
    "committing": (_then(_gold, _keys("cash")), ONLINE),
    "cancelling": (_then(_gold, _keys("cancel")), ONLINE),
    "paid": (_paid, ONLINE),
    "paid-printed": (_printed, OFFLINE),
    "paid-held": (_paid, NO_PAPER),
    "paid-waiting": (_waiting, NO_PAPER),
    "paid-refused": (_then(_paid, _keys("cash")), ALL_TROUBLE),
    "paid-no-member": (_then(_ready, lambda desk: desk.sell("268")), ONLINE),
    "paid-large": (_then(_large, _keys("cash"), Desk.commit), ONLINE),
    "store-failed": (_then(_gold, _keys("cash"), Desk.fail_commit), ONLINE),
    "recovered": (_recovered, ONLINE),
    "recovered-printing": (_then(_recovered, _keys("cancel", "reprint")), ONLINE),
    "recovered-waiting": (
        _then(_recovered, _keys("reprint"), lambda desk: desk.tell(ReceiptWaiting(1, "paper_out", 1))),
        NO_PAPER,
    ),
    "recovered-refused": (_then(_recovered, _keys("cash")), ALL_TROUBLE),
    **{name: (script, ONLINE) for name, script in SCRIPTS.items()},
    **{f"{name}-trouble": (SCRIPTS[name], ALL_TROUBLE) for name in IN_TROUBLE},
}


def played(name: str, lang: Lang) -> Shown:
    """The state and status of a screen of that name."""
    script, status = SCENES[name]
    desk = Desk(state=TillState.started(lang)).sign_in()
    script(desk)
    return desk.state, status


def refused(code: RefusalCode, lang: Lang) -> Shown:
    """A basket with this refusal below it."""
    state, _ = played("basket", lang)
    return replace(state, refusal=Refusal(code)), ONLINE


def noticed(notice: Notice, lang: Lang) -> Shown:
    """A basket with this notice below it."""
    state, _ = played("basket", lang)
    return replace(state, notice=notice), ONLINE


def main(folder: Path) -> None:
    """Paint everything into ``folder``."""
    painter = Painter()
    folder.mkdir(parents=True, exist_ok=True)
    for lang in Lang:
        for name in SCENES:
            painter.paint(compose(*played(name, lang))).save(folder / f"{name}-{lang}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
