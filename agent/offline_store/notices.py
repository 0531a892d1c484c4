"""What head office wants cashiers to read now: the content of the notices document."""

from agent.offline_store.database import Database
from contract.documents import Notice, NoticesContent


class NoticeShelf:
    """Notices in ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, content: NoticesContent) -> None:
        """Put these in the place of all others, inside the caller's transaction. Raises StoreError."""
        self._database.write("DELETE FROM notices")
        self._database.write_many(
            "INSERT INTO notices VALUES (?, ?, ?, ?)",
            ((place, item.zh, item.en, item.until_ms) for place, item in enumerate(content.notices)),
        )

    def notices(self, now_ms: int) -> tuple[Notice, ...]:
        """Return what still holds at an instant (Unix milliseconds), in head office's order."""
        rows = self._database.rows("SELECT zh, en, until_ms FROM notices WHERE until_ms > ? ORDER BY place", now_ms)
        return tuple(Notice(zh, en, until_ms) for zh, en, until_ms in rows)
