"""Every driver x every trouble: what is tried here, what is shown elsewhere, and what cannot befall such a device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.drivers import matrix_pins, matrix_rigs
from tests.drivers.matrix_rigs import Rig, Trouble
from tests.drivers.pcsc_rig import pcsc

RIGS: dict[str, Callable[[Path], Rig]] = {
    "card/libnfc": matrix_rigs.card,
    "card/pcsc": pcsc,
    "code/serial": matrix_rigs.code,
    "keypad/serial": matrix_rigs.keypad,
    "keypad/gpio": matrix_pins.matrix_keypad,
    "panel/gpio": matrix_pins.panel,
    "printer/escpos": matrix_rigs.network_printer,
    "printer/escpos serial": matrix_rigs.serial_printer,
    "pole/serial": matrix_rigs.pole,
    "glass/socket": matrix_rigs.glass,
    "glass/luma": matrix_pins.small_screen,
}
"""By driver, with a word behind it where it is tried over several lines."""

_EVERY = tuple(Trouble)
CASES: dict[str, tuple[Trouble, ...]] = {
    "card/libnfc": _EVERY,
    "card/pcsc": _EVERY,
    "code/serial": _EVERY,
    "keypad/serial": (Trouble.SILENT, Trouble.GARBAGE, Trouble.DELAYED, Trouble.UNPLUGGED, Trouble.KILLED),
    "keypad/gpio": (Trouble.GARBAGE, Trouble.UNPLUGGED, Trouble.KILLED),
    "panel/gpio": (Trouble.GARBAGE, Trouble.UNPLUGGED, Trouble.KILLED),
    "printer/escpos": _EVERY,
    "printer/escpos serial": _EVERY,
    "pole/serial": (Trouble.SILENT, Trouble.GARBAGE, Trouble.DELAYED, Trouble.UNPLUGGED, Trouble.KILLED),
    "glass/socket": _EVERY,
    "glass/luma": (Trouble.UNPLUGGED, Trouble.KILLED),
}
"""What is tried with each rig."""

_IN_THE_KERNEL = "tests/vm/kernel"
_SCANS = f"{_IN_THE_KERNEL}/test_simulated_input.py::test_the_code_after_a_fault_is_read_and_none_is_half"
_ANEW = f"{_IN_THE_KERNEL}/test_killed.py::test_a_till_that_was_killed_and_begun_anew_takes_its_device_again"

ELSEWHERE: dict[str, dict[Trouble, str]] = {
    "code/evdev": {
        Trouble.SILENT: _SCANS,
        Trouble.GARBAGE: _SCANS,
        Trouble.TRUNCATED: _SCANS,
        Trouble.DELAYED: _SCANS,
        Trouble.UNPLUGGED: f"{_IN_THE_KERNEL}/test_hid_scanner.py"
        "::test_a_scanner_pulled_in_the_middle_of_a_code_comes_back_and_half_a_code_is_none",
        Trouble.KILLED: _ANEW,
    },
    "keypad/evdev": {
        Trouble.GARBAGE: "tests/drivers/test_keypad_evdev.py::test_no_events_upset_the_stream",
        Trouble.TRUNCATED: f"{_IN_THE_KERNEL}/test_keypad.py::test_after_the_kernel_dropped_events_no_key_is_made_up",
        Trouble.UNPLUGGED: f"{_IN_THE_KERNEL}/test_keypad.py"
        "::test_a_keypad_pulled_while_a_key_is_down_comes_back_and_the_key_counts_once",
        Trouble.KILLED: _ANEW,
    },
    "touch/evdev": {
        Trouble.GARBAGE: "tests/drivers/test_touch_evdev.py"
        "::test_whatever_a_panel_tells_no_touch_ends_that_did_not_begin",
        Trouble.TRUNCATED: f"{_IN_THE_KERNEL}/test_touch.py::test_after_the_kernel_dropped_events_no_touch_is_made_up",
        Trouble.UNPLUGGED: f"{_IN_THE_KERNEL}/test_touch.py"
        "::test_a_panel_pulled_while_it_is_touched_loses_the_finger_and_comes_back",
        Trouble.KILLED: _ANEW,
    },
    "glass/framebuffer": {
        Trouble.GARBAGE: "tests/drivers/test_display.py"
        "::test_a_driver_that_tells_nonsense_is_refused_or_can_be_drawn_on",
        Trouble.TRUNCATED: "tests/drivers/test_framebuffer_memory.py"
        "::test_a_framebuffer_that_takes_a_part_is_given_the_rest_and_one_that_ends_too_early_is_lost",
        Trouble.UNPLUGGED: f"{_IN_THE_KERNEL}/test_framebuffer_gone.py"
        "::test_a_framebuffer_whose_device_goes_is_told_and_one_that_comes_back_shows_the_newest",
        Trouble.KILLED: f"{_IN_THE_KERNEL}/test_framebuffer_gone.py"
        "::test_a_till_that_was_killed_while_it_drew_draws_all_of_the_next_picture",
    },
}
"""Drivers whose devices only a kernel can make: by trouble, the test that shows it."""

_PINS_ANSWER_NOTHING = "a pin has a level at every moment and answers nothing: it cannot be silent, late or half"
_KEYS_COME_ALONE = "a key is told by the kernel unasked: unheard or late it is one that was not, or was later, pressed"
_TOUCHES_COME_ALONE = "a touch is told by the kernel unasked: unheard or late it is none, or one that was made later"
_A_LEVEL = dict.fromkeys((Trouble.SILENT, Trouble.TRUNCATED, Trouble.DELAYED), _PINS_ANSWER_NOTHING)
_WRITTEN_TO = "pictures are written into the kernel's memory, which answers nothing and takes them at once"
_SPI = "SPI is clocked by the board, and the controller tells nothing back: what is silent, late, half or garbled "
_SPI += "there looks to the driver like a screen that shows it"

CANNOT: dict[str, dict[Trouble, str]] = {
    "keypad/serial": {Trouble.TRUNCATED: "a key is one byte: half of it is none, and none is silence"},
    "keypad/gpio": _A_LEVEL,
    "panel/gpio": _A_LEVEL,
    "pole/serial": {Trouble.TRUNCATED: "it says nothing that could be cut short; half a command is begun anew"},
    "glass/luma": dict.fromkeys((Trouble.SILENT, Trouble.GARBAGE, Trouble.TRUNCATED, Trouble.DELAYED), _SPI),
    "keypad/evdev": dict.fromkeys((Trouble.SILENT, Trouble.DELAYED), _KEYS_COME_ALONE),
    "touch/evdev": dict.fromkeys((Trouble.SILENT, Trouble.DELAYED), _TOUCHES_COME_ALONE),
    "glass/framebuffer": dict.fromkeys((Trouble.SILENT, Trouble.DELAYED), _WRITTEN_TO),
}
"""What cannot befall such a device, and why."""
