"""On what terms shops settle, and periods whose books are closed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "shop_terms",
        sa.Column("shop", sa.String(length=16), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("company", sa.String(length=16), nullable=False),
        sa.Column("settles", sa.String(length=16), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("bonus_issuer", sa.Integer(), nullable=False),
        sa.Column("bonus_spender", sa.Integer(), nullable=False),
        sa.Column("bonus_office", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "from_ms", name="pk_shop_terms"),
    )
    _periods()
    _lines()


def _periods() -> None:
    op.create_table(
        "periods",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("report_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_periods"),
        sa.UniqueConstraint("name", name="uq_periods_name"),
        sa.UniqueConstraint("to_ms", name="uq_periods_to_ms"),
    )
    op.create_table(
        "period_entries",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("period", ROW_ID, nullable=False),
        sa.Column("late_of", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_period_entries_entry_id"),
        sa.ForeignKeyConstraint(["period"], ["periods.id"], name="fk_period_entries_period"),
        sa.ForeignKeyConstraint(["late_of"], ["periods.id"], name="fk_period_entries_late_of"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_period_entries"),
    )
    op.create_index("ix_period_entries_period", "period_entries", ["period"])


def _lines() -> None:
    op.create_table(
        "settlement_lines",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("period", ROW_ID, nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("late_of", sa.String(length=16), nullable=False),
        sa.Column("payer", sa.String(length=16), nullable=False),
        sa.Column("payee", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_settlement_lines_entry_id"),
        sa.ForeignKeyConstraint(["period"], ["periods.id"], name="fk_settlement_lines_period"),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_lines"),
    )
    op.create_index("ix_settlement_lines_period_payer_payee", "settlement_lines", ["period", "payer", "payee"])
