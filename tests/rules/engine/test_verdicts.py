"""A verdict for every rule that touches the basket's shop, and for no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.basket import Basket, BasketLine
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.verdicts import judge

NOT_HERE = {"not": {"shop": ["s1"]}}


def judged(when: list[Any], select: dict[str, Any], shop: str) -> list[str]:
    """The rules that a sale of one unit of ``a`` in ``shop`` has verdicts of, where there is one of ten percent off."""
    effect = {"percent": {"rate_bp": 1_000, "scope": "line", "select": select}}
    rule = {"rule": "r", "title": "规则", "title_en": "rule", "lane": "line", "when": when, "then": [effect]}
    golden = [{"basket": {"lines": []}, "payable_minor": 0}]
    compiled = compile_pack(read_authored(json.dumps({"currency": "CNY", "rules": [rule], "golden": golden})))
    sold = Basket((BasketLine("a", 1, 1_000),), shop=shop)
    return [verdict.rule for verdict in judge(sold, compiled).verdicts]


@pytest.mark.parametrize("select", [{}, {"skus": ["a"]}, {"skus": ["zz"]}], ids=str)
@pytest.mark.parametrize(
    "condition", [NOT_HERE, {"shop": ["s2"]}, {"any": [{"shop": ["s2"]}, {"shop": ["s3"]}]}], ids=str
)
def test_a_rule_of_other_shops_is_not_judged_whatever_it_is_for(condition: Any, select: dict[str, Any]) -> None:
    assert judged([condition], select, "s1") == []
    assert judged([condition], select, "s2") == ["r"]
