"""A pack that head office wrote wrongly is refused with the way to the mistake, and nothing hostile gets further."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import cbor
from contract.errors import ContractError, Reason
from rules.authoring import read_authored
from rules.pack import read_pack, write_pack
from tests.rules.samples import GOLD_10, POINTS, authored, first_pack, percent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def refusal(text: str) -> tuple[Reason, str]:
    with pytest.raises(ContractError) as caught:
        read_authored(text)
    return caught.value.reason, caught.value.path


def changed(path: tuple[str | int, ...], value: object) -> str:
    """The first pack with one value put in place of another."""
    plain: Any = first_pack()
    inner = plain
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(plain)


def test_a_pack_comes_back_from_its_bytes_as_it_was_written() -> None:
    pack = read_authored(json.dumps(first_pack()))
    content = write_pack(pack)
    assert read_pack(content) == pack
    assert write_pack(read_pack(content)) == content


@pytest.mark.parametrize(
    ("path", "value", "reason", "where"),
    [
        (("rules",), {}, Reason.WRONG_TYPE, "rules"),
        (("rules", 0), "gold", Reason.WRONG_TYPE, "rules[0]"),
        (("rules", 0, "lane"), ["line"], Reason.OUT_OF_RANGE, "rules[0].lane"),
        (("rules", 0, "lane"), {}, Reason.OUT_OF_RANGE, "rules[0].lane"),
        (("rules", 0, "lane"), "points", Reason.OUT_OF_RANGE, "rules[0].lane"),
        (("rules", 0, "code"), "import os", Reason.UNKNOWN_FIELD, "rules[0].code"),
        (("rules", 0, "title"), "", Reason.OUT_OF_RANGE, "rules[0].title"),
        (("rules", 0, "title"), "\ud800", Reason.OUT_OF_RANGE, "rules[0].title"),
        (("rules", 0, "rule"), "Gold 10", Reason.BAD_ID, "rules[0].rule"),
        (("rules", 0, "rule"), None, Reason.WRONG_TYPE, "rules[0].rule"),
        (("rules", 0, "rule"), "points", Reason.OUT_OF_RANGE, "rules[2].rule"),
        (("rules", 0, "priority"), True, Reason.WRONG_TYPE, "rules[0].priority"),
        (("rules", 0, "priority"), 10**400, Reason.OUT_OF_RANGE, "rules[0].priority"),
        (("rules", 0, "tiers"), "gold", Reason.WRONG_TYPE, "rules[0].tiers"),
        (("rules", 0, "tiers"), [["gold"]], Reason.WRONG_TYPE, "rules[0].conditions.tiers[0]"),
        (("rules", 0, "member"), "yes", Reason.WRONG_TYPE, "rules[0].conditions.member"),
        (("rules", 0, "percent_off_bp"), 0.1, Reason.WRONG_TYPE, "rules[0].effect.rate_bp"),
        (("rules", 0, "percent_off_bp"), 10_001, Reason.OUT_OF_RANGE, "rules[0].effect.rate_bp"),
        (("rules", 0, "spend_save"), {}, Reason.MISSING_FIELD, "rules[0]"),
        (("rules", 1, "spend_save"), 5, Reason.WRONG_TYPE, "rules[1].spend_save"),
        (("rules", 1, "spend_save", "evry"), True, Reason.UNKNOWN_FIELD, "rules[1].spend_save.evry"),
        (("rules", 1, "spend_save", "save_minor"), "20", Reason.WRONG_TYPE, "rules[1].effect.save_minor"),
        (("rules", 1, "spend_save", "save_minor"), 20_001, Reason.OUT_OF_RANGE, "rules[1].effect.save_minor"),
        (("rules", 1, "spend_save", "spend_minor"), 0, Reason.OUT_OF_RANGE, "rules[1].effect.spend_minor"),
        (("rules", 1, "spend_save", "spend_minor"), [], Reason.WRONG_TYPE, "rules[1].effect.spend_minor"),
        (("golden",), [], Reason.OUT_OF_RANGE, "golden"),
        (("golden", 0, "tier"), None, Reason.WRONG_TYPE, "golden[0].basket.customer.tier"),
        (("golden", 0, "points"), -1, Reason.OUT_OF_RANGE, "golden[0].points"),
        (("golden", 0, "lines", 0, "quantity"), 1.5, Reason.WRONG_TYPE, "golden[0].basket.lines[0].quantity"),
        (("golden", 0, "lines", 0, "quantity"), 0, Reason.OUT_OF_RANGE, "golden[0].basket.lines[0].quantity"),
        (("golden", 0, "lines", 0, "quantity"), 10**30, Reason.OUT_OF_RANGE, "golden[0].basket.lines[0].quantity"),
        (("golden", 0, "lines", 0, "price"), 1, Reason.UNKNOWN_FIELD, "golden[0].lines[0].price"),
        (("currency",), "yuan", Reason.OUT_OF_RANGE, "currency"),
        (("currency",), [], Reason.WRONG_TYPE, "currency"),
        (("note",), "hello", Reason.UNKNOWN_FIELD, "note"),
    ],
)
def test_a_mistake_is_refused_with_the_way_to_it(
    path: tuple[str | int, ...], value: object, reason: Reason, where: str
) -> None:
    assert refusal(changed(path, value)) == (reason, where)


@pytest.mark.parametrize("missing", ["currency", "rules", "golden"])
def test_a_missing_part_is_named(missing: str) -> None:
    plain = first_pack()
    del plain[missing]
    assert refusal(json.dumps(plain)) == (Reason.MISSING_FIELD, missing)


def test_a_rule_says_exactly_one_thing() -> None:
    nothing = {key: value for key, value in GOLD_10.items() if key != "percent_off_bp"}
    both = {**GOLD_10, "points_per_money": POINTS["points_per_money"]}
    for rule in (nothing, both):
        assert refusal(json.dumps(authored(rule))) == (Reason.MISSING_FIELD, "rules[0]")


def test_a_name_given_twice_is_refused_rather_than_guessed() -> None:
    assert refusal('{"currency": "CNY", "currency": "EUR", "rules": [], "golden": []}') == (
        Reason.UNKNOWN_FIELD,
        "currency",
    )


def test_tags_without_a_tier_are_refused_rather_than_ignored() -> None:
    golden = {"lines": [], "tags": ["birthday"], "payable_minor": 0, "points": 0}
    assert refusal(json.dumps(authored(golden=golden))) == (Reason.MISSING_FIELD, "golden[0].tier")


def test_a_percentage_of_a_category_belongs_in_the_line_lane() -> None:
    rule = {**percent("tea", 1_000, 0), "categories": ["tea"]}
    assert refusal(json.dumps(authored(rule))) == (Reason.OUT_OF_RANGE, "rules[0].conditions.categories")


def test_points_that_no_entry_could_hold_are_refused_in_the_pack() -> None:
    rule = {**POINTS, "points_per_money": {"points": 1_000_000, "spend_minor": 1}}
    assert refusal(json.dumps(authored(rule))) == (Reason.OUT_OF_RANGE, "rules[0].effect.points")


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "5", '"x"', "[" * 100_000, "1" * 5_000, "NaN", "\x00", "{}{}"])
def test_what_is_no_pack_at_all_is_refused(text: str) -> None:
    assert refusal(text)[0] in {Reason.WRONG_TYPE, Reason.MISSING_FIELD}


@given(st.sampled_from([("rules", 0), ("rules", 0, "lane"), ("rules", 1, "spend_save"), ("golden", 0)]), JSON)
def test_no_json_raises_anything_but_contract_error(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(ContractError):
        read_authored(changed(path, value))


@given(st.binary(max_size=200))
def test_no_bytes_make_a_pack_raise_anything_but_contract_error(data: bytes) -> None:
    with pytest.raises(ContractError):
        read_pack(data)


def test_a_pack_of_a_newer_grammar_or_with_an_unknown_field_is_not_half_understood() -> None:
    content = write_pack(read_authored(json.dumps(first_pack())))
    plain = cbor.decode(content, len(content))
    for change, reason in (({1: 2}, Reason.NEWER_GRAMMAR), ({9: 1}, Reason.UNKNOWN_FIELD)):
        with pytest.raises(ContractError) as caught:
            read_pack(cbor.encode({**plain, **change}))
        assert caught.value.reason is reason
