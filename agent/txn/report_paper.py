"""The X report of a shift that runs, and the Z report that closes it."""

from __future__ import annotations

from collections.abc import Iterator

from agent import paper
from agent.paper import Paper
from contract.bodies import ShiftCloseBody, ShiftFigures
from contract.money import format_minor


def x_report(body: ShiftCloseBody, shop_name: str, when: str, since: str) -> Paper:
    """Return the X report: the figures so far. It closes nothing and may be printed as often as anybody likes."""
    head = (paper.Text(shop_name, "center", bold=True, size=2),) if shop_name else ()
    return Paper(
        (
            *head,
            paper.Text("X 报告 X report", "center", bold=True),
            paper.Text("未交班，仅供查看 The shift runs on", "center"),
            paper.Pair("时间 Time", when),
            paper.Pair("收银员 Cashier", body.cashier),
            paper.Rule(),
            *shift_rows(body, since),
            paper.Pair("应有现金 Cash expected", format_minor(body.cash_expected_minor), bold=True),
            paper.Cut(),
        )
    )


def z_rows(body: ShiftCloseBody, since: str) -> Iterator[paper.Row]:
    """Yield what a Z report says below its head: the shift, the cash, and the totals of the till's whole life."""
    yield from shift_rows(body, since)
    yield paper.Pair("应有现金 Cash expected", format_minor(body.cash_expected_minor))
    yield paper.Pair("实点现金 Cash counted", format_minor(body.cash_counted_minor), bold=True)
    difference_minor = body.cash_counted_minor - body.cash_expected_minor
    sign = "+" if difference_minor > 0 else ""
    yield paper.Pair("差额 Difference", f"{sign}{format_minor(difference_minor)}", bold=True)
    yield paper.Rule()
    totals = body.totals
    yield paper.Text("累计，永不清零 Perpetual totals")
    yield _counted("销售 Sales", totals.sales, totals.payable_minor)
    yield _counted("退货 Refunds", totals.refunds, totals.refunded_minor)
    yield _counted("充值 Top-ups", totals.top_ups, totals.topped_up_minor)


def shift_rows(body: ShiftCloseBody, since: str) -> Iterator[paper.Row]:
    """Yield the figures of the shift alone."""
    figures = body.figures
    yield paper.Pair("班次 Shift No.", str(body.number), bold=True)
    if figures is None:
        return
    if since:
        yield paper.Pair("自 Since", since)
    yield _counted("销售 Sales", figures.sales, figures.payable_minor)
    yield _counted("退货 Refunds", figures.refunds, figures.refunded_minor)
    yield _counted("充值 Top-ups", figures.top_ups, figures.topped_up_minor)
    yield paper.Pair("兑换 Redemptions", str(figures.redemptions))
    yield paper.Pair("取消 Cancelled", str(figures.cancels))
    if figures.unreadable:
        yield paper.Pair("读不出 Unreadable", str(figures.unreadable), bold=True)


def since_of(figures: ShiftFigures | None) -> int:
    """When the first entry of a shift was made, Unix milliseconds; 0 where it has none."""
    return 0 if figures is None else figures.since_ms


def _counted(title: str, count: int, amount_minor: int) -> paper.Pair:
    return paper.Pair(f"{title} × {count}", format_minor(amount_minor))
