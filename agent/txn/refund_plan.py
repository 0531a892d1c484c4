"""Which sale a receipt names, and what goes back to where it came from when goods of it come back."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import replace

from agent.txn.book import Book, ReturnTaken
from agent.txn.effects import Commit
from agent.txn.receipt import QR_DIGEST_BYTES, QR_PREFIX
from agent.txn.returning import NamedSale, PlannedRefund, Refunding
from agent.txn.value import BORN_MS, points_of, wallet
from agent.txn.withdrawn import Withdrawn, withdrawn
from contract.bodies import EntryKind
from contract.errors import ContractError
from contract.ids import receipt_number
from contract.journal import Entry
from contract.refusals import Refusal, RefusalCode
from contract.trade import Original, PerpetualTotals, RefundBody, SaleBody, Tender, TenderKind, TopUpBody
from contract.value import MOST_DRAWS, Asset, Draw, Lease, born_lease_id, draw
from rules.beside.draws import Short, spend, spendable
from rules.going_back import going_back, points_of_top_up, tax_back_minor
from rules.postings import refund_postings, top_up_refund_postings
from rules.refund import Refund, kept_after, refund, sold_of
from rules.undone import rules_undone, top_up_undone

_NUMBER = re.compile(r"(?:(?:(?P<till>[A-Z0-9.-]+)-)?(?P<epoch>\d{1,9})[-.])?(?P<seq>\d{1,15})")
"""What a receipt's number may be keyed as: ``23``, ``1.23`` (epoch and number), or whole as it is printed."""


def by_code(data: bytes, cashier: str, book: Book) -> NamedSale | PlannedRefund | Refusal:
    """Return the sale of a receipt's code, or of a top-up at once what can be paid out. The code holds a part of the
    hash of the entry: a made-up one is refused.
    """
    text = data.decode("ascii", "replace").strip().upper()
    number, _colon, digest = text.removeprefix(QR_PREFIX).partition(":")
    if not text.startswith(QR_PREFIX) or not digest:
        return Refusal(RefusalCode.REFUND_NO_RECEIPT)
    entry = _entry_of(number, book)
    if isinstance(entry, Refusal):
        return entry
    if digest != base64.b32encode(entry.digest[:QR_DIGEST_BYTES]).decode().rstrip("="):
        return Refusal(RefusalCode.REFUND_FORGED)
    return _named_in(entry, cashier, book)


def by_number(number: str, cashier: str, book: Book) -> NamedSale | PlannedRefund | Refusal:
    """Return the same of a receipt's number: of this till alone. A number can be made up, so a member's money is not
    paid out on it: a top-up needs its paper.
    """
    entry = _entry_of(number, book)
    if isinstance(entry, Refusal):
        return entry
    if entry.header.kind is EntryKind.TOP_UP:
        return Refusal(RefusalCode.REFUND_SCAN)
    return _named_in(entry, cashier, book)


def planned(named: NamedSale, units: Sequence[int], cashier: str, book: Book) -> PlannedRefund | Refusal:
    """Return the order to book that ``units`` of each line come back."""
    if not any(units):
        return Refusal(RefusalCode.REFUND_NOTHING)
    return _planned(named, units, book.new_transaction(), cashier, book)


def as_of_now(scene: Refunding, plan: PlannedRefund, cashier: str, book: Book) -> PlannedRefund | Refusal:
    """Return the same return by what may be drawn here now."""
    transaction = plan.order.transaction
    if scene.named is not None:
        return _planned(scene.named, scene.units, transaction, cashier, book)
    top_up = plan.entry.body()
    if not isinstance(top_up, TopUpBody):
        return Refusal(RefusalCode.REFUND_NO_SALE, plan.entry.header.kind)
    return _planned_top_up(plan.entry, top_up, transaction, cashier, book)


def _planned(
    named: NamedSale, units: Sequence[int], transaction: bytes, cashier: str, book: Book
) -> PlannedRefund | Refusal:
    sold, sale = sold_of(named.sale), named.sale
    try:
        found = refund(sold, named.compiled, units, named.earlier)
        returned = going_back(sold, named.compiled, sale.draws, found, named.earlier)
        body = _body(named, found, returned, (transaction, cashier), book)
    except ContractError as error:
        return Refusal(RefusalCode.REFUND_NOT_HERE, str(error))
    return _ordered(transaction, body, named.entry, withdrawn(body, named.compiled.pack, sale))


def _planned_top_up(
    entry: Entry, top_up: TopUpBody, transaction: bytes, cashier: str, book: Book
) -> PlannedRefund | Refusal:
    """Return the order to pay out what is left here of the principal of a top-up; the bonus beside it is taken back,
    and the points that came with it.
    """
    header, address = entry.header, book.address
    returns = book.returns_of(header.transaction)
    if returns is None:
        return Refusal(RefusalCode.REFUND_NOT_HERE, "what came back before cannot be told now")
    earlier = tuple(_as_returned(one) for one in returns)
    member = replace(top_up.member, presentation=None)
    left = [held for held in book.spendable(wallet(member.member)) if held.lease.lot == header.transaction]
    value = tuple(draw(held.lease, held.amount, held.bonus_minor) for held in left if held.amount)[:MOST_DRAWS]
    refund_minor = sum(item.amount for item in value)
    if not refund_minor:
        return Refusal(RefusalCode.REFUND_SPENT)
    bonus_minor = sum(item.bonus_minor for item in value)
    points = points_of_top_up(top_up, refund_minor, earlier)
    here = (address.shop, address.terminal, member.member)
    compiled = book.compiled_of(top_up.pack)
    body = RefundBody(
        cashier=cashier,
        pack=top_up.pack,
        currency=top_up.currency,
        original=_original(entry, book),
        units=(1,),
        refund_minor=refund_minor,
        to_stored_minor=0,
        points_back=points,
        points_restored=0,
        tenders=(Tender(TenderKind.CASH, refund_minor),),
        postings=top_up_refund_postings(top_up.currency, *here, refund_minor, bonus_minor, points),
        totals=_grown(book.totals(), refund_minor),
        member=member,
        bonus_back_minor=bonus_minor,
        draws=(*value, *_points_taken(member.member, points, book)),
        rules_undone=() if compiled is None else top_up_undone(top_up, compiled, refund_minor, earlier),
    )
    return _ordered(transaction, body, entry)


def _ordered(transaction: bytes, body: RefundBody, entry: Entry, gone: tuple[Withdrawn, ...] = ()) -> PlannedRefund:
    return PlannedRefund(Commit(EntryKind.REFUND, transaction, body, owes_receipt=True), body, entry, gone)


def _original(entry: Entry, book: Book) -> Original:
    header, address = entry.header, book.address
    return Original(address.shop, address.terminal, header.epoch, header.seq, header.transaction, entry.digest)


def _body(
    named: NamedSale, found: Refund, returned: tuple[Draw, ...], made: tuple[bytes, str], book: Book
) -> RefundBody:
    sale, header, address = named.sale, named.entry.header, book.address
    transaction, cashier = made
    # A phone's code was shown for the sale; it is not shown again for what comes back.
    member = None if sale.member is None else replace(sale.member, presentation=None)
    cash_minor = found.refund_minor - found.to_stored_minor
    who = None if member is None else member.member
    tax_minor = tax_back_minor(sale, found, named.earlier)
    return RefundBody(
        cashier=cashier,
        pack=sale.pack,
        currency=sale.currency,
        original=_original(named.entry, book),
        units=found.units,
        refund_minor=found.refund_minor,
        to_stored_minor=found.to_stored_minor,
        points_back=found.points_back,
        points_restored=found.points_restored,
        tenders=(Tender(TenderKind.CASH, cash_minor),) if cash_minor else (),
        postings=refund_postings(found, sale.currency, address.shop, address.terminal, who, returned, tax_minor),
        totals=_grown(book.totals(), found.refund_minor),
        member=member,
        bonus_back_minor=found.bonus_back_minor,
        returned=returned,
        born=() if who is None else _born(transaction, who, returned, found, book),
        codes_restored=found.codes_restored,
        draws=() if who is None else _taken_back(who, header.transaction, found, book),
        coupons_withdrawn=found.coupons_withdrawn,
        counts_withdrawn=found.counts_withdrawn,
        gifts_due=found.gifts_due,
        points_scale=sale.points_scale,
        rules_undone=rules_undone(sold_of(sale), named.compiled, found.units, named.earlier),
    )


def _grown(totals: PerpetualTotals, refund_minor: int) -> PerpetualTotals:
    return replace(totals, refunds=totals.refunds + 1, refunded_minor=totals.refunded_minor + refund_minor)


def _born(transaction: bytes, member: str, returned: Sequence[Draw], found: Refund, book: Book) -> tuple[Lease, ...]:
    """The leases of what goes back to a member: of stored value one for each lot, what went on the floor limit as a lot
    of its own, and points that are given again beyond those taken back.
    """
    until_ms = book.now().wall_ms + BORN_MS
    lots: dict[tuple[bytes | None, str | None], tuple[int, int]] = {}
    for item in returned:
        if item.account.asset is Asset.STORED:
            lot = (transaction, book.address.shop) if item.on_floor else (item.lot, item.issuer)
            amount, bonus = lots.get(lot, (0, 0))
            lots[lot] = amount + item.amount, bonus + item.bonus_minor
    account = wallet(member)
    leases = [
        Lease(born_lease_id(transaction, account, lot), account, amount, until_ms, bonus, lot, issuer)
        for (lot, issuer), (amount, bonus) in lots.items()
    ]
    points = found.points_restored - found.points_back
    if points > 0:
        account = points_of(member)
        leases.append(Lease(born_lease_id(transaction, account), account, points, until_ms))
    return tuple(leases)


def _taken_back(member: str, sale: bytes, found: Refund, book: Book) -> tuple[Draw, ...]:
    """What is taken from the leases in hand, so that nobody spends here what was taken back: bonus that the sale
    brought, and points beyond those given again. What is not in hand any more head office takes where it is.
    """
    bonus = [held for held in book.spendable(wallet(member)) if held.lease.lot == sale and not held.amount]
    drawn = spend(bonus, min(found.bonus_back_minor, spendable(bonus)))
    taken = () if isinstance(drawn, Short) else drawn
    return (*taken, *_points_taken(member, found.points_back - found.points_restored, book))


def _points_taken(member: str, points: int, book: Book) -> tuple[Draw, ...]:
    held = book.spendable(points_of(member))
    drawn = spend(held, max(0, min(points, spendable(held))))
    return () if isinstance(drawn, Short) else drawn


def _entry_of(number: str, book: Book) -> Entry | Refusal:
    found = _NUMBER.fullmatch(number.strip().upper())
    if found is None:
        return Refusal(RefusalCode.REFUND_NO_RECEIPT)
    epoch, seq = int(found["epoch"] or book.epoch()), int(found["seq"])
    if found["till"] and receipt_number(book.address, epoch, seq) != number.strip().upper():
        return Refusal(RefusalCode.REFUND_ELSEWHERE, found["till"])
    entry = book.entry_at(epoch, seq)
    return entry or Refusal(RefusalCode.REFUND_UNKNOWN, number)


def _named_in(entry: Entry, cashier: str, book: Book) -> NamedSale | PlannedRefund | Refusal:
    try:
        body = entry.body()
    except ContractError as error:
        return Refusal(RefusalCode.REFUND_UNKNOWN, str(error))
    match body:
        case SaleBody():
            return _sale_in(entry, body, book)
        case TopUpBody():
            return _planned_top_up(entry, body, book.new_transaction(), cashier, book)
    return Refusal(RefusalCode.REFUND_NO_SALE, entry.header.kind)


def _sale_in(entry: Entry, sale: SaleBody, book: Book) -> NamedSale | Refusal:
    compiled = book.compiled_of(sale.pack)
    if compiled is None:
        return Refusal(RefusalCode.REFUND_NOT_HERE, f"rules {sale.pack.version} are not kept")
    returns = book.returns_of(entry.header.transaction)
    if returns is None:
        # Nobody gets back twice what could not be looked up once.
        return Refusal(RefusalCode.REFUND_NOT_HERE, "what came back before cannot be told now")
    earlier = tuple(_as_returned(one) for one in returns)
    try:
        left = tuple(kept_after(sold_of(sale), [one.units for one in earlier]))
    except ContractError as error:
        return Refusal(RefusalCode.REFUND_NOT_HERE, str(error))
    if not any(left):
        return Refusal(RefusalCode.REFUND_ALL_BACK)
    return NamedSale(entry, sale, compiled, earlier, left)


def _as_returned(one: ReturnTaken) -> Refund:
    return Refund(
        units=one.units,
        refund_minor=one.refund_minor,
        to_stored_minor=one.to_stored_minor,
        points_back=one.points_back,
        points_debt=0,
        points_restored=one.points_restored,
        bonus_back_minor=one.bonus_back_minor,
    )
