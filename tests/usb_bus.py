"""A USB bus of the kernel's as udev tells of it, with one smart card reader that is plugged in and pulled (umockdev).

Run as a program beside `umockdev-wrapper`, it tells on standard output where it keeps the bus, and at each line of
standard input tells whoever listens to that bus what befell the reader: `add` or `remove`.
"""

from __future__ import annotations

import ctypes
import sys

VENDOR, PRODUCT = "3456", "0001"
INTERFACE = "/devices/pci0/usb1/1-1/1-1:1.0"
_READER = f"""P: /devices/pci0/usb1/1-1
N: bus/usb/001/002
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
E: DEVNAME=/dev/bus/usb/001/002
A: idVendor={VENDOR}
A: idProduct={PRODUCT}

P: {INTERFACE}
E: SUBSYSTEM=usb
E: DEVTYPE=usb_interface
A: bInterfaceNumber=00
"""


def main() -> None:
    """Keep the bus until standard input ends."""
    library = ctypes.CDLL("libumockdev.so.0")
    library.umockdev_testbed_new.restype = ctypes.c_void_p
    library.umockdev_testbed_get_root_dir.restype = ctypes.c_char_p
    bus = ctypes.c_void_p(library.umockdev_testbed_new())
    assert library.umockdev_testbed_add_from_string(bus, _READER.encode(), None)
    print(library.umockdev_testbed_get_root_dir(bus).decode(), flush=True)
    for line in sys.stdin:
        library.umockdev_testbed_uevent(bus, f"/sys{INTERFACE}".encode(), line.strip().encode())
        print(line.strip(), flush=True)
    ctypes.CDLL("libgobject-2.0.so.0").g_object_unref(bus)


if __name__ == "__main__":
    main()
