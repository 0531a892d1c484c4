"""From a card laid on the reader to the fact the till gets, for each kind of card: what the line takes and what we do.

The line is the limit: at 115200 baud a byte takes 87 microseconds, and every byte between the look that finds the card
and the fact is counted, both ways. Our own time is that of the processor, in the reader's process and in the till's
thread that hears it. For reads of 100 bytes and more our share of both together is held against a tenth.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from agent.drivers import card_libnfc_child
from agent.drivers.card_libnfc import CardLibnfc, CardLibnfcOptions
from agent.drivers.cards.diversify import application_key, tag_password
from agent.drivers.facts import CardPresented, Fact
from bench._figures import PI_FACTOR, asked_samples, beside, median
from simulator.cards import Card, ClassicCard, UidCard
from simulator.cards_desfire import Application, DataFile, DesfireCard, Mode
from simulator.cards_files import FileCard, Files, ndef_files
from simulator.cards_type2 import Ntag213, Ntag216
from simulator.desfire_secure import enciphered
from simulator.pn532 import Pn532
from tests.drivers.softhsm import token_with

BAUD, BITS_A_BYTE = 115_200, 10
LEAST_BYTES = 100
MOST_SHARE = 10.0
UID = bytes.fromhex("04782e21801d80")
MASTER, SYSTEM, APPLICATION = bytes(range(16)), b"shop card", bytes.fromhex("1089f4")
LOOKS_UNTIL_GONE = 8


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of card, and how much is read off it."""

    name: str
    card: Card
    content_bytes: int


def main() -> int:
    """Measure and print; status 1 where a share is over the limit."""
    taps = asked_samples(__doc__ or "", 15)
    worst = 0.0
    print("kind of card                   read  on the line          our own         share")
    with _reading() as (reader, facts):
        for kind in _kinds():
            samples = [_tap(reader, facts, kind) for _ in range(taps)]
            line_bytes = median([float(sent) for sent, _own in samples])
            own_ms = median([own for _sent, own in samples])
            line_ms = line_bytes * BITS_A_BYTE * 1_000 / BAUD
            share = own_ms * 100 / (own_ms + line_ms)
            print(
                f"{kind.name:<28} {kind.content_bytes:>4} B  {line_bytes:>5.0f} B {line_ms:>6.1f} ms"
                f"  {own_ms:>6.2f} ms  {share:>6.1f} %",
                flush=True,
            )
            if kind.content_bytes >= LEAST_BYTES:
                worst = max(worst, share)
    beside(f"largest share of reads of {LEAST_BYTES} bytes and more", worst, MOST_SHARE, "%", "our own time in all")
    slower = worst * PI_FACTOR * 100 / (100 - worst + worst * PI_FACTOR)
    print(f"the same were all of our own time {PI_FACTOR} times as long, as on a Pi-class terminal: {slower:.1f} %")
    return 0 if worst <= MOST_SHARE else 1


def _kinds() -> Iterator[Kind]:
    yield Kind("number alone", UidCard(UID[:4]), 0)
    yield Kind("MIFARE Classic, its number", ClassicCard(UID[:4]), 0)
    for tag, size in ((Ntag213, 20), (Ntag213, 110), (Ntag216, 800)):
        card = tag(UID, bytes(size))
        card.protect(*tag_password(_encrypt, UID, SYSTEM))
        card.count_reads()
        yield Kind(f"{tag.__name__}, password, counter", card, size)
    for size in (100, 1_000):
        yield Kind("files (ISO 7816-4)", FileCard(UID, Files(ndef_files(bytes(size)))), size)
    held = bytearray((300).to_bytes(2, "big") + bytes(330))
    key = application_key(_encrypt, UID, APPLICATION, SYSTEM)
    yield Kind(
        "DESFire, AES, enciphered",
        DesfireCard(UID, {APPLICATION: Application([key], {2: DataFile(held, Mode.ENCIPHERED, read=0)})}),
        300,
    )


@contextmanager
def _reading() -> Iterator[tuple[Pn532, "Queue[Fact]"]]:
    """A reader with our driver on it, its keys in a token in software."""
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name:
        folder = Path(name)
        with token_with(folder, {"members": MASTER}) as token:
            reader, facts = Pn532(folder / "reader"), Queue[Fact]()
            reader.start()
            desfire = {"application": "f48910", "key": "members", "system": SYSTEM.hex(), "file": 2}
            tables = {
                "tag": {"key": "members", "system": SYSTEM.hex(), "counter": True},
                "desfire": desfire,
                "file": {},
                "token": token.table,
            }
            options = CardLibnfcOptions.from_table({"connstring": reader.connstring, **tables})

            def emit(fact: Fact) -> bool:
                facts.put(fact)
                return True

            driver = CardLibnfc("card", options, emit)
            driver.start()
            try:
                facts.get(timeout=30)
                yield reader, facts
            finally:
                driver.close()
                reader.close()


def _tap(reader: Pn532, facts: "Queue[Fact]", kind: Kind) -> tuple[int, float]:
    """One tap: bytes on the line, and milliseconds of the processor, from the look that finds the card to the fact."""
    reader.field.wait_polled(1)
    sent, ran_ns = reader.traffic_bytes, _ran_ns(reader)
    reader.field.present(kind.card)
    fact = facts.get(timeout=30)
    sent, ran_ns = reader.traffic_bytes - sent, _ran_ns(reader) - ran_ns
    if not isinstance(fact, CardPresented) or len(fact.content or b"") != kind.content_bytes:
        raise SystemExit(f"{kind.name}: {fact}")
    reader.field.remove()
    reader.field.wait_polled(LOOKS_UNTIL_GONE)
    return sent, ran_ns / 1_000_000


def _ran_ns(reader: Pn532) -> int:
    """How long the reader's process and the till's thread that hears it have run (proc(5), schedstat)."""
    child = next(pid for pid in _pids() if reader.connstring in (words := _words(pid)) and _MODULE in words)
    thread = next(thread for thread in threading.enumerate() if thread.name == "card process")
    return _schedstat(f"/proc/{child}/schedstat") + _schedstat(f"/proc/self/task/{thread.native_id}/schedstat")


_MODULE = card_libnfc_child.__name__


def _pids() -> Iterator[str]:
    return (name for name in os.listdir("/proc") if name.isdigit())


def _words(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0")
    except OSError:
        return []


def _schedstat(path: str) -> int:
    return int(Path(path).read_text("ascii").split()[0])


def _encrypt(block: bytes) -> bytes:
    return enciphered(MASTER, block, bytes(16))


if __name__ == "__main__":
    sys.exit(main())
