"""How much a member may spend here now: by the pack's level for such a recognition, the credential's own limit, and
what was spent here today. And whether the member's PIN would allow more.

Head office looks at every sale by the same levels afterwards; what is spent nevertheless is told, not undone.
"""

from __future__ import annotations

from dataclasses import replace

from agent.txn.book import ActivePack, Book
from agent.txn.keying import read_amount_minor
from agent.txn.patience import is_locked
from agent.txn.state import AskPin, Buyer, OpenBasket, Selling
from contract.calendar import DAY_MINUTES
from contract.refusals import Refusal, RefusalCode
from contract.trade import Assurance, Medium
from contract.value import Account, Asset
from rules.beside.draws import spendable
from rules.grammar.spending import level_of
from rules.moments import local_minute_of, zone_of

MINUTE_MS = 60_000


def bounded(buyer: Buyer, active: ActivePack, book: Book) -> Buyer:
    """Return ``buyer`` with what one sale may take now of stored value and of points; None where nothing but what lies
    here bounds it.
    """
    level = level_of(active.pack.spending, buyer.ref.medium, buyer.ref.assurance)
    stored = _left(buyer, Asset.STORED, (level.stored_sale_minor, level.stored_day_minor), active, book)
    limits = [limit for limit in (stored, buyer.most_stored_minor) if limit is not None]
    points = _left(buyer, Asset.POINTS, (level.points_sale, level.points_day), active, book)
    on_floor = book.on_floor_since(buyer.ref.member, _day_began_ms(active, book)) if level.floor_day_minor else 0
    floor_minor = max(0, level.floor_day_minor - on_floor)
    return replace(buyer, may_stored_minor=min(limits, default=None), may_points=points, floor_minor=floor_minor)


def allowed(buyer: Buyer, asset: Asset) -> int | Refusal | None:
    """Return the most that one sale of a :func:`bounded` buyer may take, None where there is no bound, or why it may
    take nothing.
    """
    most = buyer.may_stored_minor if asset is Asset.STORED else buyer.may_points
    if most is None or most > 0:
        return most
    if (buyer.ref.medium, buyer.ref.assurance) == (Medium.PHONE, Assurance.CLAIMED):
        return Refusal(RefusalCode.VALUE_NOT_BY_PHONE)
    return Refusal(RefusalCode.VALUE_LEVEL)


def asked(scene: Selling, key: str, book: Book) -> AskPin | Refusal | None:
    """Return the question for the member's PIN where what ``key`` would spend is more than may be spent without, and
    this till can verify the PIN; why not where too many were wrong and nothing may be spent without; else None.
    """
    basket = scene.basket
    if basket is None or basket.buyer is None or basket.pin_asked:
        return None
    wanted = _wanted(scene, basket, key)
    found = book.member_by_id(basket.buyer.ref.member)
    if wanted is None or found is None or found.pin is None:
        return None
    asset, amount = wanted
    here = amount if key == "redeem" else spendable(book.spendable(Account(asset, found.member)))
    now = _most(basket.buyer, asset, here, on_floor=key == "stored")
    if amount <= now or basket.buyer.ref.assurance is Assurance.PIN:
        return None
    pinned = bounded(with_pin(basket.buyer), basket.active, book)
    if _most(pinned, asset, here, on_floor=key == "stored") <= now:
        return None
    if is_locked(book.member_pin_tries(found.member), book.now().wall_ms):
        return None if now else Refusal(RefusalCode.MEMBER_PIN_LOCKED)
    return AskPin(scene, basket, key)


def floor_used(basket: OpenBasket, book: Book) -> bool:
    """Whether the pack has a floor limit for the buyer and all of it was used here today."""
    buyer = basket.buyer
    if buyer is None or buyer.floor_minor:
        return False
    return level_of(basket.active.pack.spending, buyer.ref.medium, buyer.ref.assurance).floor_day_minor > 0


def with_pin(buyer: Buyer) -> Buyer:
    """Return ``buyer`` as one whose PIN was right."""
    return replace(buyer, ref=replace(buyer.ref, assurance=Assurance.PIN))


def _most(buyer: Buyer, asset: Asset, here: int, on_floor: bool) -> int:
    """The most that may be spent now where so much lies here, and stored value beyond it on the floor limit if so
    asked.
    """
    may = allowed(buyer, asset)
    if isinstance(may, Refusal):
        return 0
    there = here + buyer.floor_minor if on_floor else here
    return there if may is None else min(there, may)


def _wanted(scene: Selling, basket: OpenBasket, key: str) -> tuple[Asset, int] | None:
    """What a key would spend at most."""
    if key == "stored" and basket.lines and not basket.pays_stored and not scene.keyed:
        return Asset.STORED, basket.priced.to_pay_minor
    if key == "slip" and not basket.lines and scene.keyed:
        amount_minor = read_amount_minor(scene.keyed)
        return None if isinstance(amount_minor, Refusal) else (Asset.STORED, amount_minor)
    if (key == "points" and not basket.pays_points and not scene.keyed) or (key == "redeem" and not basket.lines):
        return Asset.POINTS, 1
    return None


def _left(
    buyer: Buyer, asset: Asset, limits: tuple[int | None, int | None], active: ActivePack, book: Book
) -> int | None:
    """What is left of the limits of a sale and of a day; None without either."""
    a_sale, a_day = limits
    if a_day is None:
        return a_sale
    left = max(0, a_day - book.spent_since(Account(asset, buyer.ref.member), _day_began_ms(active, book)))
    return left if a_sale is None else min(a_sale, left)


def _day_began_ms(active: ActivePack, book: Book) -> int:
    """When this day of the shop began, Unix milliseconds."""
    now_ms = book.now().wall_ms
    minutes = local_minute_of(now_ms, zone_of(book.address.shop, active.pack)) % DAY_MINUTES
    return now_ms - now_ms % MINUTE_MS - minutes * MINUTE_MS
