"""Money paid into a member's stored value, and what rules bring with it."""

from __future__ import annotations

from dataclasses import replace

from agent.txn import shares
from agent.txn.answers import Step, refuse
from agent.txn.book import Book
from agent.txn.effects import Commit
from agent.txn.sale import begun, without_lines
from agent.txn.state import Buyer, Committing, OpenBasket, PlannedTopUp, Selling, SignIn, TillState, Told
from agent.txn.value import born, points_at_once
from contract.basket import Basket
from contract.bodies import EntryKind
from contract.errors import ContractError
from contract.refusals import Refusal, RefusalCode
from contract.trade import PerpetualTotals, Tender, TenderKind, TopUpBody
from rules.beside.draws import Short
from rules.engine.topping import Brought, at_once, in_all, top_up
from rules.explain import explain, withheld
from rules.postings import top_up_postings


def planned(buyer: Buyer, amount_minor: int, book: Book) -> OpenBasket | Refusal:
    """Return a basket that is a top-up of so much for ``buyer``, reckoned by the pack active now."""
    basket = begun(book)
    if isinstance(basket, Refusal):
        return basket
    return _reckoned(replace(basket, buyer=buyer), amount_minor, book)


def top_up_paid(state: TillState, basket: OpenBasket, plan: PlannedTopUp, book: Book) -> Step:
    """Order the top-up to be booked as it stands on the glass. A share may have ended since then: what would bring
    something else now is shown first.
    """
    if basket.buyer is None or state.cashier is None:
        return refuse(state, RefusalCode.NOT_SIGNED_IN, SignIn())
    again = _reckoned(replace(basket, told=Told()), plan.amount_minor, book)
    if isinstance(again, Refusal):
        return refuse(state, again)
    now = again.top_up
    if now is None or replace(now, draws=plan.draws) != plan:
        return refuse(state, RefusalCode.PLAN_CHANGED, Selling(again))
    order = _commit(again, now, basket.buyer, state.cashier.cashier, book)
    return replace(state, scene=Committing(again, order)), (order,)


def _reckoned(basket: OpenBasket, amount_minor: int, book: Book) -> OpenBasket | Refusal:
    """Return the basket with what its buyer has for so much now."""
    try:
        basket, brought = _brought(basket, amount_minor, book)
    except ContractError:
        return Refusal(RefusalCode.AMOUNT_TOO_LARGE)
    effects = tuple(at_once(item) for item in brought)
    draws = shares.share_draws(map(in_all, brought), basket.active.compiled, book)
    if isinstance(draws, Short):
        return Refusal(RefusalCode.VALUE_SHORT, str(draws.missing))
    pack = basket.active.pack
    plan = PlannedTopUp(
        amount_minor,
        sum(effect.bonus_minor for effect in effects),
        sum(effect.points for effect in effects),
        effects,
        (*explain(pack, effects), *withheld(pack, _asked(basket, book))),
        draws,
    )
    return replace(basket, top_up=plan)


def _brought(basket: OpenBasket, amount_minor: int, book: Book) -> tuple[OpenBasket, tuple[Brought, ...]]:
    """What rules bring, told of the shares that are too small for it. Raises ContractError."""
    compiled = basket.active.compiled
    member = None if basket.buyer is None else basket.buyer.ref.member
    for _round in range(shares.MOST_ROUNDS):
        brought = top_up(amount_minor, _asked(basket, book), compiled).brought
        told = shares.told_more(basket.told, map(in_all, brought), compiled, member, book)
        if told == basket.told:
            return basket, brought
        basket = replace(basket, told=told)
    basket = replace(basket, told=shares.all_told(basket.told, compiled, member, book))
    return basket, top_up(amount_minor, _asked(basket, book), compiled).brought


def _commit(basket: OpenBasket, plan: PlannedTopUp, buyer: Buyer, cashier: str, book: Book) -> Commit:
    """Return the order to book this top-up as paid in cash."""
    address, currency, totals = book.address, basket.active.pack.currency, book.totals()
    member, at_once = buyer.ref.member, points_at_once(basket.active.pack, plan.points)
    body = TopUpBody(
        cashier=cashier,
        pack=basket.active.ref,
        currency=currency,
        basket=_asked(basket, book),
        member=buyer.ref,
        amount_minor=plan.amount_minor,
        bonus_minor=plan.bonus_minor,
        effects=plan.effects,
        tenders=(Tender(TenderKind.CASH, plan.amount_minor),),
        postings=top_up_postings(
            currency,
            address.shop,
            address.terminal,
            member,
            plan.amount_minor,
            plan.bonus_minor,
            plan.points,
            plan.draws,
        ),
        totals=_grown(totals, plan.amount_minor),
        born=born(basket.transaction, member, plan.amount_minor, plan.bonus_minor, at_once, book),
        points=plan.points,
        draws=plan.draws,
    )
    return Commit(EntryKind.TOP_UP, basket.transaction, body, owes_receipt=True)


def _asked(basket: OpenBasket, book: Book) -> Basket:
    """What the rules look at: who, where and when; a top-up has no lines."""
    return replace(without_lines(basket, book), usage=basket.told.usage, pools=basket.told.pools)


def _grown(totals: PerpetualTotals, amount_minor: int) -> PerpetualTotals:
    return replace(totals, top_ups=totals.top_ups + 1, topped_up_minor=totals.topped_up_minor + amount_minor)
