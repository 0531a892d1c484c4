"""What rules may look at of members and goods, and the points a sale spent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("sales", sa.Column("points_spent", sa.BigInteger(), nullable=False, server_default="0"))
    for column in (
        _names("segments"),
        sa.Column("card_type", sa.String(length=24), nullable=True),
        sa.Column("birthday", sa.Integer(), nullable=True),
        sa.Column("visits", sa.BigInteger(), nullable=True),
        _names("visit_days"),
    ):
        op.add_column("members", column)
    for column in (
        _names("more_categories"),
        sa.Column("brand", sa.String(length=24), nullable=True),
        _names("tags"),
        sa.Column("member_price_minor", sa.BigInteger(), nullable=True),
        sa.Column("floor_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("reduced", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("excluded", sa.Boolean(), nullable=False, server_default=sa.false()),
        _names("taxes"),
    ):
        op.add_column("catalogue", column)


def _names(name: str) -> sa.Column[object]:
    """A list as JSON, empty in rows that are there already."""
    return sa.Column(name, sa.JSON(), nullable=False, server_default="[]")
