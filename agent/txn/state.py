"""Where a till stands: one frozen value that says everything the screen shows and the next step needs."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from agent.txn.done import Done, HandedOut, Refunded, ShiftClosed, SlippedOut, SoldSale, ToppedUp
from agent.txn.effects import Commit
from agent.txn.open_basket import (
    MOST_CHOICES,
    Buyer,
    Choice,
    Line,
    OpenBasket,
    PlannedRedemption,
    PlannedSlip,
    PlannedTopUp,
    ShownCoupon,
    ShownSlip,
    Told,
)
from agent.txn.returning import Refunding
from contract.bodies import Body, ShiftCloseBody
from contract.making import dataclass
from contract.refusals import Refusal

__all__ = [
    "MENU",
    "MOST_CHOICES",
    "AskPin",
    "Buyer",
    "Choice",
    "Committing",
    "Done",
    "HandedOut",
    "Lang",
    "Line",
    "Menu",
    "Notice",
    "OpenBasket",
    "Paid",
    "PlannedRedemption",
    "PlannedSlip",
    "PlannedTopUp",
    "ReceiptState",
    "Recovered",
    "Refunded",
    "Reprinting",
    "Scene",
    "Selling",
    "ShiftClosed",
    "ShiftReport",
    "ShownCoupon",
    "ShownSlip",
    "SignIn",
    "SignedIn",
    "SlippedOut",
    "SoldSale",
    "TillState",
    "Told",
    "ToppedUp",
]

MENU = ("refund", "report", "training", "topup", "slip", "points", "redeem", "reprint", "signout")
"""What the menu offers, each under the number of its place; all of them are keys of their own too."""


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
    TRAINING_BEGUN = "training_begun"
    TRAINING_OVER = "training_over"
    PRACTISED = "practised"


@dataclass(frozen=True, slots=True)
class SlipTaken:
    """Good news as well: a slip was taken in, with so much stored value (minor units) of ``whose``, a member's masked
    name, or the id of a member whom this till does not know.
    """

    whose: str
    amount_minor: int
    currency: str


class ReceiptState(StrEnum):
    """How far a receipt is."""

    OWED = "owed"
    PRINTING = "printing"
    WAITING = "waiting"
    PRINTED = "printed"


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
class Reprinting:
    """The newest papers, newest first, of which one may be printed once more."""

    papers: tuple[Done, ...]


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


Scene = SignIn | Selling | AskPin | Refunding | ShiftReport | Reprinting | Menu | Committing | Paid | Recovered


@dataclass(frozen=True, slots=True)
class TillState:
    """The whole of it. ``touched_ms`` is the monotonic time of the last thing a person did; nothing that is done in
    ``training`` enters the books.
    """

    scene: Scene = field(default_factory=SignIn)
    cashier: SignedIn | None = None
    lang: Lang = Lang.ZH
    refusal: Refusal | None = None
    notice: Notice | SlipTaken | None = None
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
