"""The simulated printer, asked and commanded by python-escpos' own calls: software that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from escpos import printer as library

from simulator.ports import Pty
from simulator.printed import DrawerPulse
from simulator.printer import Printer, SerialDoor
from tests.waiting import eventually

FULL, ENDING, OUT = 2, 1, 0
"""python-escpos' words for how much paper there is."""


@pytest.fixture(params=["network", "serial"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Printer, Any]]:
    """A printer and the library's own connection to it."""
    pty = Pty(tmp_path / "printer")
    printer = Printer(door=SerialDoor(pty) if request.param == "serial" else None)
    printer.start()
    if request.param == "serial":
        client = library.Serial(str(pty.path), 9600, timeout=0.2)
    else:
        client = library.Network("127.0.0.1", printer.port, timeout=5)
    client.open()
    yield printer, client
    client.close()
    printer.close()
    pty.close()


def test_it_is_on_line_and_has_paper_until_it_has_not(both: tuple[Printer, Any]) -> None:
    printer, client = both
    assert client.is_online()
    assert client.paper_status() == FULL
    printer.paper_low(True)
    assert client.paper_status() == ENDING
    printer.paper(False)
    assert client.paper_status() == OUT
    assert not client.is_online()
    printer.paper(True)
    printer.paper_low(False)
    assert client.is_online()
    printer.cover(True)
    assert not client.is_online()
    assert client.paper_status() == FULL


def test_its_drawers_open(both: tuple[Printer, Any]) -> None:
    printer, client = both
    client.cashdraw(2)
    client.cashdraw(5)
    eventually(lambda: [pulse.pin for pulse in printer.pulses] == [2, 5])
    assert printer.pulses[0] == DrawerPulse(2, 100)


def test_what_the_library_writes_comes_out_as_it_should(both: tuple[Printer, Any]) -> None:
    printer, client = both
    client.set(align="center", bold=True)
    client.textln("Receipt 268.00")
    client.qr("https://example.com/1", native=True)
    client.cut()
    assert printer.roll.wait_for(lambda roll: roll.last is not None)
    assert printer.roll.last is not None
    assert printer.roll.last.rows[0] == "Receipt 268.00"
    assert printer.roll.last.codes == (b"https://example.com/1",)
    # The only code page it has, which the library chooses all the same (ESC t).
    assert printer.unknown == (b"\x1bt\x00",)
