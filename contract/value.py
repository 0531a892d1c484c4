"""What can be spent, and the parts of it that head office lends: accounts, leases and draws.

Every spendable thing is an account at head office. Head office lends parts of one to one terminal and epoch as leases;
a terminal spends only from leases it holds, and each spend is journalled as a draw that names its lease. What a
terminal creates itself (a top-up, a refund to the account) is a lease of that terminal from the start.
"""

import hashlib
from enum import StrEnum

from contract import cbor, wire
from contract.ids import NAME, SKU, TRANSACTION_ID
from contract.making import dataclass
from contract.money import AMOUNT_MINOR
from contract.postings import (
    COUPONS,
    PIECES,
    POINTS,
    USES,
    budget_account,
    coupon_account,
    gift_account,
    member_bonus_account,
    member_points_account,
    member_principal_account,
    member_uses_account,
    pool_account,
)

LEASE_ID = wire.octets(16)
AMOUNT = wire.whole(0, 2**53)
MOST_DRAWS = 32
"""How many leases of one account one transaction draws from at most."""
MOST_DRAWS_IN_ALL = 96
"""How many leases of all accounts together: a member may pay with stored value and with points in one sale, in which
rules give of their campaigns too.
"""


class Asset(StrEnum):
    """What kind of spendable thing an account holds, and in what it is counted."""

    STORED = "stored"
    """A member's stored value: principal, and bonus beside it, in minor units."""
    POINTS = "points"
    """A member's points, in the pack's smallest unit."""
    USES = "uses"
    """Uses of one of a member's count cards."""
    COUPON = "coupon"
    """One single-use coupon: 1, then 0."""
    GIFT = "gift"
    """An article kept to be given away, in pieces."""
    BUDGET = "budget"
    """What a campaign (a rule) may still give, in minor units."""
    BUDGET_USES = "budget_uses"
    """How often a campaign (a rule) may still be given."""
    POOL = "pool"
    """Points that a merchant has paid for in advance and may issue."""


class DrawOrder(StrEnum):
    """Which part of stored value a spend takes first."""

    PRO_RATA = "pro_rata"
    PRINCIPAL_FIRST = "principal_first"
    BONUS_FIRST = "bonus_first"


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """One spendable thing. ``holder`` is the member (stored value, points, uses), the coupon's code, the article, the
    rule of the campaign, or the shop of the merchant; ``name`` is the count card, empty for all others.
    """

    asset: Asset = wire.at(1, wire.choice(Asset))
    holder: str = wire.at(2, wire.text(64, "[A-Za-z0-9._-]{1,64}"))
    name: str = wire.maybe(3, SKU, "")


@dataclass(frozen=True, slots=True)
class Lease:
    """A part of an account lent to the terminal and epoch that the document or entry around it names.

    ``amount`` is in the account's unit; of stored value it is the principal, with ``bonus_minor`` beside it. Past
    ``spend_until_ms`` (Unix milliseconds) nothing may be drawn. Of stored value ``lot`` is the top-up it comes from
    and ``issuer`` the shop that took the money, so that who bears what follows from signed entries alone.
    """

    lease: bytes = wire.at(1, LEASE_ID)
    account: Account = wire.at(2, wire.record(Account))
    amount: int = wire.at(3, AMOUNT)
    spend_until_ms: int = wire.at(4, wire.whole(0, 2**53))
    bonus_minor: int = wire.maybe(5, AMOUNT_MINOR, 0)
    lot: bytes | None = wire.maybe(6, TRANSACTION_ID)
    issuer: str | None = wire.maybe(7, NAME)
    order: DrawOrder = wire.maybe(8, wire.choice(DrawOrder), DrawOrder.PRO_RATA)


@dataclass(frozen=True, slots=True)
class Draw:
    """So much taken from a lease: ``amount`` in the account's unit (of stored value the principal), ``bonus_minor``
    beside it. Account, lot and issuer repeat the lease's, so that an entry says all by itself.

    ``on_floor`` marks stored value beyond what was lent, which the shop let the member spend at its own risk: ``lease``
    is :func:`floor_lease_id` then, and it is of no lot.
    """

    lease: bytes = wire.at(1, LEASE_ID)
    account: Account = wire.at(2, wire.record(Account))
    amount: int = wire.at(3, AMOUNT)
    bonus_minor: int = wire.maybe(4, AMOUNT_MINOR, 0)
    lot: bytes | None = wire.maybe(5, TRANSACTION_ID)
    issuer: str | None = wire.maybe(6, NAME)
    on_floor: bool = wire.maybe(7, wire.flag(), False)

    @property
    def whole(self) -> int:
        """Amount and bonus together: what a spend of stored value pays, in minor units."""
        return self.amount + self.bonus_minor


DRAWS = wire.many(wire.record(Draw), MOST_DRAWS_IN_ALL)
BORN = wire.many(wire.record(Lease), MOST_DRAWS_IN_ALL)
"""Leases that an entry's own transaction creates: a return may put value back to as many lots as were drawn."""


def ledger_place(account: Account, currency: str) -> tuple[str, str]:
    """The ledger's account and unit that ``account`` is; of stored value the principal's (see :func:`bonus_place`)."""
    match account.asset:
        case Asset.STORED:
            return member_principal_account(account.holder), currency
        case Asset.POINTS:
            return member_points_account(account.holder), POINTS
        case Asset.USES:
            return member_uses_account(account.holder, account.name), USES
        case Asset.COUPON:
            return coupon_account(account.holder), COUPONS
        case Asset.GIFT:
            return gift_account(account.holder), PIECES
        case Asset.BUDGET:
            return budget_account(account.holder), currency
        case Asset.BUDGET_USES:
            return budget_account(account.holder), USES
        case Asset.POOL:
            return pool_account(account.holder), POINTS


def bonus_place(account: Account, currency: str) -> tuple[str, str]:
    """The ledger's account and unit of the bonus beside a member's principal."""
    return member_bonus_account(account.holder), currency


def born_lease_id(transaction: bytes, account: Account, lot: bytes | None = None) -> bytes:
    """The id of the lease that ``transaction`` creates of ``account``: 16 bytes of SHA-256 over both, so that it is
    known before anybody gave it. What goes back to the ``lot`` of another transaction is a lease of its own for each
    lot; the lot a transaction makes itself bears its name already and is not named again.
    """
    named = ["tapledger-lease", transaction, wire.to_wire(account)]
    if lot is not None and lot != transaction:
        named.append(lot)
    return hashlib.sha256(cbor.encode(named)).digest()[:16]


def floor_lease_id(transaction: bytes, account: Account) -> bytes:
    """What stands for a lease where ``transaction`` takes of ``account`` beyond what was lent: 16 bytes of SHA-256 over
    both, so that it can be taken for no lease that anybody gave.
    """
    named = ["tapledger-floor", transaction, wire.to_wire(account)]
    return hashlib.sha256(cbor.encode(named)).digest()[:16]


def floor_draw(transaction: bytes, account: Account, amount: int) -> Draw:
    """A draw of so much beyond what was lent, at the shop's own risk."""
    return Draw(floor_lease_id(transaction, account), account, amount, on_floor=True)


def draw(lease: Lease, amount: int, bonus_minor: int = 0) -> Draw:
    """A draw of so much from ``lease``."""
    return Draw(lease.lease, lease.account, amount, bonus_minor, lease.lot, lease.issuer)
