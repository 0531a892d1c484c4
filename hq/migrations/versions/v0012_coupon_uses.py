"""Every use of a coupon and every return of one, so that what counts follows from all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "coupon_uses",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("transaction_id", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=True),
        sa.Column("address", sa.String(length=50), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("wall_ms", sa.BigInteger(), nullable=False),
        sa.Column("bearer", sa.String(length=96), nullable=True),
        sa.Column("back_shop", sa.String(length=16), nullable=True),
        sa.Column("weigh", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_coupon_uses_entry_id"),
        sa.PrimaryKeyConstraint("code", "transaction_id", name="pk_coupon_uses"),
    )
    op.create_index("ix_coupon_uses_entry_id", "coupon_uses", ["entry_id"])
    op.create_index(
        "ix_coupon_uses_weigh",
        "coupon_uses",
        ["code"],
        sqlite_where=sa.text("weigh"),
        postgresql_where=sa.text("weigh"),
    )
    # What counts so far. Of uses that were charged before, the entry's own exception is all that tells of them.
    op.execute(
        "INSERT INTO coupon_uses (code, transaction_id, entry_id, address, epoch, seq, wall_ms, weigh) "
        "SELECT coupons.code, entries.transaction_id, entries.id, entries.address, entries.epoch, entries.seq, "
        "COALESCE(sales.wall_ms, redemptions.wall_ms, entries.received_ms), false "
        "FROM coupons JOIN entries ON entries.id = coupons.used_entry_id "
        "LEFT JOIN sales ON sales.entry_id = entries.id "
        "LEFT JOIN redemptions ON redemptions.entry_id = entries.id"
    )
