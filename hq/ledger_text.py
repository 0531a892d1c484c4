"""The books as text for a terminal window: sales, balances, tills and what they reported, what people must settle."""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from contract.money import format_minor
from hq import books, ledger
from hq.books import ExceptionLine

NEWEST = 100
"""So many of the documents that became active, and of what tills reported, are told."""

MOST_DETAIL_CHARS = 80
LAST_S = 253_402_300_799
"""9999-12-31 23:59:59 (UTC), the last second Python's calendar has, in Unix seconds."""


def books_text(connection: Connection) -> str:
    """Return the whole of the books on one page."""
    makers = (_sales, _balances, _members, _tills, _activations, _events, _unsettled, _refused)
    sections = [make(connection) for make in makers]
    return "\n".join(line for section in sections for line in [*section, ""]).rstrip() + "\n"


def exceptions_text(lines: Sequence[ExceptionLine]) -> str:
    """Return exceptions as a table, by number."""
    rows = [
        (
            str(line.number),
            _instant(line.at_ms),
            str(line.address),
            f"{line.epoch}/{line.seq}",
            line.reason,
            line.detail[:MOST_DETAIL_CHARS],
            "" if line.settled_ms is None else f"{_instant(line.settled_ms)} {line.note}".rstrip(),
        )
        for line in lines
    ]
    return "\n".join(_table(("number", "since (UTC)", "till", "entry", "reason", "detail", "settled (UTC)"), rows))


def _sales(connection: Connection) -> Iterator[str]:
    rows = [
        (
            _instant(sale.wall_ms),
            sale.receipt,
            sale.member or "-",
            format_minor(sale.list_minor),
            format_minor(sale.payable_minor),
            f"+{sale.points_earned} -{sale.points_spent}" if sale.points_spent else f"+{sale.points_earned}",
            f"pack {sale.pack_version}",
            "posted" if sale.posted else "held",
            ", ".join(sale.exceptions),
        )
        for sale in books.sale_lines(connection)
    ]
    yield "Sales"
    yield from _table(("time (UTC)", "receipt", "member", "list", "paid", "points", "rules", "ledger", "open"), rows)


def _balances(connection: Connection) -> Iterator[str]:
    rows = [
        (line.account, line.unit, *(_amount(value, line.unit) for value in (line.debit, line.credit, line.balance)))
        for line in books.trial_balance(connection)
    ]
    sums = ", ".join(f"{unit} {_amount(total, unit)}" for unit, total in books.ledger_sums(connection).items())
    yield f"Trial balance (sums to {sums or 'nothing yet'})"
    for wrong in ledger.differences(connection):
        told, summed = _amount(wrong.balance, wrong.unit), _amount(wrong.postings, wrong.unit)
        yield f"  WRONG: {wrong.account} stands at {told}, its postings sum to {summed}"
    yield from _table(("account", "unit", "debit", "credit", "balance"), rows)


def _members(connection: Connection) -> Iterator[str]:
    yield "Members"
    rows = [(row.member, row.name, row.tier, str(row.points)) for row in books.member_balances(connection)]
    yield from _table(("member", "name", "tier", "points"), rows)


def _tills(connection: Connection) -> Iterator[str]:
    rows = [
        (
            str(till.address),
            str(till.epoch),
            str(till.upto_seq),
            str(till.told_head_seq),
            "never" if till.last_seen_ms is None else _instant(till.last_seen_ms),
        )
        for till in books.till_states(connection)
    ]
    yield "Tills"
    yield from _table(("till", "epoch", "entries here", "entries there", "last seen (UTC)"), rows)


def _activations(connection: Connection) -> Iterator[str]:
    rows = [
        (
            _instant(line.wall_ms),
            str(line.address),
            f"{line.kind} {line.version}",
            f"after {line.previous_version}" if line.previous_version else "the first",
        )
        for line in books.activation_lines(connection)[-NEWEST:]
    ]
    yield f"Documents that became active (the newest {NEWEST})"
    yield from _table(("time (UTC)", "till", "document", "before"), rows)


def _events(connection: Connection) -> Iterator[str]:
    rows = [
        (_instant(line.wall_ms), str(line.address), line.code, line.detail[:MOST_DETAIL_CHARS])
        for line in books.technical_event_lines(connection)[-NEWEST:]
    ]
    yield f"What tills reported (the newest {NEWEST})"
    yield from _table(("time (UTC)", "till", "event", "detail"), rows)


def _unsettled(connection: Connection) -> Iterator[str]:
    rows = [
        (
            _instant(line.at_ms),
            str(line.address),
            f"{line.epoch}/{line.seq}",
            line.reason,
            line.detail[:MOST_DETAIL_CHARS],
        )
        for line in books.exception_lines(connection)
        if line.settled_ms is None
    ]
    yield "To settle"
    yield from _table(("since (UTC)", "till", "entry", "reason", "detail"), rows)


def _refused(connection: Connection) -> Iterator[str]:
    rows = [
        (_instant(line.last_ms), line.topic, line.reason, str(line.times), line.detail[:MOST_DETAIL_CHARS])
        for line in books.refused_bytes(connection)
    ]
    yield "Refused"
    yield from _table(("last (UTC)", "topic", "reason", "times", "detail"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        yield "  none"
        return
    widths = [max(_width(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, tuple("-" * width for width in widths), *rows):
        yield ("  " + "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True))).rstrip()


def _padded(cell: str, width: int) -> str:
    # Amounts stand to the right, so that their digits stand under each other.
    room = " " * (width - _width(cell))
    return room + cell if _is_number(cell) else cell + room


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").replace(".", "", 1).isdecimal()


def _width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in cell)


def _amount(value: int, unit: str) -> str:
    # A currency has three capital letters; points, uses, coupons and pieces are counted whole.
    return format_minor(value) if len(unit) == 3 and unit.isupper() else str(value)


def _instant(unix_ms: int) -> str:
    # A till may write a time beyond any calendar; the last there is stands for all of them.
    return f"{datetime.fromtimestamp(min(unix_ms // 1_000, LAST_S), UTC):%Y-%m-%d %H:%M:%S}"
