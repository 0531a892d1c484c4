"""Entries that could not be judged when they came, judged again: by a newer head office, or once a fault is mended."""

from typing import Any

from sqlalchemy import Connection, select

from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import parse_address
from contract.journal import Entry, open_entry
from contract.trade import RefundBody
from hq.audit_value import audit_refund
from hq.facts import keys_of, look_up
from hq.judgement import Judged
from hq.meaning import CarriedFalsely, meaning_of
from hq.packs import PackShelf
from hq.recording import Arrived, record
from hq.tables import entries, exceptions, refunds, transactions
from hq.unsettled import Cause, Place, raise_exceptions, settle

AT_ONCE = 100


def judge_waiting(connection: Connection, shelf: PackShelf, after_id: int, now_ms: int) -> tuple[int, int | None]:
    """Judge again entries that wait, at most AT_ONCE of them, those after the row ``after_id``. Return how many are
    settled by it, and the row to go on after; None where none is left.
    """
    rows = connection.execute(
        select(entries.c.id, entries.c.address, entries.c.epoch, entries.c.seq, entries.c.sealed, entries.c.digest)
        .where(entries.c.judged == Judged.WAITING.value, entries.c.id > after_id)
        .order_by(entries.c.id)
        .limit(AT_ONCE)
        .with_for_update()
    ).all()
    if not rows:
        return 0, None
    return sum(_judge_again(connection, row, shelf, now_ms) for row in rows), rows[-1].id


def review_returns(connection: Connection, shelf: PackShelf, after_id: int, now_ms: int) -> tuple[int, int]:
    """Look again at returns whose sale head office had not got when they came, at most AT_ONCE of them behind the row
    ``after_id``: a till that was offline tells of the sale later. What differs from its trace is put before people;
    that the sale was unknown is settled. Return how many are done, and the row to go on after, 0 where none is left:
    those that never can be done must not stand before all others.
    """
    rows = connection.execute(
        select(refunds.c.address, entries.c.epoch, entries.c.seq, entries.c.sealed, refunds.c.entry_id.label("own_id"))
        .join(entries, entries.c.id == refunds.c.entry_id)
        .join(
            exceptions,
            (exceptions.c.address == entries.c.address)
            & (exceptions.c.epoch == entries.c.epoch)
            & (exceptions.c.seq == entries.c.seq),
        )
        .join(transactions, transactions.c.transaction_id == refunds.c.original_transaction)
        .where(
            exceptions.c.reason == Cause.ORIGINAL_UNKNOWN.value,
            exceptions.c.settled_ms.is_(None),
            refunds.c.entry_id > after_id,
        )
        .order_by(refunds.c.entry_id)
        .limit(AT_ONCE)
    ).all()
    done = sum(_review(connection, row, shelf, now_ms) for row in rows)
    return done, rows[-1].own_id if len(rows) == AT_ONCE else 0


def _review(connection: Connection, row: Any, shelf: PackShelf, now_ms: int) -> bool:
    place = Place(parse_address(row.address), row.epoch, row.seq)
    keys = keys_of(connection, place.address)
    try:
        meaning = meaning_of(open_entry(row.sealed, keyring(*keys.values())), keys)
    except (ContractError, CarriedFalsely):
        return False
    body = meaning.body
    if not isinstance(body, RefundBody):
        return False
    origin = look_up(connection, (meaning,), shelf, before=meaning.header.transaction).origins.get(
        body.original.transaction
    )
    findings = audit_refund(body, meaning.header.address, origin)
    if any(finding.cause is Cause.ORIGINAL_UNKNOWN for finding in findings):
        return False
    settle(connection, place, (Cause.ORIGINAL_UNKNOWN,), now_ms)
    raise_exceptions(connection, [(place, finding) for finding in findings], now_ms)
    return True


def _judge_again(connection: Connection, row: Any, shelf: PackShelf, now_ms: int) -> bool:
    place = Place(parse_address(row.address), row.epoch, row.seq)
    keys = keys_of(connection, place.address)
    try:
        entry = open_entry(row.sealed, keyring(keys[place.epoch]))
    except (ContractError, KeyError):
        return False
    if not _is_in_place(connection, place, entry):
        return False
    arrived = Arrived(place, row.sealed, row.digest, entry, entry_id=row.id)
    (judgement,) = record(connection, (arrived,), {place.address: keys}, shelf, now_ms, one_by_one=True)
    if judgement.verdict.judged is Judged.WAITING:
        return False
    settle(connection, place, (Cause.UNREADABLE, Cause.JUDGING_FAILED), now_ms)
    return True


def _is_in_place(connection: Connection, place: Place, entry: Entry) -> bool:
    """Tell whether an entry whose header could not be read when it came is the one that belongs where it stands."""
    header = entry.header
    if (header.address, header.epoch, header.seq) != (place.address, place.epoch, place.seq):
        return False
    if place.seq == 1:
        return True
    before: bytes | None = connection.scalar(
        select(entries.c.digest).where(
            entries.c.address == str(place.address), entries.c.epoch == place.epoch, entries.c.seq == place.seq - 1
        )
    )
    return before == header.previous
