"""What everything that was committed anywhere comes to, whether it has reached head office or not.

The witness tells it each entry as soon as it lies on a disk, and head office's own bookings as soon as they are in the
books. So it knows before head office does when something was spent twice: an account below its bound, or more taken
from a lease than was lent. Where a disk was copied or put back, each copy may take at most what the lease held; so much
is head office's "largest possible loss", and no more than that may be missing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contract import envelope, wire
from contract.bodies import (
    MAX_SLIP_BYTES,
    Body,
    DocumentChangeBody,
    LeaseReturnBody,
    OfficeBody,
    SlipInBody,
    SlipOutBody,
)
from contract.documents import DocumentKind, open_document, read_leases
from contract.envelope import Keyring
from contract.ids import TerminalAddress
from contract.journal import EntryHeader
from contract.postings import (
    COUPONS,
    POINTS,
    Posting,
    granted_account,
    member_bonus_account,
    member_points_account,
    member_principal_account,
    pool_account,
)
from contract.slips import Slip
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Asset, Draw, Lease, bonus_place, ledger_place
from hq.documents import DAY_MS
from hq.lease_book import beyond_leases_account
from hq.settlement.movements import TOLD_LATE
from tests.fleet.offers import CURRENCY, FLOOR_DAY_MINOR, FUNDED
from tests.fleet.value import coupons_in

NEVER_OWED = ("/principal", "/bonus", "/points", "/uses/", "gift/", "budget/")
"""In the names of accounts that head office owes, or keeps to give, and that nobody may overdraw."""
COUPON_WEIGHED = "coupon_weighed"
"""The action of the entry by which head office decides anew which use of a coupon counts."""
NEVER_OWED_OF_A_SHOP = "/points_pool"
"""The only account of a shop of which that is so: the points that it paid for in advance."""


@dataclass
class Lent:
    """A lease, what was taken from it by which transaction, and how many disks hold or held it."""

    amount: int
    bonus_minor: int
    holder: TerminalAddress | None
    taken: int = 0
    bonus_taken_minor: int = 0


@dataclass
class Sold:
    """What a transaction sold and took: units of each line (one line where money was paid in), the amount in minor
    units, and how much of both came back.
    """

    holder: TerminalAddress
    units: tuple[int, ...]
    amount_minor: int
    units_back: Counter[int] = field(default_factory=Counter)
    back_minor: int = 0


class Truth:
    """Sums over all entries, each transaction counted once. ``believed`` are head office's keys."""

    def __init__(self, believed: Keyring) -> None:
        self._believed = believed
        self._counted: set[bytes] = set()
        self.balances: Counter[tuple[str, str]] = Counter()
        self.leases: dict[bytes, Lent] = {}
        self.sold: dict[bytes, Sold] = {}
        self.points_due: Counter[str] = Counter()
        """By account, points that came back with goods and were spent by then: it may be so much below 0."""
        self.on_floor: Counter[tuple[TerminalAddress, str, int]] = Counter()
        """What members spent beyond what was lent, by terminal and member, and by the day of the entry's own clock."""
        self.moved: Counter[tuple[TerminalAddress, tuple[str, str]]] = Counter()
        """What terminals took of accounts, and gave back to them; what came on a slip also stands with its giver."""
        self.coupons: Counter[tuple[TerminalAddress, str]] = Counter()
        """How often a terminal has taken a coupon and not given it back."""
        self.given: dict[bytes, TerminalAddress] = {}
        """From whom a slip came, by the lease on it."""
        self.excused: set[str] = set()
        """Accounts that a lost booking of head office's own was on: no terminal can give that back."""
        self.changed = False

    def see(self, header: EntryHeader, body: Body) -> None:
        """Count an entry, unless its transaction was counted."""
        if header.transaction in self._counted:
            return
        self._counted.add(header.transaction)
        self.changed = True
        holder = header.address
        match body:
            case OfficeBody(action=action) if action in (TOLD_LATE, COUPON_WEIGHED):
                # It moves a charge that stands beside the entry charged and is not counted here.
                pass
            case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody() | OfficeBody():
                for posting in (*body.postings, *filling(header, body), *borne(header, body)):
                    self.balances[posting.account, posting.unit] += posting.amount
        self._see_goods(header, body)
        self._see_moved(header, body)
        for lease in self._lent(header, body):
            lent = self.leases.setdefault(lease.lease, Lent(0, 0, holder))
            lent.amount, lent.bonus_minor, lent.holder = lease.amount, lease.bonus_minor, holder
        for draw in _drawn(body):
            if draw.on_floor:
                self.on_floor[holder, draw.account.holder, header.wall_ms // DAY_MS] += draw.amount
            elif draw.account.asset is not Asset.COUPON:
                self._take(draw.lease, draw.amount, draw.bonus_minor)
        if isinstance(body, LeaseReturnBody):
            for item in body.leases:
                self._take(item.lease, item.amount, item.bonus_minor)

    def _see_goods(self, header: EntryHeader, body: Body) -> None:
        match body:
            case SaleBody():
                units = tuple(line.quantity for line in body.basket.lines)
                self.sold[header.transaction] = Sold(header.address, units, body.payable_minor)
            case TopUpBody():
                self.sold[header.transaction] = Sold(header.address, (), body.amount_minor)
            case RefundBody(original=original):
                if body.member is not None:
                    self.points_due[member_points_account(body.member.member)] += _beyond_hand(body)
                sold = self.sold.get(original.transaction)
                if sold is not None:
                    sold.units_back.update(dict(enumerate(body.units)))
                    sold.back_minor += body.refund_minor

    def _see_moved(self, header: EntryHeader, body: Body) -> None:
        """Count what is charged, at most, where a disk went two ways."""
        moved = [draw for draw in _drawn(body) if draw.account.asset is not Asset.COUPON]
        if isinstance(body, RefundBody):
            moved += body.returned
            if body.member is not None:
                place = member_bonus_account(body.member.member), body.currency
                self.moved[header.address, place] += body.bonus_back_minor
        for item in moved:
            for address in {header.address, self.given.get(item.lease, header.address)}:
                self.moved[address, ledger_place(item.account, CURRENCY)] += item.amount
                if item.account.asset is Asset.STORED:
                    self.moved[address, bonus_place(item.account, CURRENCY)] += item.bonus_minor
        if isinstance(body, SlipInBody):
            self.given[_slip_in(body).value.lease] = _slip_in(body).giver
        self.coupons.update({(header.address, code): 1 for code in coupons_in(body)})
        if isinstance(body, RefundBody):
            self.coupons.subtract({(header.address, code): 1 for code in body.codes_restored})

    def taken_again(self, copies: Counter[TerminalAddress]) -> str:
        """Which terminal took a coupon more often than once without giving it back, times the number of its disks."""
        for (address, code), times in self.coupons.items():
            if times > max(1, copies[address]):
                return f"{code} is taken {times} times at {address}"
        return ""

    def back_twice(self, copies: Counter[TerminalAddress]) -> str:
        """Of which transaction more came back than was sold, times the number of disks that could take it back."""
        for transaction, sold in self.sold.items():
            if not sold.back_minor and not sold.units_back:
                continue
            times = max(1, copies[sold.holder])
            over = any(sold.units_back[line] > times * units for line, units in enumerate(sold.units))
            if over or sold.back_minor > times * sold.amount_minor:
                back = [sold.units_back[line] for line in range(len(sold.units))]
                amounts = f"{sold.back_minor} of {sold.amount_minor}"
                return f"{back} of {list(sold.units)}, {amounts}, of {transaction.hex()[:6]} at {sold.holder}"
        return ""

    def overdrawn(self, copies: Counter[TerminalAddress]) -> str:
        """Which lease gave more than was lent, times the number of disks that held it; empty where none did."""
        for lease, lent in self.leases.items():
            times = 1 if lent.holder is None else max(1, copies[lent.holder])
            if lent.taken > times * lent.amount or lent.bonus_taken_minor > times * lent.bonus_minor:
                taken, held = f"{lent.taken}+{lent.bonus_taken_minor}", f"{lent.amount}+{lent.bonus_minor}"
                return f"{taken} taken from lease {lease.hex()[:8]}, of which {held} was lent to {lent.holder}"
        return ""

    def beyond_floor(self, copies: Counter[TerminalAddress]) -> str:
        """Who was let spend more than the floor limit of a day, times the number of disks that keep count of it."""
        for (address, member, day), amount in self.on_floor.items():
            if amount > max(1, copies[address]) * FLOOR_DAY_MINOR:
                return f"{member} was let spend {amount} at {address} beyond what was lent, on day {day}"
        return ""

    def below_bound(self) -> str:
        """Which account is overdrawn though no lease gave too much; empty where none is."""
        if any(lent.taken > lent.amount or lent.bonus_taken_minor > lent.bonus_minor for lent in self.leases.values()):
            return ""
        for (account, unit), amount in self.balances.items():
            owed = any(part in account for part in NEVER_OWED) and not account.startswith(("shop/", "office/"))
            owed |= account.endswith(NEVER_OWED_OF_A_SHOP)
            # Who uses a coupon where is looked at in the end: until then it may be at several places.
            owed &= unit != COUPONS
            if owed and amount > self.points_due[account] and account not in self.excused:
                return f"{account} is overdrawn by {amount} {unit}"
        return ""

    def _take(self, lease: bytes, amount: int, bonus_minor: int) -> None:
        lent = self.leases.setdefault(lease, Lent(0, 0, None))
        lent.taken += amount
        lent.bonus_taken_minor += bonus_minor

    def _lent(self, header: EntryHeader, body: Body) -> Iterator[Lease]:
        if isinstance(body, SaleBody | RefundBody | TopUpBody):
            yield from body.born
        if isinstance(body, DocumentChangeBody) and body.kind == DocumentKind.LEASES and body.sealed is not None:
            content = read_leases(open_document(body.sealed, self._believed).document.content)
            if content.epoch == header.epoch:
                yield from content.granted
        if isinstance(body, SlipInBody):
            yield _slip_in(body).value


def filling(header: EntryHeader, body: Body) -> tuple[Posting, ...]:
    """Points that members pay with at a merchant that buys its points in advance are the merchant's to give again."""
    if header.address.shop != FUNDED or not isinstance(body, SaleBody | RedemptionBody):
        return ()
    taken = sum(draw.amount for draw in body.draws if draw.account.asset is Asset.POINTS)
    return Posting(pool_account(FUNDED), POINTS, -taken), Posting(granted_account(Asset.POOL), POINTS, taken)


def borne(header: EntryHeader, body: Body) -> tuple[Posting, ...]:
    """What members spend on a floor limit their accounts do not pay: the shop bears it, until free money covers it."""
    drawn = body.draws if isinstance(body, SaleBody) else ()
    found: list[Posting] = []
    for draw in drawn:
        if draw.on_floor and isinstance(body, SaleBody):
            account, bearer = member_principal_account(draw.account.holder), beyond_leases_account(header.address.shop)
            found += [Posting(account, body.currency, -draw.amount), Posting(bearer, body.currency, draw.amount)]
    return tuple(found)


def _slip_in(body: SlipInBody) -> Slip:
    return wire.unpack(Slip, envelope.peek(body.slip, MAX_SLIP_BYTES), MAX_SLIP_BYTES)


def _drawn(body: Body) -> Iterable[Draw]:
    return body.draws if isinstance(body, SaleBody | RefundBody | TopUpBody | RedemptionBody | SlipOutBody) else ()


def _beyond_hand(body: RefundBody) -> int:
    """Points that were taken back and did not lie at the till any more: the member owes them where they are spent."""
    taken = sum(draw.amount for draw in body.draws if draw.account.asset is Asset.POINTS)
    return max(0, body.points_back - body.points_restored - taken)
