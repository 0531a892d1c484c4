"""Balances beside the postings, epochs that tills begin themselves, and every kind of entry in columns."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("terminals", sa.Column("revoked_ms", sa.BigInteger(), nullable=True))
    op.add_column("exceptions", sa.Column("note", sa.String(length=200), nullable=True))
    _journal()
    _balances()
    _value()
    _noted()


def _journal() -> None:
    # Few entries wait, so an index over all of them is in the way of each that is stored.
    op.drop_index("ix_entries_judged", "entries")
    op.drop_index("ix_entries_transaction_id", "entries")
    waiting = sa.text("judged = 'waiting'")
    op.create_index("ix_entries_waiting", "entries", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    with op.batch_alter_table("transactions") as table:
        table.add_column(sa.Column("digest", sa.LargeBinary(), nullable=True))
    op.execute("UPDATE transactions SET digest = (SELECT digest FROM entries WHERE entries.id = transactions.entry_id)")
    with op.batch_alter_table("transactions") as table:
        table.alter_column("digest", existing_type=sa.LargeBinary(), nullable=False)
    op.create_table(
        "carried",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *_keyed("carried"),
    )
    op.create_index("ix_carried_address_epoch_seq", "carried", ["address", "epoch", "seq"])
    op.create_table(
        "epoch_starts",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("previous_epoch", sa.BigInteger(), nullable=False),
        sa.Column("acked_seq", sa.BigInteger(), nullable=False),
        sa.Column("acked_digest", sa.LargeBinary(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.JSON(), nullable=False),
        *_keyed("epoch_starts"),
    )
    op.create_index("ix_epoch_starts_address_previous_epoch", "epoch_starts", ["address", "previous_epoch"])


def _balances() -> None:
    op.create_table(
        "balances",
        sa.Column("account", sa.String(length=96), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "unit", name="pk_balances"),
    )
    op.execute(
        "INSERT INTO balances (account, unit, amount) SELECT account, unit, SUM(amount) FROM postings"
        " GROUP BY account, unit"
    )


def _value() -> None:
    # What moves value and is no sale.
    _moved(
        "refunds",
        sa.Column("member", sa.String(length=24), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("original_transaction", sa.LargeBinary(), nullable=False),
        sa.Column("original_digest", sa.LargeBinary(), nullable=False),
        sa.Column("units", sa.JSON(), nullable=False),
        *_amounts("refund_minor", "to_stored_minor", "points_back", "points_restored", "bonus_back_minor"),
        sa.Column("posted", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_refunds_original_transaction", "refunds", ["original_transaction"])
    _moved(
        "top_ups",
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        *_amounts("amount_minor", "bonus_minor", "points"),
        sa.Column("posted", sa.Boolean(), nullable=False),
    )
    _moved(
        "redemptions",
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=True),
        sa.Column("posted", sa.Boolean(), nullable=False),
    )
    for table in ("refunds", "top_ups", "redemptions"):
        op.create_index(f"ix_{table}_member", table, ["member"])
    op.create_table(
        "presentations",
        sa.Column("presentation", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_presentations_entry_id"),
        sa.PrimaryKeyConstraint("presentation", name="pk_presentations"),
    )


def _noted() -> None:
    _moved("shift_closes", *_amounts("number", "first_seq", "cash_expected_minor", "cash_counted_minor"))
    op.create_table(
        "outages",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        *_amounts("from_ms", "to_ms"),
        sa.Column("detail", sa.String(length=200), nullable=False),
        *_keyed("outages"),
    )
    op.create_index("ix_outages_address", "outages", ["address"])


def _moved(table: str, *columns: sa.Column[object]) -> None:
    """A table of what one kind of entry says, with where and when it was made and by whom."""
    op.create_table(
        table,
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        *_amounts("epoch", "seq", "wall_ms"),
        sa.Column("cashier", sa.String(length=8), nullable=False),
        *columns,
        *_keyed(table),
    )
    op.create_index(f"ix_{table}_wall_ms", table, ["wall_ms"])


def _keyed(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=f"fk_{table}_entry_id"),
        sa.PrimaryKeyConstraint("entry_id", name=f"pk_{table}"),
    )


def _amounts(*names: str) -> tuple[sa.Column[object], ...]:
    return tuple(sa.Column(name, sa.BigInteger(), nullable=False) for name in names)
