"""How often rules that are limited in number have acted here: for a member ever and today, and for anybody today.

A till knows its own journal at once and all of it, and of other tills what head office last said in the member's
record, till by till and epoch by epoch. So nothing is counted twice: of what another till did head office's word is
taken, told of each member and of this shop; of what this till did in an epoch the greater of its own count and head
office's. The latter is greater where this till's file was lost, or where goods came back that head office has not heard
of yet: then a rule stays used a little longer, and is never given once too often. What other tills did since head
office spoke is not known here: so often a member may get more than the limit, at each of the others, and head office
tells which gave it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from agent.offline_store.database import Database
from agent.offline_store.rowkeys import RowKeys
from contract.basket import Basket, RuleUsage
from contract.bodies import Body
from contract.documents import RuleUsed
from contract.ids import TerminalAddress
from contract.journal import EntryHeader
from contract.trace import times_acted
from contract.trade import MemberRef, RedemptionBody, RefundBody, SaleBody, TopUpBody

DAY_MS = 86_400_000
KEPT_MS = 3 * DAY_MS
"""So long it is known which rules acted in a sale: whichever day a shop's clock says it is, a day is within it."""


class RuleCounts:
    """The counts in ``database`` under ``keys``, of a till of ``shop``. Members are known by their id."""

    def __init__(self, database: Database, keys: RowKeys, shop: str) -> None:
        self._database = database
        self._keys = keys
        self._shop = shop

    def note(self, header: EntryHeader, body: Body) -> None:
        """Count the rules of which the basket of a new entry tells, as often as they acted, or take off what came back,
        inside the caller's transaction. Raises StoreError.
        """
        match body:
            case SaleBody() | TopUpBody() if body.basket.usage:
                self._count(header, body.member, body.basket, times_acted(body.effects))
            case RedemptionBody(rule=str() as rule, basket=Basket() as basket) if basket.usage:
                self._count(header, body.member, basket, {rule: 1})
            case RefundBody() if body.rules_undone:
                self._take_off(body)

    def of(
        self, rule: str, member: str | None, today: tuple[int, int], told: Iterable[RuleUsed], address: TerminalAddress
    ) -> RuleUsage:
        """Return how often a rule has acted before for a member, ever and today, and in this shop today for anybody,
        with what head office has told of the shop and ``told`` of the member. ``today`` is the shop's day (days since
        1970-01-01 by its clock) and when it began (Unix milliseconds), ``address`` this till's. Raises StoreError.
        """
        day, began_ms = today
        own = self._database.rows(
            "SELECT epoch, sum(times) FROM rule_days WHERE rule = ? AND wall_ms >= ? GROUP BY epoch", rule, began_ms
        )
        here = in_all(dict(own), self._of_shop(rule, day), address)
        if member is None:
            return RuleUsage(rule, today=here)
        key = self._keys.member(member)
        ever = self._database.rows("SELECT epoch, times FROM rule_times WHERE member_key = ? AND rule = ?", key, rule)
        lately = self._database.rows(
            "SELECT epoch, sum(times) FROM rule_days WHERE rule = ? AND wall_ms >= ? AND member_key = ? GROUP BY epoch",
            *(rule, began_ms, key),
        )
        told = [item for item in told if item.rule == rule]
        return RuleUsage(
            rule,
            in_all(dict(ever), [item for item in told if item.day is None], address),
            in_all(dict(lately), [item for item in told if item.day == day], address),
            here,
        )

    def told_of_shops(self, lines: Iterable[RuleUsed]) -> None:
        """Remember what head office says of rules that act so often a day in this till's shop, inside the caller's
        transaction. Raises StoreError.
        """
        own = [item for item in lines if item.shop == self._shop and item.terminal is not None and item.day is not None]
        self._database.write_many(
            "INSERT OR REPLACE INTO shop_counts VALUES (?, ?, ?, ?, ?)",
            ((item.rule, item.day, item.terminal, item.epoch, item.times) for item in own),
        )
        if own:
            newest = max(item.day for item in own if item.day is not None)
            self._database.write("DELETE FROM shop_counts WHERE day < ?", newest - KEPT_MS // DAY_MS)

    def _of_shop(self, rule: str, day: int) -> list[RuleUsed]:
        asked = "SELECT terminal, epoch, times FROM shop_counts WHERE rule = ? AND day = ?"
        rows = self._database.rows(asked, rule, day)
        return [RuleUsed(rule, times, epoch, self._shop, terminal, day) for terminal, epoch, times in rows]

    def _count(self, header: EntryHeader, member: MemberRef | None, basket: Basket, acted: Mapping[str, int]) -> None:
        counted = {usage.rule for usage in basket.usage}
        key = None if member is None else self._keys.member(member.member)
        self._database.write("DELETE FROM rule_days WHERE wall_ms < ?", header.wall_ms - KEPT_MS)
        for rule, times in sorted(acted.items()):
            if rule not in counted:
                continue
            self._database.write(
                "INSERT INTO rule_days VALUES (?, ?, ?, ?, ?, ?)",
                *(header.transaction, rule, key, header.epoch, header.wall_ms, times),
            )
            if key is not None:
                self._database.write(
                    "INSERT INTO rule_times VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (member_key, rule, epoch) DO UPDATE SET times = times + excluded.times",
                    *(key, rule, header.epoch, times),
                )

    def _take_off(self, body: RefundBody) -> None:
        original = body.original
        for item in body.rules_undone:
            self._database.write(
                "UPDATE rule_days SET times = max(0, times - ?) WHERE transaction_id = ? AND rule = ?",
                *(item.times, original.transaction, item.rule),
            )
            if body.member is not None:
                self._database.write(
                    "UPDATE rule_times SET times = max(0, times - ?) WHERE member_key = ? AND rule = ? AND epoch = ?",
                    *(item.times, self._keys.member(body.member.member), item.rule, original.epoch),
                )


def in_all(own: dict[int, int], told: Iterable[RuleUsed], address: TerminalAddress) -> int:
    """Return this till's ``own`` counts by epoch together with what head office told, each occasion once."""
    here = (address.shop, address.terminal)
    known = Counter[int]()
    others = 0
    for item in told:
        if (item.shop, item.terminal) == here:
            known[item.epoch] += item.times
        else:
            others += item.times
    return others + sum(max(own.get(epoch, 0), known[epoch]) for epoch in own.keys() | known.keys())
