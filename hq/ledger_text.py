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
    makers = (_restoration, _sales, _balances, _members, _tills, _activations, _events, _unsettled, _refused)
    sections = [make(connection) for make in makers]
    told = [lines for section in sections if (lines := [*section])]
    return "\n".join(line for lines in told for line in [*lines, ""]).rstrip() + "\n"


def restoration_said(connection: Connection) -> str:
    """That these books were restored from a backup, and which tills are awaited; empty while nothing is lacking."""
    tills = books.awaited_tills(connection)
    if tills is None:
        return ""
    waiting = f"; 还在等 waiting for {', '.join(tills)}" if tills else ""
    return f"账本从备份恢复，暂不出借 RESTORED from a backup, nothing is lent yet{waiting}"


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
    return "\n".join(
        table(
            (
                "编号 number",
                "时间 since (UTC)",
                "终端 till",
                "流水 entry",
                "原因 reason",
                "说明 detail",
                "处理 settled (UTC)",
            ),
            rows,
        )
    )


def _restoration(connection: Connection) -> Iterator[str]:
    said = restoration_said(connection)
    if said:
        yield said


def _sales(connection: Connection) -> Iterator[str]:
    rows = [
        (
            _instant(sale.wall_ms),
            sale.receipt,
            sale.member or "-",
            format_minor(sale.list_minor),
            format_minor(sale.payable_minor),
            f"+{sale.points_earned} -{sale.points_spent}" if sale.points_spent else f"+{sale.points_earned}",
            f"规则包 pack {sale.pack_version}",
            "入账 posted" if sale.posted else "暂挂 held",
            ", ".join(sale.exceptions),
        )
        for sale in books.sale_lines(connection)
    ]
    yield "销售 Sales"
    yield from table(
        (
            "时间 time (UTC)",
            "小票 receipt",
            "会员 member",
            "原价 list",
            "实付 paid",
            "积分 points",
            "规则 rules",
            "账 ledger",
            "例外 open",
        ),
        rows,
    )


def _balances(connection: Connection) -> Iterator[str]:
    rows = [
        (line.account, line.unit, *(_amount(value, line.unit) for value in (line.debit, line.credit, line.balance)))
        for line in books.trial_balance(connection)
    ]
    sums = ", ".join(f"{unit} {_amount(total, unit)}" for unit, total in books.ledger_sums(connection).items())
    yield f"试算平衡 Trial balance (合计 sums to {sums or '无 nothing yet'})"
    for wrong in ledger.differences(connection):
        told, summed = _amount(wrong.balance, wrong.unit), _amount(wrong.postings, wrong.unit)
        yield f"  不符 WRONG: {wrong.account} 余额 stands at {told}, 分录合计 its postings sum to {summed}"
    yield from table(("账户 account", "单位 unit", "借 debit", "贷 credit", "余额 balance"), rows)


def _members(connection: Connection) -> Iterator[str]:
    yield "会员 Members"
    rows = [(row.member, row.name, row.tier, str(row.points)) for row in books.member_balances(connection)]
    yield from table(("会员 member", "姓名 name", "等级 tier", "积分 points"), rows)


def _tills(connection: Connection) -> Iterator[str]:
    rows = [
        (
            str(till.address),
            str(till.epoch),
            str(till.upto_seq),
            str(till.told_head_seq),
            "从未 never" if till.last_seen_ms is None else _instant(till.last_seen_ms),
        )
        for till in books.till_states(connection)
    ]
    yield "终端 Tills"
    yield from table(
        ("终端 till", "代次 epoch", "总部已有 entries here", "终端已有 entries there", "最近联系 last seen (UTC)"), rows
    )


def _activations(connection: Connection) -> Iterator[str]:
    rows = [
        (
            _instant(line.wall_ms),
            str(line.address),
            f"{line.kind} {line.version}",
            f"接 after {line.previous_version}" if line.previous_version else "首个 the first",
        )
        for line in books.activation_lines(connection)[-NEWEST:]
    ]
    yield f"终端启用的文件 Documents that became active (最近 the newest {NEWEST})"
    yield from table(("时间 time (UTC)", "终端 till", "文件 document", "之前 before"), rows)


def _events(connection: Connection) -> Iterator[str]:
    rows = [
        (_instant(line.wall_ms), str(line.address), line.code, line.detail[:MOST_DETAIL_CHARS])
        for line in books.technical_event_lines(connection)[-NEWEST:]
    ]
    yield f"终端报告的事 What tills reported (最近 the newest {NEWEST})"
    yield from table(("时间 time (UTC)", "终端 till", "事件 event", "说明 detail"), rows)


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
    yield "待处理 To settle"
    yield from table(("时间 since (UTC)", "终端 till", "流水 entry", "原因 reason", "说明 detail"), rows)


def _refused(connection: Connection) -> Iterator[str]:
    rows = [
        (_instant(line.last_ms), line.topic, line.reason, str(line.times), line.detail[:MOST_DETAIL_CHARS])
        for line in books.refused_bytes(connection)
    ]
    yield "拒收 Refused"
    yield from table(("最近 last (UTC)", "主题 topic", "原因 reason", "次数 times", "说明 detail"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of columns under their heads, amounts to the right; a word where there is no row."""
    if not rows:
        yield "  无 none"
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
