"""What members spent at a till in a day, where a pack bounds it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "day_spends",
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("asset", sa.String(length=16), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", "member", "asset", "day", name="pk_day_spends"),
    )
