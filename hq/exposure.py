"""The largest possible loss now: what each terminal could spend again if it were copied, and what was lost already."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from contract import wire
from contract.documents import MAX_DOCUMENT_BYTES, Document, DocumentKind
from contract.envelope import peek
from contract.errors import ContractError
from contract.value import Asset
from hq.documents import sealed_bytes, stored_documents
from hq.lease_book import OUTSTANDING, LeaseState
from hq.tables import balances, charges, leases
from rules.grammar.spending import SpendingLevel
from rules.pack import read_pack

MONEY = (Asset.STORED, Asset.BUDGET)
"""Assets that are counted in money."""


@dataclass(slots=True)
class TerminalExposure:
    """What one terminal holds: ``money_minor`` of stored value and budgets, ``counted`` of everything else by asset.

    ``suspended_minor`` of the money is past its time or of an epoch that has ended; ``travelling_minor`` is on slips to
    it; ``beyond_minor`` was spent although it was not there, since the beginning.
    """

    address: str
    leases: int = 0
    money_minor: int = 0
    suspended_minor: int = 0
    travelling_minor: int = 0
    beyond_minor: int = 0
    counted: dict[Asset, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class Exposure:
    """All terminals, and the sums over them; ``ahead_minor`` was advanced for slips that never left by these books.

    What shops risk beside it: ``floors`` are the levels of the active pack that have a floor limit, each of which a
    member can reach every day at every till; ``on_floor_minor`` is what was spent on floor limits and is borne so far,
    by the accounts that bear it.
    """

    terminals: tuple[TerminalExposure, ...]
    ahead_minor: int
    floors: tuple[SpendingLevel, ...] = ()
    on_floor_minor: Mapping[str, int] = field(default_factory=dict)

    @property
    def money_minor(self) -> int:
        """The largest possible loss of money now."""
        return sum(item.money_minor for item in self.terminals)

    @property
    def counted(self) -> dict[Asset, int]:
        """The same of everything that is not money."""
        found: dict[Asset, int] = defaultdict(int)
        for item in self.terminals:
            for asset, amount in item.counted.items():
                found[asset] += amount
        return dict(sorted(found.items()))


def exposure(connection: Connection) -> Exposure:
    """Return what is out, terminal by terminal."""
    found: dict[str, TerminalExposure] = {}
    for row in connection.execute(
        select(leases).where(leases.c.state.in_(OUTSTANDING) | (leases.c.beyond + leases.c.beyond_bonus > 0))
    ):
        item = found.setdefault(row.address, TerminalExposure(row.address))
        asset = Asset(row.asset)
        left = row.granted - row.drawn - row.returned + row.granted_bonus - row.drawn_bonus - row.returned_bonus
        if asset in MONEY:
            item.beyond_minor += row.beyond + row.beyond_bonus
        if row.state not in OUTSTANDING or not left:
            continue
        item.leases += 1
        if asset not in MONEY:
            item.counted[asset] += left
            continue
        item.money_minor += left
        item.suspended_minor += left if row.state == LeaseState.SUSPENDED.value else 0
        item.travelling_minor += left if row.state == LeaseState.TRANSIT.value else 0
    ahead = connection.scalar(
        select(balances.c.amount).where(balances.c.account == "office/slips_ahead", balances.c.unit.not_in(_COUNTED))
    )
    borne = connection.execute(
        select(charges.c.bearer, func.sum(charges.c.amount).label("amount"))
        .where(charges.c.on_floor.is_not(None), charges.c.amount != 0)
        .group_by(charges.c.bearer)
        .order_by(charges.c.bearer)
    )
    return Exposure(
        tuple(found[address] for address in sorted(found)),
        ahead or 0,
        _floors(connection),
        {row.bearer: int(row.amount) for row in borne},
    )


def _floors(connection: Connection) -> tuple[SpendingLevel, ...]:
    """The levels with a floor limit in the newest pack that tills were told of."""
    packs = [item for item in stored_documents(connection) if item.kind is DocumentKind.PACK and item.published_ms]
    newest = max(packs, key=lambda item: item.version, default=None)
    sealed = None if newest is None else sealed_bytes(connection, DocumentKind.PACK, newest.digest)
    if sealed is None:
        return ()
    try:
        document = wire.unpack(Document, peek(sealed, MAX_DOCUMENT_BYTES), MAX_DOCUMENT_BYTES)
        return tuple(level for level in read_pack(document.content).spending if level.floor_day_minor)
    except ContractError:
        # Of a grammar that this head office does not know any more.
        return ()


_COUNTED = ("points", "uses", "coupons", "pieces")
