"""How often rules have acted that a pack limits for a member or for a day, counting all tills; told to people where it
was more than the pack allows, and to tills in the members' records. Nothing is held up.

A till counts by itself what it does; several that do not hear of each other give more together. By how much is bounded
by what each may give alone, and it is known which of them gave it. It is counted from the day on which a pack has the
limit, and only where a pack has one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, tuple_, union_all

from contract.bodies import Body
from contract.calendar import day_text
from contract.documents import MOST_ACTED, MOST_USED, DocumentKind, RuleUsed, open_document
from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import parse_address
from contract.trace import MOST_GIVEN, RuleTimes, times_acted
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from hq.audit_value import refund_of
from hq.bulk import add_rows
from hq.documents import DAY_MS, Desk, sealed_bytes
from hq.facts import Known
from hq.meaning import Meaning
from hq.tables import documents, refunds, rule_counts, sales, top_ups, transactions, untold_counts
from hq.unsettled import Cause, Finding, Place
from rules.engine.compiled import Compiled
from rules.grammar.rule import Limits
from rules.moments import day_of, zone_of
from rules.pack import read_pack
from rules.refund import sold_of
from rules.undone import rules_undone, top_up_undone

EVER = -1
"""The day that stands for all of them."""
KEPT_DAYS = 31
"""So long before the newest day of a member or shop its days are kept."""
MOST_NAMED = 12
"""So many tills are named where a limit was passed."""

_KEY = ("holder", "rule", "day", "address", "epoch")
_MEMBER, _SHOP = "member/", "shop/"
_What = tuple[str, str, int]
"""Holder, rule, day."""


@dataclass(frozen=True, slots=True)
class _Acted:
    """A rule acted so often at a till and epoch, or so much of it came back; ``most`` is what the pack allows."""

    place: Place
    what: _What
    till: tuple[str, int]
    times: int
    most: int | None = None


def limits_exceeded(
    connection: Connection, entries: Iterable[tuple[Place, Meaning]], known: Known, now_ms: int
) -> list[tuple[Place, Finding]]:
    """Count what ``entries``, newly in effect and written, say of limited rules; return what goes beyond the limit of
    the pack that the entry was made by, counting all tills.
    """
    entries = tuple(entries)
    counted = {place: tuple(_acted(place, meaning, known)) for place, meaning in entries}
    undone: dict[Place, list[_Acted]] = defaultdict(list)
    for item in _undone(connection, entries, known, {place for place, found in counted.items() if found}):
        undone[item.place].append(item)
    # In the order of the chain: what came back before a sale makes room for it.
    acted = [item for place, _meaning in entries for item in (*undone.get(place, ()), *counted[place])]
    if not acted:
        return []
    rows: dict[tuple[str, str, int, str, int], int] = defaultdict(int)
    added: dict[_What, int] = defaultdict(int)
    for item in acted:
        added[item.what] += item.times
        rows[(*item.what, *item.till)] += item.times
        # All workers lock the row of all tills first: whoever comes second sees what the first has counted.
        rows[(*item.what, "", 0)] += item.times
    add_rows(connection, rule_counts, (*_KEY, "times"), [(*key, rows[key]) for key in sorted(rows)])
    changed = [(holder, 1) for holder in sorted({holder for holder, _rule, _day in added})]
    add_rows(connection, untold_counts, ("holder", "changes"), changed)
    now = _in_all(connection, sorted(added))
    sums = {what: times - added[what] for what, times in now.items()}
    to_come: dict[_What, Counter[str]] = defaultdict(Counter)
    for item in acted:
        to_come[item.what][item.till[0]] += item.times
    told = []
    for item in acted:
        sums[item.what] += item.times
        to_come[item.what][item.till[0]] -= item.times
        if item.most is not None and sums[item.what] > item.most:
            # People are told what stood at this entry, also where later ones are counted with it.
            words = _words(connection, item, sums[item.what], to_come[item.what])
            told.append((item.place, Finding(Cause.BEYOND_LIMIT, words)))
    _forget_days(connection, added, now_ms)
    return told


def used_by_member(
    connection: Connection, desk: Desk, now_ms: int, only: Sequence[str] | None = None
) -> dict[str, tuple[RuleUsed, ...]]:
    """Return what the members' records say of limited rules, by member: of those alone for whom one acted, of ``only``
    these where they are named, and of rules alone that a pack which tills have limits.
    """
    asked = _told(now_ms).where(rule_counts.c.times > 0)
    if only is None:
        asked = asked.where(rule_counts.c.holder.startswith(_MEMBER))
    else:
        asked = asked.where(rule_counts.c.holder.in_([_MEMBER + member for member in only]))
    found: dict[str, list[RuleUsed]] = defaultdict(list)
    for holder, told in _lines(connection, desk, asked):
        found[holder.removeprefix(_MEMBER)].append(told)
    return {member: _short(told) for member, told in found.items()}


def acted_at_shops(
    connection: Connection, desk: Desk, now_ms: int, only: Sequence[str] | None = None
) -> tuple[RuleUsed, ...]:
    """Return how often rules have acted lately that a shop gives so often a day: at all shops, or ``only`` these. Where
    there are more lines than a document holds, the shops that are left out count till by till. What came back whole
    is told as 0.
    """
    asked = _told(now_ms).where(rule_counts.c.day <= now_ms // DAY_MS + 1)
    if only is None:
        asked = asked.where(rule_counts.c.holder.startswith(_SHOP))
    else:
        asked = asked.where(rule_counts.c.holder.in_([_SHOP + shop for shop in only]))
    return tuple(told for _holder, told in _lines(connection, desk, asked))[:MOST_ACTED]


def take_untold(connection: Connection, most: int) -> tuple[list[str], list[str]]:
    """Return the members and the shops whose counts changed since tills were told, at most so many; they count as told
    from now on.
    """
    asked = select(untold_counts.c.holder).order_by(untold_counts.c.holder).limit(most).with_for_update()
    holders = list(connection.scalars(asked))
    if holders:
        connection.execute(delete(untold_counts).where(untold_counts.c.holder.in_(holders)))
    members = [holder.removeprefix(_MEMBER) for holder in holders if holder.startswith(_MEMBER)]
    return members, [holder.removeprefix(_SHOP) for holder in holders if holder.startswith(_SHOP)]


def _told(now_ms: int) -> Select[tuple[Any, ...]]:
    """What tills are told, each with its own count; ever, or of days that may not be over yet everywhere."""
    c = rule_counts.c
    lately = (c.day == EVER) | (c.day >= now_ms // DAY_MS - 1)
    return select(rule_counts).where(c.address != "", lately).order_by(*(c[name] for name in _KEY))


def _lines(connection: Connection, desk: Desk, asked: Select[tuple[Any, ...]]) -> Iterator[tuple[str, RuleUsed]]:
    limited = _limited_now(connection, desk)
    for row in connection.execute(asked) if limited else ():
        if row.rule in limited:
            address, day = parse_address(row.address), None if row.day == EVER else row.day
            times = max(0, min(row.times, MOST_GIVEN))
            yield row.holder, RuleUsed(row.rule, times, row.epoch, address.shop, address.terminal, day)


def _short(told: Sequence[RuleUsed]) -> tuple[RuleUsed, ...]:
    """No more lines than a record holds: where tills were too many, they are told together, and each of them counts
    what it did twice rather than nobody at all.
    """
    if len(told) <= MOST_USED:
        return tuple(told)
    together: dict[tuple[str, int | None], int] = defaultdict(int)
    for item in told:
        together[item.rule, item.day] += item.times
    lines = [RuleUsed(rule, min(times, MOST_GIVEN), day=day) for (rule, day), times in together.items()]
    return tuple(lines[:MOST_USED])


def _limited_now(connection: Connection, desk: Desk) -> frozenset[str]:
    """The rules that the packs limit which tills are told of: the tenant's, and each shop's own."""
    newest = (
        select(func.max(documents.c.version))
        .where(documents.c.kind == DocumentKind.PACK.value, documents.c.published_ms.is_not(None))
        .group_by(documents.c.shop)
    )
    asked = select(documents.c.digest).where(
        documents.c.kind == DocumentKind.PACK.value, documents.c.version.in_(newest)
    )
    found: set[str] = set()
    for digest in connection.scalars(asked):
        try:
            sealed = sealed_bytes(connection, DocumentKind.PACK, digest) or b""
            pack = read_pack(open_document(sealed, keyring(desk.signer.public)).document.content)
        except ContractError:
            # Signed by a key before this one, or by a newer program: tills price by it, and each counts by itself.
            continue
        found.update(rule.rule for rule in pack.rules if rule.limits.counts)
    return frozenset(found)


def _acted(place: Place, meaning: Meaning, known: Known) -> Iterator[_Acted]:
    body, header = meaning.body, meaning.header
    if not isinstance(body, SaleBody | TopUpBody | RedemptionBody):
        return
    pack = known.packs.get(body.pack.digest)
    if pack is None or not pack.compiled.shared.limited:
        return
    acted = _times(body)
    limited = pack.compiled.shared.limited
    member = None if body.member is None else body.member.member
    day = day_of(header.wall_ms, zone_of(header.address.shop, pack.compiled.pack))
    till = (str(header.address), header.epoch)
    for rule, times in sorted(acted.items()):
        if rule in limited:
            for what, most in _counted(rule, limited[rule], (member, header.address.shop), day):
                yield _Acted(place, what, till, times, most)


def _times(body: Body) -> Mapping[str, int]:
    """How often each rule acted in an entry."""
    match body:
        case SaleBody() | TopUpBody():
            return times_acted(body.effects)
        case RedemptionBody(rule=str() as rule):
            return {rule: 1}
    return {}


def _counted(rule: str, limits: Limits, who: tuple[str | None, str], day: int) -> Iterator[tuple[_What, int]]:
    """What is counted of a rule for a member at a shop, beside its limit."""
    member, shop = who
    if limits.per_member is not None and member is not None:
        yield (_MEMBER + member, rule, EVER), limits.per_member
    if limits.per_member_day is not None and member is not None:
        yield (_MEMBER + member, rule, day), limits.per_member_day
    if limits.per_shop_day is not None:
        yield (_SHOP + shop, rule, day), limits.per_shop_day


def _undone(
    connection: Connection, entries: Sequence[tuple[Place, Meaning]], known: Known, counted: Set[Place]
) -> Iterator[_Acted]:
    """What returns undo, by the rules and whatever their tills say: taken off where the sale was counted, on its day,
    and never more than it had. What came back before its sale came is taken off at the sale, one of ``counted``.
    """
    here = {_place_of(meaning): place for place, meaning in entries}
    order = {place: at for at, (place, _meaning) in enumerate(entries)}
    came = {meaning.header.transaction: place for place, meaning in entries if place in counted}
    asked = {body.original.transaction for _place, meaning in entries if isinstance(body := meaning.body, RefundBody)}
    asked |= came.keys()
    rows = _returns(connection, asked) if asked else {}
    if not rows:
        return
    for sold in _sold(connection, rows.keys(), known):
        back = _Back(sold)
        fresh = []
        for row in rows[sold.transaction]:
            place = here.get((row.address, row.epoch, row.seq))
            if row.original_digest != sold.digest:
                continue
            if place is not None:
                fresh.append((place, row))
                continue
            undone = back.give(row.units, row.refund_minor)
            if sold.transaction in came:
                yield from _taken_off(came[sold.transaction], sold, undone)
        for place, row in fresh:
            at = max(place, came.get(sold.transaction, place), key=order.__getitem__)
            yield from _taken_off(at, sold, back.give(row.units, row.refund_minor))


def _place_of(meaning: Meaning) -> tuple[str, int, int]:
    """Where an entry stands by its own header, as the rows of its kind name it."""
    header = meaning.header
    return str(header.address), header.epoch, header.seq


def _returns(connection: Connection, asked: Iterable[bytes]) -> dict[bytes, list[Any]]:
    """The returns in the books of what these transactions sold, in the order in which they came."""
    found: dict[bytes, list[Any]] = defaultdict(list)
    rows = select(refunds).where(refunds.c.original_transaction.in_(sorted(asked)), refunds.c.posted)
    for row in connection.execute(rows.order_by(refunds.c.entry_id)):
        found[row.original_transaction].append(row)
    return found


@dataclass(frozen=True, slots=True)
class _Sold:
    """A sale or top-up of which something came back: as it was signed, its pack, and where and when it was counted."""

    transaction: bytes
    digest: bytes
    body: SaleBody | TopUpBody
    compiled: Compiled
    till: tuple[str, int]
    wall_ms: int


def _sold(connection: Connection, asked: Iterable[bytes], known: Known) -> Iterator[_Sold]:
    made = union_all(
        *(
            select(transactions.c.transaction_id, table.c.address, table.c.epoch, table.c.wall_ms)
            .join(table, table.c.entry_id == transactions.c.entry_id)
            .where(transactions.c.transaction_id.in_(sorted(asked)), table.c.posted)
            for table in (sales, top_ups)
        )
    )
    for row in connection.execute(made):
        origin = known.origins.get(row.transaction_id)
        if origin is not None and origin.compiled is not None and origin.compiled.shared.limited:
            till = (row.address, row.epoch)
            yield _Sold(row.transaction_id, origin.digest, origin.sale, origin.compiled, till, row.wall_ms)


class _Back:
    """What has come back of a sale so far. A return of more than is kept undoes nothing."""

    def __init__(self, sold: _Sold) -> None:
        self._sold = sold
        self._units = [0] * len(sold.body.basket.lines)
        self._minor = 0

    def give(self, units: Sequence[int], refund_minor: int) -> tuple[RuleTimes, ...]:
        """Return what the next return undoes."""
        body, compiled = self._sold.body, self._sold.compiled
        earlier = (refund_of(self._units, (self._minor, 0, 0, 0, 0)),)
        if isinstance(body, TopUpBody):
            self._minor += refund_minor
            return top_up_undone(body, compiled, refund_minor, earlier)
        try:
            undone = rules_undone(sold_of(body), compiled, units, earlier)
        except ContractError:
            return ()
        self._units = [before + more for before, more in zip(self._units, units, strict=True)]
        return undone


def _taken_off(place: Place, sold: _Sold, undone: Iterable[RuleTimes]) -> Iterator[_Acted]:
    shop, limited = parse_address(sold.till[0]).shop, sold.compiled.shared.limited
    member = None if sold.body.member is None else sold.body.member.member
    day = day_of(sold.wall_ms, zone_of(shop, sold.compiled.pack))
    for item in undone:
        for what, _most in _counted(item.rule, limited[item.rule], (member, shop), day):
            yield _Acted(place, what, sold.till, -item.times)


def _in_all(connection: Connection, asked: Sequence[_What]) -> dict[_What, int]:
    c = rule_counts.c
    rows = connection.execute(select(rule_counts).where(tuple_(c.holder, c.rule, c.day).in_(asked), c.address == ""))
    return {(row.holder, row.rule, row.day): row.times for row in rows}


def _forget_days(connection: Connection, added: Mapping[_What, int], now_ms: int) -> None:
    """Let go of days long before the newest of each of these holders. A clock that runs ahead ages nothing."""
    newest: dict[str, int] = {}
    for holder, _rule, day in added:
        newest[holder] = max(min(day, now_ms // DAY_MS + 1), newest.get(holder, EVER))
    for holder, day in sorted(newest.items()):
        if day != EVER:
            old = (rule_counts.c.day > EVER, rule_counts.c.day < day - KEPT_DAYS)
            connection.execute(delete(rule_counts).where(rule_counts.c.holder == holder, *old))


def _words(connection: Connection, item: _Acted, in_all: int, to_come: Mapping[str, int]) -> str:
    holder, rule, day = item.what
    c = rule_counts.c
    tills = connection.execute(
        select(c.address, func.sum(c.times).label("times"))
        .where(c.holder == holder, c.rule == rule, c.day == day, c.address != "")
        .group_by(c.address)
        .order_by(c.address)
    )
    times = {row.address: int(row.times) - to_come.get(row.address, 0) for row in tills}
    acted = [f"{address.partition('/')[2]} {count}" for address, count in times.items() if count > 0]
    named = ", ".join(acted[:MOST_NAMED])
    when = "" if day == EVER else f" on {day_text(day)}"
    return f"{rule} for {holder}{when}: acted {in_all} times, the pack allows {item.most}; {named}"
