"""What entries took beyond leases, as rows: of which account, who bears it, and whose money it is in the end.

The ledger charges it in the same breath. The rows let shops settle it, and let it be taken back where the lease it was
drawn from is told of later (``hq.charging``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from contract.value import Asset, Draw, Lease, floor_lease_id
from hq.applied import Applied
from hq.bulk import insert_rows
from hq.lease_book import LeaseBook
from hq.lots import LotBook
from hq.tables import charges
from hq.unsettled import Place


@dataclass(frozen=True, slots=True)
class Shops:
    """What is decided about shops: who bears what goes beyond leases (the shop where none is named), whose points are
    paid in advance, and the newest epoch of each terminal.
    """

    bearers: Mapping[str, str]
    pools: frozenset[str]
    epochs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Charge:
    """``amount`` and ``bonus`` of ``like`` that the entry in the row ``entry_id`` took and no lease held, on the
    account ``bearer``; negative where that is taken back. ``issuer`` is whose bonus it is. ``waits`` where no such
    lease was known there, so that it may be told of yet; ``on_floor`` where it was taken on a floor limit, and no lease
    was named.
    """

    entry_id: int
    place: Place
    wall_ms: int
    like: Draw | Lease
    issuer: str | None
    currency: str
    amount: int
    bonus: int
    bearer: str
    waits: bool = False
    on_floor: bool = False


def charge_of(
    books: tuple[LeaseBook, LotBook], item: Applied, draw: Draw, currency: str, there: tuple[int, int], bearer: str
) -> Iterable[Charge]:
    """Yield the charge for a draw of which ``there`` was held; nothing where that is all."""
    leases, lots = books
    amount, bonus = draw.amount - there[0], draw.bonus_minor - there[1]
    if not (amount or bonus):
        return
    header = item.header
    count = leases.find(draw.lease)
    lot = None if draw.lot is None else lots.find(draw.lot)
    issuer = header.address.shop if lot is None else lot.issuer
    if count is not None and count.lease.account == draw.account:
        issuer = count.lease.issuer
    on_floor = goes_on_floor(item, draw)
    waits = not on_floor and not knows(leases, item, draw)
    yield Charge(*place_of(item), draw, issuer, currency, amount, bonus, bearer, waits, on_floor)


def goes_on_floor(item: Applied, draw: Draw) -> bool:
    """Whether a draw says that it is beyond what was lent, on the shop's floor limit, under the name that this has."""
    return draw.on_floor and draw.lease == floor_lease_id(item.header.transaction, draw.account)


def place_of(item: Applied) -> tuple[int, Place, int]:
    """Of an entry its row, its place and when it was made."""
    header = item.header
    return item.entry_id, Place(header.address, header.epoch, header.seq), header.wall_ms


def knows(leases: LeaseBook, item: Applied, draw: Draw) -> bool:
    """Whether the lease that an entry draws from is one that its terminal and epoch have."""
    count = leases.find(draw.lease)
    return count is not None and count.held_by(item.header.address, item.header.epoch)


def keep_charges(connection: Connection, found: Iterable[Charge]) -> None:
    """Write charges down, those that settle between shops or may be taken back."""
    rows = [_row(charge) for charge in found]
    columns = (
        "entry_id", "address", "epoch", "seq", "lease", "asset", "holder", "name", "lot", "issuer", "currency",
        "amount", "bonus", "bearer", "wall_ms", "on_floor", "settles", "waits",
    )  # fmt: skip
    insert_rows(connection, charges, columns, [row for row in rows if row[-1] or row[-2]])


def _row(charge: Charge) -> tuple[object, ...]:
    place, like = charge.place, charge.like
    return (
        charge.entry_id, str(place.address), place.epoch, place.seq, like.lease, like.account.asset.value,
        like.account.holder, like.account.name, like.lot, charge.issuer, charge.currency,
        charge.amount, charge.bonus, charge.bearer, charge.wall_ms,
        # How much the pack allows is found when the entry has been judged.
        0 if charge.on_floor else None,
        like.account.asset is Asset.STORED, charge.waits,
    )  # fmt: skip
