"""A till's journal of like sales, made as fast as it is read and not kept."""

import hashlib
from collections.abc import Iterator

from contract import wire
from contract.bodies import EntryKind
from contract.envelope import Keyring, keyring
from contract.ids import TerminalAddress
from contract.journal import GRAMMAR, EntryHeader, TimeQuality, identity_hash, seal_entry
from contract.messages import BATCH_BYTES, BATCH_ENTRIES, Batch
from hq.sources import Enrolment
from tests.hq.tills import GOLD_AT_TILL, NOW_MS, HeadOffice, new_signer, sale_body


class Journal:
    """The sales of one till, from the first on, in whole batches."""

    def __init__(self, office: HeadOffice, address: TerminalAddress) -> None:
        self.address = address
        self._signer = new_signer()
        self._body = sale_body(office.pack, office.ref, address, member=GOLD_AT_TILL)
        self._seq = 0
        self._head = identity_hash(address, 1, self._signer.public)
        self.per_batch = min(BATCH_ENTRIES, BATCH_BYTES // len(self._next()))
        self._seq, self._head = 0, identity_hash(address, 1, self._signer.public)

    @property
    def enrolment(self) -> Enrolment:
        """What lets this journal in."""
        return Enrolment(self.address, 1, self._signer.public)

    @property
    def believed(self) -> Keyring:
        """What verifies its entries."""
        return keyring(self._signer.public)

    @property
    def head(self) -> tuple[int, bytes]:
        """The newest entry's sequence and hash."""
        return self._seq, self._head

    def batches(self) -> Iterator[bytes]:
        """Yield batches for ever, each where the one before ended, also of an earlier call."""
        while True:
            first = self._seq + 1
            yield wire.pack(Batch(1, 1, first, tuple(self._next() for _ in range(self.per_batch))))

    def _next(self) -> bytes:
        self._seq += 1
        header = EntryHeader(
            grammar=GRAMMAR,
            address=self.address,
            epoch=1,
            seq=self._seq,
            previous=self._head,
            kind=EntryKind.SALE,
            transaction=hashlib.sha256(f"{self.address} {self._seq}".encode()).digest()[:16],
            wall_ms=NOW_MS,
            time_quality=TimeQuality.SYNCHRONISED,
            boot_id=bytes(16),
            monotonic_ms=self._seq,
        )
        entry = seal_entry(self._signer, header, self._body)
        self._head = entry.digest
        return entry.sealed
