"""The bodies of entries that move money or value: sale, refund, top-up, redemption, and what they are made of."""

from enum import StrEnum

from contract import wire
from contract.basket import CODE, MAX_LINES, MAX_POINTS, MAX_QUANTITY, MOST_CODES, Basket
from contract.ids import CASHIER_ID, DIGEST, MEMBER_ID, NAME, RULE, TRANSACTION_ID
from contract.making import dataclass
from contract.money import AMOUNT_MINOR, CURRENCY, MAX_AMOUNT_MINOR
from contract.postings import Posting
from contract.trace import GIVEN, AppliedEffect, Given, RuleTimes
from contract.value import BORN, DRAWS, MOST_DRAWS_IN_ALL, Draw, Lease

MAX_EFFECTS = 192
"""The most effects one sale may hold, so few that the engine has left out no rule for want of room. A pack is refused
where one article could meet more; a basket is full before it has more, or before its entry would exceed
``contract.journal.MAX_ENTRY_BYTES``.
"""
POSTINGS = wire.many(wire.record(Posting), 96)

_EFFECTS = wire.many(wire.record(AppliedEffect), MAX_EFFECTS)
_POINTS = wire.whole(0, MAX_POINTS)


class Medium(StrEnum):
    """By what a member was recognised."""

    CARD = "card"
    QR = "qr"
    PHONE = "phone"


class Assurance(StrEnum):
    """What the recognition proves: ``claimed`` (a number anyone can say or copy), ``signed`` (HQ's signature
    verified), ``fresh`` (signed, and shown just now by the phone it names), ``authenticated`` (a card that proved to
    hold the key it was given), ``pin`` (the member's own PIN was keyed).
    """

    CLAIMED = "claimed"
    SIGNED = "signed"
    FRESH = "fresh"
    AUTHENTICATED = "authenticated"
    PIN = "pin"


class TenderKind(StrEnum):
    """How something was paid."""

    CASH = "cash"
    STORED_VALUE = "stored_value"


@dataclass(frozen=True, slots=True)
class PackRef:
    """Which rule pack priced: version, and the SHA-256 of the signed document as received."""

    version: int = wire.at(1, wire.whole(1, 2**53))
    digest: bytes = wire.at(2, DIGEST)


@dataclass(frozen=True, slots=True)
class MemberRef:
    """Which member bought and how the member was recognised. What rules look at stands in the basket's customer.

    ``presentation`` names the one showing of a phone's code that was taken, so that head office sees where the same
    showing was taken twice.
    """

    member: str = wire.at(1, MEMBER_ID)
    medium: Medium = wire.at(2, wire.choice(Medium))
    assurance: Assurance = wire.at(3, wire.choice(Assurance))
    presentation: bytes | None = wire.maybe(4, wire.octets(16))


@dataclass(frozen=True, slots=True)
class Tender:
    """What was paid how, in minor units."""

    kind: TenderKind = wire.at(1, wire.choice(TenderKind))
    amount_minor: int = wire.at(2, AMOUNT_MINOR)


@dataclass(frozen=True, slots=True)
class PerpetualTotals:
    """Counters over the whole life of a till and all its epochs, including this entry; they only grow."""

    sales: int = wire.at(1, wire.whole(0, 2**53))
    payable_minor: int = wire.at(2, wire.whole(0, 2**60))
    refunds: int = wire.maybe(3, wire.whole(0, 2**53), 0)
    refunded_minor: int = wire.maybe(4, wire.whole(0, 2**60), 0)
    top_ups: int = wire.maybe(5, wire.whole(0, 2**53), 0)
    topped_up_minor: int = wire.maybe(6, wire.whole(0, 2**60), 0)

    def with_sale(self, payable_minor: int) -> "PerpetualTotals":
        """These counters and one more sale."""
        return PerpetualTotals(
            self.sales + 1,
            self.payable_minor + payable_minor,
            self.refunds,
            self.refunded_minor,
            self.top_ups,
            self.topped_up_minor,
        )


@dataclass(frozen=True, slots=True)
class PendingPoints:
    """Points that a merchant who pays in advance owes a member: they are given once the merchant has paid for them."""

    pool: str = wire.at(1, NAME)
    points: int = wire.at(2, wire.whole(1, MAX_POINTS))


@dataclass(frozen=True, slots=True)
class SaleBody:
    """A sale, complete: the basket exactly as it was priced, what the rules made of it, how it was paid, and the
    postings it makes. From basket and pack alone head office comes to the same.

    ``names`` and ``payable_by_line`` stand in basket order: what each line is called, and what it comes to in minor
    units. ``payable_minor`` is their sum with the tax on top and ``rounding_minor``; ``stored_minor`` of it is paid
    from stored value because a rule says so, the rest by ``tenders``. Points are in the pack's smallest unit, of which
    ``points_scale`` make one that people see. ``draws`` are what was taken from leases: for stored value spent in
    whichever way, for points, coupons, uses, gifts, budgets. ``born`` is what the sale itself created and may be spent
    here at once. ``pending`` are points still to come, which are no part of what was earned.
    """

    cashier: str = wire.at(1, CASHIER_ID)
    pack: PackRef = wire.at(2, wire.record(PackRef))
    currency: str = wire.at(3, CURRENCY)
    basket: Basket = wire.at(4, wire.record(Basket))
    names: tuple[str, ...] = wire.at(5, wire.many(wire.text(40), MAX_LINES, least=1))
    payable_by_line: tuple[int, ...] = wire.at(6, wire.many(AMOUNT_MINOR, MAX_LINES, least=1))
    effects: tuple[AppliedEffect, ...] = wire.at(7, _EFFECTS)
    payable_minor: int = wire.at(8, AMOUNT_MINOR)
    points_earned: int = wire.at(9, wire.whole(0, MAX_POINTS))
    points_spent: int = wire.at(10, wire.whole(0, MAX_POINTS))
    tenders: tuple[Tender, ...] = wire.at(11, wire.many(wire.record(Tender), 8))
    postings: tuple[Posting, ...] = wire.at(12, POSTINGS)
    totals: PerpetualTotals = wire.at(13, wire.record(PerpetualTotals))
    member: MemberRef | None = wire.maybe(14, wire.record(MemberRef))
    rounding_minor: int = wire.maybe(15, wire.whole(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR), 0)
    stored_minor: int = wire.maybe(16, AMOUNT_MINOR, 0)
    bonus_minor: int = wire.maybe(17, AMOUNT_MINOR, 0)
    points_scale: int = wire.maybe(18, wire.whole(2, 10_000), 1)
    draws: tuple[Draw, ...] = wire.maybe(19, DRAWS, ())
    born: tuple[Lease, ...] = wire.maybe(20, BORN, ())
    pending: tuple[PendingPoints, ...] = wire.maybe(21, wire.many(wire.record(PendingPoints), 8), ())


@dataclass(frozen=True, slots=True)
class Original:
    """The sale that something refers to: where it stands, its transaction, and the SHA-256 of its signed bytes."""

    shop: str = wire.at(1, NAME)
    terminal: str = wire.at(2, NAME)
    epoch: int = wire.at(3, wire.whole(1, 2**31))
    seq: int = wire.at(4, wire.whole(1, 2**53))
    transaction: bytes = wire.at(5, TRANSACTION_ID)
    digest: bytes = wire.at(6, DIGEST)


@dataclass(frozen=True, slots=True)
class RefundBody:
    """Goods of an earlier sale come back. ``units`` came back of each of its lines; ``refund_minor`` is paid out, of
    which ``to_stored_minor`` goes back into stored value: principal and bonus as ``returned`` says, lot by lot, each
    to the lot it was drawn from. ``returned`` also says what of uses, gifts, budgets and pools goes back to where the
    sale drew it. ``points_back`` are taken from the member, ``points_restored`` given again, ``bonus_back_minor`` taken
    out of stored value, ``draws`` of it from the leases held here. ``born`` is the value put back, to be spent here at
    once, a lease for each lot. What was given with the sale and goes back with it stands in ``coupons_withdrawn``,
    ``counts_withdrawn`` and ``gifts_due``. ``rules_undone`` are the applications that counted towards a rule's limit
    for its member or its shop and that count no more.

    Of a top-up what is left of its principal in hand is paid out: ``draws`` take it and the bonus beside it from the
    leases, and ``units`` is one.
    """

    cashier: str = wire.at(1, CASHIER_ID)
    pack: PackRef = wire.at(2, wire.record(PackRef))
    currency: str = wire.at(3, CURRENCY)
    original: Original = wire.at(4, wire.record(Original))
    units: tuple[int, ...] = wire.at(5, wire.many(wire.whole(0, MAX_QUANTITY), MAX_LINES, least=1))
    refund_minor: int = wire.at(6, AMOUNT_MINOR)
    to_stored_minor: int = wire.at(7, AMOUNT_MINOR)
    points_back: int = wire.at(8, _POINTS)
    points_restored: int = wire.at(9, _POINTS)
    tenders: tuple[Tender, ...] = wire.at(10, wire.many(wire.record(Tender), 8))
    postings: tuple[Posting, ...] = wire.at(11, POSTINGS)
    totals: PerpetualTotals = wire.at(12, wire.record(PerpetualTotals))
    member: MemberRef | None = wire.maybe(13, wire.record(MemberRef))
    bonus_back_minor: int = wire.maybe(14, AMOUNT_MINOR, 0)
    returned: tuple[Draw, ...] = wire.maybe(15, DRAWS, ())
    born: tuple[Lease, ...] = wire.maybe(16, BORN, ())
    codes_restored: tuple[str, ...] = wire.maybe(17, wire.many(CODE, MOST_CODES), ())
    draws: tuple[Draw, ...] = wire.maybe(18, DRAWS, ())
    coupons_withdrawn: tuple[Given, ...] = wire.maybe(19, GIVEN, ())
    counts_withdrawn: tuple[Given, ...] = wire.maybe(20, GIVEN, ())
    gifts_due: tuple[Given, ...] = wire.maybe(21, GIVEN, ())
    points_scale: int = wire.maybe(22, wire.whole(2, 10_000), 1)
    rules_undone: tuple[RuleTimes, ...] = wire.maybe(23, wire.many(wire.record(RuleTimes), MAX_EFFECTS), ())


@dataclass(frozen=True, slots=True)
class TopUpBody:
    """Money paid into stored value. ``amount_minor`` is the principal; what rules bring with it stands in ``effects``
    (one a rule: bonus, points, coupons, counts), reckoned from ``basket``, which has no lines. ``born`` is the value
    created, to be spent here at once; ``draws`` are what the rules took of budgets and of points paid in advance.
    """

    cashier: str = wire.at(1, CASHIER_ID)
    pack: PackRef = wire.at(2, wire.record(PackRef))
    currency: str = wire.at(3, CURRENCY)
    basket: Basket = wire.at(4, wire.record(Basket))
    member: MemberRef = wire.at(5, wire.record(MemberRef))
    amount_minor: int = wire.at(6, AMOUNT_MINOR)
    bonus_minor: int = wire.at(7, AMOUNT_MINOR)
    effects: tuple[AppliedEffect, ...] = wire.at(8, _EFFECTS)
    tenders: tuple[Tender, ...] = wire.at(9, wire.many(wire.record(Tender), 8, least=1))
    postings: tuple[Posting, ...] = wire.at(10, POSTINGS)
    totals: PerpetualTotals = wire.at(11, wire.record(PerpetualTotals))
    born: tuple[Lease, ...] = wire.at(12, BORN)
    points: int = wire.maybe(13, _POINTS, 0)
    draws: tuple[Draw, ...] = wire.maybe(14, DRAWS, ())


@dataclass(frozen=True, slots=True)
class RedemptionBody:
    """Something is handed out against points, uses or a coupon alone, without a sale. ``given`` is what was handed
    out by ``rule``, ``draws`` what it took, ``basket`` what the rule looked at, which has no lines.
    """

    cashier: str = wire.at(1, CASHIER_ID)
    pack: PackRef = wire.at(2, wire.record(PackRef))
    currency: str = wire.at(3, CURRENCY)
    member: MemberRef = wire.at(4, wire.record(MemberRef))
    given: tuple[Given, ...] = wire.at(5, wire.many(wire.record(Given), 32))
    draws: tuple[Draw, ...] = wire.at(6, wire.many(wire.record(Draw), MOST_DRAWS_IN_ALL, least=1))
    postings: tuple[Posting, ...] = wire.at(7, POSTINGS)
    rule: str | None = wire.maybe(8, RULE)
    basket: Basket | None = wire.maybe(9, wire.record(Basket))
