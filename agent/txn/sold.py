"""A sale or a top-up as the journal holds it, brought back into words for the glass and the paper."""

from __future__ import annotations

from agent.txn.book import Book
from agent.txn.masking import mask_last4, mask_name
from agent.txn.report_paper import since_of
from agent.txn.state import Buyer, Done, HandedOut, Refunded, ShiftClosed, SlippedOut, SoldSale, ToppedUp
from agent.txn.withdrawn import withdrawn
from contract import wire
from contract.basket import Customer
from contract.bodies import MAX_SLIP_BYTES, EntryKind, ShiftCloseBody, SlipOutBody
from contract.envelope import peek
from contract.errors import ContractError
from contract.journal import Entry
from contract.slips import Slip
from contract.trace import AppliedEffect
from contract.trade import Assurance, Medium, MemberRef, RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Asset
from rules.explain import Explanation, explain, explain_by_name, withheld
from rules.grammar.pack import Pack

PRINTED = frozenset(
    [
        EntryKind.SALE,
        EntryKind.TOP_UP,
        EntryKind.SLIP_OUT,
        EntryKind.REDEMPTION,
        EntryKind.REFUND,
        EntryKind.SHIFT_CLOSE,
    ]
)
"""The kinds of entry of which a paper is printed."""


def recalled(entry: Entry, book: Book) -> Done | None:
    """Return what a paper is printed of in ``entry``, explained as far as the pack that priced it is still kept; None
    where the entry is nothing of the kind or not to be read.
    """
    if entry.header.kind not in PRINTED:
        return None
    try:
        body = entry.body()
    except ContractError:
        return None
    match body:
        case SaleBody():
            pack = book.pack_of(body.pack)
            explanations = explained(body.effects, body.points_scale, pack)
            if pack is not None:
                explanations += withheld(pack, body.basket, body.pending)
            return SoldSale(entry, body, explanations, _buyer(body, book), _when(entry, book))
        case TopUpBody():
            pack = book.pack_of(body.pack)
            scale = 1 if pack is None else pack.points_scale
            explanations = explained(body.effects, scale, pack)
            if pack is not None:
                explanations += withheld(pack, body.basket)
            customer = body.basket.customer or Customer("")
            buyer = _as_sold(body.member, customer, book)
            return ToppedUp(entry, body, explanations, buyer, _when(entry, book), scale)
        case SlipOutBody():
            return _slipped_out(entry, body, book)
        case RedemptionBody():
            return _handed_out(entry, body, book)
        case RefundBody():
            return refunded(entry, body, book)
        case ShiftCloseBody():
            since_ms = since_of(body.figures)
            since = book.local_time(since_ms) if since_ms else ""
            return ShiftClosed(entry, body, _when(entry, book), since, book.currency())
    return None


def refunded(entry: Entry, body: RefundBody, book: Book) -> Refunded:
    """Return what came back by ``body``, with the names that the sale's lines have as far as it is kept here."""
    made = _made_at(body, book)
    customer = (made and made.basket.customer) or Customer("")
    buyer = None if body.member is None else _as_sold(body.member, customer, book)
    names = made.names if isinstance(made, SaleBody) else ("储值充值 Top-up",) if made is not None else ()
    gone = withdrawn(body, book.pack_of(body.pack), made if isinstance(made, SaleBody) else None)
    return Refunded(entry, body, names, gone, buyer, _when(entry, book))


def body_of(done: Done) -> SaleBody | TopUpBody | SlipOutBody | RedemptionBody | RefundBody | ShiftCloseBody:
    """What its entry holds."""
    return done.sale if isinstance(done, SoldSale) else done.body


def just_sold(
    entry: Entry, sale: SaleBody, explanations: tuple[Explanation, ...], buyer: Buyer | None, book: Book
) -> SoldSale:
    """Return the sale that was committed a moment ago, with the explanations the basket had."""
    return SoldSale(entry, sale, explanations, buyer, _when(entry, book))


def just_topped_up(
    entry: Entry, body: TopUpBody, explanations: tuple[Explanation, ...], buyer: Buyer, book: Book
) -> ToppedUp:
    """Return the top-up that was committed a moment ago, with the explanations it was shown with."""
    pack = book.pack_of(body.pack)
    scale = 1 if pack is None else pack.points_scale
    return ToppedUp(entry, body, explanations, buyer, _when(entry, book), scale)


def explained(effects: tuple[AppliedEffect, ...], points_scale: int, pack: Pack | None) -> tuple[Explanation, ...]:
    """Explain effects by the pack that made them; where that pack is no longer kept, by the names of the rules and what
    they did.
    """
    return explain_by_name(effects, points_scale) if pack is None else explain(pack, effects)


def _handed_out(entry: Entry, body: RedemptionBody, book: Book) -> HandedOut:
    pack = book.pack_of(body.pack)
    points = sum(draw.amount for draw in body.draws if draw.account.asset is Asset.POINTS)
    effect = AppliedEffect(body.rule or "", points_spent=points, gifts=body.given)
    explanations = explained((effect,), 1 if pack is None else pack.points_scale, pack)
    customer = (body.basket and body.basket.customer) or Customer("")
    return HandedOut(entry, body, explanations, _as_sold(body.member, customer, book), _when(entry, book))


def _slipped_out(entry: Entry, body: SlipOutBody, book: Book) -> SlippedOut | None:
    try:
        slip = wire.unpack(Slip, peek(body.slip, MAX_SLIP_BYTES), MAX_SLIP_BYTES)
    except ContractError:
        return None
    member = slip.value.account.holder
    cached = book.member_by_id(member)
    ref = MemberRef(member, Medium.CARD, Assurance.CLAIMED)
    buyer = None if cached is None else _as_sold(ref, Customer(cached.tier), book)
    return SlippedOut(entry, body, slip, buyer, _when(entry, book), book.currency())


def _made_at(body: RefundBody, book: Book) -> SaleBody | TopUpBody | None:
    entry = book.entry_at(body.original.epoch, body.original.seq)
    if entry is None or entry.header.transaction != body.original.transaction:
        return None
    try:
        made = entry.body()
    except ContractError:
        return None
    return made if isinstance(made, SaleBody | TopUpBody) else None


def _buyer(sale: SaleBody, book: Book) -> Buyer | None:
    if sale.member is None or sale.basket.customer is None:
        return None
    return _as_sold(sale.member, sale.basket.customer, book)


def _as_sold(ref: MemberRef, customer: Customer, book: Book) -> Buyer:
    """The member with the facts that priced, and the name the cache knows now."""
    cached = book.member_by_id(ref.member)
    if cached is None:
        return Buyer(ref, customer, "", "", None)
    return Buyer(ref, customer, mask_name(cached.name), mask_last4(cached.phone_last4), cached.points)


def _when(entry: Entry, book: Book) -> str:
    return book.local_time(entry.header.wall_ms)
