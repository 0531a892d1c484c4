"""Debian's own pcscd with a reader that is plugged in and pulled while it runs: its udev listens to usb_bus.py.

The reader's driver is vpcd again, with a few lines of C before it (pcscd_usb.c).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pcscd import LIBRARY, PREPARE, READER, RUN, SmartCardService
from tests.usb_bus import PRODUCT, VENDOR
from tests.waiting import eventually

_DRIVERS = LIBRARY.parents[1]
_DRIVER = Path(__file__).with_name("pcscd_usb.c")
_SCRIPT = f"""
{PREPARE} && mount --bind "$2/drivers" {_DRIVERS} &&
exec env UMOCKDEV_DIR="$3" LD_PRELOAD=libumockdev-preload.so.0 {RUN}
"""
_BUNDLE = f"""<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0">
<dict>
    <key>ifdCapabilities</key>
    <string>0x00000000</string>
    <key>CFBundleExecutable</key>
    <string>reader.so</string>
    <key>ifdVendorID</key>
    <array>
        <string>0x{VENDOR}</string>
    </array>
    <key>ifdProductID</key>
    <array>
        <string>0x{PRODUCT}</string>
    </array>
    <key>ifdFriendlyName</key>
    <array>
        <string>{READER}</string>
    </array>
</dict>
</plist>
"""


class UsbReaderService(SmartCardService):
    """One pcscd whose reader can be pulled and plugged in again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder
        contents = folder / "drivers" / "shop.bundle" / "Contents"
        code = contents / "Linux"
        code.mkdir(parents=True)
        (contents / "Info.plist").write_text(_BUNDLE)
        # Under the name by which the dynamic linker asks for it.
        shutil.copy(LIBRARY, code / "libifdvpcd.so.0")
        linked = ["-Wl,--no-as-needed", str(code / "libifdvpcd.so.0"), "-Wl,-rpath,$ORIGIN"]
        made = ["cc", "-shared", "-fPIC", "-o", str(code / "reader.so"), str(_DRIVER), *linked]
        subprocess.run(made, check=True, timeout=60)
        self._bus = subprocess.Popen(
            ["umockdev-wrapper", sys.executable, "-m", "tests.usb_bus"],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._bus.stdout is not None
        self._bus_folder = self._bus.stdout.readline().strip()

    def start(self, with_reader: bool = True) -> None:
        """Start it with the reader plugged in."""
        assert with_reader
        self._launch(_SCRIPT, str(self._folder), self._bus_folder)
        eventually(self._has_reader)

    def stop(self) -> None:
        """Stop it, and take the bus away."""
        super().stop()
        self._bus.communicate(timeout=10)

    def unplug(self) -> None:
        """Pull the reader, with its cards."""
        self._say("remove")
        for slot in self.slots:
            slot.remove()

    def replug(self) -> None:
        """Plug it in again."""
        self._say("add")

    def _say(self, what: str) -> None:
        assert self._bus.stdin is not None and self._bus.stdout is not None
        self._bus.stdin.write(f"{what}\n")
        self._bus.stdin.flush()
        assert self._bus.stdout.readline() == f"{what}\n"

    def _has_reader(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self._log.read_text()
        return READER in self.run("opensc-tool", "--list-readers").stdout


@contextmanager
def usb_reader_service(folder: Path) -> Iterator[UsbReaderService]:
    """Run one for as long as the block does; for tests marked `needs_pcscd` and `needs_usb_bus`."""
    service = UsbReaderService(folder)
    try:
        service.start()
        yield service
    finally:
        service.stop()


CAN_HAVE_USB_BUS = all(shutil.which(tool) for tool in ("umockdev-wrapper", "cc"))
needs_usb_bus = pytest.mark.skipif(not CAN_HAVE_USB_BUS, reason="needs umockdev and a C compiler")
"""On every test that starts one."""
