"""A record is read strictly: what is unknown, missing, of another type or beyond a limit is refused with the way to the
field.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import cbor, wire
from contract.errors import ContractError, Reason
from contract.trade import SaleBody, Tender, TenderKind
from tests.contract.samples import sale


@dataclass(frozen=True, slots=True)
class Inner:
    number: int = wire.at(1, wire.whole(0, 10))


@dataclass(frozen=True, slots=True)
class Outer:
    name: str = wire.at(1, wire.text(5, "[a-z]{1,5}"))
    inners: tuple[Inner, ...] = wire.at(2, wire.many(wire.record(Inner), 2, least=1))
    data: bytes = wire.at(3, wire.octets(2, 4))
    kind: TenderKind = wire.at(4, wire.choice(TenderKind))
    on: bool = wire.at(5, wire.flag())
    note: str | None = wire.maybe(6, wire.text(20))


GOOD: dict[int, object] = {1: "abc", 2: [{1: 3}], 3: b"xy", 4: "cash", 5: True}
OUTER = Outer("abc", (Inner(3),), b"xy", TenderKind.CASH, True)


def refusal(plain: object) -> tuple[Reason, str]:
    with pytest.raises(ContractError) as caught:
        wire.from_wire(Outer, plain)
    return caught.value.reason, caught.value.path


def test_a_record_comes_back_as_it_went() -> None:
    assert wire.unpack(Outer, wire.pack(OUTER), 100) == OUTER
    with_note = replace(OUTER, note="会员")
    assert wire.unpack(Outer, wire.pack(with_note), 100) == with_note


def test_an_absent_field_is_left_out_of_the_bytes() -> None:
    assert cbor.decode(wire.pack(OUTER), 100) == GOOD


def test_an_unknown_field_is_refused_also_deep_inside() -> None:
    assert refusal({**GOOD, 7: 1}) == (Reason.UNKNOWN_FIELD, "")
    assert refusal({**GOOD, 2: [{1: 3, 9: 1}]}) == (Reason.UNKNOWN_FIELD, "inners[0]")
    assert refusal(dict(GOOD) | {"name": "x"}) == (Reason.UNKNOWN_FIELD, "")


def test_a_missing_field_is_refused_by_name() -> None:
    assert refusal({key: GOOD[key] for key in GOOD if key != 3}) == (Reason.MISSING_FIELD, "data")
    assert refusal({**GOOD, 2: [{1: 3}, {}]}) == (Reason.MISSING_FIELD, "inners[1].number")


@pytest.mark.parametrize(
    ("key", "value", "reason", "path"),
    [
        (1, 5, Reason.WRONG_TYPE, "name"),
        (1, "", Reason.OUT_OF_RANGE, "name"),
        (1, "abcdef", Reason.OUT_OF_RANGE, "name"),
        (1, "ABC", Reason.BAD_ID, "name"),
        (1, "abc\n", Reason.OUT_OF_RANGE, "name"),
        (2, {}, Reason.WRONG_TYPE, "inners"),
        (2, [], Reason.OUT_OF_RANGE, "inners"),
        (2, [{1: 1}] * 3, Reason.OUT_OF_RANGE, "inners"),
        (2, [7], Reason.WRONG_TYPE, "inners[0]"),
        (2, [{1: 11}], Reason.OUT_OF_RANGE, "inners[0].number"),
        (2, [{1: True}], Reason.WRONG_TYPE, "inners[0].number"),
        (3, "xy", Reason.WRONG_TYPE, "data"),
        (3, b"x", Reason.OUT_OF_RANGE, "data"),
        (3, b"12345", Reason.OUT_OF_RANGE, "data"),
        (4, "gold", Reason.OUT_OF_RANGE, "kind"),
        (4, [], Reason.OUT_OF_RANGE, "kind"),
        (5, 1, Reason.WRONG_TYPE, "on"),
        (6, "a\x00b", Reason.OUT_OF_RANGE, "note"),
        (6, "\x85", Reason.OUT_OF_RANGE, "note"),
        (6, "\ud800", Reason.OUT_OF_RANGE, "note"),
        *[(6, f"a{char}b", Reason.OUT_OF_RANGE, "note") for char in "\u202e\u2066\u200b\u200d\u2028\u2029\ufeff\xad"],
    ],
)
def test_a_wrong_type_or_a_value_beyond_its_limit_is_refused_with_its_path(
    key: int, value: object, reason: Reason, path: str
) -> None:
    assert refusal({**GOOD, key: value}) == (reason, path)


def test_text_of_any_script_travels_with_its_own_spaces() -> None:
    for note in ("满减\u3000券", "a\xa0b", "día", "😀"):
        assert wire.from_wire(Outer, {**GOOD, 6: note}).note == note


def test_what_is_not_a_map_is_no_record() -> None:
    assert refusal([1, 2]) == (Reason.WRONG_TYPE, "")


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (replace(OUTER, inners=(Inner(3), Inner(99))), "inners[1].number"),
        (replace(OUTER, inners=()), "inners"),
        (replace(OUTER, inners=(Inner(1),) * 3), "inners"),
        (replace(OUTER, name="UP"), "name"),
    ],
)
def test_writing_keeps_the_same_limits_as_reading(broken: Outer, path: str) -> None:
    with pytest.raises(ContractError) as caught:
        wire.pack(broken)
    assert caught.value.path == path


def test_a_list_of_too_many_tenders_is_not_written() -> None:
    with pytest.raises(ContractError) as caught:
        wire.pack(replace(sale(), tenders=(Tender(TenderKind.CASH, 1),) * 9))
    assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "tenders")


@given(st.binary(max_size=120))
def test_no_bytes_make_a_record_raise_anything_but_contract_error(data: bytes) -> None:
    with pytest.raises(ContractError):
        wire.unpack(SaleBody, data, 1_000)


@given(st.dictionaries(st.integers(0, 12), st.integers() | st.text(max_size=5) | st.binary(max_size=5), max_size=12))
def test_no_map_makes_a_record_raise_anything_but_contract_error(plain: dict[int, object]) -> None:
    with pytest.raises(ContractError):
        wire.from_wire(SaleBody, plain)


def test_two_fields_under_one_key_are_a_mistake_of_ours_and_said_at_once() -> None:
    @dataclass(frozen=True, slots=True)
    class Clash:
        one: int = wire.at(1, wire.whole())
        other: int = wire.at(1, wire.whole())

    with pytest.raises(TypeError, match="twice"):
        wire.pack(Clash(1, 2))
