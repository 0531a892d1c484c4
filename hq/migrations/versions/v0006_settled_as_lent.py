"""Whose bonus money was spent where a till said another's; slips taken ahead; why books were taken for older ones."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "true_issuers",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_true_issuers_entry_id"),
        sa.PrimaryKeyConstraint("entry_id", "number", name="pk_true_issuers"),
    )
    op.create_index("ix_slips_ahead", "slips", ["ahead", "slip"])
    op.add_column("restorations", sa.Column("address", sa.String(length=50), nullable=True))
    op.add_column("restorations", sa.Column("epoch", sa.BigInteger(), nullable=True))
    op.add_column("restorations", sa.Column("acked_seq", sa.BigInteger(), nullable=True))
