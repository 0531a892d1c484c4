"""A case file is read strictly: whatever is not of the format fails, and the report says where."""

import json
from typing import Any

import pytest

from conformance.report import Result, Status
from conformance.run import run_line, run_lines
from tests.conformance.neutral import case, line

TEN_PERCENT = {"kind": "percent", "value": "10"}
RIGHT = {"subtotal": 3000, "discount": 300, "total": 2700, "lines": {"a": 300}, "applied": ["P"]}


def ran(text: str) -> Result:
    return run_line(text, "line 1")


def failed(text: str) -> str:
    result = ran(text)
    assert result.status is Status.FAILED, result
    return "; ".join(result.why)


def test_the_case_all_others_here_are_made_of_passes() -> None:
    assert ran(case([TEN_PERCENT], RIGHT)) == Result("some-1", "some", Status.PASSED)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"colour": "red"}, "colour"),
        ({"cart": [{"id": "a", "sku": "A", "unit_price": 1000, "qty": 3, "weight": 7}]}, "cart[0].weight"),
        ({"customer": {"id": "c", "shoe_size": 43}}, "customer.shoe_size"),
        ({"cart_rounding": {"at": "line", "to": 10, "mode": "up", "why": "so"}}, "cart_rounding.why"),
        ({"promotion": {"lane": "line"}}, "promotions[0].lane"),
        ({"promotion": {"budget": {"left": 1, "per": "line", "of": "x"}}}, "promotions[0].budget.of"),
        ({"promotion": {"select": {"colour": ["red"]}}}, "promotions[0].select.colour"),
        ({"promotion": {"when": [{"kind": "code", "code": "K", "any": []}]}}, "promotions[0].when[0].any"),
        ({"promotion": {"effects": [{**TEN_PERCENT, "over": 3}]}}, "promotions[0].effects[0].over"),
        ({"expect": {"totals": 2700}}, "expect.totals"),
        ({"expect": {"hint": {"P": {"missing_love": 1}}}}, "expect.hint.P.missing_love"),
    ],
)
def test_an_unknown_field_fails_wherever_it_stands(change: dict[str, Any], path: str) -> None:
    assert path in failed(case([TEN_PERCENT], **{"expect": RIGHT, **change}))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"combine": "somehow"}, "combine"),
        ({"type": "parade"}, "type"),
        ({"promotion": {"when": [{"kind": "full_moon"}]}}, "promotions[0].when[0].kind"),
        ({"promotion": {"effects": [{"kind": "applause"}]}}, "promotions[0].effects[0].kind"),
        ({"promotion": {"effects": [{**TEN_PERCENT, "round": "nearly"}]}}, "promotions[0].effects[0].round"),
        ({"promotion": {"effects": [{**TEN_PERCENT, "basis": "hearsay"}]}}, "promotions[0].effects[0].basis"),
        ({"promotion": {"effects": [{"kind": "percent"}]}}, "promotions[0].effects[0].value"),
        ({"promotion": {"effects": [{"kind": "percent", "value": "ten"}]}}, "promotions[0].effects[0].value"),
        ({"promotion": {"effects": [{"kind": "amount", "value": 0.5}]}}, "promotions[0].effects[0].value"),
        ({"promotion": {"effects": [{"kind": "amount", "value": -1}]}}, "promotions[0].effects[0].value"),
        ({"cart": [{"id": "a", "sku": "A", "unit_price": 1000}]}, "cart[0].qty"),
        ({"cart": [{"id": "a", "sku": "A", "unit_price": 1000, "qty": "1.5"}]}, "cart[0].qty"),
        ({"cart": {}}, "cart"),
        ({"context": {"date": "tomorrow"}}, "context.date"),
        ({"context": {"mood": ["good"]}}, "context.mood"),
        ({"scale": 0}, "scale"),
        ({"expect": {"total": "much"}}, "expect.total"),
        ({"source": {"repo": "some/shop"}}, "source.commit"),
    ],
)
def test_a_wrong_word_type_or_number_fails_with_its_path(change: dict[str, Any], path: str) -> None:
    assert path in failed(case([TEN_PERCENT], **{"expect": RIGHT, **change}))


@pytest.mark.parametrize(
    ("kind", "field"),
    [("cart", "tier"), ("cart", "parts"), ("allocation", "total"), ("tier", "points_balance"), ("ledger", "tier")],
)
def test_an_assertion_that_nothing_compares_fails(kind: str, field: str) -> None:
    assert f"expect.{field}" in failed(line(type=kind, expect={field: 1}))


@pytest.mark.parametrize("missing", ["id", "source", "expect"])
def test_a_case_without_its_envelope_fails(missing: str) -> None:
    plain = json.loads(case([TEN_PERCENT], RIGHT))
    del plain[missing]
    assert missing in failed(json.dumps(plain))


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "7", "null", '{"id": NaN}', '{"id": "x-1", "id": "x-2"}', "[" * 100_000, '{"id": 7}', "\x00"],
)
def test_what_is_no_case_fails_and_the_next_one_is_run(text: str) -> None:
    results = list(run_lines([text, "", case([TEN_PERCENT], RIGHT)]))
    assert [result.status for result in results] == [Status.FAILED, Status.PASSED]
    assert all(result.why for result in results if result.status is Status.FAILED)


def test_two_cases_of_one_id_do_not_both_pass() -> None:
    text = case([TEN_PERCENT], RIGHT)
    assert [result.status for result in run_lines([text, text])] == [Status.PASSED, Status.FAILED]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subtotal": 3001},
        {"discount": 299},
        {"total": 2701},
        {"lines": {"a": 299}},
        {"lines": {"b": 0}},
        {"applied": []},
        {"applied": ["P", "Q"]},
        {"reasons": {"P": "min_spend"}},
        {"free_items": {"A": 1}},
        {"points_earned": "0.5"},
        {"points_spent": 1},
        {"points_balance": 1},
        {"to_pay": 3000},
        {"wallet_balance": 1},
        {"hint": {"P": {"missing_qty": 1}}},
    ],
)
def test_a_wrong_expectation_fails_whatever_it_is_about(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    assert name in failed(case([TEN_PERCENT], {**RIGHT, **wrong}))
