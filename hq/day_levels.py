"""Did a member spend more at a till in a day than the pack lets one who was recognised like that? Kept by day where a
pack says so, and told afterwards; nothing is held up.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, select, tuple_

from contract.calendar import DAY_MINUTES, day_text
from contract.ids import parse_address
from contract.money import format_minor
from contract.trade import RedemptionBody, RefundBody, SaleBody
from contract.value import Asset
from hq.bulk import add_rows
from hq.documents import DAY_MS
from hq.facts import Known
from hq.meaning import Meaning
from hq.packs import ShelvedPack
from hq.tables import day_spends, sales, transactions
from hq.unsettled import Cause, Finding, Place
from rules.grammar.pack import Pack
from rules.grammar.spending import level_of
from rules.moments import local_minute_of, zone_of

KEPT_DAYS = 31
"""A till's entries come in their order: so far before the newest of them no day grows any more."""
_ASSETS = (Asset.STORED, Asset.POINTS)


@dataclass(frozen=True, slots=True)
class _Spent:
    """What an entry took of a member's stored value or points on a day of the shop, of which so much may be taken by
    one recognised like that; by some there is no bound.
    """

    place: Place
    member: str
    asset: Asset
    day: int
    amount: int
    most: int | None

    @property
    def key(self) -> tuple[str, str, str, int]:
        return str(self.place.address), self.member, self.asset.value, self.day


def days_exceeded(
    connection: Connection,
    entries: Iterable[tuple[Place, Meaning]],
    known: Known,
    now_ms: int,
) -> list[tuple[Place, Finding]]:
    """Add what ``entries``, newly in effect and written, spent to the days of their tills, take off what goes back,
    and return what goes beyond.
    """
    entries = tuple(entries)
    given_back = dict(_given_back(connection, entries, known))
    # In the order of the chain: what came back before a sale may be spent in it.
    spent = [
        found
        for place, meaning in entries
        for found in (*_spent(place, meaning, known.packs), *given_back.get(place, ()))
    ]
    if not spent:
        return []
    keys = sorted({item.key for item in spent})
    columns = (day_spends.c.address, day_spends.c.member, day_spends.c.asset, day_spends.c.day)
    before: dict[tuple[str, str, str, int], int] = {
        (row.address, row.member, row.asset, row.day): row.amount
        for row in connection.execute(select(day_spends).where(tuple_(*columns).in_(keys)))
    }
    sums: dict[tuple[str, str, str, int], int] = defaultdict(int, before)
    told = []
    for item in spent:
        sums[item.key] += item.amount
        if item.most is not None and sums[item.key] > item.most:
            told.append((item.place, Finding(Cause.BEYOND_LEVEL, _words(item, sums[item.key], item.most))))
    grown = [(*key, sums[key] - before.get(key, 0)) for key in keys]
    add_rows(connection, day_spends, ("address", "member", "asset", "day", "amount"), grown)
    _forget(connection, spent, now_ms)
    return told


def _forget(connection: Connection, spent: Iterable[_Spent], now_ms: int) -> None:
    """Let go of days long before the newest of each of these tills. A clock that runs ahead ages nothing."""
    newest: dict[str, int] = {}
    for item in spent:
        address = str(item.place.address)
        newest[address] = max(newest.get(address, 0), min(item.day, now_ms // DAY_MS + 1))
    c = day_spends.c
    own = (c.address.in_(sorted(newest)), c.asset.in_([asset.value for asset in _ASSETS]))
    connection.execute(delete(day_spends).where(*own, c.day < min(newest.values()) - KEPT_DAYS))


def _given_back(
    connection: Connection, entries: Sequence[tuple[Place, Meaning]], known: Known
) -> Iterator[tuple[Place, tuple[_Spent, ...]]]:
    """What returns give back of what was spent at the same till, on the day of the sale and never more than that."""
    returns = [(place, item.header, body) for place, item in entries if isinstance(body := item.body, RefundBody)]
    asked = {body.original.transaction for _place, _header, body in returns if body.returned or body.points_restored}
    if not asked:
        return
    made = (
        select(transactions.c.transaction_id, sales.c.address, sales.c.epoch, sales.c.seq, sales.c.wall_ms)
        .join(sales, sales.c.entry_id == transactions.c.entry_id)
        .where(transactions.c.transaction_id.in_(sorted(asked)), sales.c.posted)
    )
    sold = {row.transaction_id: row for row in connection.execute(made)}
    later = {transaction: [0, 0] for transaction in asked}
    for place, header, body in reversed(returns):
        row, origin = sold.get(body.original.transaction), known.origins.get(body.original.transaction)
        if row is None or origin is None or origin.compiled is None or row.address != str(header.address):
            continue
        sale = origin.sale
        if not isinstance(sale, SaleBody) or origin.digest != body.original.digest:
            continue
        took = {item.asset: item for item in _taken(place, (row.address, row.wall_ms), sale, origin.compiled.pack)}
        found = []
        for at, asset in enumerate((Asset.STORED, Asset.POINTS)):
            # The returns that were in the books, and those of this batch up to this one.
            given = [(one.to_stored_minor, one.points_restored)[at] for one in origin.earlier]
            amount = (body.to_stored_minor, body.points_restored)[at]
            after = sum(given) - later[body.original.transaction][at]
            later[body.original.transaction][at] += amount
            if asset in took:
                whole = took[asset].amount
                back = min(whole, after) - min(whole, after - amount)
                found.append(replace(took[asset], amount=-back, most=None))
        yield place, tuple(found)


def _spent(place: Place, meaning: Meaning, packs: Mapping[bytes, ShelvedPack | None]) -> Iterator[_Spent]:
    body = meaning.body
    if not isinstance(body, SaleBody | RedemptionBody) or body.member is None or not body.draws:
        return
    known = packs.get(body.pack.digest)
    pack: Pack | None = None if known is None else known.compiled.pack
    if pack is None or not pack.spending:
        return
    header = meaning.header
    yield from _taken(place, (str(header.address), header.wall_ms), body, pack)


def _taken(place: Place, made: tuple[str, int], body: SaleBody | RedemptionBody, pack: Pack) -> Iterator[_Spent]:
    """What ``body``, made at an address at an instant, took of its member's, where ``pack`` bounds it by the day."""
    if body.member is None or not pack.spending:
        return
    level, member = level_of(pack.spending, body.member.medium, body.member.assurance), body.member.member
    address, wall_ms = made
    day = local_minute_of(wall_ms, zone_of(parse_address(address).shop, pack)) // DAY_MINUTES
    by_day = {
        Asset.STORED: (level.stored_day_minor, any(one.stored_day_minor is not None for one in pack.spending)),
        Asset.POINTS: (level.points_day, any(one.points_day is not None for one in pack.spending)),
    }
    for asset, (most, bounded) in by_day.items():
        own = (draw for draw in body.draws if (draw.account.asset, draw.account.holder) == (asset, member))
        amount = sum(draw.whole for draw in own) if bounded else 0
        if amount:
            yield _Spent(place, member, asset, day, amount, most)


def _words(item: _Spent, in_all: int, most: int) -> str:
    said = [format_minor(amount) if item.asset is Asset.STORED else str(amount) for amount in (in_all, most)]
    return f"{item.member} on {day_text(item.day)}: {said[0]} of {item.asset} here, the pack allows {said[1]} a day"
