"""What all tables share: their names for constraints, how rows are numbered, how long an address is."""

from sqlalchemy import BigInteger, Integer, MetaData, String

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
