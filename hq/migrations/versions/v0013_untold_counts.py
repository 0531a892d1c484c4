"""Whose counts of limited rules have changed since tills were told."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "untold_counts",
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name="pk_untold_counts"),
    )
