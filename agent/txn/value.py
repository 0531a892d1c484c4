"""A member's value at this till: who may spend it, how much lies here, and what a spend or a top-up makes of it."""

from __future__ import annotations

from agent.txn.book import Book, Held
from agent.txn.permission import allowed
from agent.txn.shares import share_draws
from agent.txn.state import Buyer, OpenBasket
from contract.basket import MAX_POINTS
from contract.money import MAX_AMOUNT_MINOR
from contract.refusals import Refusal
from contract.value import Account, Asset, Draw, Lease, born_lease_id, floor_draw
from rules.beside.draws import Short, spend, spendable
from rules.grammar.pack import Pack

BORN_MS = 30 * 86_400_000
"""So long value that this terminal created may be spent here before it goes to head office alone."""


def wallet(member: str) -> Account:
    """The account of a member's stored value."""
    return Account(Asset.STORED, member)


def points_of(member: str) -> Account:
    """The account of a member's points."""
    return Account(Asset.POINTS, member)


def held_for(buyer: Buyer | None, book: Book) -> tuple[Held, ...]:
    """The stored value of ``buyer`` that lies at this terminal and may be drawn now; nothing where it may not be
    spent.
    """
    if buyer is None or isinstance(allowed(buyer, Asset.STORED), Refusal):
        return ()
    return book.spendable(wallet(buyer.ref.member))


def points_for(buyer: Buyer | None, book: Book) -> tuple[Held, ...]:
    """The points of ``buyer`` that lie at this terminal and may be drawn now; nothing where they may not be spent."""
    if buyer is None or isinstance(allowed(buyer, Asset.POINTS), Refusal):
        return ()
    return book.spendable(points_of(buyer.ref.member))


def spendable_points(buyer: Buyer | None, held: tuple[Held, ...]) -> int:
    """How many of ``held`` one sale may take, in the pack's smallest unit."""
    most = MAX_POINTS if buyer is None or buyer.may_points is None else buyer.may_points
    return min(spendable(held), most, MAX_POINTS)


def spendable_minor(buyer: Buyer | None, held: tuple[Held, ...]) -> int:
    """What one sale may take of ``held``, in minor units."""
    most = MAX_AMOUNT_MINOR if buyer is None or buyer.may_stored_minor is None else buyer.may_stored_minor
    return min(spendable(held), most, MAX_AMOUNT_MINOR)


def payable_minor(buyer: Buyer | None, held: tuple[Held, ...]) -> int:
    """What one sale may pay from stored value, in minor units: what it may take of ``held``, and beyond that what is
    left of the floor limit.
    """
    if buyer is None or isinstance(allowed(buyer, Asset.STORED), Refusal):
        return 0
    most = MAX_AMOUNT_MINOR if buyer.may_stored_minor is None else buyer.may_stored_minor
    return min(spendable(held) + buyer.floor_minor, most, MAX_AMOUNT_MINOR)


def drawn(basket: OpenBasket, book: Book) -> tuple[Draw, ...] | Short:
    """What ``basket`` takes from leases: for what its rules and its customer pay from stored value and with points, for
    the coupons that let a rule apply, and for what rules gave of budgets, merchants' points and gifts. Stored value
    beyond the leases is taken on the floor limit, as far as that goes.
    """
    priced = basket.priced
    stored = _stored(basket, priced.stored_minor + basket.stored_minor)
    points = spend(basket.points_held, priced.points_spent)
    shared = share_draws(priced.effects, basket.active.compiled, book)
    if isinstance(stored, Short) or isinstance(points, Short) or isinstance(shared, Short):
        return next(part for part in (stored, points, shared) if isinstance(part, Short))
    used = {code for effect in basket.priced.effects for code in effect.codes}
    coupons = (
        Draw(shown.lease, Account(Asset.COUPON, shown.code), 1) for shown in basket.coupons if shown.code in used
    )
    return (*stored, *points, *shared, *coupons)


def _stored(basket: OpenBasket, whole_minor: int) -> tuple[Draw, ...] | Short:
    """What pays ``whole_minor`` of stored value: the leases first, the rest on the floor limit."""
    buyer = basket.buyer
    beyond_minor = max(0, whole_minor - spendable(basket.held))
    if buyer is None or not beyond_minor:
        return spend(basket.held, whole_minor)
    missing_minor = whole_minor - payable_minor(buyer, basket.held)
    leases = spend(basket.held, whole_minor - beyond_minor)
    if missing_minor > 0 or isinstance(leases, Short):
        return Short(max(missing_minor, 1))
    return (*leases, floor_draw(basket.transaction, wallet(buyer.ref.member), beyond_minor))


def born(
    transaction: bytes, member: str, amount_minor: int, bonus_minor: int, points: int, book: Book
) -> tuple[Lease, ...]:
    """The leases of value that ``transaction`` creates here: stored value is a lot of its own, whose money this shop
    took; points are those that may be spent at once.
    """
    if not (amount_minor or bonus_minor or points):
        return ()
    until_ms = book.now().wall_ms + BORN_MS
    found = []
    if amount_minor or bonus_minor:
        account, shop = wallet(member), book.address.shop
        lease = born_lease_id(transaction, account)
        found.append(Lease(lease, account, amount_minor, until_ms, bonus_minor, lot=transaction, issuer=shop))
    if points:
        account = points_of(member)
        found.append(Lease(born_lease_id(transaction, account), account, points, until_ms))
    return tuple(found)


def points_at_once(pack: Pack, points: int) -> int:
    """How many of the points just earned may be spent here at once."""
    return points if pack.points is not None and pack.points.at_once else 0
