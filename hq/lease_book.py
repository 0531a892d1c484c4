"""Leases as head office counts them: opened for the entries at hand, changed in memory, written back at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, or_, select, update

from contract.ids import TerminalAddress
from contract.value import Account, Asset, DrawOrder, Lease
from hq.bulk import insert_rows
from hq.own_place import OFFICE_SHOP
from hq.tables import late_terms, leases


class LeaseState(StrEnum):
    """Where a lease stands. What is left of an active, suspended or travelling one is neither free nor lent again."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Past its time, or of an epoch that has ended, and not accounted for."""
    TRANSIT = "transit"
    """On a slip that has left one terminal and was not taken by the other yet."""
    CLOSED = "closed"
    WRITTEN_OFF = "written_off"
    """A person gave it up; what is drawn from it all the same is charged."""


OUTSTANDING = (LeaseState.ACTIVE.value, LeaseState.SUSPENDED.value, LeaseState.TRANSIT.value)


OFFICE_BEYOND_LEASES = "office/beyond_leases"
SHOPS_BEYOND_LEASES = "shop/%/beyond_leases"
"""The pattern (SQL LIKE) of all that :func:`beyond_leases_account` names, but for head office's own."""


def beyond_leases_account(shop: str | None) -> str:
    """The account of what a shop's tills took beyond what was lent to them; without a shop what head office bears."""
    return OFFICE_BEYOND_LEASES if shop is None else SHOPS_BEYOND_LEASES.replace("%", shop)


def bearer_of(connection: Connection, shop: str) -> str:
    """The account that bears what the tills of ``shop`` take beyond what is there, as it is decided now."""
    bearer = connection.scalar(select(late_terms.c.bearer).where(late_terms.c.shop == shop)) or shop
    return beyond_leases_account(None if bearer == OFFICE_SHOP else bearer)


class Origin(StrEnum):
    """How a lease came to be."""

    LENT = "lent"
    BORN = "born"
    SLIP = "slip"


@dataclass(slots=True)
class LeaseCount:
    """One lease: as it was granted, and what has become of it since."""

    lease: Lease
    address: str
    epoch: int
    origin: Origin
    state: LeaseState
    since_ms: int
    drawn: int = 0
    drawn_bonus: int = 0
    returned: int = 0
    returned_bonus: int = 0
    beyond: int = 0
    beyond_bonus: int = 0
    document: bytes | None = None
    restated: bool = False
    """Whether it is of another account, lot or size now than it was when it was written down."""

    @property
    def is_open(self) -> bool:
        """Whether anything can be left of it."""
        return self.state.value in OUTSTANDING

    @property
    def left(self) -> tuple[int, int]:
        """What is left, and of the bonus beside it; nothing of one that is closed or written off."""
        if not self.is_open:
            return 0, 0
        lease = self.lease
        return lease.amount - self.drawn - self.returned, lease.bonus_minor - self.drawn_bonus - self.returned_bonus

    def held_by(self, address: TerminalAddress, epoch: int) -> bool:
        """Tell whether this lease is that terminal's, in that epoch."""
        return (self.address, self.epoch) == (str(address), epoch)

    def take(self, amount: int, bonus: int) -> tuple[int, int]:
        """Draw so much; return how much of it was there. The rest is counted as drawn beyond."""
        left, left_bonus = self.left
        there, there_bonus = min(amount, left), min(bonus, left_bonus)
        self.drawn += there
        self.drawn_bonus += there_bonus
        self.beyond += amount - there
        self.beyond_bonus += bonus - there_bonus
        return there, there_bonus


class LeaseBook:
    """The leases that entries at hand speak of, locked until the transaction ends."""

    def __init__(self, connection: Connection, ids: Iterable[bytes], lots: Iterable[bytes] = ()) -> None:
        named, whole_lots = sorted(set(ids)), sorted(set(lots))
        wanted: ColumnElement[bool] = leases.c.lease.in_(named)
        if whole_lots:
            wanted = or_(wanted, and_(leases.c.lot.in_(whole_lots), leases.c.state.in_(OUTSTANDING)))
        # Most sales name no lease at all, and a question to the database costs more than pricing one.
        asked = select(leases).where(wanted).order_by(leases.c.lease).with_for_update()
        rows = connection.execute(asked).all() if named or whole_lots else []
        self._counts = {row.lease: counted(row) for row in rows}
        self._known = frozenset(self._counts)

    def find(self, lease: bytes) -> LeaseCount | None:
        """The lease of this id, None where there is none."""
        return self._counts.get(lease)

    @property
    def lots(self) -> set[bytes]:
        """The lots that the leases are slices of."""
        return {count.lease.lot for count in self._counts.values() if count.lease.lot is not None}

    def bonus_left_of(self, lot: bytes) -> int:
        """The bonus that is lent of a lot, where the book was opened with all leases of it."""
        return sum(count.left[1] for count in self._counts.values() if count.lease.lot == lot)

    def add(self, count: LeaseCount) -> None:
        """Count a lease that head office did not know."""
        self._counts[count.lease.lease] = count

    def write(self, connection: Connection) -> None:
        """Write down what was changed and added."""
        old = [count for count in self._counts.values() if count.lease.lease in self._known]
        if old:
            changed = (
                "drawn", "drawn_bonus", "returned", "returned_bonus", "beyond", "beyond_bonus", "address", "epoch",
                "state",
            )  # fmt: skip
            connection.execute(
                update(leases)
                .where(leases.c.lease == bindparam("b_lease"))
                .values({name: bindparam(f"b_{name}") for name in changed}),
                [
                    {"b_lease": item.lease.lease} | {f"b_{name}": getattr(item, name) for name in changed}
                    for item in old
                ],
            )
        self._write_restated(connection, [count for count in old if count.restated])
        write_new(connection, [count for key, count in self._counts.items() if key not in self._known])

    def _write_restated(self, connection: Connection, restated: Iterable[LeaseCount]) -> None:
        for count in restated:
            lease = count.lease
            connection.execute(
                update(leases)
                .where(leases.c.lease == lease.lease)
                .values(
                    asset=lease.account.asset.value,
                    holder=lease.account.holder,
                    name=lease.account.name,
                    lot=lease.lot,
                    issuer=lease.issuer,
                    granted=lease.amount,
                    granted_bonus=lease.bonus_minor,
                )
            )


def write_new(connection: Connection, counts: Iterable[LeaseCount]) -> None:
    """Write down leases that are not in the database yet."""
    columns = (
        "lease", "address", "epoch", "asset", "holder", "name", "lot", "issuer", "draw_order", "granted",
        "granted_bonus", "drawn", "drawn_bonus", "returned", "returned_bonus", "beyond", "beyond_bonus",
        "spend_until_ms", "state", "origin", "since_ms", "document", "waits",
    )  # fmt: skip
    insert_rows(connection, leases, columns, [_row(count) for count in counts])


def counted(row: Row[*tuple[object, ...]]) -> LeaseCount:
    """A lease from its row."""
    plain = row._mapping
    lease = Lease(
        plain["lease"],
        Account(Asset(plain["asset"]), plain["holder"], plain["name"]),
        plain["granted"],
        plain["spend_until_ms"],
        plain["granted_bonus"],
        plain["lot"],
        plain["issuer"],
        DrawOrder(plain["draw_order"]),
    )
    return LeaseCount(
        lease=lease,
        address=plain["address"],
        epoch=plain["epoch"],
        origin=Origin(plain["origin"]),
        state=LeaseState(plain["state"]),
        since_ms=plain["since_ms"],
        drawn=plain["drawn"],
        drawn_bonus=plain["drawn_bonus"],
        returned=plain["returned"],
        returned_bonus=plain["returned_bonus"],
        beyond=plain["beyond"],
        beyond_bonus=plain["beyond_bonus"],
        document=plain["document"],
    )


def _row(count: LeaseCount) -> tuple[object, ...]:
    lease = count.lease
    return (
        lease.lease, count.address, count.epoch, lease.account.asset.value, lease.account.holder, lease.account.name,
        lease.lot, lease.issuer, lease.order.value, lease.amount, lease.bonus_minor, count.drawn, count.drawn_bonus,
        count.returned, count.returned_bonus, count.beyond, count.beyond_bonus, lease.spend_until_ms,
        count.state.value, count.origin.value, count.since_ms, count.document,
        count.origin is Origin.LENT and count.document is None,
    )  # fmt: skip
