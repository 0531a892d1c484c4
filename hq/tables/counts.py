"""How often rules act whose number is limited, and of whom tills have not been told it yet."""

from sqlalchemy import BigInteger, Column, String, Table

from hq.tables.metadata import ADDRESS, METADATA

rule_counts = Table(
    "rule_counts",
    METADATA,
    Column("holder", String(32), primary_key=True),
    Column("rule", String(32), primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("address", ADDRESS, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("times", BigInteger, nullable=False),
)
"""How often a limited rule has acted for ``member/ID``, or at ``shop/NAME``, less what came back: at each till and
epoch, and of all together in the row without an address. ``day`` is of the shop (days since 1970-01-01); -1 is ever.
"""

untold_counts = Table(
    "untold_counts",
    METADATA,
    Column("holder", String(32), primary_key=True),
    Column("changes", BigInteger, nullable=False),
)
"""The holders of counts that changed since tills were last told."""
