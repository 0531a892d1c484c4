"""What stands on the counter beside readers and scanners, and the till behind them: doors that take it as bytes."""

from __future__ import annotations

import json
import os
import socket
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from agent.config import build_config
from agent.device_view import states_of
from agent.drivers.card_lines import card_fact
from agent.drivers.child import Child, ChildPlan
from agent.drivers.framebuffer_pixels import FIXED_BYTES, VARIABLE_BYTES, Layout
from agent.drivers.keypad_serial import KEYS, KeyBytes
from agent.drivers.printer_port import LineLost, PrinterPort
from agent.drivers.table import DRIVERS, check_options
from agent.txn.events import CardRead
from contract.settings import SettingsError, parse_toml
from hq.config import build_config as build_office_config
from simulator.acr122 import OnReader
from simulator.cards_desfire import DesfireCard
from simulator.cards_type2 import Ntag213
from simulator.escpos_decoder import EscposDecoder
from simulator.ndef import text_message
from tests.drivers.test_table import SOUND
from tests.txn.desk import GOLD_PHONE, GOLD_UID, Desk, MemoryBook
from tests.txn.purse import Phone, coupon, new_signer

Taker = tuple[Callable[[bytes], object], tuple[bytes, ...], tuple[type[Exception], ...]]

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
UID = bytes.fromhex("04782e21801d80")
WELL, PAPER_OUT = b"\x12\x12\x12\x12", b"\x1a\x32\x12\x7e"
MS_NS = 1_000_000


def takers() -> dict[str, Taker]:
    """All of them by name: what takes the bytes, bytes that it takes, and its refusals."""
    return {
        "bytes of a keypad": (_press, (bytes(KEYS), b"\xff7\x007"), ()),
        "answers of a printer": (_hear, (b"\x03" + WELL + b"\x00" + WELL + b"\x00", b"\x01" + PAPER_OUT), (LineLost,)),
        "line to a device's process": (_supervise, _LINES, (ValueError, KeyError, TypeError, RecursionError)),
        "what a screen says of itself": (_draw_on, (_screen(),), (ValueError,)),
        "how the devices are": (
            _view,
            (b'{"at":1,"devices":{"card":{"status":"ready","reason":"","next_step":"","since":1}}}',),
            (),
        ),
        "settings of a device": (
            _configure,
            tuple(json.dumps([*key, told]).encode() for key, told in SOUND.items()),
            (SettingsError,),
        ),
        "settings of a till": (_till, ((EXAMPLES / "agent.toml").read_bytes(),), (SettingsError,)),
        "settings of head office": (_office, ((EXAMPLES / "hq.toml").read_bytes(),), (SettingsError,)),
        "code at a till": (_scan, _codes(), ()),
        "card at a till": (_tap, (b"\x07" + UID, b"\x07" + GOLD_UID + text_message("TLC1:AAAA", "en")), ()),
        "bytes to a simulated printer": (
            _print,
            (b"\x1b@\x1c&" + "会员价".encode("gb18030") + b"\n\x1dV\x42\x00",),
            (),
        ),
        "command to a simulated reader": (_command, (bytes.fromhex("ffca000000"), bytes.fromhex("ffb0000410")), ()),
    }


def _press(data: bytes) -> None:
    for bounce_ms in (0, 20):
        keys, now_ns, found = KeyBytes(bounce_ms), 0, 0
        for byte in data:
            now_ns += byte * MS_NS // 8
            found += len(keys.feed(bytes([byte]), now_ns))
        assert found + keys.ignored <= len(data)


def _hear(data: bytes) -> None:
    """A printer that says this, five bytes at a time; the first byte says what it is asked each time."""
    near, far = socket.socketpair()
    with os.fdopen(near.detach(), "r+b", buffering=0) as line, far:
        far.setblocking(False)
        port = PrinterPort(SimpleNamespace(device=line))
        for at in range(1, len(data), 5):
            if data[0] & 1:
                port.ask_real_time(1.0)
            if data[0] & 2:
                port.ask_in_order(1.0)
            with suppress(BlockingIOError):
                far.recv(64)
            far.sendall(data[at : at + 5])
            port.listen(1.0)
            port.state()
            port.confirmed()


_LINES = (
    b'{"t":"ready"}',
    b'{"t":"ready","reason":"a","next_step":"b"}',
    b'{"t":"beat","idle":false}',
    b'{"t":"down","reason":"reader_silent"}',
    b'{"t":"lost","reason":"reader_silent"}',
    b'{"t":"refused","reason":"removed"}',
    b'{"t":"card","kind":"ntag","uid":"04a1b2c3d4e5f6","seen_ns":1,"assurance":"read","content":null,"counter":7}',
)


def _supervise(line: bytes) -> None:
    Child("card", ChildPlan("nothing"), lambda _fact: True, card_fact)._take(line, os.getpid())


def _draw_on(told: bytes) -> None:
    told = told.ljust(VARIABLE_BYTES + FIXED_BYTES, b"\x00")
    layout = Layout.of(told[:VARIABLE_BYTES], told[VARIABLE_BYTES:])
    assert 0 <= layout.at(0, 0) <= layout.at(layout.width - 1, layout.height - 1)


def _screen() -> bytes:
    variable = b"".join(
        number.to_bytes(4, "little") for number in (480, 320, 480, 320, 0, 0, 16, 0, 11, 5, 0, 5, 6, 0, 0, 5, 0)
    )
    fixed = bytes(16 + 8 + 4 * 4 + 2 * 3 + 2) + (960).to_bytes(4, "little")
    return variable.ljust(VARIABLE_BYTES, b"\x00") + fixed.ljust(FIXED_BYTES, b"\x00")


def _view(said: bytes) -> None:
    states_of(said, live=False)
    states = states_of(b"%08x %s\n" % (zlib.crc32(said), said), live=True)
    assert states is None or all(map(str.isprintable, states.devices))


def _configure(data: bytes) -> None:
    """The settings of one device: its capability, technology and table."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return
    match told:
        case [str(capability), str(technology), dict(table)]:
            check_options(capability, technology, table)
        case dict(table):
            for capability, technology in DRIVERS:
                check_options(capability, technology, table)


def _till(data: bytes) -> None:
    config = build_config(parse_toml(data, "agent.toml"), EXAMPLES, "agent.toml")
    for device in config.devices:
        check_options(device.capability, device.technology, device.options)


def _office(data: bytes) -> None:
    build_office_config(parse_toml(data, "hq.toml"), EXAMPLES, "hq.toml")


@cache
def _standing() -> Desk:
    """A signed-in till with a line in its basket."""
    desk = Desk(MemoryBook(hq=new_signer())).sign_in()
    desk.keys("100", "enter")
    return desk


def _codes() -> tuple[bytes, ...]:
    hq = _standing().book.hq
    shown = (
        coupon(hq),
        Phone(hq, member="m-1").shows(_standing().book.now().wall_ms, bytes(16)),
        _standing().credential(),
    )
    hostile = ("' OR 1=1", "\x1b[2J\x1b]0;x\x07", "\x00", "6901234567892", GOLD_PHONE, "会员", "TLC1:")
    return tuple(text.encode() for text in (*shown, *hostile))


def _at_the_till(act: Callable[[Desk], object]) -> None:
    """Somebody comes in the middle of a sale; it goes through all the same."""
    standing = _standing()
    book = standing.book
    desk = Desk(MemoryBook(hq=book.hq, active=book.active, cashiers=book.cashiers), standing.state)
    act(desk)
    desk.keys("cash")
    while desk.state.outstanding is not None:
        desk.commit()
    assert desk.book.journal, desk.state


def _scan(data: bytes) -> None:
    _at_the_till(lambda desk: desk.scan(data))


def _tap(data: bytes) -> None:
    """A card: the length of its number, the number, and what is written on it."""
    size = data[0] % 11 if data else 0
    _at_the_till(lambda desk: desk.tell(CardRead("ntag", data[1 : 1 + size], data[1 + size :] or None)))


def _print(data: bytes) -> None:
    decoder = EscposDecoder()
    decoder.put(data)
    for _part in range(len(data) + 1):
        if decoder.take() is None:
            return


def _command(data: bytes) -> None:
    for card in (Ntag213(UID, text_message("a", "en")), DesfireCard(UID)):
        OnReader(card).apdu(data)
