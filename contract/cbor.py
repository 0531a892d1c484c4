"""Deterministic CBOR (RFC 8949 section 4.2.1), narrowed to what the contract uses.

Allowed: integers of 64 bits, byte strings, UTF-8 text, booleans, arrays, and maps whose keys are all non-negative
integers or all text. With one kind of key in a map, the length-first order that the library writes and the bytewise
order of RFC 8949 are the same.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import cbor2

from contract.errors import ContractError, Reason

MAX_DEPTH = 24
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
TEXT, ARRAY, MAP = 3, 4, 5
"""Major types of what has a length (RFC 8949 section 3.1)."""

scalar: Callable[[int | str | bytes], bytes] = cbor2.dumps
"""Returns the encoding of a number, a text, bytes or a truth value that is known to be within the subset."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def _refuse_tag(*_decoder_and_tag: object) -> object:
    raise cbor2.CBORDecodeError("tags are not part of the contract")


# Shared values (tags 28, 29) would let a few hundred bytes unfold into more items than anyone can walk, so every tag
# the library knows is refused before it is decoded.
_KNOWN_TAGS = dict.fromkeys((*range(300), 1004, 43000, 55799), _refuse_tag)


def encode(value: object) -> bytes:
    """Return the one encoding of ``value``. Raises ContractError(WRONG_TYPE) for a value outside the subset above,
    OUT_OF_RANGE for one beyond its limits.
    """
    if _plainly_within(value, 0):
        return cbor2.dumps(value)
    _require_subset(value, "", 0)
    return cbor2.dumps(value, canonical=True)


def head(major: int, count: int) -> bytes:
    """Return what a value begins with (RFC 8949 section 3): its major type, 0 to 5, and its number or count, from 0 to
    64 bits.
    """
    first = major << 5
    if count < 24:
        return bytes((first | count,))
    size = 1 if count < 2**8 else 2 if count < 2**16 else 4 if count < 2**32 else 8
    return bytes((first | 23 + size.bit_length(),)) + count.to_bytes(size, "big")


def array(items: Sequence[bytes]) -> bytes:
    """Return the encoding of an array of what is encoded already."""
    return head(ARRAY, len(items)) + b"".join(items)


def decode(data: bytes, max_bytes: int) -> Any:
    """Return the value that ``data`` encodes, or raise ContractError.

    Refuses input of more than ``max_bytes`` (TOO_LARGE), anything that is not CBOR, tags, indefinite lengths and
    repeated keys (NOT_CBOR), trailing bytes, long integers and unordered keys (NOT_DETERMINISTIC), and other types than
    the contract's, such as floats and null (WRONG_TYPE).
    """
    value = parse(data, max_bytes)
    if encode(value) != data:
        raise ContractError(Reason.NOT_DETERMINISTIC)
    return value


def parse(data: bytes, max_bytes: int) -> Any:
    """Return the value that ``data`` is an encoding of, for those who compare it with the one encoding themselves.
    Raises ContractError where it is none, or has more than ``max_bytes`` (TOO_LARGE, NOT_CBOR).
    """
    if len(data) > max_bytes:
        raise ContractError(Reason.TOO_LARGE, detail=f"{len(data)} bytes, at most {max_bytes}")
    try:
        return cbor2.loads(
            data,
            tag_hook=_refuse_tag,
            semantic_decoders=_KNOWN_TAGS,
            max_depth=MAX_DEPTH * 2,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise ContractError(Reason.NOT_CBOR, detail=type(error).__name__) from error


def _plainly_within(value: Any, depth: int) -> bool:
    """Whether ``value`` is within the subset beyond doubt and its maps are in order already, so that the library need
    not sort them: quick to see, and true of nearly all that is encoded or decoded.

    Of the rest :func:`_require_subset` decides, and says where what is wrong.
    """
    kind = type(value)
    if kind is int:
        return bool(INT_MIN <= value <= INT_MAX)
    if kind is str:
        return value.isascii() or _is_unicode(value)
    if kind is bytes or kind is bool:
        return True
    if depth >= MAX_DEPTH:
        return False
    if kind is list or kind is tuple:
        return all(_plainly_within(item, depth + 1) for item in value)
    if kind is dict:
        before = -1
        for key, item in value.items():
            if type(key) is not int or key <= before or not _plainly_within(item, depth + 1):
                return False
            before = key
        return True
    return False


def _require_subset(value: object, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ContractError(Reason.OUT_OF_RANGE, path, "nested too deeply")
    match value:
        case bool() | bytes():
            return
        case str():
            _require_unicode(value, path)
        case int():
            if not INT_MIN <= value <= INT_MAX:
                raise ContractError(Reason.OUT_OF_RANGE, path, "integer beyond 64 bits")
        case list() | tuple():
            for index, item in enumerate(value):
                _require_subset(item, f"{path}[{index}]", depth + 1)
        case dict():
            _require_keys(value, path)
            for key, item in value.items():
                _require_subset(item, f"{path}.{key}", depth + 1)
        case _:
            raise ContractError(Reason.WRONG_TYPE, path, type(value).__name__)


def _require_unicode(value: str, path: str) -> None:
    """Half of a surrogate pair is a Python character, but no UTF-8 can carry it."""
    if not _is_unicode(value):
        raise ContractError(Reason.OUT_OF_RANGE, path, "not a Unicode character")


def _is_unicode(value: str) -> bool:
    return value.isascii() or _SURROGATE.search(value) is None


def _require_keys(value: dict[object, object], path: str) -> None:
    whole = all(type(key) is int and key >= 0 for key in value)
    text = all(type(key) is str for key in value)
    if text:
        _require_unicode("".join(map(str, value)), path)
    if not (whole or text):
        raise ContractError(Reason.WRONG_TYPE, path, "map keys must be all non-negative integers or all text")
