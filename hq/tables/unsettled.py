"""What people must look at, and bytes that were refused."""

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, UniqueConstraint

from hq.tables.metadata import ADDRESS, METADATA, ROW_ID

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
    Column("note", String(200)),
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
