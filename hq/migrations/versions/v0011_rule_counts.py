"""How often rules have acted whose number is limited for a member or a day."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "rule_counts",
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "rule", "day", "address", "epoch", name="pk_rule_counts"),
    )
