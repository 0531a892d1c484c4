"""What scanners, keypads and touch panels may send: doors that take it as bytes.

Input events come as three bytes each: what happened, which key or where, and how long after the event before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.drivers.code_evdev import CodeEvdevOptions, ScanStream
from agent.drivers.code_framing import LONGEST_BYTES, SUFFIXES, CodeFraming, CodeRules
from agent.drivers.facts import CodeProblem, Finger, Key
from agent.drivers.input_stream import EV_KEY, EV_SYN, SYN_DROPPED
from agent.drivers.keypad_evdev import KeyStream
from agent.drivers.touch_stream import (
    ABS_MT_POSITION_X,
    ABS_MT_POSITION_Y,
    ABS_MT_SLOT,
    ABS_MT_TOOL_TYPE,
    ABS_MT_TRACKING_ID,
    ABS_X,
    ABS_Y,
    BTN_TOUCH,
    EV_ABS,
    SYN_REPORT,
    Axis,
    Contact,
    Standing,
    Surface,
    TouchStream,
)
from contract.making import dataclass
from simulator.typed import Beyond, strokes

MS_NS = 1_000_000
_PAUSES_NS = (0, MS_NS, 60 * MS_NS, 600 * MS_NS, 2_100 * MS_NS)
_KINDS = ((EV_KEY, 0), (EV_KEY, 1), (EV_KEY, 2), (EV_SYN, 0), (EV_SYN, SYN_DROPPED))
_SETTINGS: tuple[dict[str, object], ...] = (
    {},
    {"keys": True},
    {"layout": "de", "charset": "gb18030", "alt_codes": "unicode"},
    {"layout": "fr", "suffix": "tab", "prefix": "7e"},
)
_TOLD = (
    (EV_SYN, SYN_REPORT),
    (EV_SYN, SYN_DROPPED),
    (EV_KEY, BTN_TOUCH),
    *((EV_ABS, code) for code in (ABS_X, ABS_Y, ABS_MT_SLOT, ABS_MT_TRACKING_ID, ABS_MT_POSITION_X)),
    *((EV_ABS, code) for code in (ABS_MT_POSITION_Y, ABS_MT_TOOL_TYPE)),
)
_TOUCHES = (
    bytes((2, 1, 0, 3, 90, 0, 4, 60, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3)),
    bytes((5, 0, 0, 6, 7, 0, 7, 90, 0, 8, 60, 0, 0, 0, 2, 9, 2, 0, 0, 0, 2, 6, 255, 0, 0, 0, 3)),
)
_HOSTILE = (b"6901234567892\r", b"' OR 1=1\r", b"\x1b[2J\x00\r", "会员".encode() + b"\r")

Taker = tuple[Callable[[bytes], object], tuple[bytes, ...], tuple[type[Exception], ...]]


@dataclass(frozen=True, slots=True)
class Event:
    """One input event."""

    type: int
    code: int
    value: int
    sec: int = 0
    usec: int = 0


def takers() -> dict[str, Taker]:
    """All of them by name: what takes the bytes, bytes that it takes, and its refusals."""
    typed = tuple(_bytes_of(data, beyond) for data in _HOSTILE for beyond in _WAYS)
    return {
        "keys of a scanner": (_scan, typed, ()),
        "keys of a keypad": (_press, typed, ()),
        "fingers on a touch panel": (_touch, _TOUCHES, ()),
        "line of a scanner": (_frame, _HOSTILE, ()),
    }


_WAYS: tuple[Beyond, ...] = ("bytes", "unicode")


def _bytes_of(data: bytes, beyond: Beyond) -> bytes:
    return bytes(part for code, down in strokes(data, beyond) for part in (int(down), code, 1))


def _events(data: bytes) -> Iterator[tuple[Event, int]]:
    """Events, each with the pause after it."""
    for at in range(0, len(data) - 2, 3):
        kind, code, pause = data[at : at + 3]
        what, value = _KINDS[kind % len(_KINDS)]
        event = Event(what, value if what == EV_SYN else code, value)
        yield event, _PAUSES_NS[pause % len(_PAUSES_NS)]


def _scan(data: bytes) -> None:
    for options in _SETTINGS:
        stream = ScanStream(CodeEvdevOptions.from_table({"path": "/dev/input/by-id/x", **options}), lambda: (42,))
        now_ns = 0
        for event, pause_ns in _events(data):
            found = stream.feed([(event, now_ns)])
            now_ns += pause_ns
            _are_sound([*found, *stream.quiet(now_ns)])


def _press(data: bytes) -> None:
    stream = KeyStream(lambda: (2, 3), bounce_ms=20)
    now_ns = 0
    for event, pause_ns in _events(data):
        stream.feed([(event, now_ns)])
        now_ns += pause_ns


def _touch(data: bytes) -> None:
    for slots in (False, True):
        found = list(_fingers(data, slots))
        assert all(0 <= place <= 9_999 for one in found for place in (one.x_permyriad, one.y_permyriad))
        assert [one.finger is Finger.DOWN for one in found] == [at % 2 == 0 for at in range(len(found))]


def _fingers(data: bytes, slots: bool) -> Iterator[Contact]:
    standing = Standing(data[:1] > b"\x7f", 0, {0: (1, 1)})
    stream = TouchStream(Surface(Axis(0, 200), Axis(-50, 100), slots), lambda: standing, bounce_ms=20)
    now_ns = 0
    for at in range(0, len(data) - 2, 3):
        kind, value, pause = data[at : at + 3]
        event = Event(*_TOLD[kind % len(_TOLD)], value if value < 250 else -1 << (value - 250) * 6)
        yield from stream.feed([(event, now_ns)])
        now_ns += _PAUSES_NS[pause % len(_PAUSES_NS)]
        yield from stream.quiet(now_ns)


def _frame(data: bytes) -> None:
    for suffix in SUFFIXES:
        framing = CodeFraming(CodeRules(data[:1]), suffix)
        now_ns = 0
        for byte in data:
            now_ns += _PAUSES_NS[byte % len(_PAUSES_NS)] if byte > 0xF0 else 0
            _are_sound(framing.feed(bytes([byte]), now_ns))


def _are_sound(found: list[bytes | CodeProblem | Key] | list[bytes | CodeProblem]) -> None:
    assert all(not isinstance(one, bytes) or 1 <= len(one) <= LONGEST_BYTES for one in found)
