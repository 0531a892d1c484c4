"""What writes a record at once gives the bytes of its plain values, and lets nothing pass that they would not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pytest

from contract import cbor, wire
from contract.bodies import EntryKind
from contract.errors import ContractError
from contract.trade import TenderKind
from tests.contract.bodies import every_body
from tests.contract.samples import eddsa_signer, header

STRANGE: list[Any] = [
    *(None, True, False, 0, 1, -1, 23, 24, 255, 256, 65_535, 65_536, 2**32, 2**53, 2**63, -(2**63) - 1, 1.5),
    *("", "a", "a" * 24, "é" * 24, "商" * 200, "A b", "a\x00", "\u3000", "\u200b", "\ud800", TenderKind.CASH),
    *(b"", b"x", bytes(16), bytes(32), bytes(300), (), ("a",), (1,) * 30, [], {}, EntryKind.SALE, TenderKind),
]


@dataclass(frozen=True, slots=True)
class Many:
    """Defaults that are equal to something else, and more values than one byte counts."""

    numbers: tuple[int, ...] = wire.at(1, wire.many(wire.whole(-70_000, 70_000), 300))
    yes: bool = wire.maybe(2, wire.flag(), True)
    one: int = wire.maybe(3, wire.whole(-1, 9), 1)
    said: str = wire.maybe(4, wire.text(300), "-")


def plainly(value: object) -> object:
    """The bytes of a record by way of its plain values, or why there are none."""
    try:
        return cbor.encode(wire.to_wire(value))
    except ContractError as error:
        return error.reason, error.path


def at_once(value: object) -> object:
    try:
        return wire.pack(value)
    except ContractError as error:
        return error.reason, error.path


def records_in(value: Any) -> Iterator[Any]:
    """A record and all that it holds, at whatever depth."""
    if isinstance(value, tuple):
        for item in value:
            yield from records_in(item)
    elif is_dataclass(value) and not isinstance(value, type):
        yield value
        for field in fields(value):
            yield from records_in(getattr(value, field.name))


@pytest.mark.parametrize("kind", EntryKind)
def test_every_body_is_written_and_refused_at_once_as_by_its_plain_values(kind: EntryKind) -> None:
    for record in records_in(every_body(eddsa_signer())[kind]):
        assert at_once(record) == plainly(record)
        for field in fields(record):
            for value in STRANGE:
                broken = replace(record, **{field.name: value})
                assert at_once(broken) == plainly(broken), (field.name, value)


def test_a_header_is_written_and_refused_at_once_as_by_its_plain_values() -> None:
    for record in records_in(header()):
        for field in fields(record):
            for value in STRANGE:
                broken = replace(record, **{field.name: value})
                assert at_once(broken) == plainly(broken), (field.name, value)


@pytest.mark.parametrize("one", [1, True, 0, False, -1, 9, 10])
@pytest.mark.parametrize("yes", [True, 1, False, 0, None])
def test_only_the_default_itself_is_left_out(yes: Any, one: Any) -> None:
    record = Many((), yes, one)
    assert at_once(record) == plainly(record)


@pytest.mark.parametrize("count", [0, 23, 24, 255, 256, 300, 301])
def test_heads_of_every_size_are_written(count: int) -> None:
    numbers = tuple(range(-count, 70_000 - count, 70_000 // max(1, count)))[:count]
    for said in ("a" * max(1, count), "商" * max(1, count)):
        record = Many(numbers, said=said)
        assert at_once(record) == plainly(record)


def test_a_value_of_another_class_is_not_written() -> None:
    held = next(record for record in records_in(every_body(eddsa_signer())[EntryKind.SALE]) if hasattr(record, "pack"))
    broken = replace(held, pack=Many(()))
    assert at_once(broken) == plainly(broken)
