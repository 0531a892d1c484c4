"""A slow reader of records, written beside the product's by what the contract says of it (RFC 8949 section 4.2.1, and
what each class declares of its fields), and a writer of bytes that break it. Neither uses anything of the product's
that reads or writes.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from random import Random
from typing import Any

from contract import wire
from contract.cbor import MAX_DEPTH
from contract.errors import ContractError

UNSHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}


class RefusedError(Exception):
    """What was read is no such record, or not its one encoding."""


def require(holds: bool, what: str) -> None:
    """Refuse it unless this holds."""
    if not holds:
        raise RefusedError(what)


class Bytes:
    """Reads deterministic CBOR from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def whole(self) -> Any:
        """The one value that all the bytes are."""
        value = self._value(0)
        require(self._at == len(self._data), "trailing bytes")
        return value

    def _take(self, size: int) -> bytes:
        require(size <= len(self._data) - self._at, "cut off")
        self._at += size
        return self._data[self._at - size : self._at]

    def _value(self, depth: int) -> Any:
        require(depth <= MAX_DEPTH, "too deep")
        first = self._take(1)[0]
        major, short = first >> 5, first & 31
        if major == 7:
            require(short in (20, 21), "no truth value")
            return short == 21
        require(major != 6 and (short < 24 or short in LENGTHS), "a tag, or a length that is none")
        count = short if short < 24 else int.from_bytes(self._take(LENGTHS[short]), "big")
        require(short < 24 or count >= {24: 24, 25: 2**8, 26: 2**16, 27: 2**32}[short], "longer than it need be")
        if major < 2:
            require(count < 2**63, "more than 64 bits")
            return -1 - count if major else count
        if major < 4:
            taken = self._take(count)
            return self._text(taken) if major == 3 else taken
        require(count <= len(self._data), "more items than bytes")
        return [self._value(depth + 1) for _ in range(count)] if major == 4 else self._map(count, depth)

    def _text(self, taken: bytes) -> str:
        try:
            return taken.decode()
        except UnicodeDecodeError as error:
            raise RefusedError("no UTF-8") from error

    def _map(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        before = b""
        for _ in range(count):
            began = self._at
            key = self._value(depth + 1)
            written = self._data[began : self._at]
            require(written > before, "keys out of order, or twice")
            require(type(key) in (int, str) and key != -1 and (type(key) is str or key >= 0), "no key")
            require(not found or type(key) is type(next(iter(found))), "keys of two kinds")
            before = written
            found[key] = self._value(depth + 1)
        return found


def record(of: Any, plain: Any) -> Any:
    """The record of the class ``of`` that ``plain`` is."""
    require(type(plain) is dict, "no map")
    parts = wire.layout(of)
    require(set(plain) <= {part.key for part in parts}, "an unknown key")
    found = {}
    for part in parts:
        if part.key in plain:
            found[part.name] = value(part.kind, plain[part.key])
            require(not part.optional or found[part.name] != part.default, "a default is written")
        else:
            require(part.optional, "a field is missing")
    return of(**found)


def value(kind: wire.Kind, plain: Any) -> Any:
    """The value that ``plain`` is, by the shape of its kind."""
    match kind.shape:
        case wire.Nested(of):
            return record(of, plain)
        case wire.Several(of, least, most):
            require(type(plain) is list and least <= len(plain) <= most, "no such array")
            return tuple([value(of, item) for item in plain])
        case wire.Alternatives(options):
            require(type(plain) is list and len(plain) == 2 and type(plain[0]) is int, "no alternative")
            chosen = [option for option in options.values() if option.__dict__["KEY"] == plain[0]]
            require(len(chosen) == 1, "no such alternative")
            return record(chosen[0], plain[1])
        case wire.Later(find):
            return value(find(), plain)
        case wire.Plain(schema, parse):
            return leaf(kind, dict(schema), parse is not None, plain)


def leaf(kind: wire.Kind, schema: dict[str, Any], authored: bool, plain: Any) -> Any:
    """A value without parts, by its JSON Schema. What people write otherwise than it travels is judged by its kind,
    but for bytes, which they write as hexadecimal digits.
    """
    if authored and schema.get("pattern") == "^(?:[0-9a-f]{2})*$":
        require(type(plain) is bytes and schema["minLength"] <= 2 * len(plain) <= schema["maxLength"], "no such bytes")
    elif authored:
        try:
            kind.read(plain, "")
        except ContractError as error:
            raise RefusedError("not of its kind") from error
    elif "enum" in schema:
        require(type(plain) is str and plain in schema["enum"], "none of these")
    elif schema["type"] == "string":
        require(type(plain) is str and schema["minLength"] <= len(plain) <= schema["maxLength"], "no such text")
        require(all(unicodedata.category(character) not in UNSHOWN for character in plain), "cannot be shown")
        require(re.fullmatch(schema.get("pattern", "^.*$")[1:-1], plain) is not None, "not of its form")
    elif schema["type"] == "integer":
        require(type(plain) is int and schema["minimum"] <= plain <= schema["maximum"], "no such number")
    else:
        require(type(plain) is bool, "neither true nor false")
    return plain


class LooseWriter:
    """Writes CBOR as the contract asks for it, but here and there, as ``random`` says, as it does not."""

    def __init__(self, random: Random, faults: int) -> None:
        self._random = random
        self._one_in = faults

    def write(self, item: Any, deep: int = 0) -> bytes:
        """The bytes of a plain value."""
        fault = self._random.randrange(self._one_in)
        if fault == 0:
            return self._broken(item, deep)
        return self._plainly(item, deep)

    def _plainly(self, item: Any, deep: int) -> bytes:
        match item:
            case bool():
                return b"\xf5" if item else b"\xf4"
            case int() if -(2**64) <= item < 2**64:
                return head(1, -1 - item) if item < 0 else head(0, item)
            case int():
                size = (item.bit_length() + 7) // 8
                return (b"\xc2" if item > 0 else b"\xc3") + self._plainly(abs(item).to_bytes(size, "big"), deep)
            case float():
                return b"\xfb" + struct.pack(">d", item)
            case None:
                return b"\xf6"
            case str():
                data = item.encode("utf-8", "surrogatepass")
                return head(3, len(data)) + data
            case bytes():
                return head(2, len(item)) + item
            case list():
                return head(4, len(item)) + b"".join([self.write(inner, deep + 1) for inner in item])
        pairs = [(self.write(key, deep + 1), self.write(item[key], deep + 1)) for key in item]
        return head(5, len(pairs)) + b"".join([key + inner for key, inner in sorted(pairs)])

    def _broken(self, item: Any, deep: int) -> bytes:
        plain = self._plainly(item, deep)
        first, rest = plain[0], plain[1:]
        others = [
            bytes([first ^ 0x20]) + rest,
            b"\xd8\x1c" + plain,
            b"\xc6" + plain,
            b"\xf9\x3c\x00",
            b"\xf6",
            b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xc2\x49" + bytes([1]) + bytes(8),
            b"\x81" * self._random.randrange(1, 60) + plain,
            b"",
            plain + plain,
        ]
        if first & 31 < 24 and first < 0xE0:
            size = self._random.choice([1, 2, 4, 8])
            longer = (
                bytes([first & 0xE0 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + (first & 31).to_bytes(size, "big") + rest
            )
            others += [longer] * 3
        if isinstance(item, dict):
            pairs = [(self._plainly(key, deep), self._plainly(item[key], deep)) for key in item]
            self._random.shuffle(pairs)
            shuffled = b"".join([key + inner for key, inner in pairs])
            others += [head(5, len(pairs)) + shuffled, b"\xbf" + shuffled + b"\xff"] * 2
            if pairs:
                others += [head(5, len(pairs) + 1) + shuffled + pairs[-1][0] + pairs[-1][1]] * 2
        if isinstance(item, list):
            others += [b"\x9f" + b"".join([self._plainly(inner, deep) for inner in item]) + b"\xff"] * 2
        if isinstance(item, str):
            others += [self._plainly(item[:-1] + self._random.choice("\x00\n\u200b\u202e\ud800"), deep)] * 3
        if isinstance(item, (str, bytes)):
            others += [bytes([first & 0xE0 | 31]) + plain + b"\xff"]
        return self._random.choice(others)


def head(major: int, count: int) -> bytes:
    """What a value begins with, as short as it can be."""
    if count < 24:
        return bytes([major << 5 | count])
    short, size = next((short, size) for short, size in LENGTHS.items() if count < 2 ** (8 * size))
    return bytes([major << 5 | short]) + count.to_bytes(size, "big")
