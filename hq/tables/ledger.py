"""The ledger, and what entries say in columns, so that people can ask.

Nothing in ``postings`` is ever changed or removed; ``balances`` holds their sums, written in the same transaction.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, String, Table

from hq.tables.metadata import ADDRESS, METADATA, ROW_ID

postings = Table(
    "postings",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False, index=True),
    Column("account", String(96), nullable=False, index=True),
    Column("unit", String(8), nullable=False),
    Column("amount", BigInteger, nullable=False),
)

sales = Table(
    "sales",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("wall_ms", BigInteger, nullable=False, index=True),
    Column("cashier", String(8), nullable=False),
    Column("member", String(24), index=True),
    Column("currency", String(3), nullable=False),
    Column("list_minor", BigInteger, nullable=False),
    Column("payable_minor", BigInteger, nullable=False),
    Column("points_earned", BigInteger, nullable=False),
    Column("points_spent", BigInteger, nullable=False),
    Column("pack_version", BigInteger, nullable=False),
    Column("posted", Boolean, nullable=False),
)

activations = Table(
    "activations",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("previous_version", BigInteger, nullable=False),
    Column("wall_ms", BigInteger, nullable=False),
)

technical_events = Table(
    "technical_events",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False, index=True),
    Column("code", String(40), nullable=False),
    Column("detail", String(200), nullable=False),
    Column("wall_ms", BigInteger, nullable=False),
)

balances = Table(
    "balances",
    METADATA,
    Column("account", String(96), primary_key=True),
    Column("unit", String(8), primary_key=True),
    Column("amount", BigInteger, nullable=False),
)

refunds = Table(
    "refunds",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("wall_ms", BigInteger, nullable=False, index=True),
    Column("cashier", String(8), nullable=False),
    Column("member", String(24), index=True),
    Column("currency", String(3), nullable=False),
    Column("original_transaction", LargeBinary, nullable=False, index=True),
    Column("original_digest", LargeBinary, nullable=False),
    Column("units", JSON, nullable=False),
    Column("refund_minor", BigInteger, nullable=False),
    Column("to_stored_minor", BigInteger, nullable=False),
    Column("points_back", BigInteger, nullable=False),
    Column("points_restored", BigInteger, nullable=False),
    Column("bonus_back_minor", BigInteger, nullable=False),
    Column("posted", Boolean, nullable=False),
)

top_ups = Table(
    "top_ups",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("wall_ms", BigInteger, nullable=False, index=True),
    Column("cashier", String(8), nullable=False),
    Column("member", String(24), nullable=False, index=True),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("bonus_minor", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("posted", Boolean, nullable=False),
)

redemptions = Table(
    "redemptions",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("wall_ms", BigInteger, nullable=False, index=True),
    Column("cashier", String(8), nullable=False),
    Column("member", String(24), nullable=False, index=True),
    Column("rule", String(32)),
    Column("posted", Boolean, nullable=False),
)

presentations = Table(
    "presentations",
    METADATA,
    Column("presentation", LargeBinary, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False),
)
"""Showings of a phone's code that were taken, each by the entry that took it first."""

shift_closes = Table(
    "shift_closes",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("wall_ms", BigInteger, nullable=False, index=True),
    Column("cashier", String(8), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("cash_expected_minor", BigInteger, nullable=False),
    Column("cash_counted_minor", BigInteger, nullable=False),
)

outages = Table(
    "outages",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False, index=True),
    Column("cause", String(16), nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("detail", String(200), nullable=False),
)

Index("ix_sales_address_epoch_seq", sales.c.address, sales.c.epoch, sales.c.seq)
