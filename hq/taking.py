"""What entries newly in effect take from leases, lots, points and coupons, and what they add.

Beneath the ledger's accounts of value lie leases, lots of stored value, lots of points and single coupons. Whatever an
entry posts on such an account and these do not cover (a lease drawn twice by a copied till, a coupon used twice) is
posted as it happened and charged in the same breath to whoever answers for that till: the member's account never pays
for it, and the bearer's account names the entry.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contract.calendar import LAST_DAY
from contract.postings import (
    POINTS,
    USES,
    Posting,
    granted_account,
    member_points_account,
    member_uses_account,
    pool_account,
)
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Account, Asset, Draw, DrawOrder, Lease, bonus_place, born_lease_id, ledger_place
from hq.applied import Applied
from hq.charges import Charge, Shops, charge_of, goes_on_floor
from hq.coupon_book import CouponBook
from hq.lease_book import LeaseBook, LeaseCount, LeaseState, Origin, beyond_leases_account
from hq.lots import LotBook, LotCount
from hq.points import PointsMove
from hq.unsettled import Cause, Finding, Place
from rules.takings import points_by_pool

DAY_MS = 24 * 60 * 60 * 1_000
EARLIEST_MS = 1_577_836_800_000
"""2020-01-01 (UTC): an entry that says it is older, or of the day after tomorrow, is booked on today's day."""

Trade = SaleBody | RefundBody | TopUpBody | RedemptionBody
_VALUE = ("member/", "coupon/", "gift/", "budget/")
_POOLS = "/points_pool"
_Made = dict[tuple[Asset, bytes | None, str | None], tuple[int, int]]
"""What an entry makes, amount and bonus, by asset and, of stored value, by lot and issuer."""


@dataclass(slots=True)
class Taking:
    """The books beneath the ledger, open for the entries of one batch."""

    leases: LeaseBook
    lots: LotBook
    coupons: CouponBook
    shops: Shops
    currency: str
    now_ms: int
    good_days: int = 0
    """For so many days points are good; for ever where that is 0."""
    held_bonus: Mapping[bytes, int] = field(default_factory=dict)
    """Bonus of lots that web shops have reserved."""
    findings: list[tuple[Place, Finding]] = field(default_factory=list)
    postings: list[tuple[int, Posting]] = field(default_factory=list)
    points: list[PointsMove] = field(default_factory=list)
    to_place: set[Account] = field(default_factory=set)
    place_later: set[Account] = field(default_factory=set)
    """Accounts that many entries touch: they are looked at once for all entries of a minute."""
    issuers: list[tuple[int, int, str | None]] = field(default_factory=list)
    """Draws that say another issuer than theirs: the row of the entry, their place in it, who it is."""
    charges: list[Charge] = field(default_factory=list)
    forgotten: str = ""
    """What a terminal proved to have from head office that these books do not know: they are an older backup."""

    def find(self, item: Applied, cause: Cause, detail: str) -> None:
        """Put something about an entry before people."""
        header = item.header
        self.findings.append((Place(header.address, header.epoch, header.seq), Finding(cause, detail)))

    def add_to_lot(self, like: Lease | Draw, currency: str, amount: int, bonus: int) -> None:
        """Add to the lot that a lease or draw of stored value names, or take from it where the amounts are negative."""
        account = like.account
        if account.asset is Asset.STORED and like.lot is not None:
            self.lots.add(
                LotCount(
                    like.lot, account.holder, currency, amount, bonus, like.issuer, DrawOrder.PRO_RATA, self.now_ms
                )
            )

    def epoch_state(self, address: str, epoch: int) -> LeaseState:
        """Leases of an epoch that has ended are nobody's to spend any more."""
        return LeaseState.ACTIVE if epoch >= self.shops.epochs.get(address, 0) else LeaseState.SUSPENDED

    def bearer(self, shop: str) -> str:
        """The account that bears what the tills of ``shop`` take beyond what is there."""
        bearer = self.shops.bearers.get(shop, shop)
        return beyond_leases_account(None if bearer == "office" else bearer)

    def charge(self, item: Applied, draw: Draw, currency: str, there: tuple[int, int]) -> None:
        """Note what of a draw no lease held, for shops to settle; the ledger's side is the entry's own."""
        bearer = self.bearer(item.header.address.shop)
        self.charges += charge_of((self.leases, self.lots), item, draw, currency, there, bearer)

    def day(self, item: Applied) -> int:
        """The day an entry is booked on, by its own clock where that can be."""
        said = item.header.wall_ms
        believed = said if EARLIEST_MS <= said <= self.now_ms + 2 * DAY_MS else self.now_ms
        return min(believed // DAY_MS, LAST_DAY)

    def draw_from_lease(self, item: Applied, draw: Draw) -> tuple[int, int]:
        """Draw as an entry says; return what of it the lease held. The rest goes before people, but for what goes on a
        floor limit: the pack says of that.
        """
        if goes_on_floor(item, draw):
            self.to_place.add(draw.account)
            return 0, 0
        header = item.header
        count = self.leases.find(draw.lease)
        if count is None or not count.held_by(header.address, header.epoch) or count.lease.account != draw.account:
            self.find(item, Cause.LEASE_UNKNOWN, f"{_said(draw)} from {draw.lease.hex()}, which is not lent there")
            return 0, 0
        there, there_bonus = count.take(draw.amount, draw.bonus_minor)
        beyond = draw.whole - there - there_bonus
        if beyond:
            late = count.state is LeaseState.WRITTEN_OFF
            cause = Cause.LATE_SPEND if late else Cause.LEASE_OVERDRAWN
            self.find(item, cause, f"{_said(draw)} from {draw.lease.hex()}, {beyond} more than was left of it")
        if draw.account.asset in (Asset.BUDGET, Asset.BUDGET_USES, Asset.GIFT, Asset.POOL):
            self.place_later.add(draw.account)
        return there, there_bonus


class Entry:
    """One entry with postings on accounts of value, while it takes effect."""

    def __init__(self, taking: Taking, item: Applied, body: Trade) -> None:
        self._taking = taking
        self._item = item
        self._body = body
        self._currency = taking.currency if isinstance(body, RedemptionBody) else body.currency
        self._shop = item.header.address.shop
        self._moved: dict[tuple[str, str], int] = defaultdict(int)
        """What the books beneath moved on each account, debit positive like the postings."""
        self._expected: dict[tuple[str, str], int] = defaultdict(int)
        """What they were asked to move; what is missing of that was put before people already."""
        self._points_drawn: dict[str, int] = defaultdict(int)

    def take(self) -> None:
        """Carry out what the entry says and charge what is not covered."""
        body = self._body
        if not isinstance(body, RefundBody):
            for number, draw in enumerate(body.draws):
                self._draw(number, draw)
        match body:
            case SaleBody() if body.member is not None:
                self._sale(body, body.member.member)
            case TopUpBody():
                self._top_up(body)
            case RefundBody():
                self._refund(body)
        for member, points in self._points_drawn.items():
            self._move_points(member, spent=points)
        self._pools()
        self._charge()

    def _draw(self, number: int, draw: Draw) -> None:
        taking, item = self._taking, self._item
        account = draw.account
        if account.asset is Asset.COUPON:
            used = taking.coupons.use(item, account.holder, taking.bearer(self._shop))
            there, bonus = int(used.finding is None), 0
            if used.finding is not None:
                taking.find(item, used.finding.cause, used.finding.detail)
            taking.postings += [(item.entry_id, posting) for posting in used.postings]
        else:
            there, bonus = taking.draw_from_lease(item, draw)
            taking.charge(item, draw, self._currency, (there, bonus))
        if account.asset is Asset.POINTS:
            self._points_drawn[account.holder] += there
        # A coupon is one, whatever the draw says.
        self._expected[ledger_place(account, self._currency)] += 1 if account.asset is Asset.COUPON else draw.amount
        self._moved[ledger_place(account, self._currency)] += there
        if account.asset is Asset.STORED:
            self._expected[bonus_place(account, self._currency)] += draw.bonus_minor
            self._moved[bonus_place(account, self._currency)] += bonus
            count = taking.leases.find(draw.lease)
            if count is None or count.lease.account != account:
                # Of a lease and a lot that are both unknown people are told that, and nothing more.
                lot = None if draw.lot is None else taking.lots.find(draw.lot)
                self._require_issued(number, draw, draw.lot, self._shop if lot is None else lot.issuer, lot is not None)
            else:
                # Lot and issuer are the lease's own, whatever the draw says.
                self._require_issued(number, draw, count.lease.lot, count.lease.issuer)
                taking.add_to_lot(count.lease, self._currency, -there, -bonus)

    def _require_issued(
        self, number: int, draw: Draw, lot: bytes | None, issuer: str | None, known: bool = True
    ) -> None:
        """Let a draw settle by the lot and issuer it is of; tell people where it says others, if ``known``. What goes
        on a floor limit is of none.
        """
        if draw.on_floor:
            return
        if draw.issuer != issuer:
            self._taking.issuers.append((self._item.entry_id, number, issuer))
        if known and (draw.lot, draw.issuer) != (lot, issuer):
            detail = f"{_said(draw)} is of lot {lot.hex() if lot else 'none'} by {issuer}, not by {draw.issuer}"
            self._taking.find(self._item, Cause.DRAWS_DIFFER, detail)

    def _credit(self, member: str, lot: bytes, issuer: str | None, amount: int, bonus: int) -> None:
        """Stored value comes into a lot."""
        if not (amount or bonus):
            return
        made_ms = self._item.header.wall_ms
        self._taking.lots.add(
            LotCount(lot, member, self._currency, amount, bonus, issuer, DrawOrder.PRO_RATA, made_ms),
            made=lot == self._item.header.transaction,
        )
        self._taking.to_place.add(Account(Asset.STORED, member))
        account = Account(Asset.STORED, member)
        for place, value in ((ledger_place, amount), (bonus_place, bonus)):
            self._moved[place(account, self._currency)] -= value
            self._expected[place(account, self._currency)] -= value

    def _sale(self, body: SaleBody, member: str) -> None:
        self._credit(member, self._item.header.transaction, self._shop, 0, body.bonus_minor)
        self._move_points(member, earned=body.points_earned)
        self._born(body.born, self._own_lot((0, body.bonus_minor), body.points_earned), member)
        self._counts(body, member)

    def _top_up(self, body: TopUpBody) -> None:
        member = body.member.member
        self._credit(member, self._item.header.transaction, self._shop, body.amount_minor, body.bonus_minor)
        self._move_points(member, earned=body.points)
        self._born(body.born, self._own_lot((body.amount_minor, body.bonus_minor), body.points), member)
        self._counts(body, member)

    def _refund(self, body: RefundBody) -> None:
        for draw in body.returned:
            if draw.account.asset not in (Asset.STORED, Asset.POINTS):
                place = ledger_place(draw.account, self._currency)
                self._moved[place] -= draw.amount
                self._expected[place] -= draw.amount
                self._taking.place_later.add(draw.account)
        if body.member is not None:
            self._give_back(body, body.member.member)
        for code in body.codes_restored:
            back = self._taking.coupons.give_back(self._item, code, body.original.transaction)
            self._taking.postings += [(self._item.entry_id, posting) for posting in back]

    def _give_back(self, body: RefundBody, member: str) -> None:
        """Stored value goes back to the lots it was drawn from, points and bonus the way they came."""
        made: _Made = {(Asset.POINTS, None, None): (body.points_restored, 0)}
        for number, draw in enumerate(body.returned):
            if draw.account.asset is Asset.STORED:
                lot, issuer = self._lot_of(draw, member)
                self._require_issued(number, draw, lot, issuer)
                self._credit(member, lot, issuer, draw.amount, draw.bonus_minor)
                amount, bonus = made.get((Asset.STORED, lot, issuer), (0, 0))
                made[Asset.STORED, lot, issuer] = amount + draw.amount, bonus + draw.bonus_minor
        self._bonus_back(body, member)
        for draw in body.draws:
            if draw.account.asset is Asset.POINTS:
                self._taking.draw_from_lease(self._item, draw)
        self._move_points(
            member, back=body.points_back, restored=body.points_restored, original=body.original.transaction
        )
        self._born(body.born, made, member)

    def _own_lot(self, stored: tuple[int, int], points: int) -> _Made:
        """What an entry makes in a lot of its own, and points."""
        here = self._item.header.transaction, self._shop
        return {(Asset.STORED, *here): stored, (Asset.POINTS, None, None): (points, 0)}

    def _lot_of(self, draw: Draw, member: str) -> tuple[bytes, str | None]:
        """The member's lot that something goes back to, and its issuer; a new one of this shop where there is none."""
        known = None if draw.lot is None else self._taking.lots.find(draw.lot)
        if known is None or known.member != member:
            return self._item.header.transaction, self._shop
        return known.lot, known.issuer

    def _bonus_back(self, body: RefundBody, member: str) -> None:
        """Bonus that a sale brought, and what is paid out of a top-up, goes out again: what the till drew of it from
        the lease it held, and of bonus what lies free; the rest is borne by the shop.
        """
        if not body.bonus_back_minor and not body.draws:
            return
        lot = self._taking.lots.find(body.original.transaction)
        lot = None if lot is None or lot.member != member else lot
        wallet, taken, paid_out, told = Account(Asset.STORED, member), 0, 0, 0
        for draw in body.draws:
            there = 0
            if (draw.account, draw.lot) == (wallet, body.original.transaction):
                there, there_bonus = self._taking.draw_from_lease(self._item, draw)
                taken, paid_out, told = taken + there_bonus, paid_out + there, told + draw.amount
            self._taking.charge(self._item, draw, self._currency, (there, draw.bonus_minor))
        lent = self._taking.leases.bonus_left_of(body.original.transaction)
        held = self._taking.held_bonus.get(body.original.transaction, 0)
        free = 0 if lot is None else max(0, lot.bonus - taken - lent - held)
        taken = min(body.bonus_back_minor, taken + free)
        if lot is not None:
            lot.bonus, lot.principal = lot.bonus - taken, lot.principal - paid_out
        self._moved[ledger_place(wallet, self._currency)] += paid_out
        self._expected[ledger_place(wallet, self._currency)] += told
        place = bonus_place(wallet, self._currency)
        self._moved[place] += taken
        self._expected[place] += body.bonus_back_minor
        if taken < body.bonus_back_minor:
            detail = f"{body.bonus_back_minor - taken} of the bonus to be taken back was spent or lent already"
            self._taking.find(self._item, Cause.BONUS_SPENT, detail)

    def _move_points(
        self, member: str, earned: int = 0, spent: int = 0, back: int = 0, restored: int = 0, original: bytes = b""
    ) -> None:
        place = (member_points_account(member), POINTS)
        self._moved[place] += back - earned - restored
        self._expected[place] += back - earned - restored
        if earned or spent or back or restored:
            taking, item = self._taking, self._item
            source, day = item.header.transaction, taking.day(item)
            taking.points.append(PointsMove(member, source, day, earned, spent, back, restored, original))
            if earned or restored:
                taking.place_later.add(Account(Asset.POINTS, member))

    def _pools(self) -> None:
        """Merchants that pay for points in advance issue what their pools cover; what one takes back fills its pool."""
        pools = self._taking.shops.pools
        if not pools:
            return
        body = self._body
        effects = body.effects if isinstance(body, SaleBody | TopUpBody) else ()
        for pool, issued in points_by_pool(effects, self._shop, pools).items():
            covered = self._moved[pool_account(pool), POINTS]
            if issued > covered:
                self._taking.find(self._item, Cause.POOL_SHORT, f"{issued} points of {pool} issued, {covered} paid for")
                self._taking.postings += [
                    (self._item.entry_id, Posting(self._taking.bearer(self._shop), POINTS, issued - covered)),
                    (self._item.entry_id, Posting(granted_account(Asset.POOL), POINTS, covered - issued)),
                ]
        if self._shop in pools:
            place = (pool_account(self._shop), POINTS)
            taken = sum(self._points_drawn.values())
            self._grant(place, granted_account(Asset.POOL), taken)
            if taken:
                self._taking.place_later.add(Account(Asset.POOL, self._shop))

    def _grant(self, place: tuple[str, str], other: str, amount: int) -> None:
        """Add ``amount`` to an account of value, against ``other``."""
        if amount:
            self._taking.postings += [
                (self._item.entry_id, Posting(*place, -amount)),
                (self._item.entry_id, Posting(other, place[1], amount)),
            ]

    def _counts(self, body: SaleBody | TopUpBody, member: str) -> None:
        """Uses that rules gave are granted to the member."""
        for effect in body.effects:
            for given in effect.counts:
                place = (member_uses_account(member, given.name), USES)
                self._grant(place, granted_account(Asset.USES), given.count)
                self._taking.to_place.add(Account(Asset.USES, member, given.name))

    def _born(self, born: Iterable[Lease], made: _Made, member: str) -> None:
        """What the entry made is lent to its terminal from the start, and no more than it made."""
        taking, header = self._taking, self._item.header
        for lease in born:
            most, most_bonus = made.get((lease.account.asset, lease.lot, lease.issuer), (0, 0))
            right = lease.account == Account(lease.account.asset, member)
            right = right and lease.lease == born_lease_id(header.transaction, lease.account, lease.lot)
            if not right or lease.amount > most or lease.bonus_minor > most_bonus or taking.leases.find(lease.lease):
                detail = f"{lease.account} {lease.amount} and {lease.bonus_minor}, made were {most} and {most_bonus}"
                taking.find(self._item, Cause.BORN_DIFFERS, detail)
                continue
            address = str(header.address)
            state = taking.epoch_state(address, header.epoch)
            count = LeaseCount(lease, address, header.epoch, Origin.BORN, state, taking.now_ms, document=b"")
            taking.leases.add(count)

    def _charge(self) -> None:
        """Post the difference between what was posted on accounts of value and what was covered."""
        posted: dict[tuple[str, str], int] = defaultdict(int)
        for posting in self._body.postings:
            if posting.account.startswith(_VALUE) or posting.account.endswith(_POOLS):
                posted[posting.account, posting.unit] += posting.amount
        bearer = self._taking.bearer(self._shop)
        unexplained = []
        for place in sorted(self._moved.keys() | posted.keys()):
            owed = self._moved[place] - posted[place]
            if owed:
                self._taking.postings += [
                    (self._item.entry_id, Posting(*place, owed)),
                    (self._item.entry_id, Posting(bearer, place[1], -owed)),
                ]
            if posted[place] != self._expected.get(place, 0):
                unexplained.append(f"{place[0]} {posted[place]} {place[1]}, drawn {self._expected.get(place, 0)}")
        if unexplained:
            self._taking.find(self._item, Cause.DRAWS_DIFFER, "; ".join(unexplained))


def _said(draw: Draw) -> str:
    account = draw.account
    return f"{draw.whole} of {account.asset} {account.holder}{' ' + account.name if account.name else ''}"
