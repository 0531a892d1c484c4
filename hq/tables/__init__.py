"""The tables of head office's database, as SQLAlchemy Core sees them; ``hq/migrations`` makes them, step by step.

Instants are Unix milliseconds, money minor units, points the pack's smallest unit, an address is
``tenant/shop/terminal``. One module a subject; whoever asks, asks here.
"""

from hq.tables.counts import rule_counts
from hq.tables.journal import carried, chains, entries, epoch_starts, terminals, transactions
from hq.tables.ledger import (
    activations,
    balances,
    outages,
    postings,
    presentations,
    redemptions,
    refunds,
    sales,
    shift_closes,
    technical_events,
    top_ups,
)
from hq.tables.lending import (
    habits,
    lease_documents,
    leases,
    placements,
    restorations,
    slips,
    told_documents,
)
from hq.tables.metadata import ADDRESS, METADATA, ROW_ID
from hq.tables.people import cashiers, catalogue, catalogue_heads, members
from hq.tables.settlement import period_entries, periods, settlement_lines, shop_terms, true_issuers
from hq.tables.told import documents
from hq.tables.unsettled import exceptions, quarantine
from hq.tables.value import (
    charges,
    coupon_uses,
    coupons,
    day_spends,
    hold_parts,
    holds,
    late_terms,
    lots,
    owed_points,
    points_debts,
    points_lots,
    points_spendings,
    pools,
    promised_bonus,
    published_items,
    revoked,
    value_terms,
)

__all__ = [
    "ADDRESS",
    "METADATA",
    "ROW_ID",
    "activations",
    "balances",
    "carried",
    "cashiers",
    "catalogue",
    "catalogue_heads",
    "chains",
    "charges",
    "coupon_uses",
    "coupons",
    "day_spends",
    "documents",
    "entries",
    "epoch_starts",
    "exceptions",
    "habits",
    "hold_parts",
    "holds",
    "late_terms",
    "lease_documents",
    "leases",
    "lots",
    "members",
    "outages",
    "owed_points",
    "period_entries",
    "periods",
    "placements",
    "points_debts",
    "points_lots",
    "points_spendings",
    "pools",
    "postings",
    "presentations",
    "promised_bonus",
    "published_items",
    "quarantine",
    "redemptions",
    "refunds",
    "restorations",
    "revoked",
    "rule_counts",
    "sales",
    "settlement_lines",
    "shift_closes",
    "shop_terms",
    "slips",
    "technical_events",
    "terminals",
    "told_documents",
    "top_ups",
    "transactions",
    "true_issuers",
    "value_terms",
]
