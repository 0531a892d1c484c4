"""What is lent to which terminal, how it travels, and what head office believes of it."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, String, Table

from hq.tables.metadata import ADDRESS, METADATA, ROW_ID

leases = Table(
    "leases",
    METADATA,
    Column("lease", LargeBinary, primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("asset", String(16), nullable=False),
    Column("holder", String(64), nullable=False),
    Column("name", String(32), nullable=False),
    Column("lot", LargeBinary, index=True),
    Column("issuer", String(16)),
    Column("draw_order", String(16), nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("granted_bonus", BigInteger, nullable=False),
    Column("drawn", BigInteger, nullable=False),
    Column("drawn_bonus", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
    Column("returned_bonus", BigInteger, nullable=False),
    Column("beyond", BigInteger, nullable=False),
    Column("beyond_bonus", BigInteger, nullable=False),
    Column("spend_until_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("origin", String(8), nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("recalled_ms", BigInteger),
    Column("document", LargeBinary, index=True),
    Column("recall_document", LargeBinary, index=True),
    Column("waits", Boolean, nullable=False),
)
"""What is left is granted less drawn less returned; ``beyond`` was drawn although it was not there. ``document`` tells
the terminal of it: NULL while none has, empty where one that did was replaced before it was active; ``recall_document``
asks for it back likewise. ``waits`` while the next document has something to say of it.
"""

Index("ix_leases_account", leases.c.asset, leases.c.holder, leases.c.name, leases.c.state)
Index("ix_leases_time", leases.c.state, leases.c.spend_until_ms)
Index("ix_leases_waiting", leases.c.address, sqlite_where=leases.c.waits, postgresql_where=leases.c.waits)
Index("ix_leases_terminal", leases.c.address, leases.c.state, leases.c.spend_until_ms)

slips = Table(
    "slips",
    METADATA,
    Column("slip", LargeBinary, primary_key=True),
    Column("giver", ADDRESS, nullable=False),
    Column("addressee", ADDRESS, nullable=False),
    Column("out_entry_id", ForeignKey("entries.id")),
    Column("in_entry_id", ForeignKey("entries.id")),
    Column("ahead", Boolean, nullable=False),
    Index("ix_slips_ahead", "ahead", "slip"),
)
"""A slip is ``ahead`` while it was taken and head office has not seen it leave; its value is the lease of its id."""

lease_documents = Table(
    "lease_documents",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("base", LargeBinary),
    Column("sealed", LargeBinary, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("restoration", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
)
"""``state`` is offered, active (the terminal's journal says so) or replaced; the bytes of one that was active and is
replaced are kept no longer.
"""

Index("ix_lease_documents_terminal", lease_documents.c.address, lease_documents.c.state)

told_documents = Table(
    "told_documents",
    METADATA,
    Column("address", ADDRESS, primary_key=True),
    Column("kind", String(24), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("told_ms", BigInteger, nullable=False),
)
"""Which documents each terminal said it has active, when it last spoke."""

restorations = Table(
    "restorations",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("begun_ms", BigInteger, nullable=False),
    Column("reason", String(200), nullable=False),
    Column("closed_ms", BigInteger),
    Column("address", ADDRESS),
    Column("epoch", BigInteger),
    Column("acked_seq", BigInteger),
)
"""Times at which these books were found to be older than what terminals know. While one is open nothing is lent. Where
it was a till that said it had more acknowledged, it is kept what it said.
"""

habits = Table(
    "habits",
    METADATA,
    Column("member", String(24), primary_key=True),
    Column("address", ADDRESS, primary_key=True),
    Column("times", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
)
"""Where a member buys."""

placements = Table(
    "placements",
    METADATA,
    Column("asset", String(16), primary_key=True),
    Column("holder", String(64), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("due_ms", BigInteger, nullable=False, index=True),
)
"""Accounts of which it is to be looked again who should hold how much; the asset ``member`` is all of a member's."""
