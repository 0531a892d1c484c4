"""Wrong PINs in a row, counted in the database: pulling the plug gives no free guess."""

from agent.offline_store.database import Database
from contract.making import dataclass


@dataclass(frozen=True, slots=True)
class PinTries:
    """Somebody's wrong PINs in a row, and when the last was keyed (Unix milliseconds; 0 for never)."""

    count: int
    last_ms: int


class TryCounter:
    """The tries of those who have a row in the table ``owners``, in the table ``tries`` of ``database``, by the keys of
    their rows, which both call ``key``.
    """

    def __init__(self, database: Database, tries: str, owners: str, key: str) -> None:
        self._database = database
        self._tries, self._owners, self._key = tries, owners, key

    def tries(self, key: bytes) -> PinTries:
        """Return how the last tries of the owner of ``key`` went; none for a key nobody has."""
        row = self._database.row(f"SELECT count, last_ms FROM {self._tries} WHERE {self._key} = ?", key)
        return PinTries(0, 0) if row is None else PinTries(*row)

    def record(self, key: bytes, ok: bool, now_ms: int) -> None:
        """Count a wrong PIN, or begin again after a right one, durably.

        A key nobody has is not counted, so that keying numbers cannot fill the disk. Raises StoreError.
        """
        with self._database.transaction():
            self._database.write(
                f"INSERT INTO {self._tries} SELECT {self._key}, ?, ? FROM {self._owners} WHERE {self._key} = ?"
                f" ON CONFLICT ({self._key}) DO UPDATE SET count = CASE WHEN ? THEN 0 ELSE count + 1 END, last_ms = ?",
                *(0 if ok else 1, now_ms, key, ok, now_ms),
            )
