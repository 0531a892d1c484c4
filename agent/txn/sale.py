"""A basket as it grows, and the journal entry it becomes."""

from __future__ import annotations

from dataclasses import replace

from agent.txn.book import Book
from agent.txn.effects import Commit
from agent.txn.state import Buyer, Line, OpenBasket
from contract import wire
from contract.documents import CatalogueItem
from contract.errors import ContractError
from contract.journal import (
    MAX_EFFECTS,
    MAX_ENTRY_BYTES,
    MAX_LINES,
    CancelBody,
    EntryKind,
    PerpetualTotals,
    SaleBody,
    SoldLine,
    Tender,
    TenderKind,
)
from contract.refusals import Refusal, RefusalCode
from rules.basket import Basket, BasketLine, Customer
from rules.explain import explain
from rules.postings import sale_postings
from rules.price import Priced, price

MAX_QUANTITY = 9_999
HEADER_BYTES = 1_000
"""Room left in an entry for its header and for totals that grow, far above what they take."""


def begun(book: Book) -> OpenBasket | Refusal:
    """Return an empty basket that will be priced by the pack active now. Refuses where there is none to price by."""
    active = book.pack()
    if active is None:
        return Refusal(RefusalCode.NO_PACK)
    if book.currency() not in ("", active.pack.currency):
        return Refusal(RefusalCode.NO_PACK, "the pack is in another currency than the catalogue")
    return OpenBasket(active, book.new_transaction(), (), None, price(Basket(()), active.pack), ())


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
    """Return the basket bought by this member."""
    return _priced(replace(basket, buyer=buyer), book)


def sale_commit(basket: OpenBasket, cashier: str, book: Book) -> Commit:
    """Return the order to book this basket as paid in cash, exactly."""
    return Commit(EntryKind.SALE, basket.transaction, _body(basket, cashier, book), owes_receipt=True)


def cancel_commit(basket: OpenBasket, cashier: str) -> Commit:
    """Return the order to book that this basket was given up."""
    body = CancelBody(cashier, len(basket.lines), basket.priced.list_minor)
    return Commit(EntryKind.CANCEL, basket.transaction, body, owes_receipt=False)


def points_earned(basket: OpenBasket) -> int:
    """The points a sale of this basket earns: none without a member, whatever the rules would give."""
    return basket.priced.points if basket.buyer is not None else 0


def _priced(basket: OpenBasket, book: Book) -> OpenBasket | Refusal:
    """Price the basket anew; refuse one that no entry could hold, long before anybody wants to pay it."""
    if len(basket.lines) > MAX_LINES:
        return Refusal(RefusalCode.BASKET_FULL)
    if sum(line.list_minor for line in basket.lines) == 0 and basket.lines:
        return Refusal(RefusalCode.AMOUNT_ZERO)
    pack = basket.active.pack
    try:
        priced = price(_plain(basket), pack)
    except ContractError:
        return Refusal(RefusalCode.AMOUNT_TOO_LARGE)
    grown = replace(basket, priced=priced, explanations=explain(pack, priced.effects))
    return grown if not basket.lines or _fits(grown, book) else Refusal(RefusalCode.BASKET_FULL)


def _fits(basket: OpenBasket, book: Book) -> bool:
    if len(basket.priced.effects) > MAX_EFFECTS:
        return False
    try:
        return len(wire.pack(_body(basket, "0" * 8, book))) <= MAX_ENTRY_BYTES - HEADER_BYTES
    except ContractError:
        return False


def _plain(basket: OpenBasket) -> Basket:
    """What pricing looks at."""
    lines = tuple(
        BasketLine(line.item.sku, line.item.category, line.quantity, line.unit_price_minor) for line in basket.lines
    )
    buyer = basket.buyer
    return Basket(lines, None if buyer is None else Customer(buyer.ref.tier, buyer.ref.tags))


def _body(basket: OpenBasket, cashier: str, book: Book) -> SaleBody:
    priced, buyer, address = basket.priced, basket.buyer, book.address
    currency = basket.active.pack.currency
    member = None if buyer is None else buyer.ref
    totals = book.totals()
    return SaleBody(
        cashier=cashier,
        pack=basket.active.ref,
        currency=currency,
        lines=_sold_lines(basket.lines, priced),
        effects=priced.effects,
        payable_minor=priced.payable_minor,
        points_earned=points_earned(basket),
        tenders=(Tender(TenderKind.CASH, priced.payable_minor),),
        postings=sale_postings(priced, currency, address.shop, address.terminal, member.member if member else None),
        totals=PerpetualTotals(totals.sales + 1, totals.payable_minor + priced.payable_minor),
        member=member,
    )


def _sold_lines(lines: tuple[Line, ...], priced: Priced) -> tuple[SoldLine, ...]:
    return tuple(
        SoldLine(
            sku=line.item.sku,
            name=line.item.name,
            category=line.item.category,
            quantity=line.quantity,
            unit_price_minor=line.unit_price_minor,
            payable_minor=payable_minor,
        )
        for line, payable_minor in zip(lines, priced.payable_by_line, strict=True)
    )
