"""What people do with value: they pay money in, bring goods back, and carry value to another terminal on paper.

The bodies are made by the till's own functions, from the leases that the product's store says may be drawn from.
"""

from dataclasses import replace
from random import Random

from agent.txn import refund_plan, topping
from agent.txn.book import Book
from agent.txn.effects import Commit
from agent.txn.returning import NamedSale
from agent.txn.state import Buyer
from contract import envelope, wire
from contract.bodies import MAX_SLIP_BYTES, Body, EntryKind, ShiftCloseBody, SlipInBody, SlipOutBody
from contract.ids import TerminalAddress
from contract.refusals import Refusal
from contract.slips import GRAMMAR, Slip, seal_slip
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Account, Asset, Draw
from rules.beside.draws import Short, spend, spendable
from tests.fleet.keys import at_the_till, ordered
from tests.fleet.premises import MEMBERS
from tests.fleet.terminal import Running, Unit


def stored(member: str) -> Account:
    """A member's stored value."""
    return Account(Asset.STORED, member)


def paid_in(buyer: Buyer, amount_minor: int, until_ms: int, cashier: str, book: Book) -> Commit | Refusal:
    """The order to book a top-up in cash; what it brings may be spent here at once, and only until ``until_ms``."""
    basket = topping.planned(buyer, amount_minor, book)
    if isinstance(basket, Refusal):
        return basket
    assert basket.top_up is not None
    commit = ordered(topping.top_up_paid(at_the_till(basket, cashier), basket, basket.top_up, book))
    if isinstance(commit, Refusal):
        return commit
    assert isinstance(commit.body, TopUpBody)
    born = tuple(replace(lease, spend_until_ms=until_ms) for lease in commit.body.born)
    return replace(commit, body=replace(commit.body, born=born))


def brought_back(paper: str, chance: Random, cashier: str, book: Book) -> Commit | Refusal:
    """The order to take back some of what a receipt is of, or to pay out what is left of a top-up."""
    named = refund_plan.by_code(paper.encode(), cashier, book)
    if isinstance(named, NamedSale):
        most = [chance.randint(0, count) if chance.random() < 0.3 else count for count in named.left]
        named = refund_plan.planned(named, most if any(most) else named.left, cashier, book)
    return named if isinstance(named, Refusal) else named.order


def carried_out(unit: Unit, running: Running, to: TerminalAddress, transaction: bytes) -> Commit | None:
    """The order to let half of what is held here of some member out on a slip; None where nothing is."""
    now = running.clock.stamp()
    held = [item for row in MEMBERS for item in running.store.spendable(stored(row.member), now)]
    if not held:
        return None
    first = unit.world.chance.choice(held)
    drawn = spend([first], max(1, spendable([first]) // 2))
    assert not isinstance(drawn, Short)
    (draw,) = drawn
    value = replace(first.lease, lease=transaction, amount=draw.amount, bonus_minor=draw.bonus_minor)
    slip = Slip(GRAMMAR, unit.identity.address, running.store.epoch(), to, value)
    body = SlipOutBody("1001", (draw,), seal_slip(unit.identity.signer, slip))
    return Commit(EntryKind.SLIP_OUT, transaction, body, owes_receipt=False)


def opened(slip: bytes) -> Slip:
    """What a slip says, to whoever looks at it."""
    return wire.unpack(Slip, envelope.peek(slip, MAX_SLIP_BYTES), MAX_SLIP_BYTES)


def coupons_in(body: Body) -> tuple[str, ...]:
    """The codes of the coupons that an entry uses."""
    drawn = body.draws if isinstance(body, SaleBody | RedemptionBody) else ()
    return tuple(draw.account.holder for draw in drawn if draw.account.asset is Asset.COUPON)


def told(body: Body) -> str:
    """What an entry does to value, in a few words for the story."""
    match body:
        case TopUpBody():
            return f": {body.member.member} pays in {body.amount_minor}+{body.bonus_minor}"
        case SaleBody(draws=(_, *_)) | RedemptionBody():
            parts = [f"{draw.whole} of {_said(draw)}" for draw in body.draws]
            return f" takes {', '.join(parts)}"
        case ShiftCloseBody():
            return f" {body.number}: {body.cash_counted_minor} of {body.cash_expected_minor} are there"
        case RefundBody():
            units = ", ".join(map(str, body.units))
            good = f", {' '.join(body.codes_restored)} good again" if body.codes_restored else ""
            return f": {units} of {body.original.transaction.hex()[:6]}, {body.refund_minor} back{good}"
        case SlipOutBody():
            return f": {body.draws[0].whole} leave for {opened(body.slip).addressee.terminal}"
        case SlipInBody():
            return f": a slip from {opened(body.slip).giver.terminal}"
    return ""


def _said(draw: Draw) -> str:
    return f"{draw.account.asset} {draw.account.holder}{' on the floor' if draw.on_floor else ''}"
