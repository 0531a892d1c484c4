"""What is no longer good although a signature or a number says so: the content of the revocations document.

Members and cards are kept as keyed hashes; the codes of coupons name nobody.
"""

from agent.offline_store.database import Database
from agent.offline_store.rowkeys import RowKeys
from contract.documents import RevocationsContent


class RevocationShelf:
    """Revocations in ``database``, members and cards under ``keys``."""

    def __init__(self, database: Database, keys: RowKeys) -> None:
        self._database = database
        self._keys = keys

    def replace(self, content: RevocationsContent) -> None:
        """Put these in the place of all others, inside the caller's transaction. Raises StoreError; INVALID where
        something stands twice.
        """
        for table in ("revoked_members", "revoked_cards", "revoked_coupons"):
            self._database.write(f"DELETE FROM {table}")
        self._database.write_many(
            "INSERT INTO revoked_members VALUES (?, ?)",
            ((self._keys.member(item.member), item.issued_until_day) for item in content.members),
        )
        self._database.write_many(
            "INSERT INTO revoked_cards VALUES (?)", ((self._keys.card(uid),) for uid in content.cards)
        )
        self._database.write_many("INSERT INTO revoked_coupons VALUES (?)", ((code,) for code in content.coupons))

    def member_revoked(self, member: str, issued_day: int) -> bool:
        """Tell whether a credential of ``member`` that was issued on this day (since 1970-01-01, UTC) is void."""
        row = self._database.row(
            "SELECT issued_until_day FROM revoked_members WHERE member_key = ?", self._keys.member(member)
        )
        return row is not None and issued_day <= int(row[0])

    def card_revoked(self, uid: bytes) -> bool:
        """Tell whether the card with this number is void."""
        row = self._database.row("SELECT 1 FROM revoked_cards WHERE card_key = ?", self._keys.card(uid))
        return row is not None

    def coupon_revoked(self, code: str) -> bool:
        """Tell whether the coupon of this code is void."""
        return self._database.row("SELECT 1 FROM revoked_coupons WHERE code = ?", code) is not None
