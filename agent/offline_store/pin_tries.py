"""Wrong PINs in a row, counted in the database: pulling the plug gives no free guess."""

from dataclasses import dataclass

from agent.offline_store.database import Database


@dataclass(frozen=True, slots=True)
class PinTries:
    """Somebody's wrong PINs in a row, and when the last was keyed (Unix milliseconds; 0 for never)."""

    count: int
    last_ms: int


class TryCounter:
    """The tries of the cashiers in ``database``, by the keys of their rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tries(self, key: bytes) -> PinTries:
        """Return how the last tries of the owner of ``key`` went; none for a key nobody has."""
        row = self._database.row("SELECT count, last_ms FROM pin_tries WHERE cashier_key = ?", key)
        return PinTries(0, 0) if row is None else PinTries(*row)

    def record(self, key: bytes, ok: bool, now_ms: int) -> None:
        """Count a wrong PIN, or begin again after a right one, durably.

        A key nobody has is not counted, so that keying numbers cannot fill the disk. Raises StoreError.
        """
        with self._database.transaction():
            self._database.write(
                "INSERT INTO pin_tries SELECT cashier_key, ?, ? FROM cashiers WHERE cashier_key = ?"
                " ON CONFLICT (cashier_key) DO UPDATE SET count = CASE WHEN ? THEN 0 ELSE count + 1 END, last_ms = ?",
                *(0 if ok else 1, now_ms, key, ok, now_ms),
            )
