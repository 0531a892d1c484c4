"""Lots of stored value: what is left of each top-up, so that who took the money and what bonus came with it stays
known. The lots of a member sum to the member's balance in the ledger.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from contract.value import DrawOrder
from hq.bulk import insert_rows
from hq.tables import lots


@dataclass(slots=True)
class LotCount:
    """What is left of one lot, in minor units, lent parts included."""

    lot: bytes
    member: str
    currency: str
    principal: int
    bonus: int
    issuer: str | None
    order: DrawOrder
    made_ms: int


class LotBook:
    """The lots that entries at hand speak of, locked until the transaction ends."""

    def __init__(self, connection: Connection, ids: Iterable[bytes]) -> None:
        named = sorted(set(ids))
        asked = select(lots).where(lots.c.lot.in_(named)).order_by(lots.c.lot).with_for_update()
        rows = connection.execute(asked).all() if named else []
        self._lots = {
            row.lot: LotCount(
                row.lot,
                row.member,
                row.currency,
                row.principal,
                row.bonus,
                row.issuer,
                DrawOrder(row.draw_order),
                row.made_ms,
            )
            for row in rows
        }
        self._known = frozenset(self._lots)

    def find(self, lot: bytes) -> LotCount | None:
        """The lot of this id, None where there is none."""
        return self._lots.get(lot)

    def add(self, like: LotCount, made: bool = False) -> None:
        """Add principal and bonus of ``like`` to its lot; one that is not known yet begins with them. ``made`` where
        they come of what makes the lot: who issued it is known from that alone.

        They may be negative: head office restored from a backup meets spends before the top-up is told again.
        """
        known = self._lots.get(like.lot)
        if known is None:
            self._lots[like.lot] = like
            return
        known.principal += like.principal
        known.bonus += like.bonus
        known.issuer = like.issuer if made else known.issuer

    def write(self, connection: Connection) -> None:
        """Write down what was changed and added."""
        old = [lot for lot in self._lots.values() if lot.lot in self._known]
        if old:
            connection.execute(
                update(lots)
                .where(lots.c.lot == bindparam("b_lot"))
                .values(principal=bindparam("b_principal"), bonus=bindparam("b_bonus"), issuer=bindparam("b_issuer")),
                [
                    {"b_lot": lot.lot, "b_principal": lot.principal, "b_bonus": lot.bonus, "b_issuer": lot.issuer}
                    for lot in old
                ],
            )
        insert_rows(
            connection,
            lots,
            ("lot", "member", "currency", "principal", "bonus", "issuer", "draw_order", "made_ms"),
            [
                (
                    item.lot,
                    item.member,
                    item.currency,
                    item.principal,
                    item.bonus,
                    item.issuer,
                    item.order.value,
                    item.made_ms,
                )
                for key, item in self._lots.items()
                if key not in self._known
            ],
        )
