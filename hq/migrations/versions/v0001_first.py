"""The first step: tills, journal, ledger, what people must settle, documents and what they are made of."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _tills()
    _journal()
    _readable()
    _unsettled()
    _documents()
    _sources()


def _tills() -> None:
    # What a till is, and how far its journal has come.
    op.create_table(
        "terminals",
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("public_key", sa.String(length=80), nullable=False),
        sa.Column("enrolled_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", "epoch", name="pk_terminals"),
    )
    op.create_table(
        "chains",
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("upto_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("told_head_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("address", "epoch", name="pk_chains"),
    )


def _journal() -> None:
    # Entries as signed, and the ledger made from them.
    op.create_table(
        "entries",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("transaction_id", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("judged", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.UniqueConstraint("address", "epoch", "seq", name="uq_entries_address_epoch_seq"),
        sa.UniqueConstraint("digest", name="uq_entries_digest"),
    )
    op.create_index("ix_entries_judged", "entries", ["judged"], unique=False)
    op.create_index("ix_entries_transaction_id", "entries", ["transaction_id"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("transaction_id", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_transactions_entry_id"),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_transactions"),
        sa.UniqueConstraint("entry_id", name="uq_transactions_entry_id"),
    )
    op.create_table(
        "postings",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("account", sa.String(length=96), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_postings_entry_id"),
        sa.PrimaryKeyConstraint("id", name="pk_postings"),
    )
    op.create_index("ix_postings_account", "postings", ["account"], unique=False)
    op.create_index("ix_postings_entry_id", "postings", ["entry_id"], unique=False)


def _readable() -> None:
    # What entries say, in columns.
    op.create_table(
        "sales",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("wall_ms", sa.BigInteger(), nullable=False),
        sa.Column("cashier", sa.String(length=8), nullable=False),
        sa.Column("member", sa.String(length=24), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("list_minor", sa.BigInteger(), nullable=False),
        sa.Column("payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("points_earned", sa.BigInteger(), nullable=False),
        sa.Column("pack_version", sa.BigInteger(), nullable=False),
        sa.Column("posted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_sales_entry_id"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_sales"),
    )
    op.create_index("ix_sales_address_epoch_seq", "sales", ["address", "epoch", "seq"], unique=False)
    op.create_index("ix_sales_member", "sales", ["member"], unique=False)
    op.create_index("ix_sales_wall_ms", "sales", ["wall_ms"], unique=False)
    op.create_table(
        "activations",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("previous_version", sa.BigInteger(), nullable=False),
        sa.Column("wall_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_activations_entry_id"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_activations"),
    )
    op.create_index("ix_activations_address", "activations", ["address"], unique=False)
    op.create_table(
        "technical_events",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("wall_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_technical_events_entry_id"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_technical_events"),
    )
    op.create_index("ix_technical_events_address", "technical_events", ["address"], unique=False)


def _unsettled() -> None:
    # What people must settle, and bytes that were refused.
    op.create_table(
        "exceptions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=1000), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exceptions"),
        sa.UniqueConstraint("address", "epoch", "seq", "reason", name="uq_exceptions_address_epoch_seq_reason"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("topic", sa.String(length=160), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=1000), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.UniqueConstraint("topic", "reason", "digest", name="uq_quarantine_topic_reason_digest"),
    )


def _documents() -> None:
    # Signed documents, every version.
    op.create_table(
        "documents",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("shop", sa.String(length=16), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("published_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("digest", name="uq_documents_digest"),
        sa.UniqueConstraint("kind", "version", name="uq_documents_kind_version"),
    )


def _sources() -> None:
    # What documents are made of.
    op.create_table(
        "members",
        sa.Column("member", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("cards", sa.JSON(), nullable=False),
        sa.Column("phone", sa.String(length=15), nullable=True),
        sa.PrimaryKeyConstraint("member", name="pk_members"),
        sa.UniqueConstraint("phone", name="uq_members_phone"),
    )
    op.create_table(
        "cashiers",
        sa.Column("cashier", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("passes", sa.Integer(), nullable=False),
        sa.Column("memory_kib", sa.Integer(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cashier", name="pk_cashiers"),
    )
    op.create_table(
        "catalogue",
        sa.Column("sku", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=24), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("barcode", sa.String(length=14), nullable=True),
        sa.PrimaryKeyConstraint("sku", name="pk_catalogue"),
        sa.UniqueConstraint("barcode", name="uq_catalogue_barcode"),
    )
    op.create_table(
        "catalogue_heads",
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("shop_name", sa.String(length=40), nullable=False),
        sa.Column("open_sku", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("currency", name="pk_catalogue_heads"),
    )
