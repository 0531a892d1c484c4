"""What a shift comes to by its entries, reckoned from the first of them to the one that closes it."""

from collections.abc import Sequence
from dataclasses import replace

from contract.bodies import Body, CancelBody, ShiftCloseBody, ShiftFigures
from contract.journal import EntryHeader
from contract.postings import cash_account
from contract.trade import PerpetualTotals, RedemptionBody, RefundBody, SaleBody, TopUpBody


def shift_differences(entries: Sequence[tuple[EntryHeader, Body]]) -> str:
    """How the last of ``entries``, all of one disk as they were made, says otherwise of its shift than those since the
    closing before; empty where it does not.
    """
    header, said = entries[-1]
    assert isinstance(said, ShiftCloseBody)
    closed = [place for place, (_, body) in enumerate(entries[:-1]) if isinstance(body, ShiftCloseBody)]
    shift = entries[closed[-1] + 1 if closed else 0 : -1]
    figures = _figures(shift)
    drawer, cash_minor = cash_account(header.address.shop, header.address.terminal), 0
    for _, body in shift:
        if isinstance(body, SaleBody | RefundBody | TopUpBody | RedemptionBody):
            cash_minor += sum(posting.amount for posting in body.postings if posting.account == drawer)
    told = [body.totals for _, body in entries[:-1] if isinstance(body, SaleBody | RefundBody | TopUpBody)]
    totals = told[-1] if told else PerpetualTotals(0, 0)
    wanted = (len(closed) + 1, cash_minor, totals, figures)
    found = (said.number, said.cash_expected_minor, said.totals, said.figures)
    return "" if found == wanted else f"says {found}, its entries say {wanted}"


def _figures(shift: Sequence[tuple[EntryHeader, Body]]) -> ShiftFigures:
    figures = ShiftFigures(shift[0][0].wall_ms if shift else 0, *(0,) * 9)
    for _, body in shift:
        match body:
            case SaleBody():
                figures = replace(
                    figures, sales=figures.sales + 1, payable_minor=figures.payable_minor + body.payable_minor
                )
            case RefundBody():
                refunded_minor = figures.refunded_minor + body.refund_minor
                figures = replace(figures, refunds=figures.refunds + 1, refunded_minor=refunded_minor)
            case TopUpBody():
                topped_up_minor = figures.topped_up_minor + body.amount_minor
                figures = replace(figures, top_ups=figures.top_ups + 1, topped_up_minor=topped_up_minor)
            case RedemptionBody():
                figures = replace(figures, redemptions=figures.redemptions + 1)
            case CancelBody():
                figures = replace(figures, cancels=figures.cancels + 1)
    return figures
