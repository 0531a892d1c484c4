"""Value that is lent: leases, slips, lots, holds, coupons, and where members buy."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("documents", sa.Column("base", sa.LargeBinary(), nullable=True))
    op.add_column("members", sa.Column("pin", sa.LargeBinary(), nullable=True))
    _lent()
    _told()
    _placed()
    _stored()
    _points()
    _granted()


def _lent() -> None:
    # What is lent.
    op.create_table(
        "leases",
        sa.Column("lease", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("lot", sa.LargeBinary(), nullable=True),
        sa.Column("issuer", sa.String(length=16), nullable=True),
        sa.Column("draw_order", sa.String(length=16), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("granted_bonus", sa.BigInteger(), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.Column("drawn_bonus", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("returned_bonus", sa.BigInteger(), nullable=False),
        sa.Column("beyond", sa.BigInteger(), nullable=False),
        sa.Column("beyond_bonus", sa.BigInteger(), nullable=False),
        sa.Column("spend_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("recalled_ms", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("recall_document", sa.LargeBinary(), nullable=True),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("lease", name="pk_leases"),
    )
    op.create_index("ix_leases_account", "leases", ["asset", "holder", "name", "state"])
    op.create_index("ix_leases_document", "leases", ["document"])
    op.create_index("ix_leases_lot", "leases", ["lot"])
    op.create_index("ix_leases_recall_document", "leases", ["recall_document"])
    op.create_index("ix_leases_terminal", "leases", ["address", "state", "spend_until_ms"])
    op.create_index("ix_leases_time", "leases", ["state", "spend_until_ms"])
    op.create_index(
        "ix_leases_waiting", "leases", ["address"], sqlite_where=sa.text("waits"), postgresql_where=sa.text("waits")
    )


def _told() -> None:
    # How it travels, and what terminals told.
    op.create_table(
        "slips",
        sa.Column("slip", sa.LargeBinary(), nullable=False),
        sa.Column("giver", sa.String(length=50), nullable=False),
        sa.Column("addressee", sa.String(length=50), nullable=False),
        sa.Column("out_entry_id", ROW_ID, nullable=True),
        sa.Column("in_entry_id", ROW_ID, nullable=True),
        sa.Column("ahead", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["out_entry_id"], ["entries.id"], name="fk_slips_out_entry_id"),
        sa.ForeignKeyConstraint(["in_entry_id"], ["entries.id"], name="fk_slips_in_entry_id"),
        sa.PrimaryKeyConstraint("slip", name="pk_slips"),
    )
    op.create_table(
        "lease_documents",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("restoration", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_lease_documents"),
    )
    op.create_index("ix_lease_documents_terminal", "lease_documents", ["address", "state"])
    op.create_table(
        "told_documents",
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", "kind", name="pk_told_documents"),
    )
    op.create_table(
        "restorations",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("begun_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_restorations"),
    )


def _placed() -> None:
    # Who should hold how much.
    op.create_table(
        "habits",
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member", "address", name="pk_habits"),
    )
    op.create_table(
        "placements",
        sa.Column("asset", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("asset", "holder", "name", name="pk_placements"),
    )
    op.create_index("ix_placements_due_ms", "placements", ["due_ms"])


def _stored() -> None:
    # What stored value is made of, and what is held back from lending.
    op.create_table(
        "lots",
        sa.Column("lot", sa.LargeBinary(), nullable=False),
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=False),
        sa.Column("bonus", sa.BigInteger(), nullable=False),
        sa.Column("issuer", sa.String(length=16), nullable=True),
        sa.Column("draw_order", sa.String(length=16), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lot", name="pk_lots"),
    )
    op.create_index("ix_lots_member", "lots", ["member"])
    op.create_table(
        "holds",
        sa.Column("hold", sa.LargeBinary(), nullable=False),
        sa.Column("client", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("asset", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_holds_entry_id"),
        sa.UniqueConstraint("client", "key", name="uq_holds_client_key"),
        sa.PrimaryKeyConstraint("hold", name="pk_holds"),
    )
    op.create_index("ix_holds_member", "holds", ["member"])
    op.create_index("ix_holds_time", "holds", ["state", "until_ms"])
    op.create_table(
        "hold_parts",
        sa.Column("hold", sa.LargeBinary(), nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asset", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("lot", sa.LargeBinary(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("bonus", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["hold"], ["holds.hold"], name="fk_hold_parts_hold"),
        sa.PrimaryKeyConstraint("hold", "part", name="pk_hold_parts"),
    )
    op.create_index("ix_hold_parts_account", "hold_parts", ["asset", "holder", "name"])
    op.create_index("ix_hold_parts_lot", "hold_parts", ["lot"])


def _points() -> None:
    # What points are made of.
    op.create_table(
        "points_lots",
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("earned_day", sa.BigInteger(), nullable=False),
        sa.Column("until_day", sa.BigInteger(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("source", "member", name="pk_points_lots"),
    )
    op.create_index("ix_points_lots_member", "points_lots", ["member", "remaining"])
    op.create_index("ix_points_lots_until", "points_lots", ["until_day", "remaining"])
    op.create_table(
        "points_debts",
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("since_day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member", "source", "since_day", name="pk_points_debts"),
    )
    op.create_table(
        "points_spendings",
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("parts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "member", name="pk_points_spendings"),
    )


def _granted() -> None:
    # Coupons, terms, and what was published last.
    op.create_table(
        "coupons",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=24), nullable=True),
        sa.Column("addressee", sa.String(length=50), nullable=True),
        sa.Column("good_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("good_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("shops", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_ms", sa.BigInteger(), nullable=True),
        sa.Column("used_entry_id", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["used_entry_id"], ["entries.id"], name="fk_coupons_used_entry_id"),
        sa.PrimaryKeyConstraint("code", name="pk_coupons"),
    )
    op.create_index("ix_coupons_member", "coupons", ["member"])
    op.create_table(
        "revoked",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("item", sa.String(length=24), nullable=False),
        sa.Column("until_day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "item", name="pk_revoked"),
    )
    op.create_table(
        "value_terms",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_value_terms"),
    )
    op.create_table(
        "late_terms",
        sa.Column("shop", sa.String(length=16), nullable=False),
        sa.Column("bearer", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("shop", name="pk_late_terms"),
    )
    op.create_table(
        "pools",
        sa.Column("shop", sa.String(length=16), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", name="pk_pools"),
    )
    op.create_table(
        "published_items",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "item", name="pk_published_items"),
    )
