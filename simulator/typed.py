"""The keys that a scanner presses which is a keyboard (USB HID), set to the US layout."""

from __future__ import annotations

from typing import Literal

from evdev import ecodes

Beyond = Literal["bytes", "gb18030", "unicode"]
"""How what is beyond ASCII is typed: each byte as a number with Alt; each character's GB18030 code as a number with
Alt; each character's number in Unicode after Ctrl+Shift+U.
"""

_UNSHIFTED = {
    **{char: getattr(ecodes, f"KEY_{char.upper()}") for char in "abcdefghijklmnopqrstuvwxyz0123456789"},
    **dict(zip("-=[];'`\\,./ ", (12, 13, 26, 27, 39, 40, 41, 43, 51, 52, 53, 57), strict=True)),
}
_ON_THE_SAME_KEY = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1234567890-=[]\\;'`,./", strict=True))
_ENTER, _CTRL, _SHIFT, _ALT = ecodes.KEY_ENTER, ecodes.KEY_LEFTCTRL, ecodes.KEY_LEFTSHIFT, ecodes.KEY_LEFTALT
_NUMBERS = [getattr(ecodes, f"KEY_KP{digit}") for digit in range(10)]

KEYS = frozenset({*_UNSHIFTED.values(), *_NUMBERS, _ENTER, ecodes.KEY_TAB, _CTRL, _SHIFT, _ALT})
"""All keys such a scanner has (linux/input-event-codes.h)."""

Strokes = list[tuple[int, bool]]
"""Key codes, each with whether it goes down."""


def strokes(data: bytes, beyond: Beyond = "bytes") -> Strokes:
    """What is pressed for these bytes; a carriage return is the Enter key, a tab the Tab key. Raises UnicodeDecodeError
    where `beyond` asks for characters and the bytes are no UTF-8 or GB18030.
    """
    if beyond == "bytes":
        return [stroke for byte in data for stroke in (_ascii(chr(byte)) if byte < 0x80 else _number(byte))]
    made: Strokes = []
    for char in data.decode("utf-8" if beyond == "unicode" else beyond):
        if char < "\x80":
            made += _ascii(char)
        elif beyond == "unicode":
            hexadecimal = [stroke for digit in f"{ord(char):x}" for stroke in _tap(_UNSHIFTED[digit])]
            made += _under((_CTRL, _SHIFT), _tap(_UNSHIFTED["u"]) + hexadecimal)
        else:
            made += _number(int.from_bytes(char.encode(beyond), "big"))
    return made


def _ascii(char: str) -> Strokes:
    if char in _UNSHIFTED:
        return _tap(_UNSHIFTED[char])
    if char == "\r":
        return _tap(_ENTER)
    if char == "\t":
        return _tap(ecodes.KEY_TAB)
    if char == "\x7f":
        return _number(0x7F)
    if char < " ":
        return _under((_CTRL,), _ascii(chr(ord(char) | 0x40).lower()))
    return _under((_SHIFT,), _tap(_UNSHIFTED[_ON_THE_SAME_KEY.get(char) or char.lower()]))


def _number(number: int) -> Strokes:
    return _under((_ALT,), [stroke for digit in str(number) for stroke in _tap(_NUMBERS[int(digit)])])


def _tap(code: int) -> Strokes:
    return [(code, True), (code, False)]


def _under(modifiers: tuple[int, ...], strokes: Strokes) -> Strokes:
    down = [(modifier, True) for modifier in modifiers]
    return down + strokes + [(modifier, False) for modifier in modifiers]
