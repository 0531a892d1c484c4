"""The door of the journals: what a till sends is verified, stored as received, and judged, in one transaction.

Verification is about the chain alone: whose signature, whose chain, which place in it. What an entry says is judged
when it is stored (``hq.recording``), so that nothing a till did can block what it did next. The acknowledgement says
what is stored when the caller's transaction has committed, and must not leave before.
"""

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import InterfaceError, OperationalError

from contract import topics
from contract.envelope import ContentType, digest, open_sealed
from contract.errors import ContractError, Reason
from contract.ids import TerminalAddress
from contract.journal import MAX_PAYLOAD_BYTES, EntryHeader, open_entry, peek_header
from contract.messages import GRAMMAR, Ack, Batch, RefusedEntry, read_batch
from hq.chains import Chain, expected, let_in, lock_chain, lock_chains, move_heads, note_differs
from hq.db import insisting, writing
from hq.judgement import Judged
from hq.packs import PackShelf
from hq.recording import Arrived, record
from hq.tables import entries
from hq.unsettled import Cause, Finding, Place, keep_refused, raise_exceptions, raise_once_in_chain

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchRefused:
    """A batch that is not answered: a named reason, and a detail for people."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class BatchEarly:
    """A batch that begins beyond what head office has: what is missing may be in another worker's hands just now."""

    address: TerminalAddress


@dataclass(frozen=True, slots=True)
class _Refused:
    """One entry that is not taken. ``finding`` goes before people, ``keep`` says whether its bytes are kept."""

    reason: str
    detail: str
    finding: Finding | None = None
    keep: bool = True


@dataclass(frozen=True, slots=True)
class _Stored:
    """An entry that head office has: its SHA-256, and what became of it."""

    digest: bytes
    judged: str


@dataclass(slots=True)
class _Sorted:
    """The entries of a batch: the new ones in their order, those that head office has and cannot read, and the one
    that is refused, after which nothing is taken.
    """

    new: list[Arrived]
    unread: list[RefusedEntry]
    refused: tuple[int, bytes, _Refused] | None = None


def take(
    engine: Engine, address: TerminalAddress, payload: bytes, packs: PackShelf, now_ms: int, patient: bool = False
) -> Ack | BatchRefused | BatchEarly:
    """Take a batch in a transaction of its own, as :func:`take_batch`; return what head office has for good.

    Where judging fails, nothing of that is kept, and the entries are judged one by one, so that only the one at fault
    waits. Raises only what the database raises.
    """

    def taken(one_by_one: bool) -> Ack | BatchRefused | BatchEarly:
        with writing(engine) as connection:
            return take_batch(connection, address, payload, packs, now_ms, patient, one_by_one)

    try:
        return insisting(lambda: taken(one_by_one=False))
    except (InterfaceError, OperationalError):
        raise
    except Exception:
        _LOG.exception("event=judging_failed address=%s", address)
    return insisting(lambda: taken(one_by_one=True))


@dataclass(frozen=True, slots=True)
class Offer:
    """A batch as it arrived on the topic of its till."""

    address: TerminalAddress
    payload: bytes


def take_together(engine: Engine, offers: Sequence[Offer], packs: PackShelf, now_ms: int) -> list[Ack | None]:
    """Take, in one transaction, those of ``offers`` that are plainly the next of their chains, and return what head
    office has of these for good; None for each that is left for :func:`take`, where nothing of it was kept.

    Many tills that sell at once each offer one sale, and a transaction costs as much for one as for fifty. Raises only
    what the database raises.
    """

    def taken() -> list[Ack | None]:
        with writing(engine) as connection:
            return _take_next(connection, offers, packs, now_ms)

    try:
        return insisting(taken)
    except (InterfaceError, OperationalError):
        raise
    except Exception:
        # Nothing was kept: whichever is at fault is found when each is taken by itself.
        _LOG.exception("event=judging_failed batches=%d", len(offers))
        return [None] * len(offers)


def _take_next(connection: Connection, offers: Sequence[Offer], packs: PackShelf, now_ms: int) -> list[Ack | None]:
    read = [_read(offer) for offer in offers]
    named = {(offer.address, batch.epoch) for offer, batch in zip(offers, read, strict=True) if batch is not None}
    chains = lock_chains(connection, named)
    grown: list[tuple[Chain, list[Arrived]] | None] = []
    for offer, batch in zip(offers, read, strict=True):
        chain = None if batch is None else chains.get((offer.address, batch.epoch))
        new = [] if batch is None or chain is None else _plainly_next(connection, chain, batch)
        if chain is None or not new:
            grown.append(None)
            continue
        _doubt_old_epoch(connection, chain, new[-1].place.seq, new[0].place, now_ms)
        chain = replace(chain, upto_seq=new[-1].place.seq, head_hash=new[-1].digest)
        chains[offer.address, chain.epoch] = chain
        grown.append((chain, new))
    taken = [item for item in grown if item is not None]
    if not taken:
        return [None] * len(offers)
    keys = {chain.address: chain.keys for chain, _ in taken}
    judged = record(connection, [item for _, new in taken for item in new], keys, packs, now_ms)
    move_heads(connection, {(chain.address, chain.epoch): chain for chain, _ in taken}.values(), now_ms)
    unread = {item.arrived.place for item in judged if item.verdict.judged is Judged.WAITING}
    return [None if item is None else _ack(*item, unread, now_ms) for item in grown]


def _read(offer: Offer) -> Batch | None:
    try:
        return read_batch(offer.payload)
    except ContractError:
        return None


def _plainly_next(connection: Connection, chain: Chain, batch: Batch) -> list[Arrived]:
    """The entries of a batch that goes on where its chain ends and holds nothing to be refused; none of any other."""
    if chain.revoked or batch.first_seq != chain.upto_seq + 1:
        return []
    found = _sort(connection, chain, batch)
    return found.new if found.refused is None else []


def _ack(chain: Chain, new: Sequence[Arrived], unread: Set[Place], now_ms: int) -> Ack:
    quarantined = tuple(RefusedEntry(item.place.seq, Cause.UNREADABLE.value) for item in new if item.place in unread)
    upto = new[-1]
    return Ack(GRAMMAR, chain.address, chain.epoch, upto.place.seq, upto.digest, now_ms, (), quarantined)


def take_batch(
    connection: Connection,
    address: TerminalAddress,
    payload: bytes,
    packs: PackShelf,
    now_ms: int,
    patient: bool = False,
    one_by_one: bool = False,
) -> Ack | BatchRefused | BatchEarly:
    """Take a batch that arrived on the topic of ``address``; return what head office has when this commits.

    Entries are taken in order up to the first that cannot be; that one is named in the acknowledgement, and the till
    sends again from there. Entries that head office has already are passed over. With ``patient`` a batch that begins
    beyond what there is is left untouched, for the caller to offer again a moment later. ``one_by_one`` as
    ``hq.recording.record``.
    """
    topic = topics.up(address, topics.Up.BATCH)
    try:
        batch = read_batch(payload)
    except ContractError as error:
        return _refuse_batch(connection, topic, payload, error.reason, str(error), now_ms)
    chain = lock_chain(connection, address, batch.epoch)
    if chain is None and batch.first_seq == 1:
        let_in(connection, address, batch.epoch, batch.entries[0], now_ms)
        chain = lock_chain(connection, address, batch.epoch)
    if chain is None:
        detail = f"{address} epoch {batch.epoch} is not enrolled"
        return _refuse_batch(connection, topic, payload, Cause.UNKNOWN_TERMINAL, detail, now_ms)
    if chain.revoked:
        detail = f"{address} epoch {batch.epoch} is revoked"
        return _refuse_batch(connection, topic, payload, Cause.TERMINAL_REVOKED, detail, now_ms)
    if patient and batch.first_seq > chain.upto_seq + 1:
        return BatchEarly(address)
    return _take_entries(connection, chain, batch, packs, now_ms, one_by_one)


def _take_entries(
    connection: Connection, chain: Chain, batch: Batch, packs: PackShelf, now_ms: int, one_by_one: bool
) -> Ack:
    found = _sort(connection, chain, batch)
    judged = record(connection, found.new, {chain.address: chain.keys}, packs, now_ms, one_by_one)
    refused: tuple[RefusedEntry, ...] = ()
    if found.refused is not None:
        seq, sealed, why = found.refused
        if why.finding is not None and why.finding.cause is Cause.CHAIN_BROKEN:
            note_differs(connection, chain)
        _write_refusal(connection, Place(chain.address, chain.epoch, seq), sealed, why, now_ms)
        # What follows hangs on the entry refused; the till sends it again after that one.
        refused = (RefusedEntry(seq, str(why.reason)),)
    upto_seq, head_hash = chain.upto_seq, chain.head_hash
    if found.new:
        upto_seq, head_hash = found.new[-1].place.seq, found.new[-1].digest
        _doubt_old_epoch(connection, chain, upto_seq, found.new[0].place, now_ms)
    move_heads(connection, (replace(chain, upto_seq=upto_seq, head_hash=head_hash),), now_ms)
    unread = [
        RefusedEntry(item.arrived.place.seq, Cause.UNREADABLE.value)
        for item in judged
        if item.verdict.judged is Judged.WAITING
    ]
    quarantined = (*found.unread, *unread)
    return Ack(GRAMMAR, chain.address, chain.epoch, upto_seq, head_hash, now_ms, refused, quarantined)


def _sort(connection: Connection, chain: Chain, batch: Batch) -> _Sorted:
    """Say of each entry offered whether it is the next of the chain, known already, or not to be taken."""
    stored = _stored(connection, chain, batch)
    found = _Sorted([], [])
    upto_seq, head_hash = chain.upto_seq, chain.head_hash
    for seq, sealed in enumerate(batch.entries, start=batch.first_seq):
        place = Place(chain.address, chain.epoch, seq)
        if seq <= chain.upto_seq:
            why = _compare(chain, place, sealed, stored.get(seq))
            if why is None and stored[seq].judged == Judged.WAITING.value:
                found.unread.append(RefusedEntry(seq, Cause.UNREADABLE.value))
        elif seq != upto_seq + 1:
            why = _Refused(Cause.GAP, f"expected {upto_seq + 1}", keep=False)
        else:
            arrived = _open(connection, chain, place, sealed, head_hash)
            if isinstance(arrived, Arrived):
                found.new.append(arrived)
                upto_seq, head_hash = seq, arrived.digest
                continue
            why = arrived
        if why is not None:
            found.refused = (seq, sealed, why)
            break
    return found


def _stored(connection: Connection, chain: Chain, batch: Batch) -> Mapping[int, _Stored]:
    """What head office has under the numbers of the batch: digest and what became of it."""
    if batch.first_seq > chain.upto_seq:
        return {}
    last = min(chain.upto_seq, batch.first_seq + len(batch.entries) - 1)
    rows = connection.execute(
        select(entries.c.seq, entries.c.digest, entries.c.judged).where(
            entries.c.address == str(chain.address),
            entries.c.epoch == chain.epoch,
            entries.c.seq.between(batch.first_seq, last),
        )
    )
    return {row.seq: _Stored(row.digest, row.judged) for row in rows}


def _compare(chain: Chain, place: Place, sealed: bytes, stored: _Stored | None) -> _Refused | None:
    """None where head office has the very bytes offered under that number."""
    offered = digest(sealed)
    if stored is not None and stored.digest == offered:
        return None
    opened = _opened(chain, place, sealed)
    if isinstance(opened, _Refused):
        return opened
    detail = f"head office has {stored.digest.hex() if stored else 'nothing'} there, offered is {offered.hex()}"
    return _Refused(Cause.ENTRY_CONFLICT, detail, Finding(Cause.ENTRY_CONFLICT, detail))


def _open(connection: Connection, chain: Chain, place: Place, sealed: bytes, head_hash: bytes) -> Arrived | _Refused:
    """The next entry of the chain, verified, or why it is none."""
    opened = _opened(chain, place, sealed)
    if isinstance(opened, _Refused):
        return opened
    if opened.entry is None:
        if connection.scalar(select(entries.c.id).where(entries.c.digest == opened.digest)) is not None:
            return _Refused(Reason.BROKEN_CHAIN, "the same entry again in another place")
        return opened
    previous = opened.entry.header.previous
    if previous != head_hash:
        detail = f"follows {previous.hex()}, head office has {head_hash.hex()}"
        return _Refused(Reason.BROKEN_CHAIN, detail, Finding(Cause.CHAIN_BROKEN, detail))
    return opened


def _opened(chain: Chain, place: Place, sealed: bytes) -> Arrived | _Refused:
    try:
        entry = open_entry(sealed, chain.believed)
    except ContractError as error:
        return _unopened(chain, place, sealed, error)
    if not _is_own(chain, entry.header):
        return _Refused(Reason.FOREIGN_ORIGIN, f"signed for {entry.header.address} epoch {entry.header.epoch}")
    if entry.header.seq != place.seq:
        return _Refused(Reason.BROKEN_CHAIN, f"offered as {place.seq}, signed as {entry.header.seq}")
    return Arrived(place, sealed, entry.digest, entry)


def _unopened(chain: Chain, place: Place, sealed: bytes, error: ContractError) -> Arrived | _Refused:
    """Tell an entry that the till signed but we cannot read from one that it did not sign."""
    try:
        open_sealed(sealed, ContentType.ENTRY, chain.believed, MAX_PAYLOAD_BYTES)
    except ContractError as unsigned:
        if unsigned.reason is Reason.UNKNOWN_KEY and _is_anothers(chain, sealed):
            return _Refused(Reason.FOREIGN_ORIGIN, "another till's entry")
        return _Refused(unsigned.reason, str(unsigned))
    return Arrived(place, sealed, digest(sealed), None, str(error))


def _is_anothers(chain: Chain, sealed: bytes) -> bool:
    try:
        return not _is_own(chain, peek_header(sealed))
    except ContractError:
        return False


def _is_own(chain: Chain, header: EntryHeader) -> bool:
    return (header.address, header.epoch) == (chain.address, chain.epoch)


def _doubt_old_epoch(connection: Connection, chain: Chain, upto_seq: int, grown: Place, now_ms: int) -> None:
    """Tell people where a journal grew though its till has a newer epoch: the unit was replaced, so who writes?"""
    if chain.newest > chain.epoch and not expected(connection, chain.address, chain.epoch, upto_seq):
        detail = f"epoch {chain.newest} of this till is enrolled, and epoch {chain.epoch} still gains entries"
        raise_once_in_chain(connection, grown, Finding(Cause.OLD_EPOCH_GREW, detail), now_ms)


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
