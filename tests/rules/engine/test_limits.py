"""How often a rule applies: per sale, member, day and in all, as far as what happened before is handed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.basket import Basket, BasketLine, Customer, RuleUsage
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from tests.rules.samples import pack, rule

TEN_OFF = {"percent": {"rate_bp": 1_000, "scope": "basket"}}
HERS = Basket((BasketLine("CUP", 1, 5_000),), Customer("gold"))


@pytest.mark.parametrize(
    ("limit", "usage", "why"),
    [
        ({"per_member": 2}, {"member": 2}, Why.LIMIT_MEMBER),
        ({"per_member_day": 1}, {"member_today": 1}, Why.LIMIT_MEMBER_DAY),
        ({"per_shop_day": 10}, {"today": 10}, Why.LIMIT_SHOP_DAY),
        ({"total": 100}, {"total": 100}, Why.LIMIT_TOTAL),
    ],
)
def test_a_rule_rests_when_its_count_is_used_up(limit: Any, usage: dict[str, int], why: Why) -> None:
    whole = compile_pack(pack(rule("few", "basket", TEN_OFF, limits=limit)))
    for less, missed in ((0, why), (1, None)):
        used = RuleUsage("few", **{name: count - less for name, count in usage.items()})
        found = judge(replace(HERS, usage=(used,)), whole).verdicts[0].shortfall
        assert (None if found is None else found.why) is missed


@pytest.mark.parametrize("limit", ["per_member", "per_member_day"])
def test_whom_nobody_knows_nobody_can_count(limit: str) -> None:
    whole = compile_pack(pack(rule("few", "basket", TEN_OFF, limits={limit: 1})))
    found = judge(replace(HERS, customer=None), whole).verdicts[0].shortfall
    assert found is not None
    assert found.why is Why.MEMBER


def test_a_rule_applies_again_in_one_sale_as_often_as_its_limits_let_it() -> None:
    off = {"amount": {"off_minor": 100, "scope": "basket"}}
    bought = Basket((BasketLine("A", 1, 1_000),))
    thrice = rule("thrice", "basket", off, limits={"per_sale": 3})
    assert price(bought, compile_pack(pack(thrice))).payable_minor == 700
    down_to = rule("down", "basket", off, when=[{"spend": {"at_least_minor": 850}}], limits={"per_sale": 9})
    assert price(bought, compile_pack(pack(down_to))).payable_minor == 800
    twice_in_all = rule("total", "basket", off, limits={"per_sale": 9, "total": 7})
    used = replace(bought, usage=(RuleUsage("total", total=5),))
    assert price(used, compile_pack(pack(twice_in_all))).payable_minor == 800
    shared = replace(bought, usage=(RuleUsage("thrice", share_uses=1),))
    assert price(shared, compile_pack(pack(thrice))).payable_minor == 900
