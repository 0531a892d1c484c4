"""What tills were told: signed, numbered versions."""

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, UniqueConstraint

from hq.tables.metadata import METADATA, ROW_ID

documents = Table(
    "documents",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("shop", String(16)),
    Column("base", LargeBinary),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("content_digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("published_ms", BigInteger),
    UniqueConstraint("kind", "version"),
)
