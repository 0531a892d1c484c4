"""Where a till stands: one frozen value that says everything the screen shows and the next step needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from agent.txn.book import ActivePack, Held
from agent.txn.effects import Commit
from agent.txn.returning import Refunding
from contract.basket import Customer, PoolShare, RuleUsage, Stock
from contract.bodies import Body, ShiftCloseBody, SlipOutBody
from contract.documents import CatalogueItem
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.refusals import Refusal
from contract.slips import Slip
from contract.trace import AppliedEffect
from contract.trade import MemberRef, PendingPoints, RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Draw
from rules.advice.offer import Offer
from rules.engine.redeeming import Redeemable
from rules.explain import Explanation
from rules.priced import Priced

MENU = ("refund", "report", "training", "topup", "slip", "points", "redeem", "reprint", "signout")
"""What the menu offers, each under the number of its place; all of them are keys of their own too."""
MOST_CHOICES = 6
"""So many terminals stand on the glass at once to be chosen from."""


class Lang(StrEnum):
    """The language on the glass."""

    ZH = "zh"
    EN = "en"


class Notice(StrEnum):
    """Good or neutral news that is shown until the next key or tap."""

    MEMBER_REPLACED = "member_replaced"
    BASKET_CANCELLED = "basket_cancelled"
    RECEIPT_AGAIN = "receipt_again"
    RULES_CHANGED = "rules_changed"
    ALREADY_BOOKED = "already_booked"
    COUPON_ADDED = "coupon_added"
    COUPON_IDLE = "coupon_idle"
    SLIP_TAKEN_IN = "slip_taken_in"
    TRAINING_BEGUN = "training_begun"
    TRAINING_OVER = "training_over"
    PRACTISED = "practised"


class ReceiptState(StrEnum):
    """How far a receipt is."""

    OWED = "owed"
    PRINTING = "printing"
    WAITING = "waiting"
    PRINTED = "printed"


@dataclass(frozen=True, slots=True)
class Buyer:
    """The member who was recognised, fit to be shown: the name is masked, of a phone number only its ends are kept.

    ``customer`` is what rules may look at. ``points`` is None where only a credential is known of the member, not a
    balance. ``most_stored_minor`` is the credential's own limit on the stored value of one sale, ``may_stored_minor``
    and ``may_points`` are the most that one sale may take now (``permission.bounded``); None where nothing but what
    lies here bounds it.
    """

    ref: MemberRef
    customer: Customer
    name_masked: str
    phone_masked: str
    points: int | None
    most_stored_minor: int | None = None
    may_stored_minor: int | None = None
    may_points: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the basket: an article, how many, and the list price of one in minor units."""

    item: CatalogueItem
    quantity: int
    unit_price_minor: int

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
class PlannedRedemption:
    """What the member may take by the rules, of which that from ``first`` on is on the glass."""

    choices: tuple[Redeemable, ...]
    first: int = 0

    @property
    def shown(self) -> tuple[Redeemable, ...]:
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

    @property
    def cash_minor(self) -> int:
        """What is left to pay in cash."""
        if self.top_up is not None:
            return self.top_up.amount_minor
        return self.priced.to_pay_minor - self.stored_minor


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The cashier at the till."""

    cashier: str
    name: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """Nobody is signed in. ``pin`` is None until the number has been entered."""

    number: str = ""
    pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Selling:
    """Ready, or with a basket. ``keyed`` is what stands in the field, at most ``keying.MOST_CHARS`` characters."""

    basket: OpenBasket | None = None
    keyed: str = ""
    phone_entry: bool = False


@dataclass(frozen=True, slots=True)
class ShiftReport:
    """The figures of the running shift, as what would close it; ``keyed`` is what was keyed of the cash counted."""

    body: ShiftCloseBody
    keyed: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """What else a cashier may do, each under a number; ``behind`` is where the menu was opened."""

    behind: Selling


@dataclass(frozen=True, slots=True)
class AskPin:
    """The member's PIN is asked for, because ``key`` would spend more than may be spent without. ``selling`` is what
    stood on the glass, with its ``basket``.
    """

    selling: Selling
    basket: OpenBasket
    key: str
    keyed: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Committing:
    """A commit is outstanding: nothing is known yet, and nothing else is begun. It is of a ``basket``, or of what stood
    on the glass ``before``, which comes back where the commit fails. In training ``practised`` is what would have been
    booked.
    """

    basket: OpenBasket | None
    asked: Commit
    before: Refunding | ShiftReport | None = None
    practised: Body | None = None


@dataclass(frozen=True, slots=True)
class SoldSale:
    """A sale as the journal holds it, ready to be shown and printed; ``when`` is the shop's local time."""

    entry: Entry
    sale: SaleBody
    explanations: tuple[Explanation, ...]
    buyer: Buyer | None
    when: str

    @property
    def amount_minor(self) -> int:
        """What the customer had to pay, by whatever means."""
        return self.sale.payable_minor

    @property
    def currency(self) -> str:
        """The currency it is in."""
        return self.sale.currency


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """A top-up as the journal holds it, ready to be shown and printed."""

    entry: Entry
    body: TopUpBody
    explanations: tuple[Explanation, ...]
    buyer: Buyer
    when: str

    @property
    def amount_minor(self) -> int:
        """What the customer paid in."""
        return self.body.amount_minor

    @property
    def currency(self) -> str:
        """The currency it is in."""
        return self.body.currency


@dataclass(frozen=True, slots=True)
class SlippedOut:
    """Value that left on paper as the journal holds it, ready to be shown and printed; ``buyer`` is None where the
    member is not known here any more.
    """

    entry: Entry
    body: SlipOutBody
    slip: Slip
    buyer: Buyer | None
    when: str
    currency: str

    @property
    def amount_minor(self) -> int:
        """What is carried, bonus and all."""
        return self.slip.value.amount + self.slip.value.bonus_minor


@dataclass(frozen=True, slots=True)
class HandedOut:
    """Something that a member took without a sale, as the journal holds it, ready to be shown and printed."""

    entry: Entry
    body: RedemptionBody
    explanations: tuple[Explanation, ...]
    buyer: Buyer
    when: str

    @property
    def amount_minor(self) -> int:
        """Nothing was paid."""
        return 0

    @property
    def currency(self) -> str:
        """The currency of the till."""
        return self.body.currency


@dataclass(frozen=True, slots=True)
class Refunded:
    """A return as the journal holds it, ready to be shown and printed. ``names`` are what the lines of the sale are
    called; empty where the sale is not kept here any more.
    """

    entry: Entry
    body: RefundBody
    names: tuple[str, ...]
    buyer: Buyer | None
    when: str

    @property
    def amount_minor(self) -> int:
        """What the customer got back, by whatever means."""
        return self.body.refund_minor

    @property
    def currency(self) -> str:
        """The currency it is in."""
        return self.body.currency


@dataclass(frozen=True, slots=True)
class ShiftClosed:
    """A shift that was closed as the journal holds it, ready to be shown and printed; ``since`` is when it began."""

    entry: Entry
    body: ShiftCloseBody
    when: str
    since: str
    currency: str
    buyer: None = None

    @property
    def amount_minor(self) -> int:
        """What was counted."""
        return self.body.cash_counted_minor


Done = SoldSale | ToppedUp | SlippedOut | HandedOut | Refunded | ShiftClosed
"""What a receipt is printed of."""


@dataclass(frozen=True, slots=True)
class Paid:
    """The last sale or top-up is durable; the next key or tap begins another."""

    sold: Done
    receipt: ReceiptState
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Recovered:
    """After a start: what was committed and whose receipt is not known to be out, offered one at a time."""

    owed: tuple[Done, ...]
    receipt: ReceiptState = ReceiptState.OWED
    problem: str = ""


Scene = SignIn | Selling | AskPin | Refunding | ShiftReport | Menu | Committing | Paid | Recovered


@dataclass(frozen=True, slots=True)
class TillState:
    """The whole of it. ``touched_ms`` is the monotonic time of the last thing a person did; nothing that is done in
    ``training`` enters the books.
    """

    scene: Scene = field(default_factory=SignIn)
    cashier: SignedIn | None = None
    lang: Lang = Lang.ZH
    refusal: Refusal | None = None
    notice: Notice | None = None
    touched_ms: int = 0
    training: bool = False

    @classmethod
    def started(cls, language: str) -> TillState:
        """The state of a till that has just been switched on; any language but ``en`` begins in Chinese."""
        return cls(lang=Lang.EN if language == Lang.EN else Lang.ZH)

    @property
    def open_basket(self) -> bool:
        """Whether a basket is begun or a commit outstanding: no other pack may become active meanwhile."""
        match self.scene:
            case Committing() | Refunding() | AskPin():
                return True
            case Selling(basket=basket) | Menu(behind=Selling(basket=basket)):
                return basket is not None
        return False

    @property
    def outstanding(self) -> Commit | None:
        """The commit that waits for its answer."""
        return self.scene.asked if isinstance(self.scene, Committing) else None
