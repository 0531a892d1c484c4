"""What people do with value: they pay money in, pay from it, and carry it to another terminal on paper.

The bodies are made by the product's pure rules, from the leases that the product's store says may be drawn from.
"""

from dataclasses import replace

from agent.txn.effects import Commit
from agent.txn.state import OpenBasket
from contract import envelope, wire
from contract.basket import Basket
from contract.bodies import MAX_SLIP_BYTES, Body, EntryKind, SlipInBody, SlipOutBody
from contract.ids import TerminalAddress
from contract.slips import GRAMMAR, Slip, seal_slip
from contract.trace import AppliedEffect
from contract.trade import PackRef, PerpetualTotals, SaleBody, Tender, TenderKind, TopUpBody
from contract.value import Account, Asset, Lease, born_lease_id
from rules.beside.draws import Short, spend, spendable
from rules.engine.compiled import Compiled
from rules.engine.topping import top_up
from rules.postings import sale_postings, top_up_postings
from tests.fleet.premises import MEMBERS
from tests.fleet.terminal import Running, Unit

NOTHING_YET = PerpetualTotals(0, 0)
"""What a body comes with; the store fills in what is true."""


def stored(member: str) -> Account:
    """A member's stored value."""
    return Account(Asset.STORED, member)


def paid_in(basket: OpenBasket, amount_minor: int, until_ms: int, cashier: str, address: TerminalAddress) -> Commit:
    """The order to book a top-up in cash by the member of ``basket``; what it brings may be spent here at once."""
    buyer = basket.buyer
    assert buyer is not None
    member = buyer.ref.member
    empty = Basket((), buyer.customer, address.shop, address.terminal, "store", basket.moment_ms)
    effects = _brought(amount_minor, empty, basket.active.compiled)
    bonus_minor = sum(effect.bonus_minor for effect in effects)
    account = stored(member)
    born = Lease(
        lease=born_lease_id(basket.transaction, account),
        account=account,
        amount=amount_minor,
        spend_until_ms=until_ms,
        bonus_minor=bonus_minor,
        lot=basket.transaction,
        issuer=address.shop,
    )
    body = TopUpBody(
        cashier=cashier,
        pack=PackRef(basket.active.ref.version, basket.active.ref.digest),
        currency=basket.active.pack.currency,
        basket=empty,
        member=buyer.ref,
        amount_minor=amount_minor,
        bonus_minor=bonus_minor,
        effects=effects,
        tenders=(Tender(TenderKind.CASH, amount_minor),),
        postings=top_up_postings("CNY", address.shop, address.terminal, member, amount_minor, bonus_minor),
        totals=NOTHING_YET,
        born=(born,),
    )
    return Commit(EntryKind.TOP_UP, basket.transaction, body, owes_receipt=False)


def paid_from_value(commit: Commit, basket: OpenBasket, running: Running, address: TerminalAddress) -> Commit:
    """The same sale, paid from the member's stored value as far as this terminal may draw from it."""
    body, buyer = commit.body, basket.buyer
    if not isinstance(body, SaleBody) or buyer is None:
        return commit
    member = buyer.ref.member
    held = running.store.spendable(stored(member), running.clock.stamp())
    drawn = spend(held, min(spendable(held), body.payable_minor))
    if isinstance(drawn, Short) or not drawn:
        return commit
    whole = sum(item.whole for item in drawn)
    rest = body.payable_minor - whole
    tenders = (Tender(TenderKind.STORED_VALUE, whole), *((Tender(TenderKind.CASH, rest),) if rest else ()))
    postings = sale_postings(basket.priced, body.currency, address.shop, address.terminal, member, drawn)
    return replace(commit, body=replace(body, tenders=tenders, postings=postings, draws=drawn))


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


def told(body: Body) -> str:
    """What an entry does to value, in a few words for the story."""
    match body:
        case TopUpBody():
            return f": {body.member.member} pays in {body.amount_minor}+{body.bonus_minor}"
        case SaleBody(draws=(_, *_)):
            parts = ", ".join(f"{draw.whole} of {draw.lease.hex()[:6]}" for draw in body.draws)
            return f": {body.draws[0].account.holder} pays {parts}"
        case SlipOutBody():
            return f": {body.draws[0].whole} leave for {opened(body.slip).addressee.terminal}"
        case SlipInBody():
            return f": a slip from {opened(body.slip).giver.terminal}"
    return ""


def _brought(amount_minor: int, empty: Basket, compiled: Compiled) -> tuple[AppliedEffect, ...]:
    found = top_up(amount_minor, empty, compiled).brought
    return tuple(AppliedEffect(item.rule, base_minor=amount_minor, bonus_minor=item.bonus_minor) for item in found)
