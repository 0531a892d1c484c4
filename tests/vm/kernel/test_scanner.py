"""What the serial scanner's driver promises beside a real USB serial line (cdc_acm)."""

import os
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.drivers.code_serial import CodeSerial, CodeSerialOptions
from agent.drivers.facts import CodeScanned, Status
from tests.drivers.told import Told
from tests.vm.kernel.gadgets import Gadget, plugged
from tests.waiting import eventually

PATH = Path("/dev/serial/by-id/usb-Tapledger_acm-scanner_acm-scanner-if00")


class Scanner:
    """The device's end of the line."""

    def __init__(self, gadget: Gadget) -> None:
        self.gadget = gadget

    def wait(self) -> None:
        """Until the host has found it."""
        eventually(PATH.exists, timeout_s=30)

    def send(self, data: bytes) -> None:
        """Bytes as the scanner sends them."""
        line = os.open("/dev/ttyGS0", os.O_WRONLY | os.O_NOCTTY)
        try:
            tty.setraw(line)
            os.write(line, data)
        finally:
            os.close(line)


@pytest.fixture
def scanner() -> Iterator[Scanner]:
    with plugged("acm.scanner", {}) as gadget:
        made = Scanner(gadget)
        made.wait()
        yield made


@pytest.fixture
def told(scanner: Scanner) -> Iterator[Told]:
    told = Told()
    driver = CodeSerial("code", CodeSerialOptions(str(PATH)), told.emit)
    driver.start()
    told.next_status(Status.READY)
    try:
        yield told
    finally:
        driver.close()


def test_a_code_comes_over_a_usb_serial_line(scanner: Scanner, told: Told) -> None:
    scanner.send("会员 1001\r".encode())
    assert told.next(CodeScanned).data == "会员 1001".encode()


def test_a_scanner_pulled_in_the_middle_of_a_code_comes_back_and_half_a_code_is_none(
    scanner: Scanner, told: Told
) -> None:
    scanner.send(b"half of a co")
    scanner.gadget.unplug()
    told.next_status(Status.GONE)
    scanner.gadget.plug()
    scanner.wait()
    told.next_status(Status.READY, timeout_s=30)
    scanner.send(b"whole\r")
    assert told.next(CodeScanned).data == b"whole"
    assert [fact.data for fact in told.of(CodeScanned)] == [b"whole"]
