"""What the books say, as plain values: for the page, for checks, for people at the command line. Nothing is changed.

Money is in minor units, debit positive; a member's points are told as the member sees them, positive when owed.
Instants are Unix milliseconds.
"""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from contract.errors import ContractError
from contract.ids import TerminalAddress, parse_address, receipt_number
from contract.journal import Entry, identity_hash, open_entry
from contract.postings import POINTS, member_points_account
from hq.own_place import OFFICE_SHOP
from hq.people import terminal_key
from hq.restoring import open_restoration, strangers_holding
from hq.tables import (
    activations,
    chains,
    entries,
    exceptions,
    lease_documents,
    members,
    postings,
    quarantine,
    sales,
    technical_events,
    terminals,
)
from hq.told_leases import ACTIVE


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One sale in the books. ``posted`` is false where it is held for people; ``exceptions`` are the open reasons."""

    entry_id: int
    address: TerminalAddress
    epoch: int
    seq: int
    receipt: str
    wall_ms: int
    cashier: str
    member: str | None
    currency: str
    list_minor: int
    payable_minor: int
    points_earned: int
    points_spent: int
    pack_version: int
    posted: bool
    exceptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MemberBalance:
    """A member and the points head office owes them."""

    member: str
    name: str
    tier: str
    points: int


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """One account in one unit: what was added, what was taken, and the balance."""

    account: str
    unit: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Added less taken."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class TillState:
    """How far the journal of a till has come, and how far the till said it goes when it last spoke."""

    address: TerminalAddress
    epoch: int
    upto_seq: int
    head_hash: bytes
    told_head_seq: int
    last_seen_ms: int | None


@dataclass(frozen=True, slots=True)
class ExceptionLine:
    """Something for people to settle, by its number; ``note`` says what those who settled it found."""

    number: int
    address: TerminalAddress
    epoch: int
    seq: int
    reason: str
    detail: str
    at_ms: int
    settled_ms: int | None
    note: str


@dataclass(frozen=True, slots=True)
class RefusedBytes:
    """Bytes that were refused: on which topic, why, and how often."""

    topic: str
    reason: str
    detail: str
    size: int
    first_ms: int
    last_ms: int
    times: int


@dataclass(frozen=True, slots=True)
class Activation:
    """A document that became active at a till, as its journal says."""

    address: TerminalAddress
    kind: str
    version: int
    previous_version: int
    wall_ms: int


@dataclass(frozen=True, slots=True)
class TechnicalEvent:
    """Something a till told technicians in its journal, such as a document it refused."""

    address: TerminalAddress
    code: str
    detail: str
    wall_ms: int


@dataclass(frozen=True, slots=True)
class ChainReport:
    """A journal verified again from the stored bytes: so many entries are good, and what is wrong with the next."""

    count: int
    problem: str


def sale_lines(connection: Connection) -> tuple[SaleLine, ...]:
    """All sales, in the order they reached head office."""
    open_reasons: dict[tuple[str, int, int], list[str]] = {}
    for row in connection.execute(
        select(exceptions).where(exceptions.c.settled_ms.is_(None)).order_by(exceptions.c.id)
    ):
        open_reasons.setdefault((row.address, row.epoch, row.seq), []).append(row.reason)
    found = []
    # What people must look at is told where the entry stands: of a carried one, in the epoch that brought it.
    brought = select(sales, entries.c.epoch.label("at_epoch"), entries.c.seq.label("at_seq")).join(
        entries, entries.c.id == sales.c.entry_id
    )
    for row in connection.execute(brought.order_by(sales.c.entry_id)):
        address = parse_address(row.address)
        found.append(
            SaleLine(
                entry_id=row.entry_id,
                address=address,
                epoch=row.epoch,
                seq=row.seq,
                receipt=receipt_number(address, row.epoch, row.seq),
                wall_ms=row.wall_ms,
                cashier=row.cashier,
                member=row.member,
                currency=row.currency,
                list_minor=row.list_minor,
                payable_minor=row.payable_minor,
                points_earned=row.points_earned,
                points_spent=row.points_spent,
                pack_version=row.pack_version,
                posted=row.posted,
                exceptions=tuple(open_reasons.get((row.address, row.at_epoch, row.at_seq), ())),
            )
        )
    return tuple(found)


def member_balances(connection: Connection) -> tuple[MemberBalance, ...]:
    """All members with their points, by member."""
    points = {line.account: -line.balance for line in trial_balance(connection) if line.unit == POINTS}
    return tuple(
        MemberBalance(row.member, row.name, row.tier, points.get(member_points_account(row.member), 0))
        for row in connection.execute(select(members).order_by(members.c.member))
    )


def trial_balance(connection: Connection) -> tuple[AccountBalance, ...]:
    """Every account that was ever moved, by unit and account."""
    amount = postings.c.amount
    rows = connection.execute(
        select(
            postings.c.account,
            postings.c.unit,
            func.sum(case((amount > 0, amount), else_=0)).label("debit"),
            func.sum(case((amount < 0, -amount), else_=0)).label("credit"),
        )
        .group_by(postings.c.unit, postings.c.account)
        .order_by(postings.c.unit, postings.c.account)
    )
    return tuple(AccountBalance(row.account, row.unit, int(row.debit), int(row.credit)) for row in rows)


def ledger_sums(connection: Connection) -> dict[str, int]:
    """The sum of the whole ledger in each unit: 0, always."""
    total = func.sum(postings.c.amount).label("total")
    rows = connection.execute(select(postings.c.unit, total).group_by(postings.c.unit).order_by(postings.c.unit))
    return {row.unit: int(row.total) for row in rows}


def till_states(connection: Connection) -> tuple[TillState, ...]:
    """Every till and epoch there is a journal of."""
    return tuple(
        TillState(
            parse_address(row.address), row.epoch, row.upto_seq, row.head_hash, row.told_head_seq, row.last_seen_ms
        )
        for row in connection.execute(select(chains).order_by(chains.c.address, chains.c.epoch))
    )


def awaited_tills(connection: Connection) -> tuple[str, ...] | None:
    """While the books are being restored, the addresses of the tills that have not told yet what they hold, and of
    those that hold something and must be enrolled again; None while all is as it should be.
    """
    restoration = open_restoration(connection)
    if restoration is None:
        return None
    proven = select(lease_documents.c.address).where(
        lease_documents.c.restoration == restoration, lease_documents.c.state == ACTIVE
    )
    known = connection.scalars(
        select(terminals.c.address)
        .where(
            terminals.c.revoked_ms.is_(None),
            terminals.c.address.not_like(f"%/{OFFICE_SHOP}/%"),
            terminals.c.address.not_in(proven),
        )
        .distinct()
    )
    strangers = (f"{address} (不在册，请重新登记 to be enrolled again)" for address in strangers_holding(connection))
    return (*sorted(known), *strangers)


def exception_lines(connection: Connection) -> tuple[ExceptionLine, ...]:
    """Everything ever put before people, in order."""
    return tuple(
        ExceptionLine(
            number=row.id,
            address=parse_address(row.address),
            epoch=row.epoch,
            seq=row.seq,
            reason=row.reason,
            detail=row.detail,
            at_ms=row.at_ms,
            settled_ms=row.settled_ms,
            note=row.note or "",
        )
        for row in connection.execute(select(exceptions).order_by(exceptions.c.id))
    )


def refused_bytes(connection: Connection) -> tuple[RefusedBytes, ...]:
    """All bytes that were refused and are kept, in order."""
    return tuple(
        RefusedBytes(row.topic, row.reason, row.detail, row.size, row.first_ms, row.last_ms, row.times)
        for row in connection.execute(select(quarantine).order_by(quarantine.c.id))
    )


def activation_lines(connection: Connection) -> tuple[Activation, ...]:
    """Which documents became active where, in the order head office heard of it."""
    return tuple(
        Activation(parse_address(row.address), row.kind, row.version, row.previous_version, row.wall_ms)
        for row in connection.execute(select(activations).order_by(activations.c.entry_id))
    )


def technical_event_lines(connection: Connection) -> tuple[TechnicalEvent, ...]:
    """What tills told technicians, in the order head office heard of it."""
    return tuple(
        TechnicalEvent(parse_address(row.address), row.code, row.detail, row.wall_ms)
        for row in connection.execute(select(technical_events).order_by(technical_events.c.entry_id))
    )


def entries_of(connection: Connection, address: TerminalAddress, epoch: int) -> tuple[Entry, ...]:
    """The entries of a journal, verified again, in order. Those that this head office cannot read are left out."""
    key = terminal_key(connection, address, epoch)
    believed = {} if key is None else {key.kid: key}
    found = []
    for sealed in _sealed_of(connection, address, epoch):
        with suppress(ContractError):
            found.append(open_entry(sealed, believed))
    return tuple(found)


def verify_chain(connection: Connection, address: TerminalAddress, epoch: int) -> ChainReport:
    """Verify a whole journal again from the bytes received: each signature, each link, no place left out."""
    key = terminal_key(connection, address, epoch)
    if key is None:
        return ChainReport(0, f"{address} epoch {epoch} is not enrolled")
    previous, count = identity_hash(address, epoch, key), 0
    for sealed in _sealed_of(connection, address, epoch):
        try:
            entry = open_entry(sealed, {key.kid: key})
        except ContractError as error:
            return ChainReport(count, f"entry {count + 1}: {error}")
        if (entry.header.previous, entry.header.seq) != (previous, count + 1):
            return ChainReport(count, f"entry {count + 1} does not follow the one before")
        previous, count = entry.digest, count + 1
    return ChainReport(count, "")


def _sealed_of(connection: Connection, address: TerminalAddress, epoch: int) -> list[bytes]:
    return list(
        connection.scalars(
            select(entries.c.sealed)
            .where(entries.c.address == str(address), entries.c.epoch == epoch)
            .order_by(entries.c.seq)
        )
    )
