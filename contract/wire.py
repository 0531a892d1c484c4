"""Records on the wire: a frozen dataclass declares each field's integer key, type and limits once; encoding and
strict decoding follow from it.

A record is a CBOR map with integer keys. An absent optional field is left out. An unknown key, a missing field, a
wrong type or a value beyond its limits is a ContractError with the path to the field, never a guess. One declaration
per field means no second place can disagree.
"""

import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast

from contract import cbor
from contract.errors import ContractError, Reason

RecordT = TypeVar("RecordT")
ToWire = Callable[[Any], object]
FromWire = Callable[[object, str], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one value is written and strictly read: ``write(value)`` gives plain CBOR values, ``read(plain, path)``
    checks and builds.
    """

    write: ToWire
    read: FromWire


def whole(low: int = 0, high: int = cbor.INT_MAX) -> Kind:
    """An integer from ``low`` to ``high``, both included."""

    def read(plain: object, path: str) -> int:
        if type(plain) is not int:
            raise ContractError(Reason.WRONG_TYPE, path, "expected an integer")
        if not low <= plain <= high:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {low} to {high}")
        return plain

    return Kind(write=lambda value: read(value, ""), read=read)


def text(max_chars: int, pattern: str = "", min_chars: int = 1) -> Kind:
    """Text of ``min_chars`` to ``max_chars`` characters without control characters, matching ``pattern`` whole where
    one is given.
    """
    shape = re.compile(pattern) if pattern else None

    def read(plain: object, path: str) -> str:
        if type(plain) is not str:
            raise ContractError(Reason.WRONG_TYPE, path, "expected text")
        if not min_chars <= len(plain) <= max_chars:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {min_chars} to {max_chars} characters")
        if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000 for char in plain):
            raise ContractError(Reason.OUT_OF_RANGE, path, "control character or half of a surrogate pair")
        if shape is not None and shape.fullmatch(plain) is None:
            raise ContractError(Reason.BAD_ID, path, f"expected {pattern}")
        return plain

    return Kind(write=lambda value: read(value, ""), read=read)


def octets(min_bytes: int, max_bytes: int | None = None) -> Kind:
    """A byte string of ``min_bytes`` to ``max_bytes``; exactly ``min_bytes`` where no maximum is given."""
    most = min_bytes if max_bytes is None else max_bytes

    def read(plain: object, path: str) -> bytes:
        if type(plain) is not bytes:
            raise ContractError(Reason.WRONG_TYPE, path, "expected bytes")
        if not min_bytes <= len(plain) <= most:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {min_bytes} to {most} bytes")
        return plain

    return Kind(write=lambda value: read(value, ""), read=read)


def choice(options: type[StrEnum]) -> Kind:
    """One of the values of a StrEnum, as its text."""

    def read(plain: object, path: str) -> StrEnum:
        if type(plain) is not str or plain not in {option.value for option in options}:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected one of {', '.join(options)}")
        return options(plain)

    return Kind(write=lambda value: read(str(value), "").value, read=read)


def flag() -> Kind:
    """True or false."""

    def read(plain: object, path: str) -> bool:
        if type(plain) is not bool:
            raise ContractError(Reason.WRONG_TYPE, path, "expected true or false")
        return plain

    return Kind(write=lambda value: read(value, ""), read=read)


def record(of: type) -> Kind:
    """A nested record of the dataclass ``of``."""

    def write(value: object) -> dict[int, object]:
        if type(value) is not of:
            raise ContractError(Reason.WRONG_TYPE, detail=f"expected {of.__name__}")
        return to_wire(value)

    return Kind(write=write, read=lambda plain, path: from_wire(of, plain, path))


def many(of: Kind, most: int, least: int = 0) -> Kind:
    """A sequence of ``least`` to ``most`` values, a tuple in memory and an array on the wire."""

    def read(plain: object, path: str) -> tuple[Any, ...]:
        if type(plain) is not list:
            raise ContractError(Reason.WRONG_TYPE, path, "expected an array")
        if not least <= len(plain) <= most:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {least} to {most} items")
        return tuple(of.read(item, f"{path}[{index}]") for index, item in enumerate(plain))

    def write(values: object) -> list[object]:
        if type(values) is not tuple:
            raise ContractError(Reason.WRONG_TYPE, detail="expected a tuple")
        if not least <= len(values) <= most:
            raise ContractError(Reason.OUT_OF_RANGE, detail=f"expected {least} to {most} items")
        return [_written(of, value, f"[{index}]") for index, value in enumerate(values)]

    return Kind(write=write, read=read)


def at(key: int, kind: Kind) -> Any:
    """Declare a required field under integer ``key``."""
    return field(metadata={"key": key, "kind": kind})


def maybe(key: int, kind: Kind) -> Any:
    """Declare an optional field under integer ``key``: None in memory, absent on the wire."""
    return field(default=None, metadata={"key": key, "kind": kind})


def to_wire(value: object) -> dict[int, object]:
    """Return the plain CBOR map of a record. Raises ContractError where a field breaks its own limits."""
    plain: dict[int, object] = {}
    for name, key, kind, _optional in _layout(cast(Any, type(value))):
        item = getattr(value, name)
        if item is None and _optional:
            continue
        plain[key] = _written(kind, item, name)
    return plain


def _written(kind: Kind, value: object, place: str) -> object:
    """``value`` as plain CBOR; a refusal from within carries ``place`` before its own path."""
    try:
        return kind.write(value)
    except ContractError as error:
        dot = "." if error.path and not error.path.startswith("[") else ""
        raise ContractError(error.reason, f"{place}{dot}{error.path}", error.detail) from error


def from_wire(of: type[RecordT], plain: object, path: str = "") -> RecordT:
    """Return a record of the dataclass ``of`` from a plain CBOR map, strictly. Raises ContractError with the path to
    the field.
    """
    if type(plain) is not dict:
        raise ContractError(Reason.WRONG_TYPE, path, "expected a map")
    layout = _layout(cast(Any, of))
    unknown = set(plain) - {key for _name, key, _kind, _optional in layout}
    if unknown:
        raise ContractError(Reason.UNKNOWN_FIELD, path, f"key {min(map(str, unknown))}")
    prefix = f"{path}." if path else ""
    found: dict[str, object] = {}
    for name, key, kind, optional in layout:
        if key in plain:
            found[name] = kind.read(plain[key], prefix + name)
        elif not optional:
            raise ContractError(Reason.MISSING_FIELD, prefix + name)
    return of(**found)


def pack(value: object) -> bytes:
    """Return the deterministic bytes of a record."""
    return cbor.encode(to_wire(value))


def unpack(of: type[RecordT], data: bytes, max_bytes: int) -> RecordT:
    """Return a record of ``of`` from bytes of at most ``max_bytes``. Raises ContractError for anything else."""
    return from_wire(of, cbor.decode(data, max_bytes))


@cache
def _layout(of: Any) -> tuple[tuple[str, int, Kind, bool], ...]:
    """Name, key, kind and whether it is optional, of each field of a record class, in key order."""
    rows = [
        (item.name, item.metadata["key"], cast(Kind, item.metadata["kind"]), item.default is not MISSING)
        for item in fields(of)
    ]
    keys = [key for _name, key, _kind, _optional in rows]
    if len(set(keys)) != len(keys):
        raise TypeError(f"{of.__name__} uses a wire key twice")
    return tuple(sorted(rows, key=lambda row: row[1]))
