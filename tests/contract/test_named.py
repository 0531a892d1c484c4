"""A record that people write comes back as it was meant, and every mistake in it is refused with the way to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contract import wire
from contract.calendar import DAY, LOCAL_MINUTE, MINUTE, YEARLY
from contract.errors import ContractError, Reason
from contract.named import MOST_DEPTH, json_schema, parse_json, read_named, write_named


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True, slots=True)
class Named:
    """The name is this."""

    KEY: ClassVar[int] = 1
    name: str = wire.at(1, wire.text(5, "[a-z]{1,5}"))


@dataclass(frozen=True, slots=True)
class Opposite:
    """This does not hold."""

    KEY: ClassVar[int] = 2
    part: Named | Opposite | Between | Free = wire.at(1, wire.later(lambda: QUESTION))


@dataclass(frozen=True, slots=True)
class Between:
    """It lies between."""

    KEY: ClassVar[int] = 3
    low: int = wire.at(1, wire.whole(0, 9))
    high: int = wire.maybe(2, wire.whole(0, 9), 9)


@dataclass(frozen=True, slots=True)
class Free:
    """Its only field may be left out."""

    KEY: ClassVar[int] = 4
    most: int | None = wire.maybe(1, wire.whole(0, 9))


QUESTION: wire.Kind = wire.one_of(named=Named, not_=Opposite, between=Between, free=Free)


@dataclass(frozen=True, slots=True)
class Dated:
    """Days and times."""

    day: int = wire.maybe(1, DAY, 0)
    minute: int = wire.maybe(2, MINUTE, 0)
    yearly: int | None = wire.maybe(3, YEARLY)
    moment: int | None = wire.maybe(4, LOCAL_MINUTE)


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything a record may hold. ``amount_minor`` is needed."""

    amount_minor: int = wire.at(1, wire.whole(0, 100))
    asked: tuple[Any, ...] = wire.maybe(2, wire.many(QUESTION, 3), ())
    colour: Colour = wire.maybe(3, wire.choice(Colour), Colour.RED)
    dated: Dated | None = wire.maybe(4, wire.record(Dated))
    data: bytes | None = wire.maybe(5, wire.octets(2))
    times: int = wire.maybe(6, wire.whole(2, 9), 1)
    on: bool = wire.maybe(7, wire.flag(), False)


def refusal(plain: object) -> tuple[Reason, str, str]:
    with pytest.raises(ContractError) as caught:
        read_named(Whole, plain)
    return caught.value.reason, caught.value.path, caught.value.detail


def unparsed(text: str, max_bytes: int = 1_000_000) -> tuple[Reason, str, str]:
    with pytest.raises(ContractError) as caught:
        parse_json(text, max_bytes)
    return caught.value.reason, caught.value.path, caught.value.detail


def test_a_record_is_written_with_names_and_without_its_defaults() -> None:
    written = write_named(Whole(5, (Named("tea"), Opposite(Between(1)), Free()), Colour.GREEN, data=b"\x01\xff"))
    assert written == {
        "amount_minor": 5,
        "asked": [{"named": "tea"}, {"not": {"between": {"low": 1}}}, {"free": {}}],
        "colour": "green",
        "data": "01ff",
    }
    assert json.loads(json.dumps(written)) == written


def test_days_and_times_are_written_as_iso_8601_has_them() -> None:
    written = write_named(Whole(5, dated=Dated(20_622, 510, 618, 20_622 * 1_440 + 1_200)))
    assert written["dated"] == {
        "day": "2026-06-18",
        "minute": "08:30",
        "yearly": "06-18",
        "moment": "2026-06-18T20:00",
    }
    assert read_named(Whole, written).dated == Dated(20_622, 510, 618, 20_622 * 1_440 + 1_200)


def test_a_field_that_has_its_default_may_be_written_or_left_out() -> None:
    in_full: dict[str, object] = {"asked": [], "colour": "red", "dated": None, "data": None, "times": 1, "on": False}
    assert read_named(Whole, {"amount_minor": 5, **in_full}) == read_named(Whole, {"amount_minor": 5}) == Whole(5)


def test_a_record_whose_only_field_may_be_left_out_is_written_as_an_object() -> None:
    written = {"amount_minor": 1, "asked": [{"free": {}}, {"free": {"most": 3}}]}
    assert read_named(Whole, written).asked == (Free(), Free(3))
    assert refusal({"amount_minor": 1, "asked": [{"free": 3}]})[:2] == (Reason.WRONG_TYPE, "asked[0].free")


@pytest.mark.parametrize(
    ("change", "reason", "path", "hint"),
    [
        ({"amount_minr": 1}, Reason.UNKNOWN_FIELD, "amount_minr", ""),
        ({"day": "2026-06-18"}, Reason.UNKNOWN_FIELD, "day", "did you mean dated.day?"),
        ({"dated": "2026-06-18"}, Reason.WRONG_TYPE, "dated", 'expected an object: {"day": ...'),
        ({"asked": {"named": "x"}}, Reason.WRONG_TYPE, "asked", "expected a list: [{...}]"),
        ({"asked": "\u202e"}, Reason.WRONG_TYPE, "asked", "expected a list: [...]"),
        ({"asked": [{"discounted": "x"}]}, Reason.UNKNOWN_FIELD, "asked[0].discounted", ""),
        ({"asked": "x"}, Reason.WRONG_TYPE, "asked", 'expected a list: ["x"]'),
        ({"asked": 7}, Reason.WRONG_TYPE, "asked", "expected a list: [7]"),
        ({"colur": "red"}, Reason.UNKNOWN_FIELD, "colur", "did you mean colour?"),
        ({"\ud800 x": 1}, Reason.UNKNOWN_FIELD, '"\\ud800 x"', ""),
        ({"amount_minor": None}, Reason.WRONG_TYPE, "amount_minor", "integer"),
        ({"amount_minor": True}, Reason.WRONG_TYPE, "amount_minor", "integer"),
        ({"amount_minor": 101}, Reason.OUT_OF_RANGE, "amount_minor", "0 to 100"),
        ({"asked": {}}, Reason.WRONG_TYPE, "asked", "list"),
        ({"asked": [{"named": "x"}] * 4}, Reason.OUT_OF_RANGE, "asked", "0 to 3"),
        ({"asked": ["named"]}, Reason.WRONG_TYPE, "asked[0]", "named, not, between"),
        ({"asked": [{}]}, Reason.WRONG_TYPE, "asked[0]", "one of"),
        ({"asked": [{"named": "x", "free": {}}]}, Reason.WRONG_TYPE, "asked[0]", "one of"),
        ({"asked": [{"nmaed": "x"}]}, Reason.UNKNOWN_FIELD, "asked[0].nmaed", "did you mean named?"),
        ({"asked": [{"named": "X"}]}, Reason.BAD_ID, "asked[0].named", "[a-z]"),
        ({"asked": [{"named": {"name": "x"}}]}, Reason.WRONG_TYPE, "asked[0].named", "text"),
        ({"asked": [{"not": {"not": {"between": {}}}}]}, Reason.MISSING_FIELD, "asked[0].not.not.between.low", ""),
        ({"colour": "blue"}, Reason.OUT_OF_RANGE, "colour", "red, green"),
        ({"colour": ["red"]}, Reason.OUT_OF_RANGE, "colour", "red, green"),
        ({"dated": {"day": "2026-02-30"}}, Reason.OUT_OF_RANGE, "dated.day", "2026-06-18"),
        ({"dated": {"day": 5}}, Reason.WRONG_TYPE, "dated.day", "text"),
        ({"dated": {"minute": "24:01"}}, Reason.OUT_OF_RANGE, "dated.minute", "08:30"),
        ({"dated": {"yearly": "06-31"}}, Reason.OUT_OF_RANGE, "dated.yearly", "06-18"),
        ({"dated": {"moment": "2026-06-18 20:00"}}, Reason.OUT_OF_RANGE, "dated.moment", "2026-06-18T20:00"),
        ({"data": "0x01"}, Reason.WRONG_TYPE, "data", "hexadecimal"),
        ({"times": 0}, Reason.OUT_OF_RANGE, "times", "2 to 9"),
        ({"times": True}, Reason.WRONG_TYPE, "times", "integer"),
        ({"on": 0}, Reason.WRONG_TYPE, "on", "true or false"),
    ],
)
def test_a_mistake_is_refused_with_the_way_to_it(
    change: Mapping[str, object], reason: Reason, path: str, hint: str
) -> None:
    found = refusal({"amount_minor": 5, **change})
    assert found[:2] == (reason, path)
    assert hint in found[2]


def test_a_missing_field_is_named_and_a_misspelt_one_is_called_that() -> None:
    assert refusal({})[:2] == (Reason.MISSING_FIELD, "amount_minor")
    assert refusal({"amount": 1}) == (Reason.UNKNOWN_FIELD, "amount", "did you mean amount_minor?")
    assert refusal([])[:2] == (Reason.WRONG_TYPE, "")


def test_the_way_to_a_mistake_begins_where_the_reader_was_told() -> None:
    with pytest.raises(ContractError) as caught:
        read_named(Whole, {"amount_minor": 1, "dated": {"day": "x"}}, "packs[2]")
    assert caught.value.path == "packs[2].dated.day"


def test_nothing_nested_without_end_is_followed() -> None:
    inner: dict[str, Any] = {"named": "x"}
    for _ in range(MOST_DEPTH * 100):
        inner = {"not": inner}
    reason, path, detail = refusal({"amount_minor": 1, "asked": [inner]})
    assert (reason, detail) == (Reason.OUT_OF_RANGE, "nested too deeply")
    assert path.startswith("asked[0].not.not.")


def test_a_field_beyond_its_limits_is_not_written() -> None:
    for record in (Whole(101), Whole(1, (Named("X"),)), Whole(1, (Dated(),)), Whole(1, dated=Dated(-1))):
        with pytest.raises(ContractError):
            write_named(record)


QUESTIONS = st.recursive(
    st.builds(Named, st.from_regex("[a-z]{1,5}", fullmatch=True))
    | st.builds(Between, st.integers(0, 9), st.integers(0, 9))
    | st.builds(Free, st.none() | st.integers(0, 9)),
    lambda inner: st.builds(Opposite, inner),
    max_leaves=4,
)
DATES = st.builds(Dated, st.integers(0, 80_000), st.integers(0, 1_440), st.none() | st.just(229), st.none())
WHOLES = st.builds(
    Whole,
    st.integers(0, 100),
    st.lists(QUESTIONS, max_size=3).map(tuple),
    st.sampled_from(Colour),
    st.none() | DATES,
    st.none() | st.binary(min_size=2, max_size=2),
    st.integers(1, 9),
    st.booleans(),
)


@given(WHOLES)
def test_every_record_comes_back_as_it_was_written_and_its_schema_takes_it(record: Whole) -> None:
    written = json.loads(json.dumps(write_named(record)))
    assert read_named(Whole, written) == record
    Draft202012Validator(json_schema(Whole, {"Question": QUESTION})).validate(written)


def test_the_schema_describes_each_record_in_the_words_of_its_docstring() -> None:
    schema = json_schema(Whole, {"Question": QUESTION})
    Draft202012Validator.check_schema(schema)
    assert schema["$ref"] == "#/$defs/Whole"
    whole = schema["$defs"]["Whole"]
    assert whole["description"] == "Everything a record may hold. amount_minor is needed."
    assert whole["required"] == ["amount_minor"]
    assert whole["properties"]["colour"] == {"enum": ["red", "green"], "default": "red"}
    assert [option["title"] for option in schema["$defs"]["Question"]["oneOf"]] == ["named", "not", "between", "free"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": "5"},
        {"amount_minor": 5, "colur": "red"},
        {"amount_minor": 5, "asked": [{"named": "x", "free": {}}]},
        {"amount_minor": 5, "asked": [{"not": {"not": {"named": "X"}}}]},
        {"amount_minor": 5, "times": 0},
        {},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(wrong: object) -> None:
    refusal(wrong)
    assert not Draft202012Validator(json_schema(Whole, {"Question": QUESTION})).is_valid(wrong)


def test_alternatives_without_a_name_have_no_schema() -> None:
    with pytest.raises(TypeError):
        json_schema(Whole, {})


@pytest.mark.parametrize(
    ("text", "reason", "path", "hint"),
    [
        ("", Reason.WRONG_TYPE, "", "line 1 column 1"),
        ("{", Reason.WRONG_TYPE, "", "line 1 column 2"),
        ('{"a": 1,}', Reason.WRONG_TYPE, "", "not JSON"),
        ("{}{}", Reason.WRONG_TYPE, "", "not JSON"),
        ("\ufeff{}", Reason.WRONG_TYPE, "", "not JSON"),
        ('"\x00"', Reason.WRONG_TYPE, "", "not JSON"),
        ('{"a": [{"b": 12.50}]}', Reason.WRONG_TYPE, "a[0].b", "amounts are whole minor units"),
        ('{"a": 1e2}', Reason.WRONG_TYPE, "a", "whole"),
        ("[NaN]", Reason.WRONG_TYPE, "[0]", "NaN"),
        ("-Infinity", Reason.WRONG_TYPE, "", "-Infinity"),
        ('{"a": ' + "9" * 5_000 + "}", Reason.OUT_OF_RANGE, "a", "5000 digits"),
        ('{"a": {"b": 1, "c": 2, "b": 1}}', Reason.UNKNOWN_FIELD, "a.b", "twice"),
        ('{"a": 1.5, "b": 2.5}', Reason.WRONG_TYPE, "a", "1.5"),
        ("[" * 100_000, Reason.OUT_OF_RANGE, "", "nested"),
        ('{"a":' * 100_000, Reason.OUT_OF_RANGE, "", "nested"),
        ("[" * 100_000 + "]" * 100_000, Reason.OUT_OF_RANGE, "", "nested"),
    ],
)
def test_json_that_says_two_things_or_none_is_refused(text: str, reason: Reason, path: str, hint: str) -> None:
    found = unparsed(text)
    assert found[:2] == (reason, path)
    assert hint in found[2]


def test_json_larger_than_allowed_is_not_looked_at() -> None:
    assert parse_json('"满减"', 8) == "满减"
    assert unparsed('"满减"', 7)[0] is Reason.TOO_LARGE
    assert unparsed('"' + "x" * 1_000)[0] is Reason.WRONG_TYPE
    assert unparsed('"' + "x" * 1_000, 100)[0] is Reason.TOO_LARGE


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(ANY_JSON)
def test_whole_json_comes_back_as_the_standard_reader_reads_it(plain: object) -> None:
    text = json.dumps(plain)
    try:
        assert parse_json(text, 1_000_000) == json.loads(text)
    except ContractError as error:
        assert error.reason is Reason.OUT_OF_RANGE
        assert any(len(run) > 20 for run in text.replace("-", " ").replace(",", " ").split())


@given(ANY_JSON, st.sampled_from(["amount_minor", "asked", "colour", "dated", "data", "times", "on"]))
def test_no_json_makes_the_reader_raise_anything_but_contract_error(plain: object, field: str) -> None:
    for written in (plain, {"amount_minor": 5, field: plain}, {"amount_minor": 5, "asked": [{"not": plain}]}):
        try:
            read_named(Whole, written)
        except ContractError as error:
            str(error).encode()
