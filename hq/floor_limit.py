"""Is what tills let members spend beyond what was lent within the pack's floor limit of a day? What is beyond it no
member's money ever pays: the shop bears it, and people are told.

How much was spent so on a day is never forgotten, and a day that an entry cannot be of does not count: else a till had
the limit again as often as it names another day.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_, update

from contract.calendar import DAY_MINUTES
from contract.money import format_minor
from contract.trade import SaleBody
from contract.value import floor_lease_id
from hq.bulk import add_rows
from hq.documents import DAY_MS
from hq.meaning import Meaning
from hq.tables import charges, day_spends, documents
from hq.unsettled import Cause, Finding, Place
from rules.engine.compiled import Compiled
from rules.grammar.spending import level_of
from rules.moments import local_minute_of, zone_of

_FLOOR = "floor"
"""Under this name it is kept what was spent so in a day."""

_Key = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class _Taken:
    """What an entry took on the floor limit: by which lease's name, on which day of the shop, and how much a day the
    pack allows for such a recognition.
    """

    place: Place
    meaning: Meaning
    lease: bytes
    member: str
    amount: int
    day: int
    most: int

    @property
    def key(self) -> _Key:
        return str(self.meaning.header.address), self.member, _FLOOR, self.day


def floors_judged(
    connection: Connection,
    entries: Iterable[tuple[Place, Meaning]],
    packs: Mapping[bytes, tuple[int, Compiled] | None],
    now_ms: int,
) -> list[tuple[Place, Finding]]:
    """Write down how much of what ``entries``, in effect by now, took on the floor limit the members may be charged
    for, and return what goes beyond. ``packs`` are by the digest of their documents.
    """
    floored = [(place, meaning) for place, meaning in entries if _goes_beyond(meaning)]
    if not floored:
        return []
    signed = _packs_told(
        connection, [body.pack.digest for _, meaning in floored if isinstance(body := meaning.body, SaleBody)]
    )
    taken = [found for place, meaning in floored for found in _taken(place, meaning, packs, (signed, now_ms))]
    keys = sorted({item.key for item in taken})
    columns = (day_spends.c.address, day_spends.c.member, day_spends.c.asset, day_spends.c.day)
    before: dict[_Key, int] = {
        (row.address, row.member, row.asset, row.day): row.amount
        for row in connection.execute(select(day_spends).where(tuple_(*columns).in_(keys)))
    }
    sums, told = dict(before), []
    for item in taken:
        allowed = min(item.amount, max(0, item.most - sums.get(item.key, 0)))
        sums[item.key] = sums.get(item.key, 0) + item.amount
        header = item.meaning.header
        connection.execute(
            update(charges)
            .where(
                charges.c.address == str(header.address),
                charges.c.epoch == header.epoch,
                charges.c.seq == header.seq,
                charges.c.lease == item.lease,
                charges.c.on_floor.is_not(None),
            )
            .values(on_floor=allowed)
        )
        if allowed < item.amount:
            told.append((item.place, Finding(Cause.FLOOR_EXCEEDED, _words(item, sums[item.key], allowed))))
    grown = [(*key, sums[key] - before.get(key, 0)) for key in keys]
    add_rows(connection, day_spends, ("address", "member", "asset", "day", "amount"), grown)
    return told


def _goes_beyond(meaning: Meaning) -> bool:
    return isinstance(meaning.body, SaleBody) and any(draw.on_floor for draw in meaning.body.draws)


def _packs_told(connection: Connection, packs: Iterable[bytes]) -> dict[bytes, tuple[int, str | None]]:
    """When those of ``packs`` were signed that tills were told of, Unix milliseconds, and for which shop alone."""
    told = (documents.c.digest.in_(sorted(set(packs))), documents.c.published_ms.is_not(None))
    asked = select(documents.c.digest, documents.c.issued_ms, documents.c.shop).where(*told)
    return {row.digest: (row.issued_ms, row.shop) for row in connection.execute(asked)}


def _taken(
    place: Place,
    meaning: Meaning,
    packs: Mapping[bytes, tuple[int, Compiled] | None],
    times: tuple[Mapping[bytes, tuple[int, str | None]], int],
) -> Iterator[_Taken]:
    """What an entry took on the floor limit; ``times`` are when packs were signed and for whom, and now."""
    body, header = meaning.body, meaning.header
    if not isinstance(body, SaleBody) or body.member is None:
        return
    told, now_ms = times
    # No till's clock stands well before its pack was signed, nor ahead of ours: such an entry is of the day it came.
    issued_ms, shop = told.get(body.pack.digest, (now_ms, ""))
    wall_ms = header.wall_ms if issued_ms - DAY_MS <= header.wall_ms <= now_ms + DAY_MS else now_ms
    # A pack that nobody was told of, or another shop was, allows nothing here.
    known = packs.get(body.pack.digest) if shop in (None, header.address.shop) else None
    for draw in body.draws:
        if not draw.on_floor or draw.lease != floor_lease_id(header.transaction, draw.account):
            continue
        zone, most = None, 0
        if known is not None:
            pack = known[1].pack
            zone = zone_of(header.address.shop, pack)
            most = level_of(pack.spending, body.member.medium, body.member.assurance).floor_day_minor
        day = local_minute_of(wall_ms, zone) // DAY_MINUTES
        yield _Taken(place, meaning, draw.lease, body.member.member, draw.amount, day, most)


def _words(item: _Taken, in_all: int, allowed: int) -> str:
    said = format_minor(in_all), format_minor(item.most), format_minor(item.amount - allowed)
    return f"{item.member}: {said[0]} on the floor limit here that day, the pack allows {said[1]}; {said[2]} is borne"
