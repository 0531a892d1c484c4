"""What a return undoes of rules that are limited: applications none of whose goods stay, each once."""

from __future__ import annotations

import json

import pytest

from contract.basket import Basket, BasketLine
from contract.errors import ContractError
from contract.trace import AppliedEffect, RuleTimes, Share
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.refund import Refund, Sold
from rules.undone import rules_undone
from tests.txn.desk import promising

TEN = {"percent": {"rate_bp": 1_000, "scope": "line"}}
PACK = compile_pack(
    read_authored(
        json.dumps(
            promising(
                {"rule": "pair", "lane": "line", "limits": {"per_member": 2, "per_sale": 2}, "then": [TEN]},
                {"rule": "gift", "lane": "basket", "limits": {"per_member_day": 1}, "then": [TEN]},
                {"rule": "free", "lane": "line", "then": [TEN]},
            )
        )
    )
)
SOLD = Sold(
    Basket((BasketLine("a", 4, 1_000, ("tea",)), BasketLine("b", 1, 1_000, ("tea",)))),
    (
        AppliedEffect("pair", shares=(Share(0, 100, unit=0, units=2),)),
        AppliedEffect("pair", shares=(Share(0, 0, unit=2), Share(0, 100, unit=3))),
        AppliedEffect("free", shares=(Share(0, 10),)),
        AppliedEffect("gift", points=5),
    ),
    4_790,
)


def returned(*units: int) -> Refund:
    """An earlier return of these units."""
    return Refund(units, 0, 0, 0, 0, 0, 0)


def test_an_application_counts_as_long_as_any_of_its_goods_stays() -> None:
    pair, gift = RuleTimes("pair", 1), RuleTimes("gift", 1)
    # Units of a line come back from its last: the fourth alone leaves the third, which took part.
    assert rules_undone(SOLD, PACK, (1, 0)) == ()
    assert rules_undone(SOLD, PACK, (1, 1), (returned(1, 0),)) == (pair,)
    assert rules_undone(SOLD, PACK, (2, 0), (returned(1, 0), returned(1, 1))) == (gift, pair)
    assert rules_undone(SOLD, PACK, (4, 1)) == (gift, RuleTimes("pair", 2))
    with pytest.raises(ContractError):
        rules_undone(SOLD, PACK, (5, 0))
