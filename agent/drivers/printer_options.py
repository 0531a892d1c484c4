"""What a terminal may be told about its ESC/POS printer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from agent.drivers.options import baud, seconds
from agent.drivers.printer_layout import COLUMNS_80_MM, Charset
from contract import settings
from contract.making import dataclass

Connection = Literal["network", "serial", "usb", "file"]


@dataclass(frozen=True, slots=True)
class PrinterEscposOptions:
    """Where the printer is and how far it is waited for.

    `connection` is "network" (`host`, best a number, and `port`), "serial" (`path`, `baud`), "usb" (`vendor`,
    `product` and, where there are two of a kind, `serial`) or "file" (`path`, such as /dev/usb/lp0). `drawer` is the
    pin of the printer's drawer socket that the cash drawer is at, 2 or 5, and 0 where there is no drawer. `columns`
    is the width of the paper in font A, `charset` the printer's Kanji character set, `qr_dots` the wished width of a
    QR module. `answers`: whether the printer answers status requests; if not, a paper is done with once it was sent,
    and never confirmed. `keep_s`: how long a job is kept for a printer that says it cannot print. `silence_s`: how
    long a printer may be silent while it is asked. On a line that does not break when the printer is switched off it
    must be less than the printer takes to start, or a job cut in two by that goes unnoticed.
    """

    connection: Connection
    host: str = ""
    port: int = 9100
    path: str = ""
    baud: int = 9600
    vendor: int = 0
    product: int = 0
    serial: str = ""
    drawer: int = 0
    columns: int = COLUMNS_80_MM
    charset: Charset = "gb18030"
    qr_dots: int = 6
    answers: bool = True
    keep_s: float = 120.0
    silence_s: float = 5.0

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> PrinterEscposOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        connection = table.get("connection", "network")
        where = _WHERE.get(connection if isinstance(connection, str) else "", _WHERE["file"])
        return cls(**settings.read(table, settings.Table(where | _HOWEVER_CONNECTED)))


_WHERE: dict[str, dict[str, settings.Setting]] = {
    "network": {"host": settings.host(), "port": settings.whole(1, 65_535, default=9100)},
    "serial": {"path": settings.text(), "baud": baud()},
    "file": {"path": settings.text(), "baud": baud()},
    "usb": {
        "vendor": settings.whole(1, 0xFFFF),
        "product": settings.whole(0, 0xFFFF),
        "serial": settings.text("", max_chars=126),
    },
}
_HOWEVER_CONNECTED = {
    "connection": settings.choice(("network", "serial", "usb", "file"), default="network"),
    "drawer": settings.Setting(
        lambda value: type(value) is int and value in (0, 2, 5), "0 (none), 2 or 5", "0(无)、2 或 5", 0
    ),
    "columns": settings.whole(24, 96, default=COLUMNS_80_MM),
    "charset": settings.choice(("gb18030", "gbk"), default="gb18030"),
    "qr_dots": settings.whole(2, 16, default=6),
    "answers": settings.flag(True),
    "keep_s": seconds(120.0, 0.0, 3600.0),
    "silence_s": seconds(5.0, 0.5, 60.0),
}
