"""What members' value is made of beneath their balances, and what is held back from lending."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from hq.tables.metadata import ADDRESS, METADATA, ROW_ID

lots = Table(
    "lots",
    METADATA,
    Column("lot", LargeBinary, primary_key=True),
    Column("member", String(24), nullable=False, index=True),
    Column("currency", String(3), nullable=False),
    Column("principal", BigInteger, nullable=False),
    Column("bonus", BigInteger, nullable=False),
    Column("issuer", String(16)),
    Column("draw_order", String(16), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
)
"""What is left of each top-up, lent parts included. The lots of a member sum to the member's balance."""

holds = Table(
    "holds",
    METADATA,
    Column("hold", LargeBinary, primary_key=True),
    Column("client", String(32), nullable=False),
    Column("key", String(64), nullable=False),
    Column("asked", LargeBinary, nullable=False),
    Column("member", String(24), nullable=False, index=True),
    Column("asset", String(16), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("entry_id", ForeignKey("entries.id")),
    UniqueConstraint("client", "key"),
)
"""What a web shop has reserved. ``asked`` is the SHA-256 of what was asked under that key."""

Index("ix_holds_time", holds.c.state, holds.c.until_ms)

hold_parts = Table(
    "hold_parts",
    METADATA,
    Column("hold", ForeignKey("holds.hold"), primary_key=True),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("asset", String(16), nullable=False),
    Column("holder", String(64), nullable=False),
    Column("name", String(32), nullable=False),
    Column("lot", LargeBinary, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("bonus", BigInteger, nullable=False),
)
"""Only parts of open holds are here."""

Index("ix_hold_parts_account", hold_parts.c.asset, hold_parts.c.holder, hold_parts.c.name)

points_lots = Table(
    "points_lots",
    METADATA,
    Column("source", LargeBinary, primary_key=True),
    Column("member", String(24), primary_key=True),
    Column("earned_day", BigInteger, nullable=False),
    Column("until_day", BigInteger),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("paid", LargeBinary),
)
"""Points of one earning: ``points`` not given back, ``remaining`` in its lot; ``paid`` the debts it paid."""

Index("ix_points_lots_member", points_lots.c.member, points_lots.c.remaining)
Index("ix_points_lots_until", points_lots.c.until_day, points_lots.c.remaining)

points_debts = Table(
    "points_debts",
    METADATA,
    Column("member", String(24), primary_key=True),
    Column("source", LargeBinary, primary_key=True),
    Column("since_day", BigInteger, primary_key=True, autoincrement=False),
    Column("points", BigInteger, nullable=False),
)

points_spendings = Table(
    "points_spendings",
    METADATA,
    Column("source", LargeBinary, primary_key=True),
    Column("member", String(24), primary_key=True),
    Column("parts", LargeBinary, nullable=False),
)
"""Of which lots a transaction took points: a ``rules.beside.lots.Spending``."""

coupons = Table(
    "coupons",
    METADATA,
    Column("code", String(64), primary_key=True),
    Column("member", String(24), index=True),
    Column("addressee", String(50)),
    Column("good_from_ms", BigInteger, nullable=False),
    Column("good_until_ms", BigInteger, nullable=False),
    Column("shops", JSON, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("withdrawn_ms", BigInteger),
    Column("used_entry_id", ForeignKey("entries.id")),
)
"""Coupons as signed; ``used_entry_id`` is the entry whose use counts: it was used by it and not given back."""

coupon_uses = Table(
    "coupon_uses",
    METADATA,
    Column("code", String(64), primary_key=True),
    Column("transaction_id", LargeBinary, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), index=True),
    Column("address", ADDRESS),
    Column("epoch", BigInteger),
    Column("seq", BigInteger),
    Column("wall_ms", BigInteger, nullable=False),
    Column("bearer", String(96)),
    Column("back_shop", String(16)),
    Column("weigh", Boolean, nullable=False),
)
"""Every use of a coupon that was heard of, and every return of one: by which transaction, in which entry and place, at
which shop it came back, and the account that is charged for it. ``weigh`` while it is to be weighed against the others.
"""

Index(
    "ix_coupon_uses_weigh", coupon_uses.c.code, sqlite_where=coupon_uses.c.weigh, postgresql_where=coupon_uses.c.weigh
)

revoked = Table(
    "revoked",
    METADATA,
    Column("kind", String(8), primary_key=True),
    Column("item", String(24), primary_key=True),
    Column("until_day", BigInteger, nullable=False),
)
"""Members whose credentials issued through ``until_day`` are void, and cards, by number in hexadecimal."""

value_terms = Table(
    "value_terms",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""What the tenant has decided about value, by name."""

late_terms = Table(
    "late_terms",
    METADATA,
    Column("shop", String(16), primary_key=True),
    Column("bearer", String(16), nullable=False),
)
"""Who bears what a shop's terminals spend beyond their leases, where it is not the shop itself."""

pools = Table(
    "pools",
    METADATA,
    Column("shop", String(16), primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
)
"""Merchants that pay for the points they issue in advance."""

published_items = Table(
    "published_items",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("item", String(32), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
)
"""What the last published version of a kind with deltas says of each member or article, as SHA-256."""

charges = Table(
    "charges",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False, index=True),
    Column("address", ADDRESS, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("lease", LargeBinary, nullable=False),
    Column("asset", String(16), nullable=False),
    Column("holder", String(64), nullable=False),
    Column("name", String(32), nullable=False),
    Column("lot", LargeBinary),
    Column("issuer", String(16)),
    Column("currency", String(3), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("bonus", BigInteger, nullable=False),
    Column("bearer", String(96), nullable=False),
    Column("wall_ms", BigInteger, nullable=False),
    Column("settles", Boolean, nullable=False),
    Column("waits", Boolean, nullable=False),
    Column("on_floor", BigInteger),
)
"""What entries took beyond leases, with the account that bears it. ``settles`` until it is settled between shops;
``waits`` while the lease it named may still be told of. ``on_floor`` is written where it was taken on a floor limit: so
much of it the member's own money may still pay.
"""

promised_bonus = Table(
    "promised_bonus",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("granted", Integer, nullable=False),
    Column("due_day", BigInteger, nullable=False, index=True),
)
"""Top-ups that rules bring bonus with: how many of its later instalments were granted, and when the next is looked at
(days since 1970-01-01).
"""

owed_points = Table(
    "owed_points",
    METADATA,
    Column("entry_id", ForeignKey("entries.id"), primary_key=True),
    Column("pool", String(16), primary_key=True),
    Column("points", BigInteger, nullable=False),
)
"""Points that sales promised, to be given once the merchant has paid for so many."""

Index("ix_charges_settles", charges.c.id, sqlite_where=charges.c.settles, postgresql_where=charges.c.settles)
Index(
    "ix_charges_on_floor",
    charges.c.holder,
    sqlite_where=charges.c.on_floor.is_not(None),
    postgresql_where=charges.c.on_floor.is_not(None),
)
Index("ix_charges_waits", charges.c.id, sqlite_where=charges.c.waits, postgresql_where=charges.c.waits)

day_spends = Table(
    "day_spends",
    METADATA,
    Column("address", ADDRESS, primary_key=True),
    Column("member", String(24), primary_key=True),
    Column("asset", String(16), primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("amount", BigInteger, nullable=False),
)
"""What members spent at a till in a day of its shop, where a pack bounds it."""
