"""What a transaction may look up: a read-only view of the terminal, answered by the till from its store and clock."""

from __future__ import annotations

from typing import Protocol

from contract.basket import RuleUsage
from contract.bodies import ShiftCloseBody
from contract.documents import CashierRecord, CatalogueItem, PinVerifier
from contract.envelope import Keyring
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.making import dataclass
from contract.signing import PublicKey
from contract.slips import Slip
from contract.trade import PackRef, PerpetualTotals
from contract.value import Account, Lease
from rules.advice.goods import Goods
from rules.engine.compiled import Compiled
from rules.grammar.pack import Pack


@dataclass(frozen=True, slots=True)
class ActivePack:
    """The rule pack that prices now, compiled, with the goods its offers are tried with and the reference that a sale's
    entry carries.
    """

    ref: PackRef
    compiled: Compiled
    goods: Goods

    @property
    def pack(self) -> Pack:
        """The pack itself."""
        return self.compiled.pack


class Moment(Protocol):
    """A point in time: ``wall_ms`` since 1970-01-01 (UTC), and ``monotonic_ms``, which never goes back in a boot."""

    @property
    def wall_ms(self) -> int:
        """Unix time in milliseconds."""
        ...

    @property
    def monotonic_ms(self) -> int:
        """Milliseconds since an arbitrary moment of this boot."""
        ...


class Member(Protocol):
    """A member as the terminal's cache knows one. ``phone_last4`` is empty or None where no number is known."""

    @property
    def member(self) -> str:
        """The member's id."""
        ...

    @property
    def name(self) -> str:
        """The whole name; a screen or a paper shows it masked."""
        ...

    @property
    def tier(self) -> str:
        """The tier that prices."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that rules may look at."""
        ...

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments the member is in."""
        ...

    @property
    def card_type(self) -> str | None:
        """The type of the member's card."""
        ...

    @property
    def birthday(self) -> int | None:
        """The birthday as a day of every year (``contract.calendar``)."""
        ...

    @property
    def visits(self) -> int | None:
        """How many purchases head office knew of."""
        ...

    @property
    def visit_days(self) -> tuple[int, ...]:
        """The days of the latest of them."""
        ...

    @property
    def points(self) -> int:
        """The balance head office knew when it issued the document."""
        ...

    @property
    def phone_last4(self) -> str | None:
        """The last four digits of the phone number."""
        ...

    @property
    def pin(self) -> PinVerifier | None:
        """What the member's PIN is verified by; None where the member has none."""
        ...


class Held(Protocol):
    """A lease in hand, as it was lent, and what is left of it."""

    @property
    def lease(self) -> Lease:
        """The lease as it was lent."""
        ...

    @property
    def amount(self) -> int:
        """What is left, in the account's unit; of stored value the principal."""
        ...

    @property
    def bonus_minor(self) -> int:
        """What is left of the bonus."""
        ...


class ReturnTaken(Protocol):
    """A return of goods of an earlier sale: units of each of its lines, and what it gave and took."""

    @property
    def units(self) -> tuple[int, ...]:
        """How many of each line came back."""
        ...

    @property
    def refund_minor(self) -> int:
        """What was paid out."""
        ...

    @property
    def to_stored_minor(self) -> int:
        """What of it went back into stored value."""
        ...

    @property
    def points_back(self) -> int:
        """The points taken from the member."""
        ...

    @property
    def points_restored(self) -> int:
        """The points given again."""
        ...

    @property
    def bonus_back_minor(self) -> int:
        """The bonus taken out of stored value."""
        ...


class PinTries(Protocol):
    """Wrong PINs of one cashier or member in a row, and when the last one was (``wall_ms``)."""

    @property
    def count(self) -> int:
        """How many in a row; a right PIN sets it back to 0."""
        ...

    @property
    def last_ms(self) -> int:
        """When the last of them was keyed, Unix milliseconds."""
        ...


class Book(Protocol):
    """Everything a step may ask. Answers come at once and raise nothing that a step would have to catch."""

    @property
    def address(self) -> TerminalAddress:
        """Which till this is."""
        ...

    @property
    def hq_keys(self) -> Keyring:
        """Whose signature on a credential is believed."""
        ...

    def now(self) -> Moment:
        """The time of this step."""
        ...

    def local_time(self, wall_ms: int) -> str:
        """A time as the shop reads it, ``2025-06-01 10:32:05``."""
        ...

    def new_transaction(self) -> bytes:
        """A fresh transaction id, 16 random bytes."""
        ...

    def member_by_card(self, uid: bytes) -> Member | None:
        """The member with this card, if cached."""
        ...

    def member_by_phone(self, digits: str) -> Member | None:
        """The member with this phone number, if cached."""
        ...

    def members_by_last4(self, digits: str, most: int) -> tuple[Member, ...]:
        """The cached members whose phone number ends with these four digits, at most so many."""
        ...

    def member_by_id(self, member: str) -> Member | None:
        """The member of this id, if cached."""
        ...

    def item_by_barcode(self, digits: str) -> CatalogueItem | None:
        """The article with this barcode."""
        ...

    def open_item(self) -> CatalogueItem | None:
        """The article that a keyed amount is booked on; None before a catalogue has arrived."""
        ...

    def cashier(self, number: str) -> CashierRecord | None:
        """Who signs in with this number."""
        ...

    def pin_tries(self, number: str) -> PinTries:
        """How this cashier's last tries went."""
        ...

    def pack(self) -> ActivePack | None:
        """The active pack; None before one has arrived."""
        ...

    def pack_of(self, ref: PackRef) -> Pack | None:
        """The pack that priced a sale; None where this terminal no longer keeps it."""
        ...

    def compiled_of(self, ref: PackRef) -> Compiled | None:
        """The same, made ready to reckon a return with."""
        ...

    def entry_at(self, epoch: int, seq: int) -> Entry | None:
        """The entry of this place in the journal; None where there is none, or it cannot be read."""
        ...

    def returns_of(self, transaction: bytes) -> tuple[ReturnTaken, ...] | None:
        """What came back here of the sale of this transaction, the first return first; None where nobody can tell."""
        ...

    def open_shift(self, cashier: str) -> ShiftCloseBody | None:
        """What would close the running shift now, nothing counted yet; None where that cannot be read."""
        ...

    def totals(self) -> PerpetualTotals:
        """The till's perpetual totals so far."""
        ...

    def shop_name(self) -> str:
        """The name on the receipt; empty before a catalogue has arrived."""
        ...

    def currency(self) -> str:
        """The catalogue's currency code; empty before a catalogue has arrived."""
        ...

    def spendable(self, account: Account) -> tuple[Held, ...]:
        """The leases of an account that this terminal may draw from now."""
        ...

    def spent_since(self, account: Account, since_ms: int) -> int:
        """How much of a member's stored value or points was spent here from an instant (Unix milliseconds) on."""
        ...

    def on_floor_since(self, member: str, since_ms: int) -> int:
        """How much of stored value a member spent here beyond what was lent, from an instant (Unix milliseconds) on."""
        ...

    def times_applied(self, rule: str, member: str | None, today: tuple[int, int]) -> RuleUsage:
        """How often a limited rule has acted before for a member, ever and today, as far as this till knows, and here
        today for anybody. ``today`` is the shop's day, and when it began (Unix milliseconds).
        """
        ...

    def member_pin_tries(self, member: str) -> PinTries:
        """How this member's last tries went."""
        ...

    def presentation_taken(self, nonce: bytes) -> bool:
        """Whether this one showing of a phone's code was taken here before."""
        ...

    def coupon_taken(self, code: str) -> bool:
        """Whether this coupon was taken here before and not given back."""
        ...

    def coupon_revoked(self, code: str) -> bool:
        """Whether head office has called this coupon back."""
        ...

    def card_revoked(self, uid: bytes) -> bool:
        """Whether head office has called this card back."""
        ...

    def member_revoked(self, member: str, issued_day: int) -> bool:
        """Whether what head office issued to this member by that day (since 1970-01-01, UTC) is void."""
        ...

    def terminals(self) -> tuple[TerminalAddress, ...]:
        """The other terminals to which value may be carried on paper; some hundreds at most."""
        ...

    def terminal_key(self, address: TerminalAddress, epoch: int) -> PublicKey | None:
        """The key with which another terminal signs in an epoch; None where none is believed."""
        ...

    def slip_taken(self, slip: bytes) -> bool:
        """Whether the slip of this id was taken here before."""
        ...

    def epoch(self) -> int:
        """The open epoch of this terminal's journal."""
        ...

    def signed_slip(self, slip: Slip) -> bytes:
        """A slip of this terminal, signed."""
        ...

    def unprinted(self) -> tuple[Entry, ...]:
        """Sales whose receipt is not known to be out, oldest first; at least as many as are offered."""
        ...

    def last_papers(self, most: int) -> tuple[Entry, ...]:
        """The newest entries of which a paper may be printed once more, the newest first; value slips are not."""
        ...
