"""Is what tills let members spend beyond what was lent within the pack's floor limit of a day? What is beyond it no
member's money ever pays: the shop bears it, and people are told.

How much was spent so on a day is never forgotten, and a day that an entry cannot be of does not count: else a till had
the limit again as often as it names another day. A till that says it was away for longer than KEPT_BACK_MS is not
believed on which days: what it spent before is of the day it came, so that whoever has its key can claim the limit of
that many days once, and no more.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_, update

from contract.calendar import DAY_MINUTES
from contract.documents import DocumentKind
from contract.money import format_minor
from contract.trade import SaleBody
from contract.value import floor_lease_id
from hq.bulk import add_rows
from hq.documents import DAY_MS
from hq.meaning import Meaning
from hq.packs import PackShelf, ShelvedPack
from hq.tables import charges, day_spends, documents
from hq.unsettled import Cause, Finding, Place
from rules.grammar.spending import level_of
from rules.moments import local_minute_of, zone_of

KEPT_BACK_MS = 31 * DAY_MS
"""So far back an entry's own day counts: for so long a till may sell on its own and be paid as the pack says."""

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
    packs: Mapping[bytes, ShelvedPack | None],
    shelf: PackShelf,
    now_ms: int,
) -> list[tuple[Place, Finding]]:
    """Write down how much of what ``entries``, in effect by now, took on the floor limit the members may be charged
    for, and return what goes beyond. ``packs`` are by the digest of their documents, others are found on ``shelf``.
    """
    floored = [(place, meaning) for place, meaning in entries if _goes_beyond(meaning)]
    if not floored:
        return []
    allowing = _allowing(connection, floored, packs, shelf)
    taken = [found for place, meaning in floored for found in _taken(place, meaning, allowing, now_ms)]
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


@dataclass(frozen=True, slots=True)
class _Allowing:
    """The pack that says what is allowed (None: nothing is), and when it was signed, Unix milliseconds."""

    pack: ShelvedPack | None
    issued_ms: int


def _allowing(
    connection: Connection,
    floored: Iterable[tuple[Place, Meaning]],
    packs: Mapping[bytes, ShelvedPack | None],
    shelf: PackShelf,
) -> dict[tuple[bytes, str], _Allowing]:
    """What each pack that was sold by allows in each shop: one that nobody was told of nothing, as little as one for
    another shop. In the place of one that head office has not, since it was restored from before, stands the newest
    that it has told this shop of.
    """
    sold = {(body.pack.digest, m.header.address.shop) for _, m in floored if isinstance(body := m.body, SaleBody)}
    told = (documents.c.kind == DocumentKind.PACK.value, documents.c.published_ms.is_not(None))
    asked = select(documents.c.digest, documents.c.issued_ms, documents.c.shop).where(*told)
    rows = connection.execute(asked.order_by(documents.c.version.desc())).all()
    found = {}
    for digest, shop in sorted(sold):
        here = [row for row in rows if row.shop in (None, shop)]
        pack = packs.get(digest)
        if pack is None and here:
            found[digest, shop] = _Allowing(shelf.find(connection, here[0].digest), here[0].issued_ms)
            continue
        issued_ms = next((row.issued_ms for row in here if row.digest == digest), None)
        found[digest, shop] = _Allowing(None, 0) if issued_ms is None else _Allowing(pack, issued_ms)
    return found


def _taken(
    place: Place, meaning: Meaning, allowing: Mapping[tuple[bytes, str], _Allowing], now_ms: int
) -> Iterator[_Taken]:
    """What an entry took on the floor limit."""
    body, header = meaning.body, meaning.header
    if not isinstance(body, SaleBody) or body.member is None:
        return
    allows = allowing[body.pack.digest, header.address.shop]
    # No till's clock stands well before its pack was signed, nor ahead of ours: such an entry is of the day it came.
    earliest_ms = max(allows.issued_ms - DAY_MS, now_ms - KEPT_BACK_MS)
    wall_ms = header.wall_ms if earliest_ms <= header.wall_ms <= now_ms + DAY_MS else now_ms
    for draw in body.draws:
        if not draw.on_floor or draw.lease != floor_lease_id(header.transaction, draw.account):
            continue
        zone, most = None, 0
        if allows.pack is not None:
            pack = allows.pack.compiled.pack
            zone = zone_of(header.address.shop, pack)
            most = level_of(pack.spending, body.member.medium, body.member.assurance).floor_day_minor
        day = local_minute_of(wall_ms, zone) // DAY_MINUTES
        yield _Taken(place, meaning, draw.lease, body.member.member, draw.amount, day, most)


def _words(item: _Taken, in_all: int, allowed: int) -> str:
    said = format_minor(in_all), format_minor(item.most), format_minor(item.amount - allowed)
    return f"{item.member}: {said[0]} on the floor limit here that day, the pack allows {said[1]}; {said[2]} is borne"
