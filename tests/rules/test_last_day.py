"""A pack lives by its own last day: to its end in the shop's own time, and not a minute longer."""

from __future__ import annotations

import json

import pytest

from contract.calendar import day_of
from contract.errors import ContractError
from rules.authoring import read_authored, write_authored
from rules.engine.compiled import Compiled
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.topping import top_up
from rules.engine.verdicts import judge
from rules.grammar.pack import Pack
from rules.linting.finding import Kind, Weight
from rules.linting.lint import lint
from rules.moments import is_over
from rules.pack import read_pack, write_pack
from tests.rules.samples import GOLD_10, POINTS, authored, basket, rule

LAST = day_of("2026-06-30")
MIDNIGHT_MS = (LAST + 1) * 86_400_000 - 8 * 3_600_000
"""When the day after begins in Shanghai."""
TOP_UP = rule("top", "points", {"top_up": {"steps": [{"amount_minor": 10_000, "bonus_minor": 1_000}]}})


def pack() -> Pack:
    plain = authored(GOLD_10, POINTS, TOP_UP, valid_until="2026-06-30", zones=["Asia/Shanghai"])
    found = read_authored(json.dumps(plain))
    assert read_pack(write_pack(found)) == read_authored(write_authored(found)) == found
    return found


def test_to_the_end_of_its_last_day_rules_apply_and_then_list_prices() -> None:
    compiled = Compiled(pack())
    before, after = (basket(10_000, tier="gold", moment_ms=MIDNIGHT_MS + off) for off in (-1, 0))
    assert (price(before, compiled).payable_minor, price(before, compiled).points) == (9_000, 90)
    over = price(after, compiled)
    assert (over.payable_minor, over.points, over.effects) == (10_000, 0, ())
    assert [is_over(compiled.pack, "s01", MIDNIGHT_MS + off) for off in (-1, 0)] == [False, True]
    # Every rule says why, and a top-up brings nothing any more either.
    assert {found.shortfall.why for found in judge(after, compiled).verdicts if found.shortfall} == {Why.PACK_OVER}
    nobody = [basket(tier="gold", moment_ms=MIDNIGHT_MS + off) for off in (-1, 0)]
    assert [len(top_up(10_000, one, compiled).brought) for one in nobody] == [1, 0]
    # Who does not say when is asked nothing of the day; a pack without a last day has none.
    assert price(basket(10_000, tier="gold"), compiled).payable_minor == 9_000
    assert price(after, Compiled(read_authored(json.dumps(authored(GOLD_10))))).payable_minor == 9_000


def test_a_last_day_needs_a_zone() -> None:
    with pytest.raises(ContractError) as refused:
        read_authored(json.dumps(authored(GOLD_10, valid_until="2026-06-30")))
    assert refused.value.path == "zones"


@pytest.mark.parametrize(
    ("days", "weight"), [(60, None), (14, None), (13, Weight.NOTE), (0, Weight.NOTE), (-1, Weight.WRONG)]
)
def test_the_lint_tells_of_an_end_that_is_near_or_past(days: int, weight: Weight | None) -> None:
    found = [one for one in lint(pack(), today=LAST - days) if one.kind is Kind.ENDING]
    assert [one.weight for one in found] == ([] if weight is None else [weight])
    assert all("2026-06-30" in words for one in found for words in one.words)


def test_the_lint_tells_of_a_pack_that_never_ends_where_it_knows_the_day() -> None:
    endless = read_authored(json.dumps(authored(GOLD_10)))
    assert [one.kind for one in lint(endless, today=LAST) if one.kind is Kind.UNENDING] == [Kind.UNENDING]
    assert [one for one in lint(endless) if one.kind is Kind.UNENDING] == []
