"""What a member takes without a sale: gifts for points, uses of a count card, what a coupon is good for."""

from __future__ import annotations

from dataclasses import replace

from agent.txn import permission
from agent.txn.book import Book
from agent.txn.effects import Commit
from agent.txn.sale import without_lines
from agent.txn.shares import acted_before
from agent.txn.state import MOST_CHOICES, Buyer, OpenBasket, PlannedRedemption
from contract.basket import Basket
from contract.bodies import EntryKind
from contract.errors import ContractError
from contract.refusals import Refusal, RefusalCode
from contract.trade import RedemptionBody
from contract.value import MOST_DRAWS_IN_ALL, Account, Asset, Draw
from rules.beside.draws import Short, spend
from rules.engine.redeeming import Redeemable, redeemables
from rules.grammar.rewards import Redeem
from rules.postings import redemption_postings

_SHORT = {
    Asset.POINTS: RefusalCode.POINTS_SHORT,
    Asset.USES: RefusalCode.USES_SHORT,
    Asset.GIFT: RefusalCode.GIFT_SHARE_USED,
}


def planned(basket: OpenBasket, buyer: Buyer, book: Book) -> OpenBasket | Refusal:
    """Return the basket with what its buyer may take here by the rules, to be chosen from. Whether it can be paid for
    is told when it is chosen. Refuses where the rules have nothing.
    """
    may = permission.allowed(buyer, Asset.POINTS)
    if isinstance(may, Refusal):
        return may
    try:
        found = redeemables(_asked(basket, book), buyer.ref.member, basket.active.compiled)
    except ContractError:
        return Refusal(RefusalCode.REDEEM_NOTHING)
    return replace(basket, redeem=PlannedRedemption(found)) if found else Refusal(RefusalCode.REDEEM_NOTHING)


def next_page(plan: PlannedRedemption) -> PlannedRedemption:
    """The next things to choose from; after the last the first again."""
    first = plan.first + MOST_CHOICES
    return replace(plan, first=first if first < len(plan.choices) else 0)


def chosen(plan: PlannedRedemption, key: str) -> Redeemable | None:
    """What a key stands for; None where it stands for nothing."""
    shown = plan.shown
    return shown[int(key) - 1] if key in "123456789"[: len(shown)] else None


def redemption_commit(
    basket: OpenBasket, buyer: Buyer, wanted: Redeemable, cashier: str, book: Book
) -> Commit | Refusal:
    """Return the order to hand this out. Refuses where what it takes does not lie here: points or uses of the member,
    or this till's share of the gift.
    """
    may = permission.allowed(buyer, Asset.POINTS)
    if isinstance(may, Refusal):
        return may
    if may is not None and wanted.applied.points_spent > may:
        return Refusal(RefusalCode.VALUE_LEVEL)
    draws: list[Draw] = []
    for account, amount in sorted(wanted.takes.items()):
        found = _drawn(account, amount, basket, book)
        if isinstance(found, Refusal):
            return found
        draws += found
    if len(draws) > MOST_DRAWS_IN_ALL:
        return Refusal(RefusalCode.POINTS_SHORT)
    currency = basket.active.pack.currency
    body = RedemptionBody(
        cashier=cashier,
        pack=basket.active.ref,
        currency=currency,
        member=buyer.ref,
        given=wanted.applied.gifts,
        draws=tuple(draws),
        postings=redemption_postings(draws, currency, book.address.shop),
        rule=wanted.rule.rule,
        basket=_asked(basket, book),
    )
    return Commit(EntryKind.REDEMPTION, basket.transaction, body, owes_receipt=True)


def _drawn(account: Account, amount: int, basket: OpenBasket, book: Book) -> tuple[Draw, ...] | Refusal:
    if account.asset is Asset.COUPON:
        shown = next(coupon for coupon in basket.coupons if coupon.code == account.holder)
        return (Draw(shown.lease, account, 1),)
    found = spend(book.spendable(account), amount)
    if isinstance(found, Short):
        return Refusal(_SHORT.get(account.asset, RefusalCode.GIFT_SHARE_USED), str(found.missing))
    return found


def _asked(basket: OpenBasket, book: Book) -> Basket:
    """What the rules look at: who, where, when, which coupons, and how often they have acted before; what is redeemed
    has no lines.
    """
    compiled = basket.active.compiled
    member = None if basket.buyer is None else basket.buyer.ref.member
    rules = {rule.rule for rule in compiled.rules if any(isinstance(effect, Redeem) for effect in rule.then)}
    codes = tuple(shown.code for shown in basket.coupons)
    return replace(without_lines(basket, book), codes=codes, usage=acted_before(rules, compiled, member, book))
