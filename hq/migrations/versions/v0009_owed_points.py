"""Points that sales promised because their merchant had none left."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "owed_points",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("pool", sa.String(length=16), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_owed_points_entry_id"),
        sa.PrimaryKeyConstraint("entry_id", "pool", name="pk_owed_points"),
    )
