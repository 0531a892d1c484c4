"""Wrong PINs in a row, counted in the database: pulling the plug gives no free guess."""

from dataclasses import dataclass

from agent.offline_store.database import Database


@dataclass(frozen=True, slots=True)
class PinTries:
    """Somebody's wrong PINs in a row, and when the last was keyed (Unix milliseconds; 0 for never)."""

    count: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Tables:
    """Whose tries are counted and where: the table of ``owners``, that of their ``tries``, and the column ``key`` that
    both have.
    """

    owners: str
    tries: str
    key: str


CASHIERS = Tables("cashiers", "pin_tries", "cashier_key")
MEMBERS = Tables("members", "member_pin_tries", "member_key")


class TryCounter:
    """The tries of those in ``tables``, in ``database``."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._tables = tables

    def tries(self, key: bytes) -> PinTries:
        """Return how the last tries of the owner of ``key`` went; none for a key nobody has."""
        tables = self._tables
        row = self._database.row(f"SELECT count, last_ms FROM {tables.tries} WHERE {tables.key} = ?", key)
        return PinTries(0, 0) if row is None else PinTries(*row)

    def record(self, key: bytes, ok: bool, now_ms: int) -> None:
        """Count a wrong PIN, or begin again after a right one, durably.

        A key nobody has is not counted, so that keying numbers cannot fill the disk. Raises StoreError.
        """
        tables = self._tables
        with self._database.transaction():
            self._database.write(
                f"INSERT INTO {tables.tries} SELECT {tables.key}, ?, ? FROM {tables.owners} WHERE {tables.key} = ?"
                f" ON CONFLICT ({tables.key}) DO UPDATE SET count = CASE WHEN ? THEN 0 ELSE count + 1 END, last_ms = ?",
                *(0 if ok else 1, now_ms, key, ok, now_ms),
            )
