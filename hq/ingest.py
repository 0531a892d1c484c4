"""The door of the journals: what a till sends is verified, stored as received, then judged, in one transaction.

Verification is about the chain alone: whose signature, whose chain, which place in it. What an entry says is judged
after it is stored (``hq.judgement``), so that nothing a till did can block what it did next. The acknowledgement says
what is stored when the caller's transaction has committed, and must not leave before.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from contract import topics
from contract.envelope import ContentType, digest, open_sealed
from contract.errors import ContractError, Reason
from contract.ids import TerminalAddress
from contract.journal import MAX_ENTRY_BYTES, Entry, EntryHeader, open_entry, peek_header
from contract.messages import GRAMMAR, Ack, Batch, RefusedEntry, read_batch
from contract.signing import PublicKey
from hq.judgement import Judged, judge
from hq.packs import PackShelf
from hq.people import newest_epoch, terminal_key
from hq.tables import chains, entries
from hq.unsettled import Cause, Finding, Place, keep_refused, raise_exceptions, raise_once_in_chain

UNREADABLE_KIND = "unreadable"


@dataclass(frozen=True, slots=True)
class BatchRefused:
    """A batch that is not answered: a named reason, and a detail for people."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Refused:
    """One entry that is not taken. ``finding`` goes before people, ``keep`` says whether its bytes are kept."""

    reason: str
    detail: str
    finding: Finding | None = None
    keep: bool = True


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """An entry the till did sign, whose header this head office cannot read."""

    detail: str


@dataclass(slots=True)
class _Head:
    """How far a chain has come, while a batch is taken."""

    upto_seq: int
    head_hash: bytes


def take_batch(
    connection: Connection, address: TerminalAddress, payload: bytes, packs: PackShelf, now_ms: int
) -> Ack | BatchRefused:
    """Take a batch that arrived on the topic of ``address``; return what head office has when this commits.

    Entries are taken in order up to the first that cannot be; that one is named in the acknowledgement, and the till
    sends again from there. Entries that head office has already are passed over. Raises only what the database raises.
    """
    topic = topics.up(address, topics.Up.BATCH)
    try:
        batch = read_batch(payload)
    except ContractError as error:
        return _refuse_batch(connection, topic, payload, error.reason, str(error), now_ms)
    key = terminal_key(connection, address, batch.epoch)
    if key is None:
        detail = f"{address} epoch {batch.epoch} is not enrolled"
        return _refuse_batch(connection, topic, payload, Cause.UNKNOWN_TERMINAL, detail, now_ms)
    head = _lock_head(connection, address, batch.epoch)
    before_seq = head.upto_seq
    refused = _take_entries(connection, _Chain(address, batch.epoch, key), head, batch, packs, now_ms)
    if head.upto_seq > before_seq:
        _doubt_old_epoch(connection, Place(address, batch.epoch, before_seq + 1), now_ms)
    connection.execute(
        update(chains)
        .where(chains.c.address == str(address), chains.c.epoch == batch.epoch)
        .values(upto_seq=head.upto_seq, head_hash=head.head_hash, last_seen_ms=now_ms)
    )
    return Ack(GRAMMAR, address, batch.epoch, head.upto_seq, head.head_hash, now_ms, refused)


@dataclass(frozen=True, slots=True)
class _Chain:
    """Whose entries are looked at, and the key that must have signed them."""

    address: TerminalAddress
    epoch: int
    key: PublicKey

    @property
    def believed(self) -> Mapping[bytes, PublicKey]:
        return {self.key.kid: self.key}


def _take_entries(
    connection: Connection, chain: _Chain, head: _Head, batch: Batch, packs: PackShelf, now_ms: int
) -> tuple[RefusedEntry, ...]:
    for seq, sealed in enumerate(batch.entries, start=batch.first_seq):
        outcome = _check(connection, chain, head, seq, sealed)
        if outcome is None:
            continue
        if isinstance(outcome, _Refused):
            place = Place(chain.address, chain.epoch, seq)
            _write_refusal(connection, place, sealed, outcome, now_ms)
            # What follows hangs on the entry refused; the till sends it again after that one.
            return (RefusedEntry(seq, str(outcome.reason)),)
        _store(connection, chain, head, seq, sealed, outcome, packs, now_ms)
    return ()


def _check(
    connection: Connection, chain: _Chain, head: _Head, seq: int, sealed: bytes
) -> Entry | _Unreadable | _Refused | None:
    """Say what to do with the bytes offered as entry ``seq``: store, refuse, or (None) nothing, being known."""
    opened = _open(chain, sealed)
    if isinstance(opened, _Refused):
        return opened
    if isinstance(opened, Entry) and opened.header.seq != seq:
        return _Refused(Reason.BROKEN_CHAIN, f"offered as {seq}, signed as {opened.header.seq}")
    if seq <= head.upto_seq:
        return _compare_with_stored(connection, chain, seq, digest(sealed))
    if seq != head.upto_seq + 1:
        return _Refused(Cause.GAP, f"expected {head.upto_seq + 1}", keep=False)
    if isinstance(opened, _Unreadable):
        if connection.scalar(select(entries.c.id).where(entries.c.digest == digest(sealed))) is not None:
            return _Refused(Reason.BROKEN_CHAIN, "the same entry again in another place")
        return opened
    if opened.header.previous != head.head_hash:
        detail = f"follows {opened.header.previous.hex()}, head office has {head.head_hash.hex()}"
        return _Refused(Reason.BROKEN_CHAIN, detail, Finding(Cause.CHAIN_BROKEN, detail))
    return opened


def _open(chain: _Chain, sealed: bytes) -> Entry | _Unreadable | _Refused:
    try:
        entry = open_entry(sealed, chain.believed)
    except ContractError as error:
        return _unopened(chain, sealed, error)
    if not _is_own(chain, entry.header):
        return _Refused(Reason.FOREIGN_ORIGIN, f"signed for {entry.header.address} epoch {entry.header.epoch}")
    return entry


def _unopened(chain: _Chain, sealed: bytes, error: ContractError) -> _Unreadable | _Refused:
    """Tell an entry that the till signed but we cannot read from one that it did not sign."""
    try:
        open_sealed(sealed, ContentType.ENTRY, chain.believed, MAX_ENTRY_BYTES)
    except ContractError as unsigned:
        if unsigned.reason is Reason.UNKNOWN_KEY and _is_anothers(chain, sealed):
            return _Refused(Reason.FOREIGN_ORIGIN, "another till's entry")
        return _Refused(unsigned.reason, str(unsigned))
    return _Unreadable(str(error))


def _is_anothers(chain: _Chain, sealed: bytes) -> bool:
    try:
        return not _is_own(chain, peek_header(sealed))
    except ContractError:
        return False


def _is_own(chain: _Chain, header: EntryHeader) -> bool:
    return (header.address, header.epoch) == (chain.address, chain.epoch)


def _compare_with_stored(connection: Connection, chain: _Chain, seq: int, offered: bytes) -> _Refused | None:
    stored = connection.scalar(
        select(entries.c.digest).where(
            entries.c.address == str(chain.address), entries.c.epoch == chain.epoch, entries.c.seq == seq
        )
    )
    if stored == offered:
        return None
    detail = f"head office has {stored.hex() if stored else 'nothing'} there, offered is {offered.hex()}"
    return _Refused(Cause.ENTRY_CONFLICT, detail, Finding(Cause.ENTRY_CONFLICT, detail))


def _store(
    connection: Connection,
    chain: _Chain,
    head: _Head,
    seq: int,
    sealed: bytes,
    entry: Entry | _Unreadable,
    packs: PackShelf,
    now_ms: int,
) -> None:
    entry_id = connection.execute(
        insert(entries)
        .values(
            address=str(chain.address),
            epoch=chain.epoch,
            seq=seq,
            kind=entry.header.kind.value if isinstance(entry, Entry) else UNREADABLE_KIND,
            transaction_id=entry.header.transaction if isinstance(entry, Entry) else None,
            digest=digest(sealed),
            sealed=sealed,
            received_ms=now_ms,
            judged=Judged.WAITING.value,
        )
        .returning(entries.c.id)
    ).scalar_one()
    head.upto_seq, head.head_hash = seq, digest(sealed)
    if isinstance(entry, Entry):
        judge(connection, entry_id, entry, packs, now_ms)
    else:
        finding = Finding(Cause.UNREADABLE, entry.detail)
        raise_exceptions(connection, ((Place(chain.address, chain.epoch, seq), finding),), now_ms)


def _doubt_old_epoch(connection: Connection, grown: Place, now_ms: int) -> None:
    """Tell people where a journal grew though its till has a newer epoch: the unit was replaced, so who writes?"""
    newest = newest_epoch(connection, grown.address)
    if newest is not None and newest > grown.epoch:
        detail = f"epoch {newest} of this till is enrolled, and epoch {grown.epoch} still gains entries"
        raise_once_in_chain(connection, grown, Finding(Cause.OLD_EPOCH_GREW, detail), now_ms)


def _lock_head(connection: Connection, address: TerminalAddress, epoch: int) -> _Head:
    # Where several workers share the tills, the row is theirs one at a time; SQLite has one writer anyway.
    row = connection.execute(
        select(chains.c.upto_seq, chains.c.head_hash)
        .where(chains.c.address == str(address), chains.c.epoch == epoch)
        .with_for_update()
    ).one()
    return _Head(row.upto_seq, row.head_hash)


def _write_refusal(connection: Connection, place: Place, sealed: bytes, refused: _Refused, now_ms: int) -> None:
    if refused.keep:
        topic = topics.up(place.address, topics.Up.BATCH)
        detail = f"epoch {place.epoch} seq {place.seq}: {refused.detail}"
        keep_refused(connection, topic, sealed, refused.reason, detail, now_ms)
    if refused.finding is not None:
        raise_exceptions(connection, ((place, refused.finding),), now_ms)


def _refuse_batch(
    connection: Connection, topic: str, payload: bytes, reason: str, detail: str, now_ms: int
) -> BatchRefused:
    keep_refused(connection, topic, payload, reason, detail, now_ms)
    return BatchRefused(reason, detail)
