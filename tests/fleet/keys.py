"""The keys of a till that somebody is signed in to: what they order to be booked, or why they refuse."""

from dataclasses import replace
from random import Random

from agent.txn import redeeming, shifting
from agent.txn.answers import Step
from agent.txn.book import Book
from agent.txn.effects import Commit
from agent.txn.events import KeyDown
from agent.txn.state import OpenBasket, Selling, ShiftReport, SignedIn, TillState
from contract.money import format_minor
from contract.refusals import Refusal, RefusalCode


def at_the_till(basket: OpenBasket | None, cashier: str) -> TillState:
    """A till with this on its glass."""
    return TillState(Selling(basket), SignedIn(cashier, ""))


def ordered(step: Step) -> Commit | Refusal:
    """What a step orders to be booked, or why it does not."""
    state, _effects = step
    return state.outstanding or state.refusal or Refusal(RefusalCode.KEY_NOT_NOW)


def redeemed(basket: OpenBasket, chance: Random, cashier: str, book: Book) -> Commit | Refusal:
    """The order to hand out one of the things that the member of ``basket`` may take without buying: most often of
    those that can be had.
    """
    asked, _effects = redeeming.redeem_asked(at_the_till(basket, cashier), Selling(basket), book)
    shown = asked.scene.basket if isinstance(asked.scene, Selling) else None
    if shown is None or shown.redeem is None:
        return asked.refusal or Refusal(RefusalCode.REDEEM_NOTHING)
    places = range(1, 1 + len(shown.redeem.shown))
    there = [place for place in places if shown.redeem.shown[place - 1].missing is None]
    key = str(chance.choice(there if there and chance.random() < 0.9 else places))
    return ordered(redeeming.redeem_key(asked, shown, shown.redeem, key, book))


def shift_closed(differs_minor: int, cashier: str, book: Book) -> Commit | Refusal:
    """The order to close the shift, with so much more in the drawer than its entries say, or nothing."""
    asked, _effects = shifting.report_begun(at_the_till(None, cashier), Selling(), book)
    if not isinstance(asked.scene, ShiftReport):
        return asked.refusal or Refusal(RefusalCode.KEY_NOT_NOW)
    counted_minor = max(0, asked.scene.body.cash_expected_minor + differs_minor)
    scene = replace(asked.scene, keyed=format_minor(counted_minor))
    return ordered(shifting.report_step(asked, scene, KeyDown("enter"), book))
