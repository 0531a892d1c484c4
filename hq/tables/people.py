"""Whom and what tills know: members, cashiers, the catalogue."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, LargeBinary, String, Table

from hq.tables.metadata import METADATA

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
    Column("pin", LargeBinary),
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
