"""Which key of the till each key of an input device is."""

from __future__ import annotations

from agent.drivers.facts import Key

KEYS: dict[int, Key] = {
    1: Key.CANCEL,  # KEY_ESC
    2: Key.DIGIT_1,
    3: Key.DIGIT_2,
    4: Key.DIGIT_3,
    5: Key.DIGIT_4,
    6: Key.DIGIT_5,
    7: Key.DIGIT_6,
    8: Key.DIGIT_7,
    9: Key.DIGIT_8,
    10: Key.DIGIT_9,
    11: Key.DIGIT_0,
    14: Key.CLEAR,  # KEY_BACKSPACE
    28: Key.ENTER,
    52: Key.POINT,  # KEY_DOT
    59: Key.MEMBER,  # KEY_F1 to KEY_F9
    60: Key.CASH,
    61: Key.REPRINT,
    62: Key.LANG,
    63: Key.SIGNOUT,
    64: Key.DOUBLE_ZERO,
    65: Key.STORED,
    66: Key.TOP_UP,
    67: Key.SLIP,
    68: Key.POINTS,  # KEY_F10
    55: Key.REPORT,  # KEY_KPASTERISK
    74: Key.REFUND,  # KEY_KPMINUS
    88: Key.MENU,  # KEY_F12
    98: Key.TRAINING,  # KEY_KPSLASH
    71: Key.DIGIT_7,  # KEY_KP7 and the rest of the number block
    72: Key.DIGIT_8,
    73: Key.DIGIT_9,
    75: Key.DIGIT_4,
    76: Key.DIGIT_5,
    77: Key.DIGIT_6,
    79: Key.DIGIT_1,
    80: Key.DIGIT_2,
    81: Key.DIGIT_3,
    82: Key.DIGIT_0,
    83: Key.POINT,  # KEY_KPDOT
    87: Key.REDEEM,  # KEY_F11
    96: Key.ENTER,  # KEY_KPENTER
}
"""Key codes of linux/input-event-codes.h: places on the keypad, whatever layout or lock is set."""
