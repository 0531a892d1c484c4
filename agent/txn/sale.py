"""A basket as it grows, and the journal entry it becomes."""

from __future__ import annotations

from dataclasses import replace

from agent.txn import shares
from agent.txn.book import Book
from agent.txn.effects import Commit
from agent.txn.permission import bounded
from agent.txn.state import Buyer, Line, OpenBasket, ShownCoupon, Told
from agent.txn.value import (
    born,
    drawn,
    held_for,
    payable_minor,
    points_at_once,
    points_for,
    spendable_minor,
    spendable_points,
)
from contract import wire
from contract.basket import MAX_QUANTITY, MOST_CODES, Basket, PlannedTender
from contract.bodies import CancelBody, EntryKind
from contract.documents import CatalogueItem
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import MAX_ENTRY_BYTES
from contract.refusals import Refusal, RefusalCode
from contract.trade import MAX_EFFECTS, SaleBody, Tender, TenderKind
from rules.advice.offer import nearest_offer
from rules.beside.draws import Short
from rules.engine.price import price
from rules.engine.promised import promised
from rules.explain import explain, withheld
from rules.grammar.rewards import STORED_VALUE
from rules.postings import sale_postings

CHANNEL = "store"
"""What a sale at a till is to rules that ask for a channel."""

MOST_LINES = 300
"""The most lines of one sale. So many of ordinary articles, with what a rule or two takes off each, fit the one entry
that a sale is; only very long names, or many rules for each line, fill it earlier.
"""

MOST_ROUNDS = 3
"""So often a basket is priced again because of how it is paid."""

HEADER_BYTES = 1_000
"""Room left in an entry for its header and for totals that grow, far above what they take."""


def begun(book: Book) -> OpenBasket | Refusal:
    """Return an empty basket that will be priced by the pack active now. Refuses where there is none to price by."""
    active = book.pack()
    if active is None:
        return Refusal(RefusalCode.NO_PACK)
    if book.currency() not in ("", active.pack.currency):
        return Refusal(RefusalCode.NO_PACK, "the pack is in another currency than the catalogue")
    priced = price(Basket(()), active.compiled)
    return OpenBasket(active, book.now().wall_ms, book.new_transaction(), (), None, priced, ())


def without_lines(basket: OpenBasket, book: Book) -> Basket:
    """What rules look at of a basket that sells nothing: who, where and when."""
    return Basket(
        lines=(),
        customer=None if basket.buyer is None else basket.buyer.customer,
        shop=book.address.shop,
        terminal=book.address.terminal,
        channel=CHANNEL,
        moment_ms=basket.moment_ms,
    )


def with_item(
    basket: OpenBasket, item: CatalogueItem, unit_price_minor: int, book: Book, merge: bool
) -> OpenBasket | Refusal:
    """Return the basket with one more of ``item``: on its last line where that is the same and ``merge`` is asked, else
    on a new one.
    """
    last = basket.lines[-1] if basket.lines else None
    if merge and last is not None and (last.item, last.unit_price_minor) == (item, unit_price_minor):
        if last.quantity == MAX_QUANTITY:
            return Refusal(RefusalCode.BASKET_FULL)
        lines = (*basket.lines[:-1], replace(last, quantity=last.quantity + 1))
    else:
        lines = (*basket.lines, Line(item, 1, unit_price_minor))
    return _priced(replace(basket, lines=lines), book)


def without_last(basket: OpenBasket, book: Book) -> OpenBasket | Refusal:
    """Return the basket without the last thing that was added."""
    last = basket.lines[-1]
    kept = (replace(last, quantity=last.quantity - 1),) if last.quantity > 1 else ()
    return _priced(replace(basket, lines=basket.lines[:-1] + kept), book)


def with_buyer(basket: OpenBasket, buyer: Buyer, book: Book) -> OpenBasket | Refusal:
    """Return the basket bought by this member. Coupons of another member leave it, and nothing is planned from stored
    value any more.
    """
    coupons = tuple(shown for shown in basket.coupons if shown.member in (None, buyer.ref.member))
    basket = replace(basket, buyer=buyer, pays_stored=False, pays_points=False, coupons=coupons, pin_asked=False)
    return _priced(_with_held(basket, book), book)


def with_coupon(basket: OpenBasket, shown: ShownCoupon, book: Book) -> OpenBasket | Refusal:
    """Return the basket with one more coupon, whether or not a rule acts on it."""
    if len(basket.coupons) == MOST_CODES:
        return Refusal(RefusalCode.BASKET_FULL, "coupons")
    return _priced(replace(basket, coupons=(*basket.coupons, shown)), book)


def paid_from_stored(basket: OpenBasket, pays: bool, book: Book) -> OpenBasket | Refusal:
    """Return the basket paid from the buyer's stored value as far as it goes, or in cash alone."""
    return _priced(_with_held(replace(basket, pays_stored=pays), book), book)


def paid_with_points(basket: OpenBasket, pays: bool, book: Book) -> OpenBasket | Refusal:
    """Return the basket paid with as many of the buyer's points as its rules and this till allow, or with none."""
    return _priced(_with_held(replace(basket, pays_points=pays), book), book)


def as_of_now(basket: OpenBasket, book: Book) -> OpenBasket | Refusal:
    """Return the basket by what may be drawn here now."""
    return _priced(_with_held(basket, book), book)


def with_offer(basket: OpenBasket, book: Book) -> OpenBasket:
    """Return the basket with the offer that is nearest to it, looked for once until the basket changes."""
    active = basket.active
    told = shares.all_told(basket.told, active.compiled, _member(basket), book)
    found = nearest_offer(_plain(replace(basket, told=told), book.address), active.compiled, active.goods)
    return replace(basket, offer=found, offer_sought=True)


def sale_commit(basket: OpenBasket, cashier: str, book: Book) -> Commit:
    """Return the order to book this basket as paid as planned: what stored value leaves is paid in cash, exactly."""
    return Commit(EntryKind.SALE, basket.transaction, _body(basket, cashier, book), owes_receipt=True)


def cancel_commit(basket: OpenBasket, cashier: str) -> Commit:
    """Return the order to book that this basket was given up."""
    body = CancelBody(cashier, len(basket.lines), basket.priced.list_minor)
    return Commit(EntryKind.CANCEL, basket.transaction, body, owes_receipt=False)


def _priced(basket: OpenBasket, book: Book) -> OpenBasket | Refusal:
    """Price the basket anew; refuse one that no entry could hold, long before anybody wants to pay it."""
    if len(basket.lines) > MOST_LINES:
        return Refusal(RefusalCode.BASKET_FULL)
    if sum(line.list_minor for line in basket.lines) == 0 and basket.lines:
        return Refusal(RefusalCode.AMOUNT_ZERO)
    try:
        grown = _told(replace(basket, draws=()), book)
        plain = _plain(grown, book.address)
        pending = promised(plain, grown.priced, basket.active.compiled)
    except ContractError:
        return Refusal(RefusalCode.AMOUNT_TOO_LARGE)
    draws = drawn(grown, book)
    if isinstance(draws, Short):
        return Refusal(RefusalCode.VALUE_SHORT, str(draws.missing))
    explanations = (
        *explain(basket.active.pack, grown.priced.effects),
        *withheld(basket.active.pack, plain, pending),
    )
    grown = replace(grown, pending=pending, draws=draws, explanations=explanations)
    grown = replace(grown, offer=None, offer_sought=False, top_up=None, slip=None, redeem=None)
    return grown if not basket.lines or _fits(grown, book) else Refusal(RefusalCode.BASKET_FULL)


def _member(basket: OpenBasket) -> str | None:
    return None if basket.buyer is None else basket.buyer.ref.member


def _with_held(basket: OpenBasket, book: Book) -> OpenBasket:
    buyer = None if basket.buyer is None else bounded(basket.buyer, basket.active, book)
    held, points = held_for(buyer, book), points_for(buyer, book)
    return replace(basket, buyer=buyer, held=held, points_held=points)


def _told(basket: OpenBasket, book: Book) -> OpenBasket:
    """Price the basket, its rules told of the shares that are too small for it. Raises ContractError."""
    compiled = basket.active.compiled
    basket = replace(basket, told=Told())
    for _round in range(shares.MOST_ROUNDS):
        basket = _reckoned(replace(basket, stored_minor=0), book)
        told = shares.told_more(basket.told, basket.priced.effects, compiled, _member(basket), book)
        if told == basket.told:
            return basket
        basket = replace(basket, told=told)
    told = shares.all_told(basket.told, compiled, _member(basket), book)
    return _reckoned(replace(basket, stored_minor=0, told=told), book)


def _reckoned(basket: OpenBasket, book: Book) -> OpenBasket:
    """Price the basket, with what is paid from stored value where that is planned: rules may look at how it is paid, so
    it is priced again until both agree, at most ``MOST_ROUNDS`` times. Raises ContractError.
    """
    compiled = basket.active.compiled
    basket = replace(basket, priced=price(_plain(basket, book.address), compiled))
    for _round in range(MOST_ROUNDS if basket.pays_stored else 0):
        priced = basket.priced
        left_minor = payable_minor(basket.buyer, basket.held) - priced.stored_minor
        stored_minor = max(0, min(left_minor, priced.to_pay_minor))
        if stored_minor == basket.stored_minor:
            return basket
        basket = replace(basket, stored_minor=stored_minor)
        basket = replace(basket, priced=price(_plain(basket, book.address), compiled))
    return replace(basket, stored_minor=min(basket.stored_minor, basket.priced.to_pay_minor))


def _fits(basket: OpenBasket, book: Book) -> bool:
    if len(basket.priced.effects) > MAX_EFFECTS:
        return False
    try:
        return len(wire.pack(_body(basket, "0" * 8, book))) <= MAX_ENTRY_BYTES - HEADER_BYTES
    except ContractError:
        return False


def _plain(basket: OpenBasket, address: TerminalAddress) -> Basket:
    """What pricing looks at. Points are paid with where the cashier was told to, and no more than may be drawn here:
    leases prove a balance, however old what else is known of it.
    """
    customer = None if basket.buyer is None else basket.buyer.customer
    points = spendable_points(basket.buyer, basket.points_held) if basket.pays_points else 0
    if customer is not None and points > customer.points:
        customer = replace(customer, points=points)
    if customer is not None and basket.held:
        customer = replace(customer, stored_minor=spendable_minor(basket.buyer, basket.held))
    stored = PlannedTender(STORED_VALUE, basket.stored_minor)
    return Basket(
        lines=tuple([line.plain for line in basket.lines]),
        customer=customer,
        shop=address.shop,
        terminal=address.terminal,
        channel=CHANNEL,
        moment_ms=basket.moment_ms,
        codes=tuple(shown.code for shown in basket.coupons),
        tenders=(stored,) if basket.stored_minor else (),
        usage=basket.told.usage,
        stock=basket.told.stock,
        want_points=points,
        pools=basket.told.pools,
    )


def _body(basket: OpenBasket, cashier: str, book: Book) -> SaleBody:
    priced, address, pack = basket.priced, book.address, basket.active.pack
    member = None if basket.buyer is None else basket.buyer.ref
    at_once = points_at_once(pack, priced.points)
    return SaleBody(
        cashier=cashier,
        pack=basket.active.ref,
        currency=pack.currency,
        basket=_plain(basket, address),
        names=tuple(line.item.name for line in basket.lines),
        payable_by_line=priced.payable_by_line,
        effects=priced.effects,
        payable_minor=priced.payable_minor,
        points_earned=priced.points,
        points_spent=priced.points_spent,
        tenders=_tenders(basket),
        postings=sale_postings(
            priced,
            pack.currency,
            address.shop,
            address.terminal,
            None if member is None else member.member,
            basket.draws,
        ),
        totals=book.totals().with_sale(priced.payable_minor),
        member=member,
        rounding_minor=priced.rounding_minor,
        stored_minor=priced.stored_minor,
        bonus_minor=priced.bonus_minor,
        points_scale=pack.points_scale,
        draws=basket.draws,
        born=() if member is None else born(basket.transaction, member.member, 0, priced.bonus_minor, at_once, book),
        pending=basket.pending,
    )


def _tenders(basket: OpenBasket) -> tuple[Tender, ...]:
    stored, cash = basket.stored_minor, basket.cash_minor
    paid = (Tender(TenderKind.STORED_VALUE, stored),) if stored else ()
    return (*paid, Tender(TenderKind.CASH, cash)) if cash or not paid else paid
