"""The tables of head office's database, as SQLAlchemy Core sees them; ``hq/migrations`` makes them, step by step.

Instants are Unix milliseconds, money minor units, points whole points, an address is ``tenant/shop/terminal``. What a
till signed is kept as received in ``entries``; ``sales``, ``activations`` and ``technical_events`` say the same again
in columns, so that people can ask. ``postings`` is the ledger: nothing in it is ever changed or removed.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column declared INTEGER.
ROW_ID = BigInteger().with_variant(Integer, "sqlite")
ADDRESS = String(50)

terminals = Table(
    "terminals",
    METADATA,
    Column("address", ADDRESS, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("public_key", String(80), nullable=False),
    Column("enrolled_ms", BigInteger, nullable=False),
)

chains = Table(
    "chains",
    METADATA,
    Column("address", ADDRESS, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("upto_seq", BigInteger, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("told_head_seq", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger),
)

entries = Table(
    "entries",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("transaction_id", LargeBinary, index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("judged", String(16), nullable=False, index=True),
    UniqueConstraint("address", "epoch", "seq"),
    UniqueConstraint("digest"),
)

transactions = Table(
    "transactions",
    METADATA,
    Column("transaction_id", LargeBinary, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False, unique=True),
)

postings = Table(
    "postings",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False, index=True),
    Column("account", String(96), nullable=False, index=True),
    Column("unit", String(8), nullable=False),
    Column("amount", BigInteger, nullable=False),
)

sales = Table(
    "sales",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("wall_ms", BigInteger, nullable=False, index=True),
    Column("cashier", String(8), nullable=False),
    Column("member", String(24), index=True),
    Column("currency", String(3), nullable=False),
    Column("list_minor", BigInteger, nullable=False),
    Column("payable_minor", BigInteger, nullable=False),
    Column("points_earned", BigInteger, nullable=False),
    Column("points_spent", BigInteger, nullable=False),
    Column("pack_version", BigInteger, nullable=False),
    Column("posted", Boolean, nullable=False),
)

activations = Table(
    "activations",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("previous_version", BigInteger, nullable=False),
    Column("wall_ms", BigInteger, nullable=False),
)

technical_events = Table(
    "technical_events",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False, index=True),
    Column("code", String(40), nullable=False),
    Column("detail", String(200), nullable=False),
    Column("wall_ms", BigInteger, nullable=False),
)

exceptions = Table(
    "exceptions",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("detail", String(1_000), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("settled_ms", BigInteger),
    UniqueConstraint("address", "epoch", "seq", "reason"),
)

quarantine = Table(
    "quarantine",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("topic", String(160), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("detail", String(1_000), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("times", BigInteger, nullable=False),
    UniqueConstraint("topic", "reason", "digest"),
)

documents = Table(
    "documents",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("shop", String(16)),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("content_digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("published_ms", BigInteger),
    UniqueConstraint("kind", "version"),
)

members = Table(
    "members",
    METADATA,
    Column("member", String(24), primary_key=True),
    Column("name", String(40), nullable=False),
    Column("tier", String(16), nullable=False),
    Column("tags", JSON, nullable=False),
    Column("cards", JSON, nullable=False),
    Column("phone", String(15), unique=True),
    Column("segments", JSON, nullable=False),
    Column("card_type", String(24)),
    Column("birthday", Integer),
    Column("visits", BigInteger),
    Column("visit_days", JSON, nullable=False),
)

cashiers = Table(
    "cashiers",
    METADATA,
    Column("cashier", String(8), primary_key=True),
    Column("name", String(40), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("passes", Integer, nullable=False),
    Column("memory_kib", Integer, nullable=False),
    Column("tag", LargeBinary, nullable=False),
)

catalogue = Table(
    "catalogue",
    METADATA,
    Column("sku", String(32), primary_key=True),
    Column("name", String(40), nullable=False),
    Column("name_en", String(40), nullable=False),
    Column("category", String(24), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("barcode", String(14), unique=True),
    Column("more_categories", JSON, nullable=False),
    Column("brand", String(24)),
    Column("tags", JSON, nullable=False),
    Column("member_price_minor", BigInteger),
    Column("floor_minor", BigInteger, nullable=False),
    Column("reduced", Boolean, nullable=False),
    Column("excluded", Boolean, nullable=False),
    Column("taxes", JSON, nullable=False),
)

catalogue_heads = Table(
    "catalogue_heads",
    METADATA,
    Column("currency", String(3), primary_key=True),
    Column("shop_name", String(40), nullable=False),
    Column("open_sku", String(32), nullable=False),
)

Index("ix_sales_address_epoch_seq", sales.c.address, sales.c.epoch, sales.c.seq)
