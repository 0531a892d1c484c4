"""How often rules have acted that a pack limits for a member or for a day, counting all tills; told to people where it
was more than the pack allows, and to tills in the members' records. Nothing is held up.

A till counts by itself what it does; several that do not hear of each other give more together. By how much is bounded
by what each may give alone, and it is known which of them gave it. It is counted from the day on which a pack has the
limit, and only where a pack has one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, tuple_, union_all

from contract.bodies import Body
from contract.calendar import day_text
from contract.documents import MOST_USED, DocumentKind, RuleUsed, open_document
from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import parse_address
from contract.trace import MOST_GIVEN, times_acted
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from hq.bulk import add_rows
from hq.documents import DAY_MS, Desk, sealed_bytes
from hq.facts import Known
from hq.meaning import Meaning
from hq.tables import documents, rule_counts, sales, top_ups, transactions
from hq.unsettled import Cause, Finding, Place
from rules.grammar.rule import Limits
from rules.moments import day_of, zone_of
from rules.pack import read_pack

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
    connection: Connection, entries: Iterable[tuple[Place, Meaning]], known: Known
) -> list[tuple[Place, Finding]]:
    """Count what ``entries``, newly in effect and written, say of limited rules; return what goes beyond the limit of
    the pack that the entry was made by, counting all tills.
    """
    entries = tuple(entries)
    undone: dict[Place, list[_Acted]] = defaultdict(list)
    for item in _undone(connection, entries, known):
        undone[item.place].append(item)
    # In the order of the chain: what came back before a sale makes room for it.
    acted = [item for place, meaning in entries for item in (*_acted(place, meaning, known), *undone.get(place, ()))]
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
    now = _in_all(connection, sorted(added))
    sums = {what: times - added[what] for what, times in now.items()}
    told = []
    for item in acted:
        sums[item.what] += item.times
        if item.most is not None and sums[item.what] > item.most:
            words = _words(connection, item.what, now[item.what], item.most)
            told.append((item.place, Finding(Cause.BEYOND_LIMIT, words)))
    _forget_days(connection, added)
    return told


def used_by_member(connection: Connection, desk: Desk, now_ms: int) -> dict[str, tuple[RuleUsed, ...]]:
    """Return what the members' records say of limited rules, by member: of those alone for whom one acted, and of
    rules alone that a pack which tills have limits.
    """
    limited = _limited_now(connection, desk)
    if not limited:
        return {}
    c = rule_counts.c
    found: dict[str, list[RuleUsed]] = defaultdict(list)
    # A day is over everywhere once the day after it is over in UTC.
    lately = (c.day == EVER) | (c.day >= now_ms // DAY_MS - 1)
    asked = select(rule_counts).where(c.holder.startswith(_MEMBER), c.address != "", c.times > 0, lately)
    for row in connection.execute(asked.order_by(*(c[name] for name in _KEY))):
        if row.rule in limited:
            address, day = parse_address(row.address), None if row.day == EVER else row.day
            told = RuleUsed(row.rule, min(row.times, MOST_GIVEN), row.epoch, address.shop, address.terminal, day)
            found[row.holder.removeprefix(_MEMBER)].append(told)
    return {member: _short(told) for member, told in found.items()}


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
    acted = _times(body)
    if not acted or not isinstance(body, SaleBody | TopUpBody | RedemptionBody):
        return
    pack = known.packs.get(body.pack.digest)
    if pack is None or not pack[1].shared.limited:
        return
    limited = pack[1].shared.limited
    member = None if body.member is None else body.member.member
    day = day_of(header.wall_ms, zone_of(header.address.shop, pack[1].pack))
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


def _undone(connection: Connection, entries: Sequence[tuple[Place, Meaning]], known: Known) -> Iterator[_Acted]:
    """What returns undo is taken off where the sale was counted, on its day, never more than it had."""
    returns = [
        (place, body)
        for place, meaning in entries
        if isinstance(body := meaning.body, RefundBody) and body.rules_undone
    ]
    if not returns:
        return
    asked = {body.original.transaction for _place, body in returns}
    made = union_all(
        *(
            select(transactions.c.transaction_id, table.c.address, table.c.epoch, table.c.wall_ms)
            .join(table, table.c.entry_id == transactions.c.entry_id)
            .where(transactions.c.transaction_id.in_(asked), table.c.posted)
            for table in (sales, top_ups)
        )
    )
    sold = {row.transaction_id: row for row in connection.execute(made)}
    for place, body in returns:
        row, origin = sold.get(body.original.transaction), known.origins.get(body.original.transaction)
        if row is None or origin is None or origin.compiled is None or origin.digest != body.original.digest:
            continue
        shop, limited = parse_address(row.address).shop, origin.compiled.shared.limited
        member = None if origin.sale.member is None else origin.sale.member.member
        day = day_of(row.wall_ms, zone_of(shop, origin.compiled.pack))
        had = times_acted(origin.sale.effects)
        for item in body.rules_undone:
            times = min(item.times, had.get(item.rule, 0))
            if times and item.rule in limited:
                for what, _most in _counted(item.rule, limited[item.rule], (member, shop), day):
                    yield _Acted(place, what, (row.address, row.epoch), -times)


def _in_all(connection: Connection, asked: Sequence[_What]) -> dict[_What, int]:
    c = rule_counts.c
    rows = connection.execute(select(rule_counts).where(tuple_(c.holder, c.rule, c.day).in_(asked), c.address == ""))
    return {(row.holder, row.rule, row.day): row.times for row in rows}


def _forget_days(connection: Connection, added: Mapping[_What, int]) -> None:
    newest: dict[str, int] = {}
    for holder, _rule, day in added:
        newest[holder] = max(day, newest.get(holder, EVER))
    for holder, day in sorted(newest.items()):
        if day != EVER:
            old = (rule_counts.c.day > EVER, rule_counts.c.day < day - KEPT_DAYS)
            connection.execute(delete(rule_counts).where(rule_counts.c.holder == holder, *old))


def _words(connection: Connection, what: _What, in_all: int, most: int) -> str:
    holder, rule, day = what
    c = rule_counts.c
    tills = connection.execute(
        select(c.address, func.sum(c.times).label("times"))
        .where(c.holder == holder, c.rule == rule, c.day == day, c.address != "", c.times > 0)
        .group_by(c.address)
        .order_by(c.address)
        .limit(MOST_NAMED)
    )
    named = ", ".join(f"{row.address.partition('/')[2]} {row.times}" for row in tills)
    when = "" if day == EVER else f" on {day_text(day)}"
    return f"{rule} for {holder}{when}: acted {in_all} times, the pack allows {most}; {named}"
