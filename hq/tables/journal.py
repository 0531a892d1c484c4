"""Tills and their journals as signed: one row an entry, kept as received, and which transactions are in the books."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    false,
)

from hq.tables.metadata import ADDRESS, METADATA, ROW_ID

terminals = Table(
    "terminals",
    METADATA,
    Column("address", ADDRESS, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("public_key", String(80), nullable=False),
    Column("enrolled_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
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
    Column("transaction_id", LargeBinary),
    Column("digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("judged", String(16), nullable=False),
    UniqueConstraint("address", "epoch", "seq"),
    UniqueConstraint("digest"),
)

transactions = Table(
    "transactions",
    METADATA,
    Column("transaction_id", LargeBinary, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
)
"""Each entry that came for the first time, by ``hq.facts.claimed``."""

carried = Table(
    "carried",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("previous", LargeBinary),
)
"""Entries that hold an entry of an earlier epoch: the place and SHA-256 of that one, and of the one before it there."""

epoch_starts = Table(
    "epoch_starts",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("reason", String(24), nullable=False),
    Column("previous_epoch", BigInteger, nullable=False),
    Column("acked_seq", BigInteger, nullable=False),
    Column("acked_digest", LargeBinary, nullable=False),
    Column("head_seq", BigInteger, nullable=False),
    Column("lost", JSON, nullable=False),
    Column("due_ms", BigInteger),
    Column("differs", Boolean, nullable=False, server_default=false()),
)
"""``due_ms`` is when it is looked again whether everything of the epoch before is here; NULL where that cannot be told,
or is done. ``differs`` where an entry of the epoch before was seen not to follow from what is here of it.
"""

# Few entries wait, and all that wait are asked for at once.
Index(
    "ix_entries_waiting",
    entries.c.id,
    sqlite_where=entries.c.judged == "waiting",
    postgresql_where=entries.c.judged == "waiting",
)
Index("ix_carried_address_epoch_seq", carried.c.address, carried.c.epoch, carried.c.seq)
Index("ix_epoch_starts_address_previous_epoch", epoch_starts.c.address, epoch_starts.c.previous_epoch)
