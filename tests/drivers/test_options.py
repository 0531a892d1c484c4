"""What can be no host, no socket and no path is refused with the settings, before a driver ever tries it."""

from __future__ import annotations

import contextlib
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.card_libnfc import CardLibnfcOptions
from agent.drivers.card_pcsc import CardPcscOptions
from agent.drivers.code_evdev import CodeEvdevOptions
from agent.drivers.code_serial import CodeSerialOptions
from agent.drivers.display_framebuffer import DisplayFramebufferOptions
from agent.drivers.glass_socket import GlassSocketOptions
from agent.drivers.keypad_evdev import KeypadEvdevOptions
from agent.drivers.keypad_serial import KeypadSerialOptions
from agent.drivers.options import is_socket_path
from agent.drivers.pole_serial import PoleSerialOptions
from agent.drivers.printer_escpos import PrinterEscposOptions
from contract.settings import HOST_MOST_CHARS, SettingsError, is_host

NO_HOSTS = ["", ".", "a..b", ".a", "x" * 64, "收" * 63, "a b", "a\0b", "a\nb", "a." * 127 + "ab", "\ud800"]
HOSTS = ["localhost", "printer.shop", "printer.shop.", "192.0.2.7", "::1", "fe80::1%eth0", "打印机.shop", "x" * 63]
TOKEN = {"token": "till", "pin_file": "/pin"}


@pytest.mark.parametrize("host", NO_HOSTS)
def test_a_host_that_nobody_could_look_up_is_refused_with_cause_and_next_step(host: str) -> None:
    for read, table, path in (
        (PrinterEscposOptions.from_table, {"host": host}, "host"),
        (GlassSocketOptions.from_table, {"address": f"{host}:9"}, "address"),
    ):
        with pytest.raises(SettingsError) as refused:
            read(table)
        (problem,) = refused.value.problems
        assert problem.path == path
        assert all((problem.cause, problem.cause_zh, problem.suggestion, problem.suggestion_zh))


@pytest.mark.parametrize("host", HOSTS)
def test_names_and_numbers_of_hosts_are_taken_as_they_are(host: str) -> None:
    assert PrinterEscposOptions.from_table({"host": host}).host == host
    assert GlassSocketOptions.from_table({"address": f"{host}:9"}).address == f"{host}:9"


@given(st.one_of(st.text(max_size=80), st.from_regex(r"[a-z.\-]{1,300}", fullmatch=True), st.none(), st.integers()))
def test_whatever_passes_for_a_host_the_system_can_be_asked_for(value: object) -> None:
    if is_host(value):
        assert isinstance(value, str) and 1 <= len(value) <= HOST_MOST_CHARS
        with contextlib.suppress(OSError):
            socket.getaddrinfo(value, 9, flags=socket.AI_NUMERICHOST)


@given(st.one_of(st.text(max_size=120).map(lambda name: f"/{name}"), st.binary(), st.just("glass")))
def test_whatever_passes_for_a_socket_can_be_tried(value: object) -> None:
    if is_socket_path(value):
        assert isinstance(value, str)
        with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
            line.connect(value)


@pytest.mark.parametrize("address", ["/a\0b", "/" + "x" * 107, "/" + "屏" * 36, "h:0", "h:65536", "h:" + "9" * 5000])
def test_a_socket_or_a_port_that_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(SettingsError):
        GlassSocketOptions.from_table({"address": address})


@pytest.mark.parametrize(
    ("read", "table"),
    [
        (CodeSerialOptions.from_table, {"path": "/dev/a\0b"}),
        (KeypadSerialOptions.from_table, {"path": "/dev/a\0b"}),
        (PoleSerialOptions.from_table, {"path": "/dev/a\0b"}),
        (CodeEvdevOptions.from_table, {"path": "/dev/a\0b"}),
        (KeypadEvdevOptions.from_table, {"path": "/dev/a\0b"}),
        (DisplayFramebufferOptions.from_table, {"path": "/dev/a\0b"}),
        (PrinterEscposOptions.from_table, {"connection": "serial", "path": "/dev/a\0b"}),
        (PrinterEscposOptions.from_table, {"connection": "file", "path": "/dev/a\0b"}),
        (CardPcscOptions.from_table, {"socket": "/run/a\0b"}),
        (CardLibnfcOptions.from_table, {"connstring": "pn532_uart:/dev/a\0b"}),
        (CardLibnfcOptions.from_table, {"connstring": "pn532_uart:/dev/x", "token": {"library": "/a\0b"} | TOKEN}),
        (CardPcscOptions.from_table, {"token": {"library": "/lib", "token": "till", "pin_file": "/a\0b"}}),
    ],
)
def test_no_path_of_any_driver_may_hold_what_no_path_can(read: object, table: dict[str, object]) -> None:
    assert callable(read)
    with pytest.raises(SettingsError) as refused:
        read(table)
    assert len(refused.value.problems) == 1
