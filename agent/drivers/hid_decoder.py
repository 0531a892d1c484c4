"""What a scanner that is a keyboard means by the keys it presses.

Beside the keys of its layout it sends: control characters as Ctrl with a letter or sign (ASCII's own "^A"); any byte or
character as a decimal number on the number block while Alt is held; any character as a hexadecimal number after
Ctrl+Shift+U, ended by letting both go, by a blank or by the end of the code (ISO/IEC 14755).
"""

from __future__ import annotations

from collections.abc import Set
from enum import Enum
from typing import Literal

from agent.drivers.hid_layouts import KEYPAD_DIGITS, LAYOUTS, SPACE, accented
from agent.drivers.input_stream import Stroke

Charset = Literal["utf-8", "gb18030"]
AltCodes = Literal["bytes", "unicode"]

ENDS = {"enter": frozenset({28, 96}), "tab": frozenset({15})}
"""Keys that end a code, by the option's name: Enter of either block, Tab."""

CONTROL_KEYS = {1: b"\x1b", 14: b"\b", 15: b"\t", 28: b"\r", 96: b"\r", 111: b"\x7f"}
"""Keys that stand for a control character themselves: Esc, Backspace, Tab, Enter, Delete."""

CTRL, SHIFT, META = frozenset({29, 97}), frozenset({42, 54}), frozenset({125, 126})
ALT, ALTGR = frozenset({56}), frozenset({100})
MODIFIERS = CTRL | SHIFT | ALT | ALTGR | META
NUM_LOCK = 69
"""Pressed by some scanners before a number; the number block types digits here whatever it does."""

_KEY_U = 22
_MOST_DIGITS = 10
_TWO_BYTES, _FOUR_BYTES = 1 << 16, 1 << 32


class Sign(Enum):
    """What is no byte of a code."""

    END = "end"
    GARBLED = "garbled"
    """A key that means nothing here: the code it stands in is damaged."""


Typed = bytes | Sign


class HidDecoder:
    """Turns strokes into bytes. `layout` is one of LAYOUTS and `suffix` one of ENDS.

    Characters come in `charset`. A number typed with Alt is the value of one byte, or of two or four (a character of
    GB18030), or with `alt_codes` "unicode" that of a character. Never a code with something missing or wrong: what is
    not understood is GARBLED, and so is all that is typed while a modifier is stuck, that is, was down already when the
    code before it ended. `held` are the keys that are down at the beginning.
    """

    def __init__(
        self,
        layout: str = "us",
        suffix: str = "enter",
        charset: Charset = "utf-8",
        alt_codes: AltCodes = "bytes",
        held: Set[int] = frozenset(),
    ) -> None:
        self._layout = LAYOUTS[layout]
        self._ends = ENDS[suffix]
        self._charset = charset
        self._alt_codes = alt_codes
        self._stuck: Set[int] = held & MODIFIERS
        self.reset()

    def reset(self) -> None:
        """Forget what is half typed."""
        self._alt = ""
        self._hex: str | None = None
        self._accent = ""

    @property
    def pending(self) -> bool:
        """Whether a character is half typed."""
        return bool(self._alt or self._accent) or self._hex is not None

    def feed(self, stroke: Stroke, down: Set[int]) -> list[Typed]:
        """Take one stroke; `down` are the keys that are down after it."""
        code = stroke.code
        if not stroke.down:
            return self._released(down) if code in MODIFIERS else []
        if code in MODIFIERS or code == NUM_LOCK:
            return []
        self._stuck &= down
        if code in self._ends:
            return self._end(down)
        if self._stuck:
            return self._garbled()
        if self._hex is not None:
            return self._hex_digit(code)
        if down & (ALT | ALTGR) and code in KEYPAD_DIGITS:
            self._alt += str(KEYPAD_DIGITS[code])
            return self._garbled() if len(self._alt) > _MOST_DIGITS else []
        if self._alt:
            return self._garbled()
        return self._pressed(code, down)

    def _released(self, down: Set[int]) -> list[Typed]:
        if self._alt and not down & (ALT | ALTGR):
            number, self._alt = int(self._alt), ""
            return [self._by_number(number)]
        if self._hex and not down & (CTRL | SHIFT):
            return self._take_hex()
        return []

    def _end(self, down: Set[int]) -> list[Typed]:
        self._stuck = down & MODIFIERS
        if self._stuck or self._alt:
            self.reset()
            return [Sign.GARBLED, Sign.END]
        typed: list[Typed] = []
        if self._hex is not None:
            typed = self._take_hex()
        elif self._accent:
            typed = [self._char(self._accent)]
        self.reset()
        return [*typed, Sign.END]

    def _pressed(self, code: int, down: Set[int]) -> list[Typed]:
        ctrl, alt = bool(down & CTRL), bool(down & ALT)
        # Windows takes Ctrl with Alt for AltGr, and some scanners send that.
        altgr = bool(down & ALTGR) or (ctrl and alt)
        shift = bool(down & SHIFT)
        if down & META or (alt and not ctrl):
            return self._garbled()
        if ctrl and not altgr:
            if shift and code == _KEY_U:
                self._hex = ""
                return []
            return self._control(code)
        level = self._layout.level(shift, altgr)
        char = self._layout.char(code, level)
        if char is None:
            control = CONTROL_KEYS.get(code)
            return self._garbled() if control is None or altgr else self._after_accent(control)
        if (code, level) in self._layout.dead and not self._accent:
            self._accent = char
            return []
        accent, self._accent = self._accent, ""
        return [self._char(accented(accent, char) if accent else char)]

    def _after_accent(self, control: bytes) -> list[Typed]:
        accent, self._accent = self._accent, ""
        return [self._char(accent), control] if accent else [control]

    def _control(self, code: int) -> list[Typed]:
        if code == SPACE:
            return self._after_accent(b"\0")
        for char in self._layout.chars(code):
            upper = char.upper()
            if len(upper) == 1 and 0x40 <= ord(upper) <= 0x5F:
                return self._after_accent(bytes([ord(upper) & 0x1F]))
        return self._garbled()

    def _hex_digit(self, code: int) -> list[Typed]:
        if code == SPACE:
            return self._take_hex()
        digits = [char for char in self._layout.chars(code) if char in "0123456789abcdefABCDEF"]
        if not digits or self._hex is None or len(self._hex) >= _MOST_DIGITS:
            return self._garbled()
        self._hex += digits[0]
        return []

    def _take_hex(self) -> list[Typed]:
        digits, self._hex = self._hex, None
        return [self._char_of(int(digits, 16)) if digits else Sign.GARBLED]

    def _by_number(self, number: int) -> Typed:
        if self._alt_codes == "unicode":
            return self._char_of(number)
        if number < 0x100:
            return bytes([number])
        # Of GB18030 a character has two or four bytes, and never three.
        size = 2 if number < _TWO_BYTES else 4
        return number.to_bytes(size, "big") if number < _FOUR_BYTES and number >> (8 * size - 8) else Sign.GARBLED

    def _char_of(self, number: int) -> Typed:
        return self._char(chr(number)) if number <= 0x10FFFF else Sign.GARBLED

    def _char(self, text: str) -> Typed:
        try:
            return text.encode(self._charset)
        except UnicodeEncodeError:
            # Half of a pair of surrogates is no character.
            return Sign.GARBLED

    def _garbled(self) -> list[Typed]:
        self.reset()
        return [Sign.GARBLED]
