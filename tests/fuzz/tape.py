"""What a fuzzer's bytes decide, one after the other, and CBOR values that are bent as they say.

Bytes changed at random hardly ever leave a signed record that can be read at all; a value changed where it stands does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

NUMBERS = (
    0,
    1,
    -1,
    2,
    99,
    100,
    4_999,
    10_000,
    10_001,
    99_999_999,
    2**31,
    2**53,
    2**53 + 1,
    2**63 - 1,
    -(2**53),
    -(2**63),
)
WORDS = (
    "",
    "m-0001",
    "m-0002",
    "s01",
    "s02",
    "t2",
    "office",
    "hq",
    "CNY",
    "EUR",
    "points",
    "stored",
    "coupon",
    "gift",
    "budget",
    "pool",
    "uses",
    "coffee",
    "member/m-0001/principal",
    "member/m-0001/bonus",
    "member/m-0002/points",
    "shop/s02/t1/cash",
    "shop/s01/sales",
    "office/losses",
    "T-10-7F3K",
    "\u202e",
    "x" * 300,
)
OCTETS = (b"", bytes(16), bytes(32), b"\xff" * 16, (7).to_bytes(16, "big"), (9).to_bytes(16, "big"), bytes(range(16)))


class Tape:
    """Decisions, read from ``data`` from its beginning; when it is at its end every further one is the first choice."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def pick(self, choices: int) -> int:
        """A number from 0 to below ``choices``, of which there are at most 65,536."""
        size = 1 if choices <= 256 else 2
        taken = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "big") % choices

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        return self._at >= len(self._data)


def bend(tape: Tape, value: Any, most: int = 2) -> None:
    """Change up to ``most`` places of a value of lists and maps, where it stands."""
    for _ in range(tape.pick(most + 1)):
        places = list(_places(value))
        if not places:
            return
        holder, key = places[tape.pick(min(len(places), 65_536))]
        if tape.pick(8) == 0:
            del holder[key]
        else:
            holder[key] = _another(tape, holder[key])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where something stands: the list or map, and its place or key there."""
    if isinstance(value, dict):
        inside: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    else:
        return
    for key, item in inside:
        yield value, key
        yield from _places(item)


def _another(tape: Tape, value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            near = (value + 1, value - 1, -value, value * 2)
            return (*near, *NUMBERS)[tape.pick(len(near) + len(NUMBERS))]
        case str():
            return (value[:-1], *WORDS)[tape.pick(1 + len(WORDS))]
        case bytes():
            return (bytes([*value[:-1], 0x55]), *OCTETS)[tape.pick(1 + len(OCTETS))]
        case list():
            return ([], value[1:], value[::-1], value + value, value * 40)[tape.pick(5)]
        case _:
            return [value]
