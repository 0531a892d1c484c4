"""What bounds what a member may spend here: how much was spent lately, and wrong PINs in a row."""

from collections import defaultdict

from agent.offline_store.database import Database
from agent.offline_store.pin_tries import PinTries, TryCounter
from agent.offline_store.rowkeys import RowKeys
from agent.offline_store.rule_counts import RuleCounts
from contract.bodies import Body
from contract.journal import EntryHeader
from contract.trade import RedemptionBody, RefundBody, SaleBody
from contract.value import Account, Asset

_FLOOR = "floor"
"""What of stored value went beyond what was lent is counted once more under this name."""

KEPT_MS = 3 * 86_400_000
"""So long it is known what was spent: whichever day a shop's clock says it is, a day is within it."""


class Allowances:
    """What members spent at a till of ``shop``, and their tries, in ``database`` under ``keys``. Members are known by
    their id.
    """

    def __init__(self, database: Database, keys: RowKeys, shop: str) -> None:
        self._database = database
        self._keys = keys
        self.rules = RuleCounts(database, keys, shop)
        """How often rules that are limited have acted."""
        self._tries = TryCounter(database, "member_pin_tries", "members", "member_key")

    def note(self, header: EntryHeader, body: Body) -> None:
        """Remember what a new entry takes of its member's stored value and points or gives back, and which limited
        rules acted, inside the caller's transaction. Raises StoreError.
        """
        self.rules.note(header, body)
        if isinstance(body, RefundBody):
            self._give_back(body)
        if not isinstance(body, (SaleBody, RedemptionBody)) or body.member is None:
            return
        spent: dict[str, int] = defaultdict(int)
        for draw in body.draws:
            if draw.account.asset in (Asset.STORED, Asset.POINTS) and draw.account.holder == body.member.member:
                spent[draw.account.asset.value] += draw.whole
                if draw.on_floor:
                    spent[_FLOOR] += draw.whole
        if not spent:
            return
        self._database.write("DELETE FROM member_spent WHERE wall_ms < ?", header.wall_ms - KEPT_MS)
        key = self._keys.member(body.member.member)
        for what, amount in sorted(spent.items()):
            self._database.write(
                "INSERT INTO member_spent VALUES (?, ?, ?, ?, ?)",
                *(key, what, header.wall_ms, amount, header.transaction),
            )

    def _give_back(self, body: RefundBody) -> None:
        """What a return gives back was not spent after all, at the instant of its sale: never more than that spent."""
        who = "" if body.member is None else body.member.member
        stored = (draw for draw in body.returned if draw.account == Account(Asset.STORED, who))
        back = {Asset.STORED: sum(draw.whole for draw in stored), Asset.POINTS: body.points_restored}
        for asset, amount in back.items():
            if amount:
                self._database.write(
                    "INSERT INTO member_spent SELECT member_key, asset, wall_ms, -min(?, sum(amount)), transaction_id"
                    " FROM member_spent WHERE transaction_id = ? AND asset = ? AND member_key = ?"
                    " GROUP BY member_key, asset, wall_ms, transaction_id HAVING sum(amount) > 0",
                    *(amount, body.original.transaction, asset.value, self._keys.member(who)),
                )

    def spent_since(self, member: str, asset: Asset, since_ms: int) -> int:
        """Return how much of stored value (bonus and all) or of points this member spent here from an instant on."""
        return self._spent(member, asset.value, since_ms)

    def on_floor_since(self, member: str, since_ms: int) -> int:
        """Return how much of stored value this member spent here beyond what was lent, from an instant on."""
        return self._spent(member, _FLOOR, since_ms)

    def _spent(self, member: str, what: str, since_ms: int) -> int:
        row = self._database.row(
            "SELECT coalesce(sum(amount), 0) FROM member_spent WHERE member_key = ? AND asset = ? AND wall_ms >= ?",
            *(self._keys.member(member), what, since_ms),
        )
        return 0 if row is None else int(row[0])

    def pin_tries(self, member: str) -> PinTries:
        """Return how this member's last tries went."""
        return self._tries.tries(self._keys.member(member))

    def record_pin_try(self, member: str, ok: bool, now_ms: int) -> None:
        """Count a wrong PIN durably, or begin again after a right one; a member who is not cached is not counted."""
        self._tries.record(self._keys.member(member), ok, now_ms)
