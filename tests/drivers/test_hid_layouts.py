"""What a key types is what other people's table of layouts says (libxkbcommon with xkeyboard-config)."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from agent.drivers.hid_layouts import LAYOUTS, accented

EVDEV_OFFSET = 8
NUM_LOCK, SHIFT, ALTGR = 69, 42, 100


class Names(ctypes.Structure):
    """struct xkb_rule_names of xkbcommon/xkbcommon.h."""

    _fields_ = [(name, ctypes.c_char_p) for name in ("rules", "model", "layout", "variant", "options")]


class Xkb:
    """A keyboard of that layout with its number block switched on."""

    def __init__(self, layout: str) -> None:
        library: Any = ctypes.CDLL("libxkbcommon.so.0")
        for name in ("xkb_context_new", "xkb_keymap_new_from_names", "xkb_state_new"):
            getattr(library, name).restype = ctypes.c_void_p
        library.xkb_keymap_new_from_names.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
        library.xkb_state_new.argtypes = (ctypes.c_void_p,)
        library.xkb_state_update_key.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int)
        library.xkb_state_key_get_one_sym.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        library.xkb_keysym_get_name.argtypes = (ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t)
        names = Names(b"evdev", b"pc105", layout.encode(), None, None)
        keymap = library.xkb_keymap_new_from_names(library.xkb_context_new(0), ctypes.byref(names), 0)
        self._library = library
        self._state = library.xkb_state_new(keymap)
        self.key(NUM_LOCK, down=True)
        self.key(NUM_LOCK, down=False)

    def key(self, code: int, down: bool) -> None:
        self._library.xkb_state_update_key(self._state, code + EVDEV_OFFSET, int(down))

    def types(self, code: int) -> str:
        """The character; of a key that waits for a letter, its name."""
        symbol = self._library.xkb_state_key_get_one_sym(self._state, code + EVDEV_OFFSET)
        char = self._library.xkb_keysym_to_utf32(symbol)
        if char:
            return chr(char)
        name = ctypes.create_string_buffer(64)
        self._library.xkb_keysym_get_name(symbol, name, 64)
        return name.value.decode()


DEAD = {"dead_circumflex": "^", "dead_acute": "´", "dead_grave": "`", "dead_diaeresis": "¨"}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_key_types_what_the_desktop_says_it_types(layout: str) -> None:
    ours = LAYOUTS[layout]
    for level, (typed, modifiers) in enumerate(((ours.plain, ()), (ours.shift, (SHIFT,)), (ours.altgr, (ALTGR,)))):
        theirs = Xkb(layout)
        for modifier in modifiers:
            theirs.key(modifier, down=True)
        assert typed or layout == "us"
        for code, char in typed.items():
            types = theirs.types(code)
            assert DEAD.get(types, types) == char, (code, level)
            assert types not in DEAD or (code, level) in ours.dead


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_layout_has_all_letters_digits_and_signs_of_ascii(layout: str) -> None:
    ours = LAYOUTS[layout]
    typed = {*ours.plain.values(), *ours.shift.values(), *ours.altgr.values()}
    assert {chr(byte) for byte in range(0x20, 0x7F)} <= typed


def test_an_accent_and_a_letter_are_one_character_where_there_is_one() -> None:
    assert [accented("¨", "u"), accented("^", "x"), accented("´", " ")] == ["ü", "^x", "´"]
