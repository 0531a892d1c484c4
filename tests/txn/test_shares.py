"""What a till gives of budgets, merchants' points, gifts and a member's points: what lies here, drawn, and no more."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from agent.txn.effects import Print
from agent.txn.state import Selling
from contract.trade import PendingPoints, SaleBody, TopUpBody
from contract.value import Account, Asset
from hq.audit import audit_sale
from hq.audit_value import audit_top_up
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from tests.txn.desk import GOLD_PHONE, SILVER_UID, Desk, MemoryBook, pack, paper_text, promising

SAVE = {"spend_save": {"steps": [{"spend_minor": 10_000, "save_minor": 2_000}]}}
CAMPAIGN = {"rule": "save-20", "lane": "basket", "limits": {"budget_minor": 100_000}, "then": [SAVE]}
EARN = {"rule": "earn", "lane": "points", "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}]}
PAY = {"rule": "pay", "lane": "points", "priority": 9, "then": [{"pay_points": {"points": 100, "minor": 100}}]}
BAG = {
    "rule": "bag",
    "lane": "basket",
    "when": [{"spend": {"at_least_minor": 5_000}}],
    "then": [{"gift": {"sku": "BAG", "stocked": True}}],
}
TOP = {
    "rule": "top",
    "lane": "points",
    "limits": {"budget_minor": 100_000},
    "then": [{"top_up": {"steps": [{"amount_minor": 10_000, "bonus_minor": 2_000}]}}],
}


def till(*rules: Mapping[str, object], **more: object) -> Desk:
    """A till with these rules alone."""
    return Desk(MemoryBook(active=pack(1, promising(*rules, **more)))).sign_in()


def sold(desk: Desk) -> SaleBody:
    """The sale just committed, which head office finds nothing wrong with."""
    desk.commit()
    body = desk.book.journal[-1].body()
    assert isinstance(body, SaleBody) and desk.book.active is not None
    assert audit_sale(body, desk.book.address, desk.book.active.compiled) == ()
    return body


def drawn(body: SaleBody | TopUpBody) -> dict[str, int]:
    """What an entry drew, by asset and holder."""
    return {f"{draw.account.asset}/{draw.account.holder}": draw.amount for draw in body.draws}


def test_a_campaign_gives_this_tills_share_and_then_says_that_it_is_used() -> None:
    desk = till(CAMPAIGN)
    desk.book.share(Account(Asset.BUDGET, "save-20"), 5_000)
    for _time in range(2):
        desk.keys("150", "enter", "cash")
        body = sold(desk)
        assert (body.payable_minor, drawn(body)) == (13_000, {"budget/save-20": 2_000})
        assert not body.basket.usage
    desk.keys("150", "enter")
    assert isinstance(desk.state.scene, Selling) and desk.state.scene.basket is not None
    assert [(one.title, one.reason) for one in desk.state.scene.basket.explanations] == [
        ("save-20", "本机的活动份额已用完")
    ]
    desk.keys("cash")
    body = sold(desk)
    assert (body.payable_minor, drawn(body)) == (15_000, {})
    assert desk.book.active is not None
    (verdict,) = judge(body.basket, desk.book.active.compiled).verdicts
    assert verdict.shortfall is not None and verdict.shortfall.why is Why.BUDGET_SHARE_USED
    assert desk.book.spendable(Account(Asset.BUDGET, "save-20"))[0].amount == 1_000


def test_a_rule_limited_in_number_applies_as_often_as_was_lent_and_the_next_best_rule_takes_its_place() -> None:
    other = {**CAMPAIGN, "rule": "other", "limits": {}, "groups": ["one"]}
    desk = till({**CAMPAIGN, "limits": {"total": 9}, "groups": ["one"], "priority": 5}, other, groups=[{"name": "one"}])
    desk.book.share(Account(Asset.BUDGET_USES, "save-20"), 1)
    desk.keys("150", "enter", "cash")
    assert drawn(sold(desk)) == {"budget_uses/save-20": 1}
    desk.keys("150", "enter", "cash")
    body = sold(desk)
    assert (drawn(body), [effect.rule for effect in body.effects]) == ({}, ["other"])


def test_points_pay_only_when_asked_for_and_no_more_than_lies_here() -> None:
    desk = till(PAY, EARN)
    desk.book.share(Account(Asset.POINTS, "m-1"), 750)
    desk.tap()
    desk.keys("20", "enter", "points")
    desk.keys("cash")
    body = sold(desk)
    assert (body.payable_minor, body.points_spent, drawn(body)) == (1_300, 700, {"points/m-1": 700})
    desk.tap()
    desk.keys("20", "enter", "points")
    assert desk.state.refusal is not None and desk.state.refusal.code == "points_idle"
    desk.keys("cash")
    assert drawn(sold(desk)) == {}
    desk.keys("member", GOLD_PHONE, "enter", "20", "enter", "points")
    assert desk.state.refusal is not None and desk.state.refusal.code == "value_not_by_phone"


def test_points_earned_are_spent_at_once_only_where_the_pack_says_so() -> None:
    for terms, there in (({"at_once": True}, 100), ({}, 0)):
        desk = till(PAY, EARN, points=terms)
        desk.tap()
        desk.keys("100", "enter", "cash")
        sold(desk)
        assert sum(held.amount for held in desk.book.spendable(Account(Asset.POINTS, "m-1"))) == there


@pytest.mark.parametrize("unfunded", ["none", "pending"])
def test_points_of_a_merchant_who_pays_in_advance_are_never_given_beyond_the_share(unfunded: str) -> None:
    desk = till({**EARN, "funded_by": "shop-d"}, points={"pools": ["shop-d"], "unfunded": unfunded})
    desk.book.share(Account(Asset.POOL, "shop-d"), 150)
    desk.tap()
    desk.keys("100", "enter", "cash")
    body = sold(desk)
    assert (body.points_earned, body.pending, drawn(body)) == (100, (), {"pool/shop-d": 100})
    desk.tap()
    desk.keys("100", "enter", "cash")
    body = sold(desk)
    promised = (PendingPoints("shop-d", 100),) if unfunded == "pending" else ()
    assert (body.points_earned, body.pending, drawn(body)) == (0, promised, {})
    last = next(one for one in reversed(desk.effects) if isinstance(one, Print))
    assert any("商户预存的积分已用完" in row for row in paper_text((last,)))


def test_a_stocked_gift_comes_from_what_was_lent() -> None:
    desk = till(BAG)
    desk.book.share(Account(Asset.GIFT, "BAG"), 1)
    for given in ({"gift/BAG": 1}, {}):
        desk.keys("60", "enter", "cash")
        body = sold(desk)
        assert drawn(body) == given == {f"gift/{gift.name}": 1 for effect in body.effects for gift in effect.gifts}


def test_a_top_ups_bonus_comes_out_of_the_campaigns_share() -> None:
    desk = till(TOP)
    desk.book.share(Account(Asset.BUDGET, "top"), 3_000)
    for bonus in (2_000, 0):
        desk.tap()
        desk.keys("100", "topup", "cash")
        desk.commit()
        body = desk.book.journal[-1].body()
        assert isinstance(body, TopUpBody) and desk.book.active is not None
        assert (body.bonus_minor, drawn(body)) == (bonus, {"budget/top": bonus} if bonus else {})
        assert audit_top_up(body, desk.book.address, desk.book.active.compiled) == ()


def test_a_rule_that_counts_its_members_gives_each_no_more_than_that_often_here() -> None:
    once = {**CAMPAIGN, "when": [{"member": True}], "limits": {"per_member": 2}}
    desk = till(once)
    for off_minor in (2_000, 2_000, 0):
        desk.tap()
        desk.keys("150", "enter", "cash")
        assert 15_000 - sold(desk).payable_minor == off_minor
    assert any(
        "该会员的次数已用完" in row
        for row in paper_text((next(one for one in reversed(desk.effects) if isinstance(one, Print)),))
    )
    desk.tap(SILVER_UID)
    desk.keys("150", "enter", "cash")
    assert sold(desk).payable_minor == 13_000


def test_however_many_campaigns_of_a_group_are_used_up_the_top_up_goes_on() -> None:
    """Each is told of only when the ones before it are out."""
    ladders = [{**TOP, "rule": f"top-{place}", "priority": 99 - place, "groups": ["tops"]} for place in range(20)]
    desk = till(*ladders, groups=[{"name": "tops"}])
    desk.tap()
    desk.keys("100", "topup", "cash")
    desk.commit()
    body = desk.book.journal[-1].body()
    assert isinstance(body, TopUpBody) and desk.book.active is not None
    assert (body.bonus_minor, body.draws) == (0, ())
    assert audit_top_up(body, desk.book.address, desk.book.active.compiled) == ()


def test_however_many_gifts_of_a_group_are_out_the_sale_goes_on() -> None:
    gifts = [
        {
            **BAG,
            "rule": f"bag-{place}",
            "groups": ["bags"],
            "then": [{"gift": {"sku": f"BAG-{place}", "stocked": True}}],
        }
        for place in range(20)
    ]
    desk = till(*gifts, groups=[{"name": "bags"}])
    desk.book.share(Account(Asset.GIFT, "BAG-7"), 1)
    desk.keys("60", "enter", "cash")
    assert drawn(sold(desk)) == {"gift/BAG-7": 1}
