"""Head office's own entries: what it booked itself, signed and chained like a terminal's, in the same table.

Web spends, grants, expiry and what people settle are entries of kind ``office`` at an address no till can have. Every
posting of head office so traces to a signed entry, and the chain is verified as any other.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from contract.bodies import EntryKind, OfficeBody
from contract.envelope import keyring
from contract.ids import TerminalAddress, parse_address
from contract.journal import GRAMMAR, Entry, EntryHeader, TimeQuality, identity_hash, open_entry, seal_entry
from contract.postings import Posting
from contract.signing import PublicKey, parse_public_key
from hq.applied import Applied
from hq.documents import Desk
from hq.effects import take_effect
from hq.errors import OfficeError
from hq.own_place import own_chain_of
from hq.tables import chains, entries, restorations, terminals, transactions
from hq.unsettled import Cause, Finding, Place, raise_exceptions

POSTED = "posted"
_BOOT = bytes(16)


@dataclass(frozen=True, slots=True)
class Booking:
    """Where something is booked: the entry's row, and whether it was booked just now or stood there before."""

    entry_id: int
    is_new: bool


def book(
    connection: Connection, desk: Desk, body: OfficeBody, now_ms: int, transaction: bytes | None = None
) -> Booking:
    """Seal the next entry of head office's own chain, store it and let it take effect.

    The chain is locked until the transaction ends. A ``transaction`` id comes from :func:`own_transaction`; the same
    one again books nothing, and raises OfficeError where something else is said under it. A transaction of the database
    books once; what belongs together goes through :func:`book_all`.
    """
    if transaction is not None:
        known = _booked(connection, desk, transaction)
        if known is not None:
            entry_id, before = known
            if before != body:
                raise OfficeError(
                    f"此前已记为 {_said(before)}，这次要记的是 {_said(body)}；请换一个凭证号。",
                    f"booked before, as {_said(before)}; asked for is {_said(body)}. Choose another reference.",
                )
            return Booking(entry_id, False)
    return Booking(book_all(connection, desk, ((body, transaction),), now_ms)[0], True)


def book_all(
    connection: Connection, desk: Desk, bodies: Sequence[tuple[OfficeBody, bytes | None]], now_ms: int
) -> tuple[int, ...]:
    """Book several entries, each with its transaction id or None for one made of its place; return their row ids."""
    address = own_chain_of(desk.tenant)
    epoch = ensure_own_chain(connection, desk, now_ms)
    here = (chains.c.address == str(address), chains.c.epoch == epoch)
    head = connection.execute(select(chains.c.upto_seq, chains.c.head_hash).where(*here).with_for_update()).one()
    seq, previous = head.upto_seq, head.head_hash
    applied = []
    for body, transaction in bodies:
        seq += 1
        entry = _sealed(desk, address, epoch, seq, previous, body, transaction, now_ms)
        previous = entry.digest
        applied.append(Applied(_store(connection, entry, now_ms), entry.header, body))
    connection.execute(
        update(chains).where(*here).values(upto_seq=seq, head_hash=previous, told_head_seq=seq, last_seen_ms=now_ms)
    )
    take_effect(connection, applied, now_ms)
    return tuple(item.entry_id for item in applied)


def ensure_own_chain(connection: Connection, desk: Desk, now_ms: int) -> int:
    """Return the open epoch of head office's own chain, begun where there is none yet, where the key is another, or
    where the books were restored since: what was booked after the backup must not share places with what is booked now.
    """
    address = own_chain_of(desk.tenant)
    row = connection.execute(
        select(terminals).where(terminals.c.address == str(address)).order_by(terminals.c.epoch.desc()).limit(1)
    ).one_or_none()
    restored_ms = connection.scalar(select(func.max(restorations.c.begun_ms))) or 0
    key = desk.signer.public
    if row is not None and parse_public_key(row.public_key) == key and row.enrolled_ms >= restored_ms:
        return int(row.epoch)
    # Minutes are far above any epoch counted from 1, also one that a forgotten restoration began.
    epoch = 1 if row is None and not restored_ms else max(row.epoch + 1 if row is not None else 1, now_ms // 60_000)
    _enrol(connection, address, epoch, key, max(now_ms, restored_ms))
    return epoch


def own_transaction(connection: Connection, desk: Desk, transaction: bytes, now_ms: int) -> bytes:
    """The id that head office books under what ``transaction`` stands for: itself, unless a till took it.

    Whoever knows an order's number can reckon it. What a till journalled there is put before people, and head office
    goes by the next id of a row that each repetition goes through again.
    """
    own = str(own_chain_of(desk.tenant))
    while True:
        row = connection.execute(
            select(entries.c.address, entries.c.epoch, entries.c.seq)
            .join(transactions, transactions.c.entry_id == entries.c.id)
            .where(transactions.c.transaction_id == transaction)
        ).one_or_none()
        if row is None or row.address == own:
            return transaction
        place = Place(parse_address(row.address), row.epoch, row.seq)
        detail = f"{transaction.hex()} is an id of head office's own"
        raise_exceptions(connection, ((place, Finding(Cause.TRANSACTION_DOUBLED, detail)),), now_ms)
        transaction = hashlib.sha256(b"tapledger-own" + transaction).digest()[:16]


def merged(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """The same postings, those on one account and unit added up."""
    sums: dict[tuple[str, str], int] = {}
    for posting in postings:
        sums[posting.account, posting.unit] = sums.get((posting.account, posting.unit), 0) + posting.amount
    return tuple(Posting(account, unit, amount) for (account, unit), amount in sums.items() if amount)


def _enrol(connection: Connection, address: TerminalAddress, epoch: int, key: PublicKey, now_ms: int) -> None:
    connection.execute(
        insert(terminals).values(address=str(address), epoch=epoch, public_key=key.text(), enrolled_ms=now_ms)
    )
    connection.execute(
        insert(chains).values(
            address=str(address),
            epoch=epoch,
            upto_seq=0,
            head_hash=identity_hash(address, epoch, key),
            told_head_seq=0,
            last_seen_ms=None,
        )
    )


def _booked(connection: Connection, desk: Desk, transaction: bytes) -> tuple[int, OfficeBody | None] | None:
    """The entry that head office booked under an id, its row and what it says; None where there is none."""
    address = own_chain_of(desk.tenant)
    row = connection.execute(
        select(entries.c.id, entries.c.sealed)
        .join(transactions, transactions.c.entry_id == entries.c.id)
        .where(transactions.c.transaction_id == transaction, entries.c.address == str(address))
    ).one_or_none()
    if row is None:
        return None
    keys = connection.scalars(select(terminals.c.public_key).where(terminals.c.address == str(address)))
    body = open_entry(row.sealed, keyring(*(parse_public_key(key) for key in keys))).body()
    return row.id, body if isinstance(body, OfficeBody) else None


def _said(body: OfficeBody | None) -> str:
    if body is None:
        return "something else"
    moved = ", ".join(f"{posting.account} {posting.amount} {posting.unit}" for posting in body.postings)
    return f"{body.action} {body.detail}: {moved}"


def _sealed(
    desk: Desk,
    address: TerminalAddress,
    epoch: int,
    seq: int,
    previous: bytes,
    body: OfficeBody,
    transaction: bytes | None,
    now_ms: int,
) -> Entry:
    # The hash of the entry before is nothing that a till could reckon and take the id first.
    own = hashlib.sha256(f"tapledger-office {address} {epoch} {seq} ".encode() + previous).digest()[:16]
    header = EntryHeader(
        grammar=GRAMMAR,
        address=address,
        epoch=epoch,
        seq=seq,
        previous=previous,
        kind=EntryKind.OFFICE,
        transaction=transaction or own,
        wall_ms=now_ms,
        time_quality=TimeQuality.SYNCHRONISED,
        boot_id=_BOOT,
        monotonic_ms=seq,
    )
    return seal_entry(desk.signer, header, body)


def _store(connection: Connection, entry: Entry, now_ms: int) -> int:
    header = entry.header
    entry_id: int = connection.execute(
        insert(entries)
        .values(
            address=str(header.address),
            epoch=header.epoch,
            seq=header.seq,
            kind=header.kind.value,
            transaction_id=header.transaction,
            digest=entry.digest,
            sealed=entry.sealed,
            received_ms=now_ms,
            judged=POSTED,
        )
        .returning(entries.c.id)
    ).scalar_one()
    connection.execute(
        insert(transactions).values(transaction_id=header.transaction, entry_id=entry_id, digest=entry.digest)
    )
    return entry_id
