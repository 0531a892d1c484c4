"""What real USB devices told the kernel, played back to the drivers where no kernel makes such devices (umockdev).

The recordings are made by umockdev-record from the usbhid devices of the virtual machine (``./dev vm-devices``): a
scanner that types a code with Chinese in it, byte by byte with Alt, and a keypad. The drivers open them as in a shop,
by the link under /dev/input/by-id that udev made, which umockdev makes again. It answers ioctl(2) by the name that was
opened and plays events at the node behind it. Two touch panels were made there by uinput and have no such link.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).with_name("recordings")
NODE = "/dev/input/event4"


def play(name: str, capability: str, count: int, node: str = NODE) -> list[str]:
    """The first facts of the driver at that recording."""
    files = {suffix: RECORDINGS / f"{name}.{suffix}" for suffix in ("umockdev", "ioctl", "events")}
    link = by_id(files["umockdev"]) or node
    made = ["-d", str(files["umockdev"]), "-i", f"{link}={files['ioctl']}", "-e", f"{node}={files['events']}"]
    program = [sys.executable, "-m", "tests.drivers.recorded", capability, link, str(count)]
    done = subprocess.run(
        ["umockdev-run", *made, "--", *program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def by_id(description: Path) -> str:
    """The link by what the device is, of those that udev made; empty where it made none."""
    lines = description.read_text().splitlines()
    return next((f"/dev/{line.split()[1]}" for line in lines if line.startswith("S: input/by-id/")), "")


def test_a_recorded_scanner_is_found_by_what_it_is_and_read_as_it_was_in_the_kernel() -> None:
    assert play("scanner", "code", 1) == ["会员1001".encode().hex()]


def test_a_recorded_keypad_is_found_by_what_it_is_and_read_as_it_was_in_the_kernel() -> None:
    assert play("keypad", "keypad", 5) == ["1", "2", ".", "0", "enter"]


@pytest.mark.parametrize(("name", "node"), [("touch", NODE), ("touch_slots", "/dev/input/event5")])
def test_recorded_panels_are_read_as_they_were_in_the_kernel(name: str, node: str) -> None:
    """Two taps and one more at the same place, a contact that chatters three times, and a finger that slides."""
    places = ["999:999", "8999:2499", "8999:2499", *["4999:7499"] * 3]
    taps = [f"{finger}:{place}" for place in places for finger in ("down", "up")]
    assert play(name, "touch", 14, node) == [*taps, "down:1999:7999", "up:7999:8199"]
