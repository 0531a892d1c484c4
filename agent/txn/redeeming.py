"""What a member takes without a sale: gifts for points, uses of a count card, what a coupon is good for."""

from __future__ import annotations

from dataclasses import replace

from agent.txn import permission
from agent.txn.answers import Step, move, nod, refuse
from agent.txn.book import Book
from agent.txn.effects import Commit
from agent.txn.sale import without_lines
from agent.txn.shares import acted_before
from agent.txn.state import (
    MOST_CHOICES,
    Buyer,
    Choice,
    Committing,
    OpenBasket,
    PlannedRedemption,
    Selling,
    TillState,
)
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


def redeem_asked(state: TillState, scene: Selling, book: Book) -> Step:
    """Show what the member may take without a sale."""
    basket = scene.basket
    if basket is None or basket.buyer is None:
        return refuse(state, RefusalCode.MEMBER_NEEDED)
    if basket.lines or basket.top_up is not None or scene.keyed or scene.phone_entry:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    plan = _plan(basket, basket.buyer, book)
    return refuse(state, plan) if isinstance(plan, Refusal) else nod(state, Selling(replace(basket, redeem=plan)))


def redeem_key(state: TillState, basket: OpenBasket, plan: PlannedRedemption, key: str, book: Book) -> Step:
    """Choose what is handed out, look at more of it, or leave it."""
    match key:
        case "enter":
            return move(state, Selling(replace(basket, redeem=_next_page(plan))))
        case "clear" | "cancel":
            return move(state, Selling(replace(basket, redeem=None)))
    shown = plan.shown
    if key not in [*"123456789"[: len(shown)]] or basket.buyer is None or state.cashier is None:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    return _chosen(state, basket, basket.buyer, shown[int(key) - 1], book)


def _chosen(state: TillState, basket: OpenBasket, buyer: Buyer, chosen: Choice, book: Book) -> Step:
    """Order it to be handed out, where the rules still have it and what it takes still lies here; if not, show what
    there is now.
    """
    again = _plan(basket, buyer, book)
    if isinstance(again, Refusal):
        return refuse(state, again, Selling(replace(basket, redeem=None)))
    listed = Selling(replace(basket, redeem=again))
    now = next((one for one in again.choices if one.wanted == chosen.wanted), None)
    if now is None:
        return refuse(state, RefusalCode.PLAN_CHANGED, listed)
    draws = now.missing or _draws(now.wanted, basket, buyer, book)
    if isinstance(draws, Refusal):
        return refuse(state, draws) if now == chosen else refuse(state, draws, listed)
    order = _commit(basket, buyer, now.wanted, draws, state.cashier.cashier if state.cashier else "", book)
    return replace(state, scene=Committing(basket, order)), (order,)


def _plan(basket: OpenBasket, buyer: Buyer, book: Book) -> PlannedRedemption | Refusal:
    """Return what the buyer may take here by the rules, each in its place, whether or not there is enough for it here.
    Refuses where the rules have nothing.
    """
    may = permission.allowed(buyer, Asset.POINTS)
    if isinstance(may, Refusal):
        return may
    try:
        found = redeemables(_asked(basket, book), buyer.ref.member, basket.active.compiled)
    except ContractError:
        return Refusal(RefusalCode.REDEEM_NOTHING)
    drawn = [(one, _draws(one, basket, buyer, book)) for one in found]
    choices = tuple(Choice(one, draws if isinstance(draws, Refusal) else None) for one, draws in drawn)
    return PlannedRedemption(choices) if choices else Refusal(RefusalCode.REDEEM_NOTHING)


def _next_page(plan: PlannedRedemption) -> PlannedRedemption:
    """The next things to choose from; after the last the first again."""
    first = plan.first + MOST_CHOICES
    return replace(plan, first=first if first < len(plan.choices) else 0)


def _draws(wanted: Redeemable, basket: OpenBasket, buyer: Buyer, book: Book) -> tuple[Draw, ...] | Refusal:
    """What is taken for it. Refuses where that does not lie here: points or uses of the member, or this till's share of
    the gift or the offer.
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
    return Refusal(RefusalCode.POINTS_SHORT) if len(draws) > MOST_DRAWS_IN_ALL else tuple(draws)


def _commit(
    basket: OpenBasket, buyer: Buyer, wanted: Redeemable, draws: tuple[Draw, ...], cashier: str, book: Book
) -> Commit:
    """Return the order to hand this out."""
    currency = basket.active.pack.currency
    body = RedemptionBody(
        cashier=cashier,
        pack=basket.active.ref,
        currency=currency,
        member=buyer.ref,
        given=wanted.applied.gifts,
        draws=draws,
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
        return Refusal(_SHORT.get(account.asset, RefusalCode.REDEEM_SHARE_USED), str(found.missing))
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
