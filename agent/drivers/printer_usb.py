"""A USB receipt printer by what it is, not by the number its node happens to have.

The kernel's own driver (usblp) carries the bytes. python-escpos could open a USB printer itself, by libusb, and is
never let: that resets the device and detaches the kernel's drivers from it, and on a printer that brings its own
keyboard or scanner along it takes those away from the till in the middle of a sale. Format of the folders: the
kernel's Documentation/ABI/stable/sysfs-bus-usb and Documentation/ABI/testing/sysfs-class-usbmisc.
"""

from __future__ import annotations

import errno
from pathlib import Path

CLASS = Path("/sys/class/usbmisc")
NODES = Path("/dev")
MOST_DEVICES = 64


def find_printer(vendor: int, product: int, serial: str = "", devices: Path = CLASS, nodes: Path = NODES) -> Path:
    """The node of the plugged-in printer with these numbers and, unless empty, this serial number.

    Where several fit it is the one at the first socket, so that the answer stays the same from one start to the next.
    Raises OSError where there is none.
    """
    fitting = []
    for entry in sorted(devices.glob("lp*"))[:MOST_DEVICES]:
        # "device" is the printing part of the USB device; the folder above it is the whole.
        whole = (entry / "device").resolve().parent
        told = (_number(whole / "idVendor"), _number(whole / "idProduct"))
        if told == (vendor, product) and serial in ("", _text(whole / "serial")):
            fitting.append((str(whole), _node(entry, nodes)))
    if not fitting:
        raise FileNotFoundError(errno.ENODEV, f"no printer {vendor:04x}:{product:04x} {serial}".rstrip())
    return min(fitting)[1]


def _node(entry: Path, nodes: Path) -> Path:
    """Where udev puts it, by the kernel's word (``DEVNAME=usb/lp0``)."""
    for line in _text(entry / "uevent").splitlines():
        name, _, value = line.partition("=")
        if name == "DEVNAME" and ".." not in value:
            return nodes / value.lstrip("/")
    return nodes / "usb" / entry.name


def _number(file: Path) -> int:
    """Four hexadecimal digits; -1 where there are none."""
    try:
        return int(_text(file), 16)
    except ValueError:
        return -1


def _text(file: Path) -> str:
    """What a device says of itself; empty where it was pulled meanwhile, or says nothing."""
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
