"""What python-escpos is used for: to open the printer, and to put a paper into ESC/POS commands.

The library is imported here and nowhere else, when a printer is first opened.
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

from agent.drivers.printer_layout import Line, layout
from agent.drivers.printer_options import PrinterEscposOptions
from agent.drivers.printer_usb import find_printer
from agent.paper import Cut, Feed, Paper, Qr

KANJI_ON = b"\x1c&"
"""FS &: bytes from 0x81 on are halves of Chinese characters. python-escpos sends Chinese without it."""

PROFILE = Path(__file__).with_name("printer_profile.json")
"""What python-escpos is to know about printers, in the form of its own list of models."""

OPEN_S = 0.5
DOTS_PER_COLUMN = 12
QR_QUIET_MODULES = 8


def open_printer(options: PrinterEscposOptions) -> Any:
    """An opened python-escpos printer. Raises ImportError, or OSError when the printer is not there."""
    printers = _escpos_printers()
    if options.connection == "network":
        device = printers.Network(options.host, options.port, timeout=OPEN_S)
        # The library's own way of opening leaves the socket of each failed attempt open.
        device.device = socket.create_connection((options.host, options.port), OPEN_S)
    elif options.connection in ("file", "usb"):
        usb = options.connection == "usb"
        path = str(find_printer(options.vendor, options.product, options.serial)) if usb else options.path
        device = printers.File(path)
        # The library would open it for writing only, create a plain file where the printer is missing, and wait in
        # the kernel while there is no paper.
        number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
        device.device = os.fdopen(number, "r+b", buffering=0)
    else:
        device = printers.Serial(options.path, options.baud, timeout=OPEN_S)
        try:
            device.open()
        except Exception as error:
            # The library wraps what the system said; there, the reason is told by number.
            raise OSError(getattr(error.__context__, "errno", None), str(error)) from error
    return device


def compile_paper(paper: Paper, options: PrinterEscposOptions) -> tuple[bytes, ...]:
    """A paper as the bytes that print it, beginning with a reset: piece by piece, each of whole commands, so that
    between two of them another command may stand. Raises ImportError.
    """
    from escpos.constants import QR_ECLEVEL_M

    device = _escpos_printers().Dummy()
    device.hw("INIT")
    device._raw(KANJI_ON)
    pieces: list[bytes] = []
    for item in layout(paper, options.columns, options.charset):
        match item:
            case Line(text, align, bold, size):
                device.set(align=align, bold=bold, custom_size=True, width=size, height=size)
                device._raw(text.encode(options.charset) + b"\n")
            case Qr(data):
                device.set(align="center")
                device.qr(data, ec=QR_ECLEVEL_M, size=_qr_dots(data, options), native=True)
            case Feed(lines):
                device.print_and_feed(lines)
            case Cut():
                # GS V 66 0: feed as far as this printer's knife needs, then cut.
                device.cut(feed=False)
        pieces.append(device.output)
        device.clear()
    return (*pieces, device.output)


def _qr_dots(data: str, options: PrinterEscposOptions) -> int:
    """The width of a QR module: the wished one, or the greatest with which the code fits on the paper."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(data)
    modules = int(code.best_fit()) * 4 + 17
    return min(options.qr_dots, options.columns * DOTS_PER_COLUMN // (modules + QR_QUIET_MODULES))


def _escpos_printers() -> Any:
    """python-escpos' module of printers."""
    # It would read what three dozen models can do, for as long as the rest of the till takes to start; one is enough.
    os.environ.setdefault("ESCPOS_CAPABILITIES_FILE", str(PROFILE))
    from escpos import capabilities, printer

    # Each import of the library leaves a new folder among the temporary files.
    if "ESCPOS_CAPABILITIES_PICKLE_DIR" not in os.environ:
        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)
    return printer
