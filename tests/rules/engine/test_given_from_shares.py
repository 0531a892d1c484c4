"""What rules give from shares alone, what they promise beyond a merchant's, and what members take without a sale."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from contract.basket import Basket, BasketLine, Customer, PoolShare, RuleUsage
from contract.errors import ContractError
from contract.trade import PendingPoints
from contract.value import Account, Asset
from rules.authoring import read_authored
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from rules.engine.promised import promised
from rules.engine.redeeming import Redeemable, redeemable, redeemables
from rules.engine.shortfall import Shortfall, Why
from rules.engine.topping import top_up
from rules.engine.verdicts import judge
from rules.takings import takings

GOLDEN = {"basket": {"lines": []}, "payable_minor": 0}
TEN = {"card": "ten", "title": "十次卡", "title_en": "Ten washes", "valid_days": 90}
GOLD = Customer("gold", points=2_000)
GOODS = (BasketLine("A", 2, 5_000),)


def compiled(*rules: Mapping[str, object], **more: object) -> Compiled:
    """These rules, compiled."""
    named = [{"title": rule["rule"], "title_en": rule["rule"], "lane": "points", **rule} for rule in rules]
    return compile_pack(read_authored(json.dumps({"currency": "CNY", "rules": named, "golden": [GOLDEN], **more})))


def earning(name: str, points: int, **more: object) -> dict[str, object]:
    """A rule that gives so many points."""
    return {"rule": name, "then": [{"points_bonus": points}], **more}


def test_points_come_from_the_pool_of_whoever_bears_them_and_whole_or_not() -> None:
    rules = compiled(
        *(earning("own", 100, priority=3), earning("d", 70, funded_by="d", priority=2), earning("e", 5, funded_by="e")),
        points={"pools": ["s01", "d"], "unfunded": "pending"},
    )
    basket = Basket(GOODS, GOLD, shop="s01")
    plenty = price(basket, rules)
    # Who pays otherwise than in advance has no pool.
    assert takings(plenty.effects, "s01", rules.shared) == {
        Account(Asset.POOL, "s01"): 100,
        Account(Asset.POOL, "d"): 70,
    }
    assert promised(basket, plenty, rules) == ()
    short = replace(basket, pools=(PoolShare("s01", 99), PoolShare("d", 70)))
    priced = price(short, rules)
    assert [effect.rule for effect in priced.effects] == ["d", "e"]
    assert promised(short, priced, rules) == (PendingPoints("s01", 100),)
    assert judge(short, rules).verdicts[0].shortfall == Shortfall(Why.POOL_SHARE_USED, 1)
    assert promised(replace(short, customer=None), price(replace(short, customer=None), rules), rules) == ()
    silent = compile_pack(replace(rules.pack, points=None))
    assert promised(short, priced, silent) == ()


def test_two_rules_share_one_pool_also_with_a_top_up() -> None:
    ladder = {"top_up": {"steps": [{"amount_minor": 100, "points": 60}]}}
    rules = compiled(
        *({"rule": name, "then": [ladder], "funded_by": "d"} for name in ("one", "two")), points={"pools": ["d"]}
    )
    basket = Basket((), GOLD, shop="s01", pools=(PoolShare("d", 100),))
    assert [item.points for item in top_up(100, basket, rules).brought] == [60, 0]


def test_a_rule_has_acted_as_often_as_its_busiest_effect_and_its_budget_pays_for_all_it_took_off() -> None:
    half = {"percent": {"rate_bp": 5_000, "scope": "unit", "pick": {"units": 1}}}
    limits = {"per_sale": 2, "total": 9, "budget_minor": 100_000}
    rules = compiled({"rule": "half", "lane": "line", "limits": limits, "then": [half]})
    priced = price(Basket(GOODS, GOLD), rules)
    off_minor = sum(effect.off_minor for effect in priced.effects)
    assert takings(priced.effects, None, rules.shared) == {
        Account(Asset.BUDGET, "half"): off_minor,
        Account(Asset.BUDGET_USES, "half"): len(priced.effects),
    }
    once = price(Basket(GOODS, GOLD, usage=(RuleUsage("half", share_uses=1, share_minor=9_999),)), rules)
    assert len(once.effects) == 1


def test_what_is_redeemed_takes_points_uses_a_gift_and_the_coupon_that_lets_it_be() -> None:
    rules = compiled(
        {
            "rule": "cup",
            "when": [{"tier": ["gold"]}],
            "then": [{"redeem": {"sku": "CUP", "quantity": 2, "points": 500}}],
        },
        {"rule": "wash", "limits": {"total": 5}, "then": [{"redeem": {"sku": "WASH", "card": "ten", "service": True}}]},
        {"rule": "bag", "when": [{"code": ["C-1"]}], "then": [{"redeem": {"sku": "BAG", "service": True}}]},
        count_cards=[TEN],
    )
    asked = Basket((), GOLD, codes=("C-1",))
    found = {item.rule.rule: item.takes for item in redeemables(asked, "m-1", rules)}
    assert found == {
        "cup": {Account(Asset.GIFT, "CUP"): 2, Account(Asset.POINTS, "m-1"): 500},
        "wash": {Account(Asset.BUDGET_USES, "wash"): 1, Account(Asset.USES, "m-1", "ten"): 1},
        "bag": {Account(Asset.COUPON, "C-1"): 1},
    }
    silver = replace(asked, customer=Customer("silver"), codes=())
    assert [item.rule.rule for item in redeemables(silver, "m-1", rules)] == ["wash"]
    assert isinstance(redeemable("cup", asked, "m-1", rules), Redeemable)
    refused = redeemable("cup", silver, "m-1", rules)
    assert isinstance(refused, Shortfall) and refused.why is Why.TIER
    assert redeemable("none", asked, "m-1", rules) is None
    # No sale gives any of it.
    assert price(Basket(GOODS, GOLD, codes=("C-1",)), rules).effects == ()
    assert {
        verdict.shortfall.why
        for verdict in judge(Basket(GOODS, GOLD, codes=("C-1",)), rules).verdicts
        if verdict.shortfall
    } == {Why.NO_REDEMPTION}
    with pytest.raises(ContractError):
        redeemables(Basket(GOODS, GOLD), "m-1", rules)


@pytest.mark.parametrize(
    ("then", "path"),
    [
        ([{"redeem": {"sku": "CUP"}}], "rules[0].then[0].redeem"),
        ([{"redeem": {"sku": "CUP", "points": 1}}, {"points_bonus": 1}], "rules[0].then[0].redeem"),
        ([{"redeem": {"sku": "CUP", "card": "nine"}}], "rules[0].then[0].redeem.card"),
        ([{"redeem": {"sku": "CUP", "points": 1, "uses": 2}}], "rules[0].then[0].redeem.uses"),
    ],
)
def test_a_redemption_that_costs_nothing_or_nothing_known_is_refused(then: list[object], path: str) -> None:
    with pytest.raises(ContractError) as refused:
        compiled({"rule": "cup", "then": then}, count_cards=[TEN])
    assert refused.value.path == path


def test_a_merchant_stands_once_among_those_who_pay_in_advance() -> None:
    with pytest.raises(ContractError):
        compiled(points={"pools": ["d", "d"]})
