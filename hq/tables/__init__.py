"""The tables of head office's database, as SQLAlchemy Core sees them; ``hq/migrations`` makes them, step by step.

Instants are Unix milliseconds, money minor units, points the pack's smallest unit, an address is
``tenant/shop/terminal``. One module a subject; whoever asks, asks here.
"""

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
from hq.tables.metadata import ADDRESS, METADATA, ROW_ID
from hq.tables.people import cashiers, catalogue, catalogue_heads, members
from hq.tables.told import documents
from hq.tables.unsettled import exceptions, quarantine

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
    "documents",
    "entries",
    "epoch_starts",
    "exceptions",
    "members",
    "outages",
    "postings",
    "presentations",
    "quarantine",
    "redemptions",
    "refunds",
    "sales",
    "shift_closes",
    "technical_events",
    "terminals",
    "top_ups",
    "transactions",
]
