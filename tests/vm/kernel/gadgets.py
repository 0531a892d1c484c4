"""USB devices made by the kernel itself: the device's end is here, and the host's end is whatever the kernel's own
drivers (usbhid, cdc_acm, usblp) make of it, over a bus that exists in memory only (dummy_hcd).

Format: the kernel's Documentation/usb/gadget_configfs.rst and Documentation/ABI/testing/configfs-usb-gadget-*.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import eventually

ALL = Path("/sys/kernel/config/usb_gadget")
CONTROLLERS = Path("/sys/class/udc")
VENDOR, PRODUCT = 0x1209, 0x0001
"""A vendor number set aside for testing."""

KEYBOARD = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810395057501050819012905910295017503910395067508150025650507"
    "190029658100c0"
)
"""The report descriptor of a boot keyboard (USB Device Class Definition for HID 1.11, appendix B.1)."""

KEYS_ALL_UP = bytes(8)


class Gadget:
    """One USB device with one function, such as ``hid.keypad``; ``settings`` are the function's files."""

    def __init__(self, function: str, settings: Mapping[str, bytes]) -> None:
        self.name = function.replace(".", "-")
        self._function = function
        self._settings = settings
        self._folder = ALL / self.name
        self._controller = ""

    def make(self) -> None:
        """Put it together; it is not plugged in yet."""
        self._write("idVendor", f"{VENDOR:#06x}")
        self._write("idProduct", f"{PRODUCT:#06x}")
        for key, text in (("manufacturer", "Tapledger"), ("product", self.name), ("serialnumber", self.name)):
            self._write(f"strings/0x409/{key}", text)
        function = self._folder / "functions" / self._function
        function.mkdir(parents=True)
        for key, value in self._settings.items():
            (function / key).write_bytes(value)
        configuration = self._folder / "configs" / "c.1"
        configuration.mkdir(parents=True)
        (configuration / self._function).symlink_to(function)

    def plug(self) -> None:
        """Push it in, at a port that is free."""
        taken = {(other / "UDC").read_text().strip() for other in ALL.iterdir()}
        self._controller = next(port.name for port in sorted(CONTROLLERS.iterdir()) if port.name not in taken)
        self._write("UDC", self._controller)

    def unplug(self) -> None:
        """Pull it out; nothing is said before."""
        if self._controller:
            self._write("UDC", "\n")
            self._controller = ""

    def destroy(self) -> None:
        """Take it apart."""
        self.unplug()
        (self._folder / "configs" / "c.1" / self._function).unlink()
        for part in ("configs/c.1/strings/0x409", "configs/c.1", f"functions/{self._function}", "strings/0x409", ""):
            if (self._folder / part).is_dir():
                (self._folder / part).rmdir()

    def setting(self, key: str) -> str:
        """What the kernel has in one of the function's files."""
        return (self._folder / "functions" / self._function / key).read_text().strip()

    def _write(self, path: str, text: str) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@contextmanager
def plugged(function: str, settings: Mapping[str, bytes]) -> Iterator[Gadget]:
    """A gadget that is plugged in, and gone afterwards."""
    gadget = Gadget(function, settings)
    gadget.make()
    try:
        gadget.plug()
        yield gadget
    finally:
        gadget.destroy()


@contextmanager
def plugged_keyboard(name: str) -> Iterator["Keyboard"]:
    """A USB keyboard, or a scanner that types as one."""
    settings = {"protocol": b"1", "subclass": b"1", "report_length": b"8", "report_desc": KEYBOARD}
    with plugged(f"hid.{name}", settings) as gadget:
        keyboard = Keyboard(gadget)
        keyboard.wait()
        yield keyboard
    # The host finds out a moment later; the next one of that name must not be taken for this one.
    keyboard.wait_gone()


class Keyboard:
    """The device's end of a USB keyboard."""

    def __init__(self, gadget: Gadget) -> None:
        self.gadget = gadget
        self.path = Path(f"/dev/input/by-id/usb-Tapledger_{gadget.name}_{gadget.name}-event-kbd")
        """Where the host's end is, by the name udev gives it."""

    def wait(self) -> None:
        """Until the host has found it."""
        eventually(self._answers, timeout_s=30)

    def wait_gone(self) -> None:
        """Until the host has lost it."""
        eventually(lambda: not self._answers(), timeout_s=30)

    def _answers(self) -> bool:
        # udev takes the name of a device that was pulled away a moment after the device itself is gone.
        try:
            os.close(os.open(self.path, os.O_RDONLY))
        except OSError:
            return False
        return True

    def report(self, *usages: int, modifiers: int = 0) -> None:
        """Tell the host which keys are down now (HID Usage Tables, page 0x07)."""
        minor = self.gadget.setting("dev").rpartition(":")[2]
        with Path(f"/dev/hidg{minor}").open("wb", buffering=0) as line:
            line.write(bytes((modifiers, 0, *usages)).ljust(8, b"\0"))

    def tap(self, usage: int, modifiers: int = 0) -> None:
        """One key down and up."""
        self.report(usage, modifiers=modifiers)
        self.report()
