"""What was spent beyond leases and who bears it, entry by entry; whether an ended epoch is known to its last entry;
bonus promised in instalments.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("carried", sa.Column("previous", sa.LargeBinary(), nullable=True))
    op.add_column("epoch_starts", sa.Column("due_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "charges",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.LargeBinary(), nullable=False),
        sa.Column("asset", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("lot", sa.LargeBinary(), nullable=True),
        sa.Column("issuer", sa.String(length=16), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("bonus", sa.BigInteger(), nullable=False),
        sa.Column("bearer", sa.String(length=96), nullable=False),
        sa.Column("wall_ms", sa.BigInteger(), nullable=False),
        sa.Column("settles", sa.Boolean(), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_charges_entry_id"),
        sa.PrimaryKeyConstraint("id", name="pk_charges"),
    )
    for column in ("settles", "waits"):
        op.create_index(
            f"ix_charges_{column}",
            "charges",
            ["id"],
            sqlite_where=sa.text(column),
            postgresql_where=sa.text(column),
        )
    op.create_table(
        "promised_bonus",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("due_day", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_promised_bonus_entry_id"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_promised_bonus"),
    )
    op.create_index("ix_charges_entry_id", "charges", ["entry_id"])
    op.create_index("ix_promised_bonus_due_day", "promised_bonus", ["due_day"])
