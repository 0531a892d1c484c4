"""What real USB devices told the kernel, played back to the drivers where no kernel makes such devices (umockdev).

The recordings are made by umockdev-record from the usbhid devices of the virtual machine (``./dev vm-devices``): a
scanner that types a code with Chinese in it, byte by byte with Alt, and a keypad. The drivers open them as in a shop,
by the link under /dev/input/by-id that udev made, which umockdev makes again. It answers ioctl(2) by the name that was
opened and plays events at the node behind it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RECORDINGS = Path(__file__).with_name("recordings")
NODE = "/dev/input/event4"


def play(name: str, capability: str, count: int) -> list[str]:
    """The first facts of the driver at that recording."""
    files = {suffix: RECORDINGS / f"{name}.{suffix}" for suffix in ("umockdev", "ioctl", "events")}
    link = by_id(files["umockdev"])
    made = ["-d", str(files["umockdev"]), "-i", f"{link}={files['ioctl']}", "-e", f"{NODE}={files['events']}"]
    program = [sys.executable, "-m", "tests.drivers.recorded", capability, link, str(count)]
    done = subprocess.run(
        ["umockdev-run", *made, "--", *program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def by_id(description: Path) -> str:
    """The link by what the device is, of those that udev made."""
    (link,) = [line.split()[1] for line in description.read_text().splitlines() if line.startswith("S: input/by-id/")]
    return f"/dev/{link}"


def test_a_recorded_scanner_is_found_by_what_it_is_and_read_as_it_was_in_the_kernel() -> None:
    assert play("scanner", "code", 1) == ["会员1001".encode().hex()]


def test_a_recorded_keypad_is_found_by_what_it_is_and_read_as_it_was_in_the_kernel() -> None:
    assert play("keypad", "keypad", 5) == ["1", "2", ".", "0", "enter"]
