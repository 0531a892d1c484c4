"""Which use of a coupon counts, weighed again once facts have come: the first by its till's clock of those that stand.

Journals come in whatever order. Whatever it is, in the end the same use counts, each other one that stands is charged
to whoever answers for its till, and what was charged of any other meanwhile has been taken back from who bore it, each
by an entry of head office's own chain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select, tuple_, update

from contract.bodies import OfficeBody
from contract.postings import COUPONS, Posting, coupon_account
from hq.coupon_book import DOUBTED, CouponUse, doubled, not_good, unknown, use_said, uses_of, write_use
from hq.documents import Desk
from hq.lease_book import bearer_of
from hq.own_chain import book_all, merged
from hq.tables import carried, coupon_uses, coupons, entries
from hq.unsettled import Finding, Place, settle, tell_again

MOST_WEIGHED = 64
"""So many coupons are weighed in one step."""
COUPON_WEIGHED = "coupon_weighed"
"""The action of the entry that moves a charge from one use of a coupon to another."""
EARLIEST_MS = 1_577_836_800_000
"""2020-01-01 (UTC): a clock before that is wrong, and its use comes after those of all others."""


def weigh_coupons(connection: Connection, desk: Desk, now_ms: int) -> int:
    """Weigh the coupons of which something was heard; return how many there were."""
    asked = select(coupon_uses.c.code).where(coupon_uses.c.weigh).distinct().order_by(coupon_uses.c.code)
    heard = list(connection.scalars(asked.limit(MOST_WEIGHED)))
    if not heard:
        return 0
    # People are told of a place once, whichever of its coupons does not count, and a copied disk has two entries in
    # one place: whatever stands there is looked at together.
    places = _places_of(connection, heard)
    beside = select(coupon_uses.c.code).where(coupon_uses.c.entry_id.in_(_entries_at(connection, places)))
    codes = sorted({*heard, *connection.scalars(beside)})
    # Whoever takes in an entry that speaks of one of them waits until this is over.
    locked = select(coupons).where(coupons.c.code.in_(codes)).order_by(coupons.c.code).with_for_update()
    issued = {row.code: (row.addressee, row.withdrawn_ms is not None) for row in connection.execute(locked)}
    uses = uses_of(connection, codes)
    refused: dict[Place | None, list[Finding]] = {}
    bodies: list[tuple[OfficeBody, bytes | None]] = []
    for code in codes:
        found = _weighed([use for use in uses if use.code == code], issued.get(code))
        for use in found.uses:
            if use.transaction in found.refused:
                refused.setdefault(use.place, []).append(found.refused[use.transaction])
        body = _moved(connection, found)
        bodies += [(body, None)] if body is not None else []
    book_all(connection, desk, bodies, now_ms)
    for place in sorted(places, key=str):
        _tell(connection, place, refused.get(place, []), now_ms)
    connection.execute(update(coupon_uses).where(coupon_uses.c.code.in_(heard)).values(weigh=False))
    return len(heard)


def _places_of(connection: Connection, codes: Sequence[str]) -> set[Place]:
    """Where uses of these coupons stand."""
    return {use.place for use in uses_of(connection, codes) if use.place is not None}


def _entries_at(connection: Connection, places: set[Place]) -> set[int]:
    """The rows of entries at these places, as they came and as they were carried over."""
    wanted = [(str(place.address), place.epoch, place.seq) for place in places]
    here = select(entries.c.id).where(tuple_(entries.c.address, entries.c.epoch, entries.c.seq).in_(wanted))
    there = select(carried.c.entry_id).where(tuple_(carried.c.address, carried.c.epoch, carried.c.seq).in_(wanted))
    return {*connection.scalars(here), *connection.scalars(there)}


@dataclass(frozen=True, slots=True)
class _Weighed:
    """The uses of a coupon, the one that counts, and why each other one that stands does not, by transaction."""

    uses: Sequence[CouponUse]
    counts: CouponUse | None
    refused: Mapping[bytes, Finding]


def _weighed(uses: Sequence[CouponUse], good: tuple[str | None, bool] | None) -> _Weighed:
    """Weigh the uses of a coupon that is ``good`` for one till or any, and withdrawn or not; None if never issued."""
    standing = sorted((use for use in uses if use.stands), key=_order)
    refused = {use.transaction: _refused(use, good) for use in standing}
    counts = next((use for use in standing if refused[use.transaction] is None), None)
    told = {
        use.transaction: refused[use.transaction] or doubled(counts)
        for use in standing
        if counts is not None and use is not counts
    }
    told |= {transaction: finding for transaction, finding in refused.items() if finding is not None}
    return _Weighed(uses, counts, told)


def _moved(connection: Connection, found: _Weighed) -> OfficeBody | None:
    """Charge what is to be charged now and take back what is not; return the entry of it, None where all lies right."""
    moved: list[Posting] = []
    for use in found.uses:
        bearer = None
        if use.transaction in found.refused and use.place is not None:
            bearer = use.bearer or bearer_of(connection, use.place.address.shop)
        if bearer != use.bearer:
            moved += _postings(use, bearer)
            write_use(connection, replace(use, bearer=bearer))
    if not moved:
        return None
    code, counts = found.uses[0].code, found.counts
    by = None if counts is None else counts.entry_id
    connection.execute(update(coupons).where(coupons.c.code == code).values(used_entry_id=by))
    said = "no use counts" if counts is None else f"counts as used at {use_said(counts)}"
    return OfficeBody(COUPON_WEIGHED, f"{code} {said}", merged(moved))


def _tell(connection: Connection, place: Place, refused: Sequence[Finding], now_ms: int) -> None:
    """Put before people what does not count at a place, and settle what does."""
    for cause in DOUBTED:
        said = "; ".join(finding.detail for finding in refused if finding.cause is cause)
        if said:
            tell_again(connection, place, Finding(cause, said), now_ms)
        else:
            settle(connection, place, (cause,), now_ms)


def _refused(use: CouponUse, good: tuple[str | None, bool] | None) -> Finding | None:
    return unknown(use.code) if good is None else not_good(use, *good)


def _order(use: CouponUse) -> tuple[bool, int, bytes]:
    """First whoever used it first; of two that say the same instant the transaction decides."""
    return use.wall_ms < EARLIEST_MS, use.wall_ms, use.transaction


def _postings(use: CouponUse, bearer: str | None) -> tuple[Posting, Posting]:
    """A use that counted is charged to ``bearer``; with None one that was charged counts."""
    coupon = coupon_account(use.code)
    if bearer is None:
        return Posting(coupon, COUPONS, 1), Posting(str(use.bearer), COUPONS, -1)
    return Posting(coupon, COUPONS, -1), Posting(bearer, COUPONS, 1)
