"""What a key types, by the layout a scanner is set to: a scanner that is a keyboard sends places, not characters.

Layouts: US English; German (DIN 2137); French (AZERTY), as Microsoft's keyboard layouts and xkeyboard-config have them.
"""

from __future__ import annotations

import unicodedata
from itertools import chain

from contract.making import dataclass

SPACE = 57
KEYPAD_DIGITS = {82: 0, 79: 1, 80: 2, 81: 3, 75: 4, 76: 5, 77: 6, 71: 7, 72: 8, 73: 9}
"""The number block, which types digits in every layout."""

_KEYPAD_SIGNS = {98: "/", 55: "*", 74: "-", 78: "+"}
_KEYPAD_POINT = 83
_ROWS = (range(41, 42), range(2, 14), range(16, 28), range(30, 41), range(43, 44), range(86, 87), range(44, 54))
"""Key codes (linux/input-event-codes.h) row by row: the key before 1; 1 to the key before Backspace; Q; A; the key
beside Enter; the one beside the left Shift; Z.
"""

_ACCENTS = {"^": "\u0302", "´": "\u0301", "`": "\u0300", "¨": "\u0308", "~": "\u0303"}
_NOTHING = "\0"


@dataclass(frozen=True, slots=True)
class Layout:
    """What each key types by itself, with Shift, and with AltGr. `dead` are the keys, as (code, level), that wait for
    a letter to put their accent on.
    """

    plain: dict[int, str]
    shift: dict[int, str]
    altgr: dict[int, str]
    dead: frozenset[tuple[int, int]] = frozenset()

    def level(self, shift: bool, altgr: bool) -> int:
        """Which of the three a key types: 0, 1 or 2; -1 for none of them (Shift with AltGr)."""
        return (-1 if shift else 2) if altgr else int(shift)

    def char(self, code: int, level: int) -> str | None:
        """The character, or None where the key types none there."""
        return (self.plain, self.shift, self.altgr)[level].get(code) if level >= 0 else None

    def chars(self, code: int) -> tuple[str, ...]:
        """All that a key can type."""
        return tuple(typed for level in (self.plain, self.shift, self.altgr) if (typed := level.get(code)))


def accented(accent: str, char: str) -> str:
    """What an accent and the character after it make: one character, or both where there is no such one; a blank leaves
    the accent alone.
    """
    if char == " ":
        return accent
    joined = unicodedata.normalize("NFC", char + _ACCENTS[accent])
    return joined if len(joined) == 1 else accent + char


def _level(*rows: str) -> dict[int, str]:
    typed = dict(zip(chain(*_ROWS), chain(*rows), strict=True))
    return {code: char for code, char in typed.items() if char not in (_NOTHING, " ")}


def _layout(
    plain: tuple[str, ...],
    shift: tuple[str, ...],
    altgr: dict[int, str],
    *dead: tuple[int, int],
    point: str = ".",
) -> Layout:
    # The number block's digits and point are keys for moving about while Shift is down.
    both = _KEYPAD_SIGNS | {SPACE: " "}
    numbers = {code: str(digit) for code, digit in KEYPAD_DIGITS.items()} | {_KEYPAD_POINT: point}
    return Layout(_level(*plain) | both | numbers, _level(*shift) | both, altgr, frozenset(dead))


_US = _layout(
    ("`", "1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "\\", " ", "zxcvbnm,./"),
    ("~", "!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"', "|", " ", "ZXCVBNM<>?"),
    {},
)
_DE = _layout(
    ("^", "1234567890ß´", "qwertzuiopü+", "asdfghjklöä", "#", "<", "yxcvbnm,.-"),
    ("°", '!"§$%&/()=?`', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ", "'", ">", "YXCVBNM;:_"),
    {3: "²", 4: "³", 8: "{", 9: "[", 10: "]", 11: "}", 12: "\\", 16: "@", 18: "€", 27: "~", 86: "|", 50: "µ"},
    *((41, 0), (13, 0), (13, 1)),
    point=",",
)
_FR = _layout(
    ("²", "&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù", "*", "<", "wxcvbn,;:!"),
    (" ", "1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%", "µ", ">", "WXCVBN?./§"),
    {3: "~", 4: "#", 5: "{", 6: "[", 7: "|", 8: "`", 9: "\\", 10: "^", 11: "@", 12: "]", 13: "}", 18: "€", 27: "¤"},
    *((26, 0), (26, 1), (3, 2), (8, 2)),
)
LAYOUTS = {"us": _US, "de": _DE, "fr": _FR}
"""By the name in the configuration, which is that of xkeyboard-config."""
