"""What reads a record at once takes and refuses what the plain way does, and in the same words."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from random import Random
from types import ModuleType
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contract
import rules
from contract import cbor, wire
from contract.bodies import EntryKind
from contract.envelope import ContentType, seal
from contract.errors import ContractError, Reason
from contract.journal import GRAMMAR, MAX_PAYLOAD_BYTES, EntryHeader, peek_header
from tests.contract.bodies import every_body
from tests.contract.samples import eddsa_signer, header

MOST = 100_000
DEEP = 6
TEXTS = ["", "a", "m1", "A", "01234567", "CNY", "points", "商品", "商" * 40, "a\u3000b", "a\x00", "eddsa:00"]
NUMBERS = [0, 1, 2, 3, 100, 101, 365, 1231, 10_000, 65_536, 2**31, 2**53, 2**60, -1, -(2**53)]
OCTETS = [b"x", bytes(8), bytes(16), bytes(32), bytes(33), bytes(64), bytes(300)]
SIMPLE: list[Any] = [*TEXTS, *NUMBERS, *OCTETS, True, False]
ODD: list[Any] = [None, 1.0, 1.5, b"", "\u200b", 2**63, [], {}, [1], {1: 1}, [1, {}], {True: 1}, {1.0: "a"}, {"a": 1}]

Outcome = tuple[object, ...]


def record_classes() -> list[type]:
    """Every class in contract and rules that declares how it travels."""
    found: set[type] = set()
    for room in (contract, rules):
        for info in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            found |= set(declared(importlib.import_module(info.name)))
    return sorted(found, key=lambda of: (of.__module__, of.__name__))


def declared(module: ModuleType) -> Iterator[type]:
    for value in vars(module).values():
        declares = isinstance(value, type) and is_dataclass(value) and fields(value)
        if declares and all("kind" in field.metadata for field in fields(value)):
            yield value


class Maker:
    """Makes plain values that are a record's, or nearly, by the numbers of ``random``."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def record(self, of: type, deep: int = DEEP) -> dict[int, Any]:
        """A record as it travels, more often than not without what may be left out."""
        parts = [part for part in wire.layout(of) if not part.optional or self._random.random() < 0.4]
        return {part.key: self.value(part.kind, deep) for part in parts}

    def value(self, kind: wire.Kind, deep: int) -> Any:
        """A value that ``kind`` takes, where one is known."""
        match kind.shape:
            case wire.Nested(of):
                return self.record(of, deep - 1) if deep else {}
            case wire.Several(of, least):
                return [self.value(of, deep) for _ in range(max(least, self._random.randrange(3)))]
            case wire.Alternatives(options):
                chosen: Any = self._random.choice(list(options.values()))
                return [chosen.KEY, self.record(chosen, deep - 1) if deep else {}]
            case wire.Later(find):
                return self.value(find(), deep - 1) if deep else []
            case wire.Plain(schema):
                enum: Any = schema.get("enum", [])
                taken = [plain for plain in [*enum, *SIMPLE] if takes(kind, plain)]
                return self._random.choice(taken or SIMPLE)

    def spoil(self, plain: Any) -> Any:
        """The same with one thing in it changed, at whatever depth."""
        inner = [key for key, value in items(plain) if isinstance(value, (dict, list))]
        if inner and self._random.random() < 0.6:
            chosen = self._random.choice(inner)
            changed = self.spoil(plain[chosen])
            return put(plain, chosen, changed)
        keys = [key for key, _ in items(plain)]
        if isinstance(plain, list):
            extra = self._random.choice([*SIMPLE, *ODD])
            return self._random.choice([[*plain, extra], plain[1:], plain[::-1], dict(enumerate(plain)), plain * 2])
        if not keys:
            return self._random.choice(ODD)
        key = self._random.choice(keys)
        others = {other: value for other, value in plain.items() if other != key}
        return self._random.choice(
            [
                others,
                {**plain, key: self._random.choice([*SIMPLE, *ODD])},
                {**plain, self._random.choice([0, 99, -1, "a", False]): 1},
                {**others, key: plain[key]},
                {
                    **others,
                    self._random.choice([True, float(key) if isinstance(key, int) else 0.0, str(key)]): plain[key],
                },
                list(plain.values()),
            ]
        )


def items(plain: Any) -> list[tuple[Any, Any]]:
    if isinstance(plain, dict):
        return list(plain.items())
    return list(enumerate(plain)) if isinstance(plain, list) else []


def put(plain: Any, key: Any, value: Any) -> Any:
    if isinstance(plain, dict):
        return {**plain, key: value}
    return [*plain[:key], value, *plain[key + 1 :]]


def takes(kind: wire.Kind, plain: object) -> bool:
    try:
        kind.read(plain, "")
    except ContractError:
        return False
    return True


def outcome(read: Callable[[], object]) -> Outcome:
    """What was read, with the types of all that it holds, or why nothing was."""
    try:
        found = read()
    except ContractError as error:
        return error.reason, error.path, error.detail
    return found, repr(found)


def require_same(of: type, data: bytes) -> bool:
    """Whether the record is taken, which both ways must agree on."""
    at_once = outcome(lambda: wire.unpack(of, data, MOST))
    assert at_once == outcome(lambda: wire.from_wire(of, cbor.decode(data, MOST))), data.hex()
    return isinstance(at_once[0], of)


def damaged(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    flipped = bytes([data[at] ^ 1 << random.randrange(8)]) if at < len(data) else b"\x00"
    return random.choice([data[:at] + flipped + data[at + 1 :], data[:at], data[:at] + flipped + data[at:]])


@pytest.mark.parametrize("of", record_classes(), ids=lambda of: of.__name__)
@settings(max_examples=12)
@given(st.integers(0, 2**64))
def test_every_record_is_read_and_refused_at_once_as_the_plain_way(of: type, seed: int) -> None:
    random = Random(seed)
    maker = Maker(random)
    plain = maker.record(of)
    for shown in (plain, maker.spoil(plain), maker.spoil(maker.spoil(plain))):
        data = cbor2.dumps(shown)
        require_same(of, data)
        require_same(of, damaged(data, random))


@given(st.binary(max_size=60), st.sampled_from(record_classes()))
def test_any_bytes_are_read_and_refused_at_once_as_the_plain_way(data: bytes, of: type) -> None:
    require_same(of, data)


@pytest.mark.parametrize("kind", EntryKind)
def test_every_body_is_read_at_once(kind: EntryKind) -> None:
    body = every_body(eddsa_signer())[kind]
    data = wire.pack(body)
    found = wire.recognised(type(body), cbor.parse(data, MOST))
    assert found == (body, data)
    random = Random(kind.value)
    maker = Maker(random)
    for _ in range(60):
        require_same(type(body), cbor2.dumps(maker.spoil(cbor.decode(data, MOST))))
        require_same(type(body), damaged(data, random))


def test_what_is_made_here_is_often_taken_and_often_refused() -> None:
    random = Random(0)
    maker = Maker(random)
    for make in (maker.record, lambda of: maker.spoil(maker.record(of))):
        told = [require_same(of, cbor2.dumps(make(of))) for of in record_classes()]
        assert len(told) // 4 < sum(told) or make is not maker.record
        assert sum(told) < len(told)


def plainly_split(payload: bytes) -> EntryHeader:
    """The header of an entry, read the plain way."""
    match cbor.decode(payload, MAX_PAYLOAD_BYTES):
        case [dict() as plain, bytes()]:
            if plain.get(1) != GRAMMAR and type(plain.get(1)) is int:
                raise ContractError(Reason.NEWER_GRAMMAR, detail=str(plain.get(1)))
            return wire.from_wire(EntryHeader, plain, "header")
    raise ContractError(Reason.WRONG_TYPE, detail="expected [header, body]")


@given(st.integers(0, 2**64))
def test_a_header_is_read_and_refused_at_once_as_the_plain_way(seed: int) -> None:
    random = Random(seed)
    maker = Maker(random)
    signer = eddsa_signer()
    entry = [cbor.decode(wire.pack(header()), MOST), b"body"]
    for shown in (entry, [maker.spoil(entry[0]), b"body"], maker.spoil(entry)):
        for payload in (cbor2.dumps(shown), damaged(cbor2.dumps(shown), random)):
            sealed = seal(signer, ContentType.ENTRY, payload)
            assert outcome(partial(peek_header, sealed)) == outcome(partial(plainly_split, payload))
