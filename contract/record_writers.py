"""Functions that write values as bytes at once, without the plain values in between, and those that write a record put
together once for each class, as ``dataclasses`` puts together what it adds to one.

They are quick and have no words: where one refuses, ``contract.wire.to_wire`` says which field is wrong, and how.
"""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from contract import cbor
from contract.errors import ContractError, Reason
from contract.making import dataclass

Write = Callable[[Any], bytes]
"""Gives the one encoding of a value, or raises ContractError."""

_SHORT = 256
"""Numbers and lengths below this are looked up."""
_NUMBERS = tuple([cbor.scalar(number) for number in range(_SHORT)])
_TEXTS = tuple([cbor.head(cbor.TEXT, size) for size in range(_SHORT)])
_ARRAYS = tuple([cbor.head(cbor.ARRAY, count) for count in range(_SHORT)])
_MAPS = tuple([cbor.head(cbor.MAP, count) for count in range(_SHORT)])
_KEPT = 128
"""So many names of one kind are kept as they are written."""
_TWO_BYTES = 0x19  # What a number from 256 to 65535 begins with.


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record: its name and integer key, what writes its value, and whether it is left out where it has its
    default.
    """

    name: str
    key: int
    write: Write
    optional: bool
    default: object


def record_writer(of: type, fields: Sequence[Field]) -> Write:
    """Return the function that writes records of the class ``of``. ``fields`` are in the order of their keys, which is
    the order of the bytes.
    """
    known: dict[str, Any] = {"of": of, "refused": _refused, "heads": _MAPS, "join": b"".join}
    lines = ["def write(value):", " if type(value) is not of: raise refused()", " items = []"]
    for number, field in enumerate(fields):
        known[f"key{number}"], known[f"write{number}"] = cbor.scalar(field.key), field.write
        lines.append(f" item = value.{field.name}")
        written = f"items.append(key{number} + write{number}(item))"
        if field.optional:
            known[f"usual{number}"], known[f"default{number}"] = type(field.default), field.default
            # True is no default of 1, although they are equal.
            other = f"(type(item) is not usual{number} or item != default{number})"
            written = f"if item is not default{number} and {other}: {written}"
        lines.append(f" {written}")
    lines.append(" return heads[len(items)] + join(items)")
    exec("\n".join(lines), known)
    return cast(Write, known["write"])


def array_writer(write: Write, least: int, most: int) -> Write:
    """Return the function that writes tuples of ``least`` to ``most`` values, each by ``write``."""
    heads = _ARRAYS

    def write_all(values: Any) -> bytes:
        if type(values) is not tuple or not least <= (count := len(values)) <= most:
            raise _refused()
        head = heads[count] if count < _SHORT else cbor.head(cbor.ARRAY, count)
        return head + b"".join([write(value) for value in values])

    return write_all


def option_writer(by_class: Mapping[type, tuple[int, Write]]) -> Write:
    """Return the function that writes a record of one of several classes as ``[key, record]``."""
    heads = {of: cbor.head(cbor.ARRAY, 2) + cbor.scalar(key) for of, (key, _write) in by_class.items()}

    def write_one(value: Any) -> bytes:
        of = type(value)
        if of not in heads:
            raise _refused()
        return heads[of] + by_class[of][1](value)

    return write_one


def whole_writer(low: int, high: int) -> Write:
    """Return the function that writes integers from ``low`` to ``high``."""
    numbers, two_bytes, scalar = _NUMBERS, struct.Struct(">BH").pack, cbor.scalar

    def write(value: Any) -> bytes:
        if type(value) is not int or not low <= value <= high:
            raise _refused()
        if 0 <= value < _SHORT:
            return numbers[value]
        return two_bytes(_TWO_BYTES, value) if 0 < value < 2**16 else scalar(value)

    return write


def text_writer(min_chars: int, max_chars: int, form: re.Pattern[str] | None) -> Write:
    """Return the function that writes texts of so many characters, all of them plainly to be seen, of this form. What
    has a form names something, and the same few things are named again and again: the last of them are kept.
    """
    heads = _TEXTS
    fits = None if form is None else form.fullmatch

    def write(value: Any) -> bytes:
        if type(value) is not str or not min_chars <= len(value) <= max_chars or not value.isprintable():
            raise _refused()
        if fits is not None and fits(value) is None:
            raise _refused()
        data = value.encode()
        size = len(data)
        return (heads[size] if size < _SHORT else cbor.head(cbor.TEXT, size)) + data

    if form is None:
        return write
    kept = lru_cache(maxsize=_KEPT)(write)

    def write_name(value: Any) -> bytes:
        # What is equal to a text without being one would be found among them.
        if type(value) is not str:
            raise _refused()
        return kept(value)

    return write_name


def octets_writer(min_bytes: int, max_bytes: int) -> Write:
    """Return the function that writes byte strings of so many bytes."""

    def write(value: Any) -> bytes:
        if type(value) is not bytes or not min_bytes <= len(value) <= max_bytes:
            raise _refused()
        return cbor.scalar(value)

    return write


def flag_writer() -> Write:
    """Return the function that writes true or false."""

    def write(value: Any) -> bytes:
        if type(value) is not bool:
            raise _refused()
        return cbor.scalar(value)

    return write


def name_writer(names: Mapping[Any, str]) -> Write:
    """Return the function that writes one of some values as its name."""
    kinds, written = {type(value) for value in names}, {value: cbor.scalar(name) for value, name in names.items()}

    def write(value: Any) -> bytes:
        if type(value) not in kinds:
            raise _refused()
        return written[value]

    return write


def _refused() -> ContractError:
    return ContractError(Reason.WRONG_TYPE)
