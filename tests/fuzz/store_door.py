"""A till's file as a failing disk may hand it back: opening it, reading it, selling on it, verifying it and bringing it
back raise StoreError or nothing; and a file that was brought back opens, sells and verifies.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from agent.keys import Identity
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.recovery import recover
from agent.offline_store.store import Store
from agent.offline_store.verify import verify_journal
from contract.bodies import CancelBody, EntryKind
from tests.contract import vectors
from tests.contract.samples import ADDRESS
from tests.fuzz.tape import Tape
from tests.offline_store.counter import HeadOffice, cancel, identity, item, member, opened, sell, stamp

MOST_DAMAGE = 6
SEEDS = (
    b"",
    b"\x01\x00\x00\x03\x10\x00\x01",
    b"\x02\x00\x10\x02\x40\x00\x02\x00\x80\x03\x04\x01\x00",
    bytes(range(3, 60)),
)


def use(data: bytes) -> None:
    """Let a till, and then a technician, loose on a day's file that is damaged as ``data`` says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "till.db"
        path.write_bytes(_damaged(Tape(data)))
        with suppress(StoreError):
            verify_journal(path, ADDRESS, _who().signer.public)
        try:
            _sell(path)
        except StoreError as error:
            if error.cause is not StoreCause.CORRUPT:
                return
            try:
                recover(path, _who(), (99).to_bytes(16, "big"), stamp(1_000))
            except StoreError as refused:
                # Another's file, a newer program's: what it says of itself may be damaged too.
                assert refused.cause in (StoreCause.FOREIGN, StoreCause.NEWER), refused
                return
            _sell(path)
            verify_journal(path, ADDRESS, _who().signer.public)


def _sell(path: Path) -> None:
    """Open, look at everything that a till looks at, and book something."""
    store = Store(path, _who())
    try:
        store.open()
        store.held()
        store.totals()
        store.leases_held()
        store.earlier()
        store.entries_of(store.epoch(), 0, 100, 2**30)
        store.member_by_card(b"\x04\xa1\xb2\xc3")
        store.append(EntryKind.CANCEL, (98).to_bytes(16, "big"), stamp(2_000), CancelBody("1001", 1, 100))
    finally:
        store.close()


def _damaged(tape: Tape) -> bytes:
    """The day's file: parts of it zeroed, filled, flipped or copied from elsewhere in it, perhaps its end missing."""
    data = bytearray(_day())
    for _ in range(tape.pick(MOST_DAMAGE + 1)):
        place = tape.pick(256) * len(data) // 256 + tape.pick(4_096)
        size = (1, 2, 16, 512, 4_096)[tape.pick(5)]
        part = data[place : place + size]
        match tape.pick(5):
            case 0:
                data[place : place + size] = bytes(len(part))
            case 1:
                data[place : place + size] = b"\xff" * len(part)
            case 2 if part:
                data[place] ^= 1 << tape.pick(8)
            case 3:
                elsewhere = tape.pick(256) * len(data) // 256
                data[place : place + size] = (data[elsewhere : elsewhere + size] + bytes(size))[: len(part)]
            case _:
                del data[len(data) - tape.pick(256) * 64 :]
    return bytes(data)


@cache
def _who() -> Identity:
    return identity(vectors.till())


@cache
def _day() -> bytes:
    """A file with documents, some sales and an acknowledgement, closed in order."""
    with tempfile.TemporaryDirectory() as folder:
        path, office = Path(folder) / "till.db", HeadOffice()
        store = opened(path, _who())
        documents = (
            office.members(1, member(1, "13800000001", b"\x04\xa1\xb2\xc3"), member(2)),
            office.catalogue(1, item("OPEN"), item("TEA", "6901234567892")),
            office.pack(1),
        )
        for number, document in enumerate(documents):
            store.activate(document, number.to_bytes(16, "big"), stamp(number))
        for number in range(12):
            sell(store, transaction=(100 + number).to_bytes(16, "big"))
        cancel(store)
        store.advance(5, store.entry(5).digest)
        store.close()
        return path.read_bytes()
