"""Stored value at this till: who may spend it, how much of it lies here, and what a spend or a top-up makes of it."""

from __future__ import annotations

from agent.txn.book import Book, Held
from agent.txn.state import Buyer, OpenBasket
from contract.money import MAX_AMOUNT_MINOR
from contract.trade import Assurance, Medium
from contract.value import Account, Asset, Draw, Lease, born_lease_id
from rules.beside.draws import Short, spend, spendable

BORN_MS = 30 * 86_400_000
"""So long value that this terminal created may be spent here before it goes to head office alone."""


def wallet(member: str) -> Account:
    """The account of a member's stored value."""
    return Account(Asset.STORED, member)


def points_of(member: str) -> Account:
    """The account of a member's points."""
    return Account(Asset.POINTS, member)


def may_spend(buyer: Buyer) -> bool:
    """Whether stored value may be spent on such a recognition. A phone number is not enough: anybody can say one."""
    return (buyer.ref.medium, buyer.ref.assurance) != (Medium.PHONE, Assurance.CLAIMED)


def held_for(buyer: Buyer | None, book: Book) -> tuple[Held, ...]:
    """The stored value of ``buyer`` that lies at this terminal and may be drawn now; nothing where it may not be
    spent.
    """
    if buyer is None or not may_spend(buyer):
        return ()
    return book.spendable(wallet(buyer.ref.member))


def spendable_minor(buyer: Buyer | None, held: tuple[Held, ...]) -> int:
    """What one sale may take of ``held``, in minor units."""
    most = MAX_AMOUNT_MINOR if buyer is None or buyer.most_stored_minor is None else buyer.most_stored_minor
    return min(spendable(held), most, MAX_AMOUNT_MINOR)


def drawn(basket: OpenBasket) -> tuple[Draw, ...] | Short:
    """What ``basket`` takes from leases: for what its rules and its customer pay from stored value, and for the coupons
    that let a rule apply.
    """
    stored = spend(basket.held, basket.priced.stored_minor + basket.stored_minor)
    if isinstance(stored, Short):
        return stored
    used = {code for effect in basket.priced.effects for code in effect.codes}
    coupons = (
        Draw(shown.lease, Account(Asset.COUPON, shown.code), 1) for shown in basket.coupons if shown.code in used
    )
    return (*stored, *coupons)


def born(transaction: bytes, member: str, amount_minor: int, bonus_minor: int, book: Book) -> tuple[Lease, ...]:
    """The lease of value that ``transaction`` creates here: a lot of its own, whose money this shop took."""
    if not amount_minor and not bonus_minor:
        return ()
    account = wallet(member)
    until_ms = book.now().wall_ms + BORN_MS
    return (
        Lease(
            born_lease_id(transaction, account),
            account,
            amount_minor,
            until_ms,
            bonus_minor,
            lot=transaction,
            issuer=book.address.shop,
        ),
    )
