"""A pack that head office wrote wrongly is refused with the way to the mistake, and nothing hostile gets further."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import cbor, wire
from contract.errors import ContractError, Reason
from hq.zones import zone_steps
from rules.authoring import MOST_ZONES, read_authored, read_authored_basket, write_authored
from rules.grammar.pack import Pack, Zone, ZoneStep
from rules.pack import GRAMMAR, read_pack, write_pack
from tests.rules.generated import packs
from tests.rules.samples import GOLD_10, POINTS, authored, first_pack, rule

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES: list[tuple[str | int, ...]] = [
    ("rules",),
    ("rules", 0),
    ("rules", 0, "lane"),
    ("rules", 0, "when", 0),
    ("rules", 0, "when", 0, "tier"),
    ("rules", 1, "then", 0),
    ("rules", 1, "then", 0, "spend_save"),
    ("golden", 0),
    ("golden", 0, "basket"),
    ("zones",),
    ("shops",),
    ("policies",),
]


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


def test_a_pack_comes_back_from_its_bytes_and_from_its_text_as_it_was_written() -> None:
    pack = read_authored(json.dumps(first_pack()))
    assert pack.grammar == GRAMMAR
    content = write_pack(pack)
    assert read_pack(content) == pack
    assert write_pack(read_pack(content)) == content
    assert read_authored(write_authored(pack)) == pack


@settings(max_examples=60, deadline=None)
@given(packs())
def test_any_pack_that_makes_sense_comes_back_from_its_bytes_and_from_its_text(pack: Pack) -> None:
    assert read_pack(write_pack(pack)) == pack
    assert read_authored(write_authored(pack)) == pack


def test_what_is_authored_says_no_more_than_it_must() -> None:
    written = write_authored(read_authored(json.dumps(first_pack())))
    assert json.loads(written) == first_pack()
    assert "金卡" in write_authored(read_authored(json.dumps(authored({**GOLD_10, "title": "金卡9折"}))))


@pytest.mark.parametrize(
    ("path", "value", "reason", "where"),
    [
        (("rules",), {}, Reason.WRONG_TYPE, "rules"),
        (("rules", 0), "gold", Reason.WRONG_TYPE, "rules[0]"),
        (("rules", 0, "lane"), ["line"], Reason.OUT_OF_RANGE, "rules[0].lane"),
        (("rules", 0, "lane"), {}, Reason.OUT_OF_RANGE, "rules[0].lane"),
        (("rules", 0, "code"), "import os", Reason.UNKNOWN_FIELD, "rules[0].code"),
        (("rules", 0, "title"), "", Reason.OUT_OF_RANGE, "rules[0].title"),
        (("rules", 0, "title"), "\ud800", Reason.OUT_OF_RANGE, "rules[0].title"),
        (("rules", 0, "rule"), "Gold 10", Reason.BAD_ID, "rules[0].rule"),
        (("rules", 0, "rule"), None, Reason.WRONG_TYPE, "rules[0].rule"),
        (("rules", 0, "rule"), "points", Reason.OUT_OF_RANGE, "rules[2].rule"),
        (("rules", 0, "priority"), True, Reason.WRONG_TYPE, "rules[0].priority"),
        (("rules", 0, "priority"), -1, Reason.OUT_OF_RANGE, "rules[0].priority"),
        (("rules", 0, "priority"), 10**400, Reason.OUT_OF_RANGE, "rules[0].priority"),
        (("rules", 0, "when"), {"tier": ["gold"]}, Reason.WRONG_TYPE, "rules[0].when"),
        (("rules", 0, "when", 0), {"teir": ["gold"]}, Reason.UNKNOWN_FIELD, "rules[0].when[0].teir"),
        (("rules", 0, "when", 0), {"tier": ["gold"], "member": True}, Reason.WRONG_TYPE, "rules[0].when[0]"),
        (("rules", 0, "when", 0, "tier"), "gold", Reason.WRONG_TYPE, "rules[0].when[0].tier"),
        (("rules", 0, "when", 0, "tier"), [["gold"]], Reason.WRONG_TYPE, "rules[0].when[0].tier[0]"),
        (("rules", 2, "when", 0, "member"), "yes", Reason.WRONG_TYPE, "rules[2].when[0].member"),
        (("rules", 0, "then"), [], Reason.OUT_OF_RANGE, "rules[0].then"),
        (("rules", 0, "then", 0, "percent", "rate_bp"), 0.1, Reason.WRONG_TYPE, "rules[0].then[0].percent.rate_bp"),
        (
            ("rules", 0, "then", 0, "percent", "rate_bp"),
            10_001,
            Reason.OUT_OF_RANGE,
            "rules[0].then[0].percent.rate_bp",
        ),
        (("rules", 1, "then", 0, "spend_save"), 5, Reason.WRONG_TYPE, "rules[1].then[0].spend_save"),
        (("rules", 1, "then", 0, "spend_save"), {}, Reason.MISSING_FIELD, "rules[1].then[0].spend_save.steps"),
        (
            ("rules", 1, "then", 0, "spend_save", "evry"),
            True,
            Reason.UNKNOWN_FIELD,
            "rules[1].then[0].spend_save.evry",
        ),
        (
            ("rules", 1, "then", 0, "spend_save", "steps", 0, "save_minor"),
            "20",
            Reason.WRONG_TYPE,
            "rules[1].then[0].spend_save.steps[0].save_minor",
        ),
        (("golden",), [], Reason.OUT_OF_RANGE, "golden"),
        (("golden", 0, "basket", "customer", "tier"), None, Reason.WRONG_TYPE, "golden[0].basket.customer.tier"),
        (("golden", 0, "basket", "customer"), {}, Reason.MISSING_FIELD, "golden[0].basket.customer.tier"),
        (("golden", 0, "points"), -1, Reason.OUT_OF_RANGE, "golden[0].points"),
        (("currency",), "yuan", Reason.OUT_OF_RANGE, "currency"),
        (("currency",), [], Reason.WRONG_TYPE, "currency"),
        (("note",), "hello", Reason.UNKNOWN_FIELD, "note"),
        (("grammar",), GRAMMAR, Reason.UNKNOWN_FIELD, "grammar"),
        (("zones",), "UTC", Reason.WRONG_TYPE, "zones"),
        (("zones",), ["UTC", 5], Reason.WRONG_TYPE, "zones[1]"),
        (("zones",), ["UTC", "Mars/Olympus"], Reason.OUT_OF_RANGE, "zones[1]"),
        (("zones",), ["UTC", "UTC"], Reason.OUT_OF_RANGE, "zones[1].name"),
        (("zones",), ["UTC"] * (MOST_ZONES + 1), Reason.OUT_OF_RANGE, "zones"),
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


def test_a_name_given_twice_is_refused_rather_than_guessed() -> None:
    assert refusal('{"currency": "CNY", "currency": "EUR", "rules": [], "golden": []}') == (
        Reason.UNKNOWN_FIELD,
        "currency",
    )


def test_a_time_zone_is_written_by_its_name_and_travels_with_its_steps() -> None:
    text = json.dumps(authored(POINTS, zones=["Asia/Shanghai", "UTC"]))
    east, utc = Zone("Asia/Shanghai", (ZoneStep(0, 115_200),)), Zone("UTC", (ZoneStep(0, 86_400),))
    assert read_authored(text).zones == (east, utc)
    assert json.loads(write_authored(read_authored(text)))["zones"] == ["Asia/Shanghai", "UTC"]


def test_the_zones_known_without_a_database_are_what_the_database_says() -> None:
    text = json.dumps(authored(POINTS, zones=["Asia/Shanghai", "UTC"]))
    assert read_authored(text, zone_steps) == read_authored(text)


def test_a_zone_that_does_not_exist_is_refused_with_what_was_probably_meant() -> None:
    text = json.dumps(authored(POINTS, zones=["Europe/Berlin", "Asia/Shangai"]))
    with pytest.raises(ContractError, match=r"zones\[1\]: no such time zone; did you mean Asia/Shanghai\?"):
        read_authored(text, zone_steps)


def test_as_many_zones_may_be_named_as_a_pack_may_hold() -> None:
    shapes = {part.name: part.kind.shape for part in wire.layout(Pack)}
    assert isinstance(shapes["zones"], wire.Several)
    assert shapes["zones"].most == MOST_ZONES


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "5", '"x"', "[" * 100_000, "1" * 5_000, "NaN", "\x00", "{}{}"])
def test_what_is_no_pack_at_all_is_refused(text: str) -> None:
    assert refusal(text)[0] in {Reason.WRONG_TYPE, Reason.MISSING_FIELD, Reason.OUT_OF_RANGE}


def test_conditions_100_000_deep_are_refused() -> None:
    for opening, closing in (('{"not":', "}"), ('{"all":[', "]}")):
        for deep, where in ((100_000, ""), (100, "rules[0].when[0]")):
            deepest = opening * deep + '{"member": true}' + closing * deep
            text = json.dumps(first_pack()).replace('{"tier": ["gold"]}', deepest)
            reason, path = refusal(text)
            assert reason is Reason.OUT_OF_RANGE
            assert path.startswith(where)


def test_a_pack_of_many_megabytes_is_read_or_refused_by_its_size() -> None:
    skus = [f"sku-{number}" for number in range(5_000)]
    rules = [rule(f"r{n}", "line", {"member_price": {"select": {"skus": skus}}}) for n in range(200)]
    text = json.dumps(authored(*rules))
    assert len(text) > 10_000_000
    with pytest.raises(ContractError) as caught:
        write_pack(read_authored(text))
    assert caught.value.reason is Reason.TOO_LARGE
    assert refusal(" " * (33 * 1024 * 1024)) == (Reason.TOO_LARGE, "")


@given(st.sampled_from(PLACES), JSON)
def test_no_json_raises_anything_but_contract_error(path: tuple[str | int, ...], value: object) -> None:
    try:
        assert isinstance(read_authored(changed(path, value)), Pack)
    except ContractError as error:
        str(error).encode()


@given(JSON)
def test_no_basket_raises_anything_but_contract_error(value: object) -> None:
    for plain in (value, {"lines": value}, {"lines": [], "customer": value}, {"lines": [value]}):
        try:
            read_authored_basket(json.dumps(plain))
        except ContractError as error:
            str(error).encode()


@pytest.mark.parametrize(
    ("line", "reason", "where"),
    [
        ({"quantity": 0}, Reason.OUT_OF_RANGE, "lines[0].quantity"),
        ({"quantity": -1}, Reason.OUT_OF_RANGE, "lines[0].quantity"),
        ({"quantity": 1.5}, Reason.WRONG_TYPE, "lines[0].quantity"),
        ({"quantity": 10**30}, Reason.OUT_OF_RANGE, "lines[0].quantity"),
        ({"unit_price_minor": 2**63}, Reason.OUT_OF_RANGE, "lines[0].unit_price_minor"),
        ({"unit_price_minor": -1}, Reason.OUT_OF_RANGE, "lines[0].unit_price_minor"),
        ({"weight_g": 0}, Reason.OUT_OF_RANGE, "lines[0].weight_g"),
        ({"price": 1}, Reason.UNKNOWN_FIELD, "lines[0].price"),
    ],
)
def test_a_basket_line_that_cannot_be_is_refused(line: dict[str, Any], reason: Reason, where: str) -> None:
    plain = {"lines": [{"sku": "tea", "quantity": 1, "unit_price_minor": 100, **line}]}
    with pytest.raises(ContractError) as caught:
        read_authored_basket(json.dumps(plain))
    assert (caught.value.reason, caught.value.path) == (reason, where)


def test_a_basket_has_at_most_a_thousand_lines() -> None:
    lines = [{"sku": "tea", "quantity": 1, "unit_price_minor": 100}]
    assert len(read_authored_basket(json.dumps({"lines": lines * 1_000})).lines) == 1_000
    with pytest.raises(ContractError):
        read_authored_basket(json.dumps({"lines": lines * 10_000}))


@given(st.binary(max_size=200))
def test_no_bytes_make_a_pack_raise_anything_but_contract_error(data: bytes) -> None:
    with pytest.raises(ContractError):
        read_pack(data)


def test_a_pack_of_another_grammar_or_with_an_unknown_field_is_not_half_understood() -> None:
    content = write_pack(read_authored(json.dumps(first_pack())))
    plain = cbor.decode(content, len(content))
    for change, reason in (
        ({1: GRAMMAR + 1}, Reason.NEWER_GRAMMAR),
        ({1: GRAMMAR - 1}, Reason.NEWER_GRAMMAR),
        ({200: 1}, Reason.UNKNOWN_FIELD),
    ):
        with pytest.raises(ContractError) as caught:
            read_pack(cbor.encode({**plain, **change}))
        assert caught.value.reason is reason


def test_who_writes_of_hours_writes_of_a_zone() -> None:
    plain = authored(
        rule("evening", "line", {"member_price": {}}, when=[{"not": {"clock": [{"start": "18:00", "end": "20:00"}]}}])
    )
    with pytest.raises(ContractError) as caught:
        read_authored(json.dumps(plain))
    assert (caught.value.reason, caught.value.path) == (Reason.MISSING_FIELD, "zones")
    read_authored(json.dumps(plain | {"zones": ["UTC"]}))


def test_a_name_that_is_like_none_is_not_taken_for_another() -> None:
    """``discount`` is no ``issue_coupon``, however many letters they share; ``skus`` stand one step further in."""
    for effect, path, hint in (
        ({"discount": {"rate_bp": 1}}, "rules[0].then[0].discount", ""),
        ({"percent": {"rate_bp": 1, "scope": "line", "skus": ["a"]}}, "rules[0].then[0].percent.skus", "select.skus"),
    ):
        with pytest.raises(ContractError) as caught:
            read_authored(json.dumps(authored(rule("r", "line", effect))))
        assert (caught.value.reason, caught.value.path) == (Reason.UNKNOWN_FIELD, path)
        assert caught.value.detail == (f"did you mean {hint}?" if hint else "")
