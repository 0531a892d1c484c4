"""What an entry in the books means: posted once for each transaction id, or put before people. It never refuses.

The entry is stored before it is judged, and whatever judging finds leaves it stored. What the till recorded is what
happened: the money is in its drawer, so a sale that differs from the rules is posted as recorded and people are told;
only postings that a sale at that till cannot make are held back.
"""

import logging
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

from contract.bodies import DocumentChangeBody, TechnicalEventBody
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import Entry, EntryHeader, open_entry
from contract.trade import SaleBody
from hq.audit import audit_sale, audit_tenders, foreign_postings
from hq.ledger import post
from hq.packs import PackShelf
from hq.people import terminal_key
from hq.tables import activations, entries, members, sales, technical_events, transactions
from hq.unsettled import Cause, Finding, Place, raise_exceptions, raise_once_in_chain, settle

EARLIEST_MS = 1_577_836_800_000
"""2020-01-01 (UTC): no till of ours is older."""

FURTHEST_AHEAD_MS = 24 * 60 * 60 * 1_000
"""A till's clock may be so far ahead of head office's before people are told."""

_LOG = logging.getLogger(__name__)


class Judged(StrEnum):
    """What became of an entry. ``waiting`` ones are judged again when head office starts, perhaps a newer one."""

    POSTED = "posted"
    NOTED = "noted"
    HELD = "held"
    WAITING = "waiting"


def judge(connection: Connection, entry_id: int, entry: Entry, packs: PackShelf, now_ms: int) -> Judged:
    """Judge a stored entry and write down what became of it.

    A failure while judging is undone, becomes an exception for people and leaves the entry waiting. Raises
    OperationalError or InterfaceError alone, where the database itself fails.
    """
    place = Place(entry.header.address, entry.header.epoch, entry.header.seq)
    try:
        with connection.begin_nested():
            outcome, findings = _judge(connection, entry_id, entry, packs)
    except (InterfaceError, OperationalError):
        raise
    except ContractError as error:
        outcome, findings = Judged.WAITING, [Finding(Cause.UNREADABLE, str(error))]
    except Exception as error:
        # A fault of ours must not hold up the entries behind this one: it is told to people, and judged again later.
        _LOG.exception("event=judging_failed address=%s epoch=%d seq=%d", place.address, place.epoch, place.seq)
        outcome, findings = Judged.WAITING, [Finding(Cause.JUDGING_FAILED, f"{type(error).__name__}: {error}")]
    raise_exceptions(connection, [(place, finding) for finding in findings], now_ms)
    if not EARLIEST_MS <= entry.header.wall_ms <= now_ms + FURTHEST_AHEAD_MS:
        raise_once_in_chain(connection, place, _time_finding(entry.header), now_ms)
    # Kind and transaction are written here too: an entry that nobody could read before has them only now.
    connection.execute(
        update(entries)
        .where(entries.c.id == entry_id)
        .values(judged=outcome.value, kind=entry.header.kind.value, transaction_id=entry.header.transaction)
    )
    return outcome


def judge_waiting(connection: Connection, packs: PackShelf, now_ms: int) -> int:
    """Judge again what could not be judged before; return how many entries are settled by it."""
    rows = connection.execute(
        select(entries.c.id, entries.c.address, entries.c.epoch, entries.c.seq, entries.c.sealed)
        .where(entries.c.judged == Judged.WAITING.value)
        .order_by(entries.c.id)
    ).all()
    done = 0
    for row in rows:
        address = TerminalAddress(*row.address.split("/"))
        key = terminal_key(connection, address, row.epoch)
        try:
            entry = None if key is None else open_entry(row.sealed, {key.kid: key})
        except ContractError:
            continue
        if entry is not None and judge(connection, row.id, entry, packs, now_ms) is not Judged.WAITING:
            place = Place(address, row.epoch, row.seq)
            settle(connection, place, (Cause.UNREADABLE, Cause.JUDGING_FAILED), now_ms)
            done += 1
    return done


def _judge(connection: Connection, entry_id: int, entry: Entry, packs: PackShelf) -> tuple[Judged, list[Finding]]:
    body = entry.body()
    doubled = _register_transaction(connection, entry_id, entry)
    if isinstance(body, SaleBody):
        return _judge_sale(connection, entry_id, entry, body, packs, doubled)
    values = {"entry_id": entry_id, "address": str(entry.header.address), "wall_ms": entry.header.wall_ms}
    if isinstance(body, DocumentChangeBody):
        change = {"kind": body.kind, "version": body.version, "previous_version": body.previous_version}
        connection.execute(insert(activations).values(**values, **change))
    elif isinstance(body, TechnicalEventBody):
        connection.execute(insert(technical_events).values(**values, code=body.code, detail=body.detail))
    return Judged.NOTED, doubled


def _judge_sale(
    connection: Connection, entry_id: int, entry: Entry, body: SaleBody, packs: PackShelf, doubled: list[Finding]
) -> tuple[Judged, list[Finding]]:
    address = entry.header.address
    foreign = foreign_postings(body, address)
    findings = [*doubled, *foreign, *audit_tenders(body), *_audit_price(connection, address, body, packs)]
    if body.member is not None and not _is_member(connection, body.member.member):
        findings.append(Finding(Cause.MEMBER_UNKNOWN, body.member.member))
    posted = not doubled and not foreign
    connection.execute(
        insert(sales).values(
            entry_id=entry_id,
            address=str(address),
            epoch=entry.header.epoch,
            seq=entry.header.seq,
            wall_ms=entry.header.wall_ms,
            cashier=body.cashier,
            member=None if body.member is None else body.member.member,
            currency=body.currency,
            list_minor=body.basket.list_minor,
            payable_minor=body.payable_minor,
            points_earned=body.points_earned,
            points_spent=body.points_spent,
            pack_version=body.pack.version,
            posted=posted,
        )
    )
    if posted:
        post(connection, [(entry_id, item) for item in body.postings])
    return (Judged.POSTED if posted else Judged.HELD), findings


def _audit_price(
    connection: Connection, address: TerminalAddress, body: SaleBody, packs: PackShelf
) -> tuple[Finding, ...]:
    known = packs.find(connection, body.pack.digest)
    if known is None:
        return (Finding(Cause.PACK_UNKNOWN, f"version {body.pack.version}, {body.pack.digest.hex()}"),)
    version, compiled = known
    if version != body.pack.version:
        return (Finding(Cause.PACK_VERSION_DIFFERS, f"the till says {body.pack.version}; that pack is {version}"),)
    return audit_sale(body, address, compiled)


def _register_transaction(connection: Connection, entry_id: int, entry: Entry) -> list[Finding]:
    transaction = entry.header.transaction
    first = connection.scalar(select(transactions.c.entry_id).where(transactions.c.transaction_id == transaction))
    if first is None:
        connection.execute(
            insert(transactions).values(transaction_id=transaction, entry_id=entry_id, digest=entry.digest)
        )
        return []
    row = connection.execute(
        select(entries.c.address, entries.c.epoch, entries.c.seq).where(entries.c.id == first)
    ).one()
    return [Finding(Cause.TRANSACTION_DOUBLED, f"first seen as {row.address} epoch {row.epoch} seq {row.seq}")]


def _time_finding(header: EntryHeader) -> Finding:
    detail = f"the till says {header.wall_ms} ms since 1970, and calls its clock {header.time_quality}"
    return Finding(Cause.TIME_IMPLAUSIBLE, detail)


def _is_member(connection: Connection, member: str) -> bool:
    return connection.scalar(select(members.c.member).where(members.c.member == member)) is not None
