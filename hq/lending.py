"""What entries newly in effect do to the value that is lent.

``apply`` is called once a batch with everything newly in effect, in the order of its chain; it keeps the leases, lots,
points, coupons and slips, and returns the postings and findings that follow. Nothing here lends: that is
``hq.granting``.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, Connection, func, null, select, union_all, update

from contract.bodies import (
    Body,
    DocumentChangeBody,
    EpochStartBody,
    LeaseReturnBody,
    OfficeBody,
    SlipInBody,
    SlipOutBody,
)
from contract.documents import DocumentKind
from contract.postings import POINTS, Posting, member_points_account
from contract.trade import RedemptionBody, RefundBody, SaleBody, TenderKind, TopUpBody
from contract.value import Account, Asset
from hq.applied import Applied, Consequences
from hq.bulk import Rows, added, insert_rows, kept, write_together
from hq.charges import Shops, keep_charges
from hq.coupon_book import CouponBook
from hq.lease_book import LeaseBook, LeaseState
from hq.lease_returns import take_office, take_returns, withdraw_uses
from hq.lots import LotBook
from hq.placement import DAY_MS, WHOLE_MEMBER
from hq.points import PointsMove, move_points
from hq.restoring import begin_restoration
from hq.slip_book import SlipBook, slip_id, slip_lot
from hq.tables import (
    catalogue_heads,
    habits,
    hold_parts,
    late_terms,
    leases,
    owed_points,
    placements,
    pools,
    promised_bonus,
    terminals,
    value_terms,
)
from hq.taking import Entry, Taking
from hq.told_leases import take_document, told_lease_ids
from hq.true_issuers import keep_issuers

POINTS_DAYS = "points_days"
"""The term that says for how many days points are good; 0 or absent: for ever."""

PLACE_LATER_MS = 60_000
"""When it is looked again who should hold how much of what many entries touch: points that were earned, budgets."""

AGAIN_MS = 28 * DAY_MS
"""A member who buys at a till after so long is one who is new there: what is lent may lie elsewhere by now."""

EXPIRED_POINTS = "office/points_expired"


def apply(connection: Connection, applied: Sequence[Applied], now_ms: int) -> Consequences:
    """Carry out what ``applied`` say of value; return the postings and findings that follow."""
    items = [item for item in applied if _concerns(item)]
    if not items:
        return Consequences()
    # Slips before leases: the other end of one may be written down meanwhile, and then both write the same row.
    slips = SlipBook(connection, items, now_ms)
    taking = _opened(connection, items, now_ms)
    for item in items:
        _take(connection, taking, slips, item)
    _write(connection, taking, slips, items)
    if taking.forgotten:
        begin_restoration(connection, taking.forgotten, now_ms)
    return Consequences(tuple(taking.findings), tuple(taking.postings))


def _concerns(item: Applied) -> bool:
    match item.body:
        case SaleBody() as body:
            return bool(body.member is not None or body.draws or body.born)
        case DocumentChangeBody() as body:
            return body.kind == DocumentKind.LEASES.value
        case RefundBody() | TopUpBody() | RedemptionBody() | OfficeBody() | LeaseReturnBody():
            return True
        case SlipOutBody() | SlipInBody() | EpochStartBody():
            return True
    return False


def _take(connection: Connection, taking: Taking, slips: SlipBook, item: Applied) -> None:
    match item.body:
        case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody() as body:
            Entry(taking, item, body).take()
            if isinstance(body, RefundBody):
                withdraw_uses(connection, taking, item, body)
        case OfficeBody() as body:
            take_office(taking, body)
            taking.points += _office_points(taking, item, body)
        case LeaseReturnBody() as body:
            take_returns(taking, item, body)
        case SlipOutBody() as body:
            slips.let_out(taking, item, body)
        case SlipInBody() as body:
            slips.take_in(taking, item, body)
        case DocumentChangeBody() as body:
            take_document(connection, taking, item, body)


def _opened(connection: Connection, items: Sequence[Applied], now_ms: int) -> Taking:
    ids, lots, codes, whole_lots = set[bytes](), set[bytes](), set[str](), set[bytes]()
    # What only earns asks for nothing of this.
    more = [item for item in items if not _only_earns(item.body)]
    for item in more:
        body = item.body
        ids |= told_lease_ids(body)
        if isinstance(body, SaleBody | TopUpBody | RedemptionBody | SlipOutBody | OfficeBody):
            ids |= {draw.lease for draw in body.draws if draw.account.asset is not Asset.COUPON}
            codes |= {draw.account.holder for draw in body.draws if draw.account.asset is Asset.COUPON}
            lots |= {draw.lot for draw in body.draws if draw.lot is not None}
        if isinstance(body, SaleBody | RefundBody | TopUpBody | OfficeBody):
            ids |= {lease.lease for lease in body.born}
            lots |= {lease.lot for lease in body.born if lease.lot is not None}
            lots |= {item.header.transaction}
        if isinstance(body, LeaseReturnBody):
            ids |= {back.lease for back in body.leases}
        if isinstance(body, RefundBody):
            ids |= {draw.lease for draw in body.draws}
            lots |= {draw.lot or body.original.transaction for draw in body.returned} | {body.original.transaction}
            codes |= {*body.codes_restored}
            whole_lots |= {body.original.transaction} if body.bonus_back_minor else set()
        slip, lot = slip_id(item), slip_lot(item)
        ids |= set() if slip is None else {slip}
        lots |= set() if lot is None else {lot}
    if whole_lots:
        # Before their leases are read: what is lent of them at this moment must be among these.
        LotBook(connection, whole_lots)
    book = LeaseBook(connection, ids, whole_lots)
    shops_with_pools, good_days = _decided(connection)
    return Taking(
        leases=book,
        lots=LotBook(connection, lots | book.lots),
        coupons=CouponBook(connection, codes),
        shops=_shops(connection, items if shops_with_pools else more, shops_with_pools),
        # Sales say their own; only of others it is asked for.
        currency=(connection.scalar(select(catalogue_heads.c.currency)) or "CNY") if more else "",
        now_ms=now_ms,
        good_days=good_days,
        held_bonus=_held_bonus(connection, whole_lots),
    )


def _only_earns(body: Body) -> bool:
    """Whether an entry is a sale that touches nothing lent and brings nothing but points."""
    if not isinstance(body, SaleBody) or any(tender.kind is not TenderKind.CASH for tender in body.tenders):
        return False
    return not (body.draws or body.born or body.bonus_minor or body.stored_minor or body.points_spent)


def _decided(connection: Connection) -> tuple[frozenset[str], int]:
    """Which shops' points are paid in advance, and for how many days points are good."""
    rows = connection.execute(_asked_of_all()).all()
    return (
        frozenset(row.name for row in rows if row.value is None),
        sum(row.value for row in rows if row.value is not None),
    )


@cache
def _asked_of_all() -> CompoundSelect[*tuple[Any, ...]]:
    """Built once: every batch asks it."""
    days = select(value_terms.c.name, value_terms.c.value).where(value_terms.c.name == POINTS_DAYS)
    return union_all(days, select(pools.c.shop, null()))


def _shops(connection: Connection, items: Sequence[Applied], shops_with_pools: frozenset[str]) -> Shops:
    if not items:
        return Shops({}, shops_with_pools, {})
    addresses = sorted({str(item.header.address) for item in items})
    rows = connection.execute(
        select(terminals.c.address, func.max(terminals.c.epoch).label("newest"))
        .where(terminals.c.address.in_(addresses))
        .group_by(terminals.c.address)
    )
    return Shops(
        bearers={row.shop: row.bearer for row in connection.execute(select(late_terms))},
        pools=shops_with_pools,
        epochs={row.address: row.newest for row in rows},
    )


def _held_bonus(connection: Connection, lots: set[bytes]) -> dict[bytes, int]:
    if not lots:
        return {}
    rows = connection.execute(
        select(hold_parts.c.lot, func.sum(hold_parts.c.bonus).label("bonus"))
        .where(hold_parts.c.lot.in_(sorted(lots)))
        .group_by(hold_parts.c.lot)
    )
    return {row.lot: int(row.bonus) for row in rows}


def _office_points(taking: Taking, item: Applied, body: OfficeBody) -> list[PointsMove]:
    """Head office says in postings alone what it gives and takes of points; what expired left its lots already."""
    if body.action == "points_expired":
        return []
    found = []
    for posting in body.postings:
        owner = posting.account.removeprefix("member/").removesuffix("/points")
        if posting.unit == POINTS and posting.account == member_points_account(owner):
            earned, spent = max(-posting.amount, 0), max(posting.amount, 0)
            found.append(PointsMove(owner, item.header.transaction, taking.day(item), earned, spent))
            taking.to_place.add(Account(Asset.POINTS, owner))
    return found


def _write(connection: Connection, taking: Taking, slips: SlipBook, items: Sequence[Applied]) -> None:
    taking.leases.write(connection)
    taking.lots.write(connection)
    taking.coupons.write(connection)
    slips.write(connection)
    keep_issuers(connection, taking.issuers)
    keep_charges(connection, taking.charges)
    promises = [(item.entry_id, 0, 0) for item in items if isinstance(item.body, TopUpBody) and item.body.bonus_minor]
    insert_rows(connection, promised_bonus, ("entry_id", "granted", "due_day"), promises)
    owed = {
        (item.entry_id, promise.pool): promise.points
        for item in items
        if isinstance(item.body, SaleBody) and item.body.member is not None
        for promise in item.body.pending
    }
    rows = [(*place, points) for place, points in sorted(owed.items())]
    insert_rows(connection, owed_points, ("entry_id", "pool", "points"), rows)
    lost, fresh_lots = move_points(connection, taking.points, taking.good_days)
    entry_of = {item.header.transaction: item.entry_id for item in items} if lost else {}
    for move in taking.points if lost else ():
        gone = lost.pop(move.source, 0)
        if gone:
            # They were given again by the till, and their last day was over: they go as they would have gone.
            taking.postings += [
                (entry_of[move.source], Posting(member_points_account(move.member), POINTS, gone)),
                (entry_of[move.source], Posting(EXPIRED_POINTS, POINTS, -gone)),
            ]
    for item in items:
        if isinstance(item.body, EpochStartBody):
            _end_epochs(connection, str(item.header.address), item.header.epoch)
    later_ms = taking.now_ms + PLACE_LATER_MS
    later = [(account.asset.value, account.holder, account.name, later_ms) for account in sorted(taking.place_later)]
    due = [(account.asset.value, account.holder, account.name, taking.now_ms) for account in sorted(taking.to_place)]
    visits, newcomers = _habits(connection, items, taking.now_ms)
    due += [(WHOLE_MEMBER, member, "", taking.now_ms) for member in sorted(newcomers)]
    to_place = kept(placements, ("asset", "holder", "name", "due_ms"), sorted(due + later))
    write_together(connection, (fresh_lots, visits, to_place))


def _end_epochs(connection: Connection, address: str, epoch: int) -> None:
    """A terminal has begun ``epoch``: what was lent to earlier ones is suspended, what nobody was told of is closed."""
    earlier = (leases.c.address == address, leases.c.epoch < epoch, leases.c.state == LeaseState.ACTIVE.value)
    connection.execute(
        update(leases)
        .where(*earlier, leases.c.document.is_(None))
        .values(state=LeaseState.CLOSED.value, returned=leases.c.granted, returned_bonus=leases.c.granted_bonus)
    )
    connection.execute(update(leases).where(*earlier).values(state=LeaseState.SUSPENDED.value))
    connection.execute(
        update(leases).where(leases.c.address == address, leases.c.epoch < epoch, leases.c.waits).values(waits=False)
    )


def _habits(connection: Connection, items: Sequence[Applied], now_ms: int) -> tuple[Rows, set[str]]:
    """Where members buy, and which of them are new at a till: whatever is theirs was lent to other tills or to none.

    Counted by terminal, whose chain is at most one worker's at a time.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for item in items:
        body = item.body
        if isinstance(body, SaleBody | TopUpBody | RedemptionBody) and body.member is not None:
            found.setdefault((body.member.member, str(item.header.address)), []).append(item.header.wall_ms)
    known = _visited(connection, found)
    # Journals come late and in any order: the last visit is the newest that was heard of, and none is still to come.
    rows = [(*key, min(max(*times, known.get(key, 0)), now_ms), len(times)) for key, times in sorted(found.items())]
    fresh = {row[0] for row in rows if row[:2] not in known or row[2] - known[row[:2]] > AGAIN_MS}
    return added(habits, ("member", "address", "last_ms", "times"), rows, last=("last_ms",)), fresh


def _visited(connection: Connection, visits: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """When the members of ``visits``, each with a till's address, bought there last as far as it was known."""
    if not visits:
        return {}
    members, addresses = ({*column} for column in zip(*visits, strict=True))
    asked = select(habits).where(habits.c.member.in_(sorted(members)), habits.c.address.in_(sorted(addresses)))
    return {(row.member, row.address): row.last_ms for row in connection.execute(asked)}
