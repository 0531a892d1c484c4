"""What a terminal may be told about its ESC/POS printer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from agent.drivers.options import OptionTable
from agent.drivers.printer_layout import COLUMNS_80_MM, Charset

Connection = Literal["network", "serial", "file"]


@dataclass(frozen=True, slots=True)
class PrinterEscposOptions:
    """Where the printer is and how far it is waited for.

    `connection` is "network" (`host`, best a number, and `port`), "serial" (`path`, `baud`) or "file" (`path`, such
    as /dev/usb/lp0). `columns` is the width of the paper in font A, `charset` the printer's Kanji character set,
    `qr_dots` the wished width of a QR module. `answers`: whether the printer answers status requests; if not, no
    paper is ever told to be printed. `keep_s`: how long a job is kept for a printer that says it cannot print.
    `silence_s`: how long a printer may be silent while it is asked. On a line that does not break when the printer is
    switched off it must be less than the printer takes to start, or a job cut in two by that goes unnoticed.
    """

    connection: Connection
    host: str = ""
    port: int = 9100
    path: str = ""
    baud: int = 9600
    columns: int = COLUMNS_80_MM
    charset: Charset = "gb18030"
    qr_dots: int = 6
    answers: bool = True
    keep_s: float = 120.0
    silence_s: float = 5.0

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> PrinterEscposOptions:
        """Read a table of options. Raises DriverError that lists every mistake."""
        read = OptionTable(table)
        connection = read.choice("connection", "network", ("network", "serial", "file"))
        network = connection == "network"
        options = cls(
            connection=cast(Connection, connection),
            host=read.text("host") if network else "",
            port=read.whole("port", 9100, 1, 65535) if network else 9100,
            path="" if network else read.text("path"),
            baud=read.whole("baud", 9600, 300, 4_000_000) if connection == "serial" else 9600,
            columns=read.whole("columns", COLUMNS_80_MM, 24, 96),
            charset=cast(Charset, read.choice("charset", "gb18030", ("gb18030", "gbk"))),
            qr_dots=read.whole("qr_dots", 6, 2, 16),
            answers=read.flag("answers", True),
            keep_s=read.seconds("keep_s", 120.0, 0.0, 3600.0),
            silence_s=read.seconds("silence_s", 5.0 if network else 2.0, 0.5, 60.0),
        )
        read.finish()
        return options
