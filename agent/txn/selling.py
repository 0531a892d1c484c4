"""From "ready" to "cash": what each key, card and code does to a basket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.txn import identify, keying, permission, redeeming, slipping, topping
from agent.txn.answers import Step, move, nod, refuse
from agent.txn.book import Book
from agent.txn.effects import Commit
from agent.txn.events import CardFailed, CardRead, CodeFailed, CodeRead, Input, KeyDown
from agent.txn.refunding import refund_begun
from agent.txn.reprinting import reprint_asked
from agent.txn.sale import (
    as_of_now,
    begun,
    cancel_commit,
    paid_from_stored,
    paid_with_points,
    sale_commit,
    with_buyer,
    with_coupon,
    with_item,
    with_offer,
    without_last,
)
from agent.txn.shifting import report_begun
from agent.txn.state import (
    Buyer,
    Committing,
    Menu,
    Notice,
    OpenBasket,
    PlannedSlip,
    Selling,
    ShownCoupon,
    SignIn,
    TillState,
)
from agent.txn.training import training_turned
from contract import slips
from contract.documents import CatalogueItem
from contract.refusals import Refusal, RefusalCode
from contract.value import Asset


def selling_step(state: TillState, scene: Selling, event: Input, book: Book) -> Step:
    """Answer what a person does while a cashier is signed in and nothing is being committed."""
    match event:
        case CardFailed(problem=problem):
            return refuse(state, identify.card_refusal(problem))
        case CodeFailed(problem=problem):
            return refuse(state, identify.code_refusal(problem))
        case CardRead():
            return _recognised(state, scene, identify.by_card(event, book), book)
        case CodeRead(data=data):
            if data.startswith(slips.PREFIX.encode()):
                return _slip_shown(state, scene, data, book)
            buyer = scene.basket.buyer.ref.member if scene.basket and scene.basket.buyer else None
            return _recognised(state, scene, identify.by_code(data, buyer, book), book)
        case KeyDown(key=key):
            return _key(state, scene, key, book)


def offered(state: TillState, book: Book) -> TillState:
    """Look for the offer nearest to the basket on the glass. Asked in a quiet moment: the price has been shown by then,
    and nobody is keying.
    """
    match state.scene:
        case Selling(basket=OpenBasket(offer_sought=False) as basket, keyed="", phone_entry=False) if basket.lines:
            return replace(state, scene=Selling(with_offer(basket, book)))
    return state


def _key(state: TillState, scene: Selling, key: str, book: Book) -> Step:
    if scene.basket is not None and scene.basket.slip is not None:
        return _slip_key(state, scene.basket, scene.basket.slip, key, book)
    if scene.basket is not None and scene.basket.redeem is not None:
        return redeeming.redeem_key(state, scene.basket, scene.basket.redeem, key, book)
    asked = permission.asked(scene, key, book)
    if asked is not None:
        return refuse(state, asked) if isinstance(asked, Refusal) else move(state, asked)
    match key:
        case key if key in keying.TYPING_KEYS:
            return _typed(state, scene, key)
        case "enter":
            return _entered(state, scene, book)
        case "clear":
            return _cleared(state, scene, book)
        case "cancel":
            return _cancelled(state, scene)
        case "member":
            return move(state, replace(scene, keyed="", phone_entry=not scene.phone_entry))
        case "cash":
            return _pay(state, scene, book)
        case "stored":
            return _pay_stored(state, scene, book)
        case "points":
            return _pay_points(state, scene, book)
        case "redeem":
            return redeeming.redeem_asked(state, scene, book)
        case "topup" | "slip":
            return _value_keyed(state, scene, topping.planned if key == "topup" else slipping.planned, book)
        case "reprint":
            return reprint_asked(state, scene, book)
        case "signout":
            return _sign_out(state, scene)
        case "menu":
            return move(state, Menu(scene))
        case "refund":
            return refund_begun(state, scene)
        case "report":
            return report_begun(state, scene, book)
        case "training":
            return training_turned(state, scene)
    malformed = scene.phone_entry and len(key) == 1
    return refuse(state, RefusalCode.PHONE_MALFORMED if malformed else RefusalCode.KEY_NOT_NOW)


def _typed(state: TillState, scene: Selling, key: str) -> Step:
    if scene.phone_entry:
        digits = keying.digits_after(scene.keyed, key, keying.PHONE_DIGITS)
        if digits is None:
            return refuse(state, RefusalCode.PHONE_MALFORMED)
        return move(state, replace(scene, keyed=digits))
    amount = keying.amount_after(scene.keyed, key)
    return refuse(state, amount) if isinstance(amount, Refusal) else move(state, replace(scene, keyed=amount))


def _entered(state: TillState, scene: Selling, book: Book) -> Step:
    """Take what was keyed: a phone number where it can only be one, else an amount of the open article."""
    emptied = replace(scene, keyed="")
    if scene.phone_entry or keying.is_phone(scene.keyed):
        return _recognised(state, emptied, identify.by_phone(scene.keyed, book), book)
    if not scene.keyed:
        return refuse(state, RefusalCode.KEY_NOT_NOW if scene.basket else RefusalCode.BASKET_EMPTY)
    amount_minor = keying.read_amount_minor(scene.keyed)
    if isinstance(amount_minor, Refusal):
        return refuse(state, amount_minor, emptied)
    item = book.open_item()
    if item is None:
        return refuse(state, RefusalCode.NO_CATALOGUE, emptied)
    return _added(state, emptied, item, amount_minor, book, merge=False)


def _recognised(
    state: TillState, scene: Selling, found: Buyer | ShownCoupon | CatalogueItem | Refusal, book: Book
) -> Step:
    """Take what a card, a code or a number turned out to be."""
    match found:
        case Refusal():
            return refuse(state, found, scene)
        case CatalogueItem():
            return _added(state, scene, found, found.price_minor, book, merge=True)
        case Buyer():
            return _bought_by(state, scene, found, book)
        case ShownCoupon():
            return _coupon_shown(state, scene, found, book)


def _added(
    state: TillState, scene: Selling, item: CatalogueItem, unit_price_minor: int, book: Book, merge: bool
) -> Step:
    basket = scene.basket or begun(book)
    if isinstance(basket, OpenBasket):
        basket = with_item(basket, item, unit_price_minor, book, merge)
    if isinstance(basket, Refusal):
        return refuse(state, basket, scene)
    return nod(state, replace(scene, basket=basket))


def _bought_by(state: TillState, scene: Selling, buyer: Buyer, book: Book) -> Step:
    """Put a member to the basket. The same member again is harmless; another one replaces the first, and is said."""
    basket = scene.basket or begun(book)
    if isinstance(basket, Refusal):
        return refuse(state, basket, scene)
    before = basket.buyer
    with_member = with_buyer(basket, buyer, book)
    if isinstance(with_member, Refusal):
        return refuse(state, with_member, scene)
    replaced = before is not None and before.ref.member != buyer.ref.member
    # A number being keyed as a phone number has been answered by the card; an amount being keyed stays.
    kept = "" if scene.phone_entry else scene.keyed
    return nod(state, Selling(with_member, kept), Notice.MEMBER_REPLACED if replaced else None)


def _coupon_shown(state: TillState, scene: Selling, shown: ShownCoupon, book: Book) -> Step:
    """Put a coupon to the basket, once, and say whether a rule acts on it."""
    basket = scene.basket or begun(book)
    if isinstance(basket, OpenBasket):
        if any(shown.code == other.code for other in basket.coupons):
            return refuse(state, Refusal(RefusalCode.COUPON_USED, "in this basket"), scene)
        basket = with_coupon(basket, shown, book)
    if isinstance(basket, Refusal):
        return refuse(state, basket, scene)
    acts = any(shown.code in effect.codes for effect in basket.priced.effects)
    notice = Notice.COUPON_ADDED if acts else Notice.COUPON_IDLE
    return nod(state, replace(scene, basket=basket), notice)


def _cleared(state: TillState, scene: Selling, book: Book) -> Step:
    """Take back the last digit; with none, the phone entry; with none, the last article."""
    if scene.keyed:
        return move(state, replace(scene, keyed=keying.without_last(scene.keyed)))
    if scene.phone_entry:
        return move(state, replace(scene, phone_entry=False))
    if scene.basket is not None and scene.basket.top_up is not None:
        return move(state, replace(scene, basket=replace(scene.basket, top_up=None)))
    if scene.basket is None or not scene.basket.lines:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    basket = without_last(scene.basket, book)
    if isinstance(basket, Refusal):
        return refuse(state, basket)
    return move(state, replace(scene, basket=basket if basket.lines or basket.buyer else None))


def _cancelled(state: TillState, scene: Selling) -> Step:
    """Give up what is being keyed, or else the basket; a basket that had articles leaves an entry."""
    basket = scene.basket
    if scene.keyed or scene.phone_entry:
        return move(state, Selling(basket))
    if basket is None:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    if not basket.lines or state.cashier is None:
        return move(state, Selling(), Notice.BASKET_CANCELLED)
    commit = cancel_commit(basket, state.cashier.cashier)
    return replace(state, scene=Committing(basket, commit)), (commit,)


def _pay(state: TillState, scene: Selling, book: Book) -> Step:
    """Order the sale to be booked. Nobody is told "done" here: that waits for the journal."""
    basket = scene.basket
    if scene.keyed or scene.phone_entry:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    if basket is not None and basket.top_up is not None:
        return topping.top_up_paid(state, basket, basket.top_up, book)
    if basket is None or not basket.lines:
        return refuse(state, RefusalCode.BASKET_EMPTY)
    return _sold(state, basket, book)


def _sold(state: TillState, basket: OpenBasket, book: Book) -> Step:
    if state.cashier is None:
        return refuse(state, RefusalCode.NOT_SIGNED_IN, SignIn())
    if basket.draws:
        # A lease may have ended since the price was shown; the customer sees what has changed before it is paid.
        again = as_of_now(basket, book)
        if isinstance(again, Refusal):
            return refuse(state, again)
        if again.draws != basket.draws and not again.tells_the_same(basket):
            return refuse(state, RefusalCode.VALUE_SHORT, Selling(again))
        basket = again
    commit: Commit = sale_commit(basket, state.cashier.cashier, book)
    return replace(state, scene=Committing(basket, commit)), (commit,)


def _payable_by(scene: Selling, asset: Asset) -> OpenBasket | RefusalCode | Refusal:
    """The basket, where its buyer may pay with value of this kind; else why not."""
    basket = scene.basket
    if scene.keyed or scene.phone_entry:
        return RefusalCode.KEY_NOT_NOW
    if basket is None or not basket.lines:
        return RefusalCode.BASKET_EMPTY
    if basket.buyer is None:
        return RefusalCode.MEMBER_NEEDED
    may = permission.allowed(basket.buyer, asset)
    return may if isinstance(may, Refusal) else basket


def _pay_stored(state: TillState, scene: Selling, book: Book) -> Step:
    """Pay from stored value: at once where it covers all, else as far as it goes, the rest being left for cash. What
    goes on the shop's floor limit is shown before it is booked. Pressed again, nothing is paid from it.
    """
    basket = _payable_by(scene, Asset.STORED)
    if isinstance(basket, RefusalCode | Refusal):
        return refuse(state, basket)
    paid = paid_from_stored(basket, not basket.pays_stored, book)
    if isinstance(paid, Refusal):
        return refuse(state, paid)
    if paid.pays_stored and not paid.stored_minor:
        return refuse(state, RefusalCode.FLOOR_USED if permission.floor_used(paid, book) else RefusalCode.VALUE_NONE)
    if paid.pays_stored and not paid.cash_minor and not paid.on_floor_minor:
        return _sold(state, paid, book)
    return nod(state, Selling(paid))


def _pay_points(state: TillState, scene: Selling, book: Book) -> Step:
    """Pay with points: as many as the rules allow and lie here. Pressed again, none are used."""
    basket = _payable_by(scene, Asset.POINTS)
    if isinstance(basket, RefusalCode | Refusal):
        return refuse(state, basket)
    paid = paid_with_points(basket, not basket.pays_points, book)
    if isinstance(paid, Refusal):
        return refuse(state, paid)
    if paid.pays_points and not paid.priced.points_spent:
        return refuse(state, RefusalCode.POINTS_IDLE if paid.points_held else RefusalCode.POINTS_NONE)
    return nod(state, Selling(paid))


def _value_keyed(
    state: TillState, scene: Selling, plan: Callable[[Buyer, int, Book], OpenBasket | Refusal], book: Book
) -> Step:
    """Show what topping up the keyed amount brings, or to whom a slip over it may go."""
    basket = scene.basket
    if basket is None or basket.buyer is None:
        return refuse(state, RefusalCode.MEMBER_NEEDED)
    if basket.lines or scene.phone_entry or not scene.keyed:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    amount_minor = keying.read_amount_minor(scene.keyed)
    found = amount_minor if isinstance(amount_minor, Refusal) else plan(basket.buyer, amount_minor, book)
    if isinstance(found, Refusal):
        return refuse(state, found, replace(scene, keyed=""))
    return nod(state, Selling(replace(found, held=basket.held, points_held=basket.points_held)))


def _sign_out(state: TillState, scene: Selling) -> Step:
    """Leave the till; a basket with articles has to be paid or given up first."""
    if scene.basket is not None and scene.basket.lines:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    return move(replace(state, cashier=None), SignIn())


def _slip_key(state: TillState, basket: OpenBasket, plan: PlannedSlip, key: str, book: Book) -> Step:
    """Choose the terminal a slip is for, look at more of them, or leave it."""
    match key:
        case "enter":
            return move(state, Selling(replace(basket, slip=slipping.next_page(plan))))
        case "clear" | "cancel":
            return move(state, Selling(replace(basket, slip=None)))
    addressee = slipping.chosen(plan, key)
    if addressee is None or state.cashier is None:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    order = slipping.slip_out_commit(basket, plan, addressee, state.cashier.cashier, book)
    if isinstance(order, Refusal):
        return refuse(state, order, Selling(replace(basket, slip=None)))
    return replace(state, scene=Committing(basket, order)), (order,)


def _slip_shown(state: TillState, scene: Selling, data: bytes, book: Book) -> Step:
    """Take a slip in, between baskets."""
    if scene.basket is not None and scene.basket.lines:
        return refuse(state, RefusalCode.KEY_NOT_NOW)
    shown = slipping.read_slip(data.decode("ascii", "replace"), book)
    basket = scene.basket or begun(book)
    if isinstance(shown, Refusal) or isinstance(basket, Refusal) or state.cashier is None:
        return refuse(state, next((no for no in (shown, basket) if isinstance(no, Refusal)), RefusalCode.NOT_SIGNED_IN))
    order = slipping.slip_in_commit(shown, state.cashier.cashier, book)
    return replace(state, scene=Committing(basket, order)), (order,)
