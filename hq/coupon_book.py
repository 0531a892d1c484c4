"""Single-use coupons as entries use them and returns give them back: facts, in whatever order journals bring them.

One use of a coupon stands at a time; who it is follows from the facts alone. A use that came while another stood is
charged to whoever answers for its till, put before people, and weighed again (``hq.coupon_charges``) once another fact
has come. A return takes back what its own sale's use was charged, from the bearer of that time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select, update

from contract.ids import parse_address
from contract.postings import COUPONS, Posting, coupon_account, taken_account
from contract.value import Asset
from hq.applied import Applied
from hq.bulk import insert_rows
from hq.tables import coupon_uses, coupons
from hq.unsettled import Cause, Finding, Place

DOUBTED = (Cause.COUPON_DOUBLED, Cause.COUPON_UNKNOWN)
"""What people are told of a use that does not count."""


@dataclass(frozen=True, slots=True)
class CouponUse:
    """A coupon was used by an entry, at ``place`` at its wall clock (Unix milliseconds), or came back by the return of
    it at the shop ``back_shop``, or both. ``entry_id`` is None where the return alone has come. ``bearer`` is the
    account that is charged for it; None where the use counts, or came back. ``weigh`` where it waits to be weighed.
    """

    code: str
    transaction: bytes
    entry_id: int | None = None
    place: Place | None = None
    wall_ms: int = 0
    bearer: str | None = None
    back_shop: str | None = None
    weigh: bool = False

    @property
    def stands(self) -> bool:
        """Whether it was used and not given back."""
        return self.entry_id is not None and self.back_shop is None


@dataclass(frozen=True, slots=True)
class UseTaken:
    """What became of a use: what people must be told, and the postings of a return that came before it."""

    finding: Finding | None = None
    postings: tuple[Posting, ...] = ()


@dataclass(slots=True)
class _Coupon:
    addressee: str | None
    withdrawn: bool
    used_entry_id: int | None
    changed: bool = False


class CouponBook:
    """The coupons that entries at hand speak of, locked until the transaction ends."""

    def __init__(self, connection: Connection, codes: Iterable[str]) -> None:
        wanted = sorted(set(codes))
        self._coupons: dict[str, _Coupon] = {}
        if wanted:
            asked = select(coupons).where(coupons.c.code.in_(wanted)).order_by(coupons.c.code).with_for_update()
            for row in connection.execute(asked):
                self._coupons[row.code] = _Coupon(row.addressee, row.withdrawn_ms is not None, row.used_entry_id)
        self._before = {(use.code, use.transaction): use for use in uses_of(connection, wanted)}
        self._uses = dict(self._before)

    def use(self, item: Applied, code: str, bearer: str) -> UseTaken:
        """Note that an entry used a coupon. With a finding it does not count, and ``bearer`` is charged for it."""
        header, coupon = item.header, self._coupons.get(code)
        known = self._uses.get((code, header.transaction), CouponUse(code, header.transaction))
        if known.entry_id is not None:
            return UseTaken(Finding(Cause.DRAWS_DIFFER, f"coupon {code} is drawn twice"))
        place = Place(header.address, header.epoch, header.seq)
        use = replace(known, entry_id=item.entry_id, place=place, wall_ms=header.wall_ms)
        if use.back_shop is not None:
            self._uses[code, header.transaction] = use
            return UseTaken(postings=_good_again(use, use.back_shop))
        finding = self._refused(use, coupon)
        if finding is not None:
            use = replace(use, bearer=bearer, weigh=True)
        elif coupon is not None:
            coupon.used_entry_id, coupon.changed = item.entry_id, True
        self._uses[code, header.transaction] = use
        return UseTaken(finding)

    def give_back(self, item: Applied, code: str, transaction: bytes) -> tuple[Posting, ...]:
        """Note that a return gives back what ``transaction`` used; return the postings that follow, each fact once."""
        use = self._uses.get((code, transaction), CouponUse(code, transaction))
        if use.back_shop is not None:
            return ()
        shop = item.header.address.shop
        self._uses[code, transaction] = replace(use, back_shop=shop, bearer=None, weigh=use.stands)
        coupon = self._coupons.get(code)
        if coupon is not None and use.stands and use.bearer is None:
            coupon.used_entry_id, coupon.changed = None, True
        return _good_again(use, shop) if use.stands else ()

    def write(self, connection: Connection) -> None:
        """Write down which were used and given back."""
        fresh = [_row(use) for key, use in self._uses.items() if key not in self._before]
        insert_rows(connection, coupon_uses, _COLUMNS, fresh)
        for key, before in self._before.items():
            if self._uses[key] != before:
                write_use(connection, self._uses[key])
        changed = [
            {"b_code": code, "b_entry": coupon.used_entry_id}
            for code, coupon in self._coupons.items()
            if coupon.changed
        ]
        if changed:
            connection.execute(
                update(coupons).where(coupons.c.code == bindparam("b_code")).values(used_entry_id=bindparam("b_entry")),
                changed,
            )

    def _refused(self, use: CouponUse, coupon: _Coupon | None) -> Finding | None:
        """Why a use does not count, for now."""
        if coupon is None:
            return unknown(use.code)
        refused = not_good(use, coupon.addressee, coupon.withdrawn)
        if refused is None and coupon.used_entry_id is not None:
            of_code = (other for other in self._uses.values() if other.code == use.code)
            return doubled(next(other for other in of_code if other.entry_id == coupon.used_entry_id))
        return refused


def uses_of(connection: Connection, codes: Sequence[str]) -> list[CouponUse]:
    """Return all uses of coupons that were ever heard of."""
    if not codes:
        return []
    asked = select(coupon_uses).where(coupon_uses.c.code.in_(codes))
    return [
        CouponUse(
            row.code,
            row.transaction_id,
            row.entry_id,
            None if row.entry_id is None else Place(parse_address(row.address), row.epoch, row.seq),
            row.wall_ms,
            row.bearer,
            row.back_shop,
            row.weigh,
        )
        for row in connection.execute(asked.order_by(coupon_uses.c.code, coupon_uses.c.transaction_id))
    ]


def write_use(connection: Connection, use: CouponUse) -> None:
    """Write down what has become of a use that is written already."""
    here = (coupon_uses.c.code == use.code, coupon_uses.c.transaction_id == use.transaction)
    connection.execute(update(coupon_uses).where(*here).values(dict(zip(_COLUMNS, _row(use), strict=True))))


def not_good(use: CouponUse, addressee: str | None, withdrawn: bool) -> Finding | None:
    """Why a coupon is not good for this use, whoever else used it."""
    if withdrawn:
        return Finding(Cause.COUPON_DOUBLED, f"coupon {use.code} was withdrawn by head office")
    if addressee is not None and use.place is not None and addressee != str(use.place.address):
        return Finding(Cause.COUPON_UNKNOWN, f"coupon {use.code} is good at {addressee} alone")
    return None


def unknown(code: str) -> Finding:
    """What people are told of a use of a coupon that head office never issued."""
    return Finding(Cause.COUPON_UNKNOWN, f"head office has issued no coupon {code}")


def doubled(holder: CouponUse) -> Finding:
    """What people are told of a use while that of ``holder`` stands."""
    return Finding(Cause.COUPON_DOUBLED, f"coupon {holder.code} was used first as {use_said(holder)}")


def use_said(use: CouponUse) -> str:
    """Where a use stands, in words."""
    place = use.place
    return "nowhere" if place is None else f"{place.address} epoch {place.epoch} seq {place.seq}"


def _good_again(use: CouponUse, shop: str) -> tuple[Posting, ...]:
    """A return at ``shop`` undoes a use: it is open again or, where somebody was charged, charged no more."""
    other = coupon_account(use.code) if use.bearer is None else use.bearer
    return Posting(other, COUPONS, -1), Posting(taken_account(shop, Asset.COUPON), COUPONS, 1)


_COLUMNS = ("code", "transaction_id", "entry_id", "address", "epoch", "seq", "wall_ms", "bearer", "back_shop", "weigh")


def _row(use: CouponUse) -> tuple[object, ...]:
    place = use.place
    where = (None, None, None) if place is None else (str(place.address), place.epoch, place.seq)
    return (use.code, use.transaction, use.entry_id, *where, use.wall_ms, use.bearer, use.back_shop, use.weigh)
