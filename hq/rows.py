"""What an entry says, as rows of the tables that people ask. Pure."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Table

from contract.bodies import Body, DocumentChangeBody, EpochStartBody, OutageBody, ShiftCloseBody, TechnicalEventBody
from contract.journal import EntryHeader
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from hq.bulk import Row
from hq.tables import (
    activations,
    epoch_starts,
    outages,
    redemptions,
    refunds,
    sales,
    shift_closes,
    technical_events,
    top_ups,
)

_MADE = ("address", "epoch", "seq", "wall_ms", "cashier")

COLUMNS: Mapping[Table, tuple[str, ...]] = {
    sales: (
        *_MADE,
        "member",
        "currency",
        "list_minor",
        "payable_minor",
        "points_earned",
        "points_spent",
        "pack_version",
        "posted",
    ),
    refunds: (
        *_MADE,
        "member",
        "currency",
        "original_transaction",
        "original_digest",
        "units",
        "refund_minor",
        "to_stored_minor",
        "points_back",
        "points_restored",
        "bonus_back_minor",
        "posted",
    ),
    top_ups: (*_MADE, "member", "currency", "amount_minor", "bonus_minor", "points", "posted"),
    redemptions: (*_MADE, "member", "rule", "posted"),
    shift_closes: (*_MADE, "number", "first_seq", "cash_expected_minor", "cash_counted_minor"),
    activations: ("address", "kind", "version", "previous_version", "wall_ms"),
    technical_events: ("address", "code", "detail", "wall_ms"),
    outages: ("address", "cause", "from_ms", "to_ms", "detail"),
    epoch_starts: (
        "address",
        "epoch",
        "reason",
        "previous_epoch",
        "acked_seq",
        "acked_digest",
        "head_seq",
        "lost",
        "due_ms",
    ),
}
"""Which columns the rows fill, besides ``entry_id``, which stands first in all of them."""


def rows_of(header: EntryHeader, body: Body, posted: bool) -> Iterator[tuple[Table, Row]]:
    """Yield the rows that say ``body`` in columns, without the number of the entry that brings it."""
    address = str(header.address)
    match body:
        case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody():
            yield _moved((address, header.epoch, header.seq, header.wall_ms, body.cashier), body, posted)
        case ShiftCloseBody():
            made = (address, header.epoch, header.seq, header.wall_ms, body.cashier)
            yield (
                shift_closes,
                (*made, body.number, body.first_seq, body.cash_expected_minor, body.cash_counted_minor),
            )
        case DocumentChangeBody():
            yield activations, (address, body.kind, body.version, body.previous_version, header.wall_ms)
        case TechnicalEventBody():
            yield technical_events, (address, body.code, body.detail, header.wall_ms)
        case OutageBody():
            yield outages, (address, body.cause.value, body.from_ms, body.to_ms, body.detail)
        case EpochStartBody():
            acked = (body.acked_seq, body.acked_digest)
            told = (body.reason.value, body.previous_epoch, *acked, body.head_seq, list(body.lost))
            yield epoch_starts, (address, header.epoch, *told, 0 if body.head_proven else None)


def _moved(made: Row, body: SaleBody | RefundBody | TopUpBody | RedemptionBody, posted: bool) -> tuple[Table, Row]:
    match body:
        case SaleBody():
            member = None if body.member is None else body.member.member
            list_minor = body.basket.list_minor
            points = (body.points_earned, body.points_spent)
            told = (member, body.currency, list_minor, body.payable_minor, *points, body.pack.version)
            return sales, (*made, *told, posted)
        case RefundBody():
            member = None if body.member is None else body.member.member
            original = (body.original.transaction, body.original.digest, list(body.units))
            points = (body.points_back, body.points_restored)
            amounts = (body.refund_minor, body.to_stored_minor, *points, body.bonus_back_minor)
            return refunds, (*made, member, body.currency, *original, *amounts, posted)
        case TopUpBody():
            brought = (body.amount_minor, body.bonus_minor, body.points)
            return top_ups, (*made, body.member.member, body.currency, *brought, posted)
        case RedemptionBody():
            return redemptions, (*made, body.member.member, body.rule, posted)
