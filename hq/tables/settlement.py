"""On what terms shops settle, and the periods whose books are closed."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from hq.tables.metadata import METADATA, ROW_ID

shop_terms = Table(
    "shop_terms",
    METADATA,
    Column("shop", String(16), primary_key=True),
    Column("from_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("company", String(16), nullable=False),
    Column("settles", String(16), nullable=False),
    Column("rate_bp", Integer, nullable=False),
    Column("bonus_issuer", Integer, nullable=False),
    Column("bonus_spender", Integer, nullable=False),
    Column("bonus_office", Integer, nullable=False),
)

periods = Table(
    "periods",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", String(16), nullable=False, unique=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False, unique=True),
    Column("closed_ms", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("report", LargeBinary, nullable=False),
    Column("report_hash", LargeBinary, nullable=False),
)
"""Closed periods: how many signed entries each holds, the root over their digests, and the report as it was printed
then, with its SHA-256.
"""

period_entries = Table(
    "period_entries",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("period", ForeignKey("periods.id"), nullable=False, index=True),
    Column("late_of", ForeignKey("periods.id")),
)
"""Which closed period an entry is in, and for which earlier one it came too late."""

settlement_lines = Table(
    "settlement_lines",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("period", ForeignKey("periods.id"), nullable=False),
    Column("entry_id", ForeignKey("entries.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("late_of", String(16), nullable=False),
    Column("payer", String(16), nullable=False),
    Column("payee", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("amount", BigInteger, nullable=False),
)
"""What each entry of a closed period added to which row of its report."""

true_issuers = Table(
    "true_issuers",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("issuer", String(16)),
)
"""Who issued what an entry's draw took, where the entry says another: ``number`` is the draw's place in it."""

Index("ix_settlement_lines_period_payer_payee", *(settlement_lines.c[name] for name in ("period", "payer", "payee")))
