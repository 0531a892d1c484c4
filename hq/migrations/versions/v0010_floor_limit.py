"""What members spent on shops' floor limits, among what was spent beyond leases."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("charges", sa.Column("on_floor", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_charges_on_floor",
        "charges",
        ["holder"],
        sqlite_where=sa.text("on_floor IS NOT NULL"),
        postgresql_where=sa.text("on_floor IS NOT NULL"),
    )
