"""A basket in the making, and what it is made of: buyer, lines, coupons, and what is planned to be booked."""

from __future__ import annotations

from dataclasses import field

from agent.txn.book import ActivePack, Held
from contract.basket import BasketLine, Customer, PoolShare, RuleUsage, Stock
from contract.documents import CatalogueItem
from contract.ids import TerminalAddress
from contract.making import dataclass
from contract.refusals import Refusal
from contract.slips import Slip
from contract.trace import AppliedEffect
from contract.trade import MemberRef, PendingPoints
from contract.value import Draw
from rules.advice.offer import Offer
from rules.engine.redeeming import Redeemable
from rules.explain import Explanation
from rules.priced import Priced

MOST_CHOICES = 6
"""So many terminals stand on the glass at once to be chosen from."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """The member who was recognised, fit to be shown: the name is masked, of a phone number only its ends are kept.

    ``customer`` is what rules may look at. ``points`` is None where only a credential is known of the member, not a
    balance. ``most_stored_minor`` is the credential's own limit on the stored value of one sale, ``may_stored_minor``
    and ``may_points`` are the most that one sale may take now (``permission.bounded``); None where nothing but what
    lies here bounds it. ``floor_minor`` is what is left today of the shop's floor limit.
    """

    ref: MemberRef
    customer: Customer
    name_masked: str
    phone_masked: str
    points: int | None
    most_stored_minor: int | None = None
    may_stored_minor: int | None = None
    may_points: int | None = None
    floor_minor: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the basket: an article, how many, and the list price of one in minor units. ``plain`` is what pricing
    looks at of it, made with the line, which is priced many times.
    """

    item: CatalogueItem
    quantity: int
    unit_price_minor: int
    plain: BasketLine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        item = self.item
        plain = BasketLine(
            sku=item.sku,
            quantity=self.quantity,
            unit_price_minor=self.unit_price_minor,
            categories=item.categories,
            brand=item.brand,
            tags=item.tags,
            member_price_minor=item.member_price_minor,
            floor_minor=item.floor_minor,
            excluded=item.excluded,
            reduced=item.reduced,
            taxes=item.taxes,
        )
        object.__setattr__(self, "plain", plain)

    @property
    def list_minor(self) -> int:
        """The line at list price, in minor units."""
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True, slots=True)
class ShownCoupon:
    """An electronic coupon that was shown and holds here and now: its code, whom it belongs to (anybody where None),
    and the id that its signed bytes have as a lease.
    """

    code: str
    member: str | None
    lease: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What the rules are told of this till's shares: of those campaigns, merchants and gifts alone of which it has too
    little for this basket. Of all others there is enough.
    """

    usage: tuple[RuleUsage, ...] = ()
    stock: tuple[Stock, ...] = ()
    pools: tuple[PoolShare, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedTopUp:
    """Money to be put into the buyer's stored value, what rules bring with it at once, and what they took of shares."""

    amount_minor: int
    bonus_minor: int
    points: int
    effects: tuple[AppliedEffect, ...]
    explanations: tuple[Explanation, ...]
    draws: tuple[Draw, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedSlip:
    """Value to be carried on paper to one of the terminals in ``choices``, of which those from ``first`` on are on the
    glass.
    """

    amount_minor: int
    choices: tuple[TerminalAddress, ...]
    first: int = 0

    @property
    def shown(self) -> tuple[TerminalAddress, ...]:
        """The terminals on the glass, each under its number from 1 on."""
        return self.choices[self.first : self.first + MOST_CHOICES]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something the member may take by the rules, and why it cannot be taken here now, if so: the refusal's detail is
    how much is missing.
    """

    wanted: Redeemable
    missing: Refusal | None = None


@dataclass(frozen=True, slots=True)
class PlannedRedemption:
    """What the member may take by the rules, of which that from ``first`` on is on the glass."""

    choices: tuple[Choice, ...]
    first: int = 0

    @property
    def shown(self) -> tuple[Choice, ...]:
        """What is on the glass, each under its number from 1 on."""
        return self.choices[self.first : self.first + MOST_CHOICES]


@dataclass(frozen=True, slots=True)
class ShownSlip:
    """A slip made out to this terminal, verified, and its bytes as signed."""

    data: bytes
    slip: Slip


@dataclass(frozen=True, slots=True)
class OpenBasket:
    """A basket in the making, always priced. The pack is the one that was active when the basket was begun, and
    ``moment_ms`` (Unix time) is when that was: what rules say of days and hours holds for the whole basket.

    ``transaction`` stays the same from the first line to the commit, so that a commit tried twice is one sale.
    ``offer`` is what the customer could still buy for more; it is sought in the first quiet moment after the price.

    ``held`` is the buyer's stored value that this terminal may draw from. Where it ``pays_stored``, ``stored_minor`` of
    what rules leave to pay is paid from it. Of the buyer's points ``points_held`` may be spent here; where it
    ``pays_points``, rules may take of them. ``draws`` are what all this, the coupons and the rules take of leases,
    ``told`` what the rules were told of shares, ``pending`` points that are still to come. A basket with a ``top_up``,
    a ``slip`` or a ``redeem`` has no lines.
    """

    active: ActivePack
    moment_ms: int
    transaction: bytes
    lines: tuple[Line, ...]
    buyer: Buyer | None
    priced: Priced
    explanations: tuple[Explanation, ...]
    offer: Offer | None = None
    offer_sought: bool = False
    held: tuple[Held, ...] = ()
    pays_stored: bool = False
    stored_minor: int = 0
    points_held: tuple[Held, ...] = ()
    pays_points: bool = False
    told: Told = Told()
    pending: tuple[PendingPoints, ...] = ()
    draws: tuple[Draw, ...] = ()
    coupons: tuple[ShownCoupon, ...] = ()
    pin_asked: bool = False
    top_up: PlannedTopUp | None = None
    slip: PlannedSlip | None = None
    redeem: PlannedRedemption | None = None

    def tells_the_same(self, other: OpenBasket) -> bool:
        """Whether a customer reads the same of both: they differ at most in which leases are drawn."""
        mine = (self.priced, self.explanations, self.stored_minor, self.on_floor_minor, self.pending)
        return mine == (other.priced, other.explanations, other.stored_minor, other.on_floor_minor, other.pending)

    @property
    def on_floor_minor(self) -> int:
        """What is paid from stored value beyond what lies here, on the shop's floor limit."""
        return sum(item.whole for item in self.draws if item.on_floor)

    @property
    def cash_minor(self) -> int:
        """What is left to pay in cash."""
        if self.top_up is not None:
            return self.top_up.amount_minor
        return self.priced.to_pay_minor - self.stored_minor
