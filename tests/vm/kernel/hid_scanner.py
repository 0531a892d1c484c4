"""The device's end of a scanner that types, as a real USB keyboard (HID Usage Tables, page 0x07)."""

from simulator.typed import Beyond, Strokes, strokes
from tests.vm.kernel.gadgets import Keyboard

_IN_ORDER = (
    (4, (30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44)),
    (0x1E, (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 28, 1, 14, 15, 57, 12, 13, 26, 27, 43)),
    (0x33, (39, 40, 41, 51, 52, 53)),
    (0x59, (79, 80, 81, 75, 76, 77, 71, 72, 73, 82)),
)
USAGES = {code: first + at for first, codes in _IN_ORDER for at, code in enumerate(codes)}
"""From key codes (linux/input-event-codes.h): A to Z; 1 to 0, Enter, Esc and on; ; and on; the number block."""

MODIFIERS = {29: 0x01, 42: 0x02, 56: 0x04}
"""Ctrl, Shift and Alt on the left: their bits in a report."""


class HidScanner:
    """Types on a keyboard what it scans."""

    def __init__(self, keyboard: Keyboard) -> None:
        self.keyboard = keyboard
        self._down: list[int] = []

    def scan(self, data: bytes, beyond: Beyond = "bytes") -> None:
        """A whole code and Enter."""
        self.press(strokes(data + b"\r", beyond))

    def press(self, pressed: Strokes) -> None:
        """Keys down and up, one report each."""
        for code, down in pressed:
            if down:
                self._down.append(code)
            else:
                self._down.remove(code)
            usages = [USAGES[code] for code in self._down if code in USAGES]
            self.keyboard.report(*usages, modifiers=sum(MODIFIERS.get(code, 0) for code in self._down))
