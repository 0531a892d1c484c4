"""Closing a period: which signed entries are in it, the root over their digests, and the report of that day, for good.

An entry is in the period that its own time falls in, unless that one is closed already when the entry reaches head
office: then it stays in the open period, as late of the closed one. A closed period's report is kept as it was
printed; it can be recomputed from the entries at any time, and never changes. Entries are read page by page, so that a
period may have more of them than a machine has room for.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, case, func, insert, or_, select, tuple_, update

from contract.envelope import digest, keyring
from contract.errors import ContractError
from contract.ids import parse_address, receipt_number
from contract.journal import open_entry, peek_header
from contract.signing import PublicKey, parse_public_key
from hq.bulk import insert_rows
from hq.errors import OfficeError, not_as_received
from hq.lease_book import OFFICE_BEYOND_LEASES, SHOPS_BEYOND_LEASES
from hq.meaning import CarriedFalsely, meaning_of
from hq.settlement.merkle import Tree
from hq.settlement.movements import Kind
from hq.settlement.plain import plain_report
from hq.settlement.report import Line, Report, RowKey, Settling, SignedEntry
from hq.shop_terms import load_terms
from hq.tables import carried, entries, period_entries, periods, postings, settlement_lines, terminals
from hq.true_issuers import as_issued, issuers_of

PAGE = 500
"""So many entries are read at once."""

_SETTLED = frozenset(["sale", "refund", "top_up", "office", "carry_over"])
"""Kinds of entries that may settle something; of the others only place and time are looked at."""
_TAKEN = ("posted", "noted", "linked")
"""An entry that waits or is held back comes into a period when it is settled, late if need be."""
_LINE_COLUMNS = ("period", "entry_id", "currency", "late_of", "payer", "payee", "kind", "amount")

Progress = Callable[[int], None]
"""Is told how many entries were read so far, after each page."""


@dataclass(frozen=True, slots=True)
class Period:
    """A closed period: from and to (Unix milliseconds, the end not in it), how many signed entries it holds, the root
    over their digests, and its report as JSON text with its SHA-256.
    """

    number: int
    name: str
    from_ms: int
    to_ms: int
    closed_ms: int
    entries: int
    root: bytes
    report: bytes
    report_hash: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as the books hold it, made at ``wall_ms`` by its own clock, or when it arrived where that clock was
    ahead of ours. ``signed`` is None where it cannot settle anything.
    """

    entry_id: int
    digest: bytes
    wall_ms: int
    late_of: Period | None
    signed: SignedEntry | None


def closed_periods(connection: Connection) -> tuple[Period, ...]:
    """All closed periods, the earliest first."""
    return tuple(_period(row) for row in connection.execute(select(periods).order_by(periods.c.to_ms)).mappings())


def entries_between(connection: Connection, from_ms: int, to_ms: int, progress: Progress) -> Iterator[Found]:
    """Yield the entries made from ``from_ms`` until before ``to_ms``, by till, epoch and place."""
    where = entries.c.judged.in_(_TAKEN)
    for found in _entries(connection, where, closed_periods(connection), progress):
        if from_ms <= found.wall_ms < to_ms:
            yield found


def open_entries(connection: Connection, progress: Progress) -> Iterator[Found]:
    """Yield the entries that are in no closed period, by till, epoch and place."""
    yield from _entries(connection, period_entries.c.entry_id.is_(None), closed_periods(connection), progress)


def settle_entries(
    connection: Connection,
    tenant: str,
    found: Iterator[Found],
    until_ms: int,
    lines: Callable[[Line], None] | None = None,
) -> Report:
    """Return the report over ``found``, by the terms in the books."""
    settling = Settling(load_terms(connection, tenant), until_ms, lines)
    for item in found:
        if item.signed is not None:
            settling.add(item.signed)
    return settling.report()


def close_period(connection: Connection, tenant: str, name: str, to_ms: int, now_ms: int, progress: Progress) -> Period:
    """Close the books until before ``to_ms``: freeze which entries they hold, and their report. Late entries of earlier
    periods that came in meanwhile are in it, and are said to be late.

    Raises OfficeError where the period is not over, ends before the one before, or its postings do not sum to zero.
    """
    before = closed_periods(connection)
    from_ms = before[-1].to_ms if before else 0
    if not from_ms < to_ms <= now_ms:
        raise OfficeError(
            f"{name}：期间要在上一期之后结束，并且已经过完才能结账；请换 --to 的日期。",
            f"{name}: a period ends after the one before it, and is over when it is closed; choose another --to.",
        )
    if any(period.name == name for period in before):
        raise OfficeError(
            f"{name}：已有同名期间；请用 --name 另起名字。",
            f"{name}: there is a period of that name; choose another --name.",
        )
    blank = {"entries": 0, "root": b"", "report": b"", "report_hash": b""}
    made = insert(periods).values(name=name, from_ms=from_ms, to_ms=to_ms, closed_ms=now_ms, **blank)
    number = connection.execute(made.returning(periods.c.id)).scalar_one()
    still_open = _entries(connection, period_entries.c.entry_id.is_(None), before, progress)
    found = (item for item in still_open if item.wall_ms < to_ms)
    tree, report = _gathered(connection, tenant, _kept(connection, number, found), to_ms - 1, number)
    period = Period(number, name, from_ms, to_ms, now_ms, tree.size, tree.root(), b"", b"")
    text = _frozen(connection, period, report)
    period = replace(period, report=text, report_hash=hashlib.sha256(text).digest())
    connection.execute(
        update(periods)
        .where(periods.c.id == number)
        .values(entries=period.entries, root=period.root, report=text, report_hash=period.report_hash)
    )
    return period


def kept_lines(connection: Connection, period: Period) -> Iterator[tuple[RowKey, str, bytes, int]]:
    """Yield what each signed entry of a closed period added to which row, as it was kept when the period was closed:
    the row, the receipt's number, the transaction and the amount in minor units.
    """
    rows = connection.execute(
        select(settlement_lines, entries.c.transaction_id, *_place())
        .join(entries, entries.c.id == settlement_lines.c.entry_id)
        .outerjoin(carried, carried.c.entry_id == entries.c.id)
        .where(settlement_lines.c.period == period.number)
        .order_by(settlement_lines.c.id)
    )
    for row in rows:
        key = RowKey(row.currency, row.late_of, row.payer, row.payee, Kind(row.kind))
        receipt = receipt_number(parse_address(row.at_address), row.at_epoch, row.at_seq)
        yield key, receipt, row.transaction_id, row.amount


def recomputed(connection: Connection, tenant: str, period: Period, progress: Progress) -> bytes:
    """Return the report of a closed period made anew from its signed entries: the same bytes, or the books were
    tampered with.
    """
    found = _entries(connection, period_entries.c.period == period.number, closed_periods(connection), progress)
    tree, report = _gathered(connection, tenant, found, period.to_ms - 1, None)
    return _frozen(connection, replace(period, entries=tree.size, root=tree.root()), report)


def _place() -> tuple[ColumnElement[Any], ...]:
    """Where an entry was first signed: of one that a later epoch carried, the original's place."""
    return tuple(
        func.coalesce(carried.c[name], entries.c[name]).label(f"at_{name}") for name in ("address", "epoch", "seq")
    )


def _gathered(
    connection: Connection, tenant: str, found: Iterator[Found], until_ms: int, keep_as: int | None
) -> tuple[Tree, Report]:
    """The tree over ``found`` and the report on them; with ``keep_as`` each line is kept under that period."""
    tree, waiting = Tree(), list[tuple[object, ...]]()
    current: list[Found] = []

    def keep(line: Line) -> None:
        key = line.key
        parties = (key.currency, key.late_of, key.payer, key.payee, key.kind.value)
        waiting.append((keep_as, current[0].entry_id, *parties, line.amount_minor))

    def each() -> Iterator[Found]:
        for item in found:
            tree.add(item.digest)
            current[:] = [item]
            yield item
            if len(waiting) >= PAGE:
                insert_rows(connection, settlement_lines, _LINE_COLUMNS, waiting)
                waiting.clear()

    report = settle_entries(connection, tenant, each(), until_ms, None if keep_as is None else keep)
    insert_rows(connection, settlement_lines, _LINE_COLUMNS, waiting)
    return tree, report


def _kept(connection: Connection, number: int, found: Iterator[Found]) -> Iterator[Found]:
    """Put each of ``found`` into the period ``number``, page by page."""
    waiting: list[tuple[object, ...]] = []
    for item in found:
        waiting.append((item.entry_id, number, None if item.late_of is None else item.late_of.number))
        if len(waiting) >= PAGE:
            insert_rows(connection, period_entries, ("entry_id", "period", "late_of"), waiting)
            waiting.clear()
        yield item
    insert_rows(connection, period_entries, ("entry_id", "period", "late_of"), waiting)


def _frozen(connection: Connection, period: Period, report: Report) -> bytes:
    """The report of a period as it is kept: JSON with sorted keys (RFC 8259), UTF-8."""
    number = period.number
    late = connection.scalar(
        select(func.count()).where(period_entries.c.period == number, period_entries.c.late_of.is_not(None))
    )
    said = {
        "period": period.name,
        "from_ms": period.from_ms,
        "to_ms": period.to_ms,
        "signed_entries": period.entries,
        "late_entries": late,
        "merkle_root": period.root.hex(),
        "trial_balance": _trial_balance(connection, number),
        "ledger_differences": _ledger_differences(connection, number, report),
        "late_spends": _late_spends(connection, number),
        "settlement": plain_report(report),
    }
    return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _trial_balance(connection: Connection, number: int) -> dict[str, dict[str, int]]:
    """Debit and credit of the period's postings in each unit. Raises OfficeError where they differ."""
    amount = postings.c.amount
    rows = connection.execute(
        select(
            postings.c.unit,
            func.sum(case((amount > 0, amount), else_=0)).label("debit"),
            func.sum(case((amount < 0, -amount), else_=0)).label("credit"),
        )
        .join(period_entries, period_entries.c.entry_id == postings.c.entry_id)
        .where(period_entries.c.period == number)
        .group_by(postings.c.unit)
        .order_by(postings.c.unit)
    )
    found = {row.unit: {"debit": int(row.debit), "credit": int(row.credit)} for row in rows}
    for unit, sums in found.items():
        if sums["debit"] != sums["credit"]:
            raise OfficeError(
                f"{unit} 的分录不平：借 {sums['debit']}，贷 {sums['credit']}；账被改过，请恢复备份。",
                f"the postings in {unit} do not balance: {sums['debit']} and {sums['credit']}; the books were tampered "
                "with, restore a backup.",
            )
    return found


def _ledger_differences(connection: Connection, number: int, report: Report) -> list[dict[str, Any]]:
    """Shops whose settlement account moved otherwise than the report says: none, ever."""
    told = {(result.terms.shop, result.currency): result.net_minor for result in report.shops}
    rows = connection.execute(
        select(postings.c.account, postings.c.unit, func.sum(postings.c.amount).label("total"))
        .join(period_entries, period_entries.c.entry_id == postings.c.entry_id)
        .where(period_entries.c.period == number, postings.c.account.like("shop/%/settlement"))
        .group_by(postings.c.account, postings.c.unit)
    )
    booked = {(row.account.split("/")[1], row.unit): int(row.total) for row in rows}
    return [
        {"shop": place[0], "unit": place[1], "report": told.get(place, 0), "ledger": booked.get(place, 0)}
        for place in sorted(told.keys() | booked.keys())
        if told.get(place, 0) != booked.get(place, 0)
    ]


def _late_spends(connection: Connection, number: int) -> list[dict[str, Any]]:
    """What was spent beyond what was lent, and on whose account it was put: no settlement row, but owed to the pool."""
    rows = connection.execute(
        select(postings.c.account, postings.c.unit, func.sum(postings.c.amount).label("total"))
        .join(period_entries, period_entries.c.entry_id == postings.c.entry_id)
        .where(
            period_entries.c.period == number,
            or_(postings.c.account.like(SHOPS_BEYOND_LEASES), postings.c.account == OFFICE_BEYOND_LEASES),
        )
        .group_by(postings.c.account, postings.c.unit)
        .order_by(postings.c.account, postings.c.unit)
    )
    return [{"account": row.account, "unit": row.unit, "amount": int(row.total)} for row in rows]


def _entries(
    connection: Connection, where: ColumnElement[bool], closed: Sequence[Period], progress: Progress
) -> Iterator[Found]:
    """The entries that ``where`` picks, page by page, by till, epoch and place."""
    by_number = {period.number: period for period in closed}
    keys: dict[str, dict[int, PublicKey]] = {}
    place = (entries.c.address, entries.c.epoch, entries.c.seq)
    page = (
        select(entries, period_entries.c.period, period_entries.c.late_of)
        .outerjoin(period_entries, period_entries.c.entry_id == entries.c.id)
        .where(where, entries.c.judged.in_(_TAKEN))
        .order_by(*place)
        .limit(PAGE)
    )
    last, count = ("", 0, 0), 0
    while rows := connection.execute(page.where(tuple_(*place) > last)).mappings().all():
        issuers = issuers_of(connection, [row["id"] for row in rows])
        for row in rows:
            if row["address"] not in keys:
                keys = {row["address"]: _keys(connection, row["address"])}
            header_ms, signed = _read(row, keys[row["address"]])
            if signed is not None and row["id"] in issuers:
                signed = replace(signed, body=as_issued(signed.body, issuers[row["id"]]))
            # A clock may be set beyond any period; nothing was made after it arrived.
            made_ms = min(header_ms, row["received_ms"])
            late_of = by_number.get(row["late_of"])
            if row["period"] is None:
                late_of = _covering(closed, made_ms)
            if signed is not None and late_of is not None:
                signed = replace(signed, late_of=late_of.name)
            yield Found(row["id"], row["digest"], made_ms, late_of, signed)
        count += len(rows)
        progress(count)
        last = (rows[-1]["address"], rows[-1]["epoch"], rows[-1]["seq"])


def _read(row: RowMapping, keys: dict[int, PublicKey]) -> tuple[int, SignedEntry | None]:
    """When an entry was made, and what it settles: verified again by its till's key, never believed from a column."""
    if digest(row["sealed"]) != row["digest"]:
        raise not_as_received(row["address"], row["epoch"], row["seq"], "not the bytes that were received")
    if row["kind"] not in _SETTLED:
        return peek_header(row["sealed"]).wall_ms, None
    try:
        meaning = meaning_of(open_entry(row["sealed"], keyring(*keys.values())), keys)
    except (ContractError, CarriedFalsely) as error:
        raise not_as_received(row["address"], row["epoch"], row["seq"], str(error)) from error
    header = meaning.header
    if row["judged"] != "posted":
        return header.wall_ms, None
    return header.wall_ms, SignedEntry(
        header.address, header.epoch, header.seq, header.wall_ms, header.transaction, meaning.digest, meaning.body
    )


def _keys(connection: Connection, address: str) -> dict[int, PublicKey]:
    rows = connection.execute(select(terminals.c.epoch, terminals.c.public_key).where(terminals.c.address == address))
    return {row.epoch: parse_public_key(row.public_key) for row in rows}


def _covering(closed: Sequence[Period], wall_ms: int) -> Period | None:
    """The closed period in which a moment lies."""
    at = bisect_right(closed, wall_ms, key=lambda period: period.to_ms)
    return closed[at] if at < len(closed) else None


def _period(row: RowMapping) -> Period:
    return Period(
        number=row["id"],
        name=row["name"],
        from_ms=row["from_ms"],
        to_ms=row["to_ms"],
        closed_ms=row["closed_ms"],
        entries=row["entries"],
        root=row["root"],
        report=row["report"],
        report_hash=row["report_hash"],
    )
