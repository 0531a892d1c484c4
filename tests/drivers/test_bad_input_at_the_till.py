"""Lying cards, hostile codes, stuck keys and noise, by real drivers into the till's own loop: each is refused in words
or counts for nothing, and the next customer is served.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.drivers.code_evdev import CodeEvdevOptions, ScanStream
from agent.drivers.facts import CodeProblem, CodeRefused, DeviceStatus, Fact, KeyPressed, Status
from agent.drivers.input_stream import EV_KEY
from agent.drivers.keypad_evdev import KeyStream
from agent.drivers.table import open_driver
from simulator.cards import Card, UidCard
from simulator.cards_files import NDEF_FILE, FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213, Ntag216
from simulator.faults import Fault
from simulator.pn532 import Pn532
from simulator.scanner import Scanner
from simulator.vpcd import ATR_T1
from tests.agent.shop import GOLD_UID, Shop
from tests.fuzz.input_doors import Event
from tests.pcscd import needs_pcscd, smart_card_service
from tests.waiting import eventually

UID = bytes.fromhex("04782e21801d80")
HOUR_OF_REPEATS, REPEAT_NS = 30 * 3_600, 33_000_000
KEY_5, KEY_KP5 = 6, 76
"""linux/input-event-codes.h."""
NOISE_S = 90


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


class Desk:
    """A till with a cashier, the devices that are tried, and what became of them."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.shop = Shop(folder)
        self.see = self.shop.outside.see
        self._running = running
        self._states: dict[str, Status] = {}
        self.shop.open()
        running.callback(self.shop.close)
        self.shop.provision()
        self.shop.sign_in()

    def attach(self, capability: str, technology: str, options: dict[str, object]) -> None:
        """Open a driver, and wait until it is ready."""
        driver = open_driver(capability, technology, capability, options, self._emit)
        driver.start()
        self._running.callback(driver.close)
        self.await_ready(capability)

    def await_ready(self, capability: str) -> None:
        """Wait until that device is well."""
        eventually(lambda: self._states.get(capability) is Status.READY, 30)

    def _emit(self, fact: Fact) -> bool:
        if isinstance(fact, DeviceStatus):
            self._states[fact.device] = fact.status
        return self.shop.mailbox.put(fact)

    def serves_the_next_customer(self) -> None:
        """Somebody buys for cash, once."""
        before = len(self.shop.sales())
        self.shop.press("cancel", *"12.00", "enter", "cash")
        # The journal says so; the glass may say it of the last customer, or speak of noise already.
        eventually(lambda: len(self.shop.sales()) == before + 1, 30)
        assert [tender.amount_minor for tender in self.shop.sales()[-1].tenders] == [1_200]


@pytest.fixture
def desk(tmp_path: Path, running: ExitStack) -> Desk:
    return Desk(tmp_path, running)


@pytest.fixture
def reader(tmp_path: Path, running: ExitStack, desk: Desk) -> Pn532:
    """A reader of contactless cards, in service."""
    reader = Pn532(tmp_path / "reader")
    reader.start()
    running.callback(reader.close)
    desk.attach("card", "libnfc", {"connstring": reader.connstring, "poll_s": 0.02, "file": {}})
    return reader


@pytest.fixture
def scanner(tmp_path: Path, running: ExitStack, desk: Desk) -> Scanner:
    """A scanner on a serial line, in service."""
    scanner = Scanner(tmp_path / "scanner")
    scanner.start()
    running.callback(scanner.close)
    desk.attach("code", "serial", {"path": str(scanner.path)})
    return scanner


def with_data(tag: Ntag213 | Ntag216, data: str, page: int = 4) -> Card:
    """A tag that says this of what is on it."""
    tag.damage(page, bytes.fromhex(data))
    return tag


def lying_record() -> bytes:
    """A message whose one record is four gigabytes long, by its own word (NDEF 1.0, section 3.2)."""
    return bytes.fromhex("c101ffffffff54") + b"\x02zh"


CARDS: dict[str, tuple[Callable[[bytes], Card], str]] = {
    "more than the tag has": (lambda uid: with_data(Ntag213(uid), "03fe" + "ff" * 142), "读卡失败"),
    "64 KB by its length": (lambda uid: with_data(Ntag213(uid), "03ffffff"), "读卡失败"),
    "an area that is not there": (lambda uid: with_data(Ntag213(uid), "e110ff00" + "00" * 140, page=3), "读卡失败"),
    "a skip of 64 KB": (lambda uid: with_data(Ntag213(uid), "fdffffff"), "读卡失败"),
    "TLVs that lead nowhere": (lambda uid: with_data(Ntag216(uid), "fd00" * 436), "本机没有这张会员卡"),
    "a record of 4 GB": (lambda uid: Ntag213(uid, lying_record()), "本机没有这张会员卡"),
    "a file of 64 KB by its length": (lambda uid: FileCard(uid, file_that_says("ffff 0102")), "读卡失败"),
}


def file_that_says(held: str) -> Files:
    """Files as on every NDEF card, with this in the one that is read."""
    files = ndef_files(b"")
    return Files({name: {**held_by, NDEF_FILE: bytes.fromhex(held)} for name, held_by in files.items()})


def test_cards_that_lie_about_what_is_on_them_are_refused_and_the_next_is_read(desk: Desk, reader: Pn532) -> None:
    for number, (make, words) in enumerate(CARDS.values()):
        reader.field.present(make(bytes([4, *UID[1:-1], number])))
        desk.see(words)
        reader.field.remove()
        desk.serves_the_next_customer()
        # The reader has seen that nothing lies there.
        assert reader.field.wait_polled(3)
    reader.field.present(UidCard(GOLD_UID))
    desk.see("会*一")


@pytest.mark.parametrize(
    "code",
    [b"' OR 1=1", b"'; DROP TABLE journal; --", b"\x1b[2J\x1b]0;owned\x07", b"\x00", b"\x00" * 40, b"%s%n${jndi:x}"],
)
def test_what_a_scanner_types_is_a_code_and_nothing_more(desk: Desk, scanner: Scanner, code: bytes) -> None:
    scanner.scan(code)
    desk.see("不认识这个码")
    entries = len(desk.shop.journal())
    assert "\x1b" not in "".join(desk.shop.outside.text) and "\x00" not in "".join(desk.shop.outside.text)
    desk.serves_the_next_customer()
    assert len(desk.shop.journal()) == entries + 1


def test_a_key_held_for_an_hour_on_a_scanner_or_a_keypad_costs_nobody_a_sale(desk: Desk) -> None:
    scans = ScanStream(CodeEvdevOptions.from_table({"path": "/dev/input/by-id/x"}), tuple)
    keys = KeyStream(tuple)
    for at in range(HOUR_OF_REPEATS):
        now_ns, value = at * REPEAT_NS, 2 if at else 1
        for found in [*scans.feed([(Event(EV_KEY, KEY_5, value), now_ns)]), *scans.quiet(now_ns)]:
            assert isinstance(found, CodeProblem)
            desk.shop.tell(CodeRefused("code", found))
        for key in keys.feed([(Event(EV_KEY, KEY_KP5, value), now_ns)]):
            desk.shop.tell(KeyPressed("keypad", key))
    desk.see("扫码不完整")
    assert "55" not in "".join(desk.shop.outside.text)
    desk.serves_the_next_customer()
    assert desk.shop.events() == []


class Endless:
    """A card with contacts that answers everything with 64 KB."""

    atr = ATR_T1

    def power_up(self) -> None:
        """There is nothing to forget."""

    def apdu(self, command: bytes) -> bytes:
        """Far more than was asked for."""
        return bytes(65_535)


@needs_pcscd
def test_an_answer_of_64_kb_is_refused_and_the_next_customer_is_served(
    desk: Desk, tmp_path: Path, running: ExitStack
) -> None:
    service = running.enter_context(smart_card_service(tmp_path))
    desk.attach("card", "pcsc", {"socket": str(service.socket_path), "file": {}, "answer_limit_s": 2.0})
    service.slots[0].insert(Endless())
    desk.see("读卡失败")
    service.slots[0].remove()
    desk.serves_the_next_customer()


@pytest.mark.soak
@pytest.mark.timeout(NOISE_S + 240)
def test_after_minutes_of_noise_on_every_line_the_till_has_sold_what_it_sold(
    desk: Desk, reader: Pn532, scanner: Scanner
) -> None:
    chance = random.Random(1)
    ends_s, sold = time.monotonic() + NOISE_S, 0
    while time.monotonic() < ends_s:
        scanner.send(chance.randbytes(chance.randrange(1, 2_000)))
        reader.port.write(chance.randbytes(chance.randrange(1, 300)))
        reader.fail(chance.choice([Fault.GARBAGE, Fault.HALF_FRAME, Fault.WRONG_CHECKSUM]), times=2)
        desk.serves_the_next_customer()
        sold += 1
    reader.heal()
    desk.await_ready("card")
    desk.await_ready("code")
    time.sleep(1)
    assert len(desk.shop.sales()) == sold
    reader.field.present(UidCard(GOLD_UID))
    desk.see("会*一")
    scanner.send(b"\r")
    scanner.scan(b"hello")
    desk.see("不认识这个码")
