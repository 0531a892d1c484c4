"""A report as plain values, for JSON: the same report is always the same text."""

from collections.abc import Mapping, Sequence
from typing import Any

from hq.settlement.report import Report, Row, RowKey, ShopResult


def plain_report(
    report: Report, receipts: Mapping[RowKey, Sequence[Mapping[str, Any]]] | None = None
) -> dict[str, Any]:
    """Return ``report`` as JSON can say it, amounts in minor units. With ``receipts`` each row lists the signed entries
    it comes from.
    """
    return {
        "entries": report.entries,
        "rows": [_row(row, None if receipts is None else receipts.get(row.key, ())) for row in report.rows],
        "shops": [_shop(result) for result in report.shops],
        "payments": [
            {
                "payer": payment.payer,
                "payee": payment.payee,
                "currency": payment.currency,
                "amount_minor": payment.amount_minor,
            }
            for payment in report.payments
        ],
        "liabilities": [
            {
                "currency": liability.currency,
                "principal_minor": liability.principal_minor,
                "bonus_minor": liability.bonus_minor,
                "pool_minor": liability.pool_minor,
                "difference_minor": liability.difference_minor,
            }
            for liability in report.liabilities
        ],
    }


def _shop(result: ShopResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "shop": result.terms.shop,
        "company": result.terms.company,
        "settles": result.terms.settles.value,
        "rate_bp": result.terms.rate_bp,
        "currency": result.currency,
        "taken_in_minor": result.taken_in_minor,
        "spent_minor": result.spent_minor,
        "bonus_minor": result.bonus_minor,
        "fee_minor": result.fee_minor,
        "points_minor": result.points_minor,
        "net_minor": result.net_minor,
    }
    if result.late_minor:
        # Left out where there is none: periods closed before anybody paid for that recompute to the same text.
        found["late_minor"] = result.late_minor
    return found


def _row(row: Row, receipts: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    key = row.key
    found: dict[str, Any] = {
        "payer": key.payer,
        "payee": key.payee,
        "kind": key.kind.value,
        "currency": key.currency,
        "amount_minor": row.amount_minor,
        "entries": row.entries,
    }
    if key.late_of:
        found["late_of"] = key.late_of
    if receipts is not None:
        found["receipts"] = list(receipts)
    return found
