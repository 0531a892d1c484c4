"""Which accounts an entry may touch: its own till's and shop's, its member's, and what its draws and leases name. Pure.

Without this limit a till could book on anybody's account, and a few postings could overflow a sum. Value that is money
is kept in one currency alone: what another is worth no books say.
"""

from collections.abc import Iterable
from functools import lru_cache

from contract.basket import MAX_POINTS
from contract.ids import TerminalAddress
from contract.money import MAX_AMOUNT_MINOR
from contract.postings import (
    POINTS,
    bonus_cost_account,
    cash_account,
    discounts_account,
    member_bonus_account,
    member_points_account,
    member_principal_account,
    points_cost_account,
    points_taken_account,
    rounding_account,
    sales_account,
    taken_account,
    tax_account,
)
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Account, Asset, Draw, Lease, ledger_place
from hq.unsettled import Cause, Finding

Moving = SaleBody | RefundBody | TopUpBody | RedemptionBody
"""Bodies that a till posts by."""

_MEMBERS_OWN = frozenset([Asset.STORED, Asset.POINTS, Asset.USES])
_MONEY = frozenset([Asset.STORED, Asset.BUDGET])


def foreign_postings(body: Moving, address: TerminalAddress, currency: str) -> tuple[Finding, ...]:
    """Return a finding where a posting touches an account or unit that such an entry of this till cannot move, or
    moves more than one can, where a draw or a lease is of another member's account or larger than any, where the
    stored value that shops settle by is not what is posted on the member's accounts, and where it moves value in
    another currency than ``currency``, the tenant's.
    """
    member = None if body.member is None else body.member.member
    parts = _parts(body)
    accounts = tuple(part.account for part in parts)
    own = _own(address.shop, address.terminal, body.currency, member)
    if accounts:
        own |= _counted(accounts, address.shop, body.currency)
    foreign = [
        f"{posting.account} {posting.amount} {posting.unit}"
        for posting in body.postings
        if (posting.account, posting.unit) not in own
        or abs(posting.amount) > (MAX_AMOUNT_MINOR if posting.unit == body.currency else MAX_POINTS)
    ]
    foreign += [
        f"{account.asset} of {account.holder}"
        for account in accounts
        if account.asset in _MEMBERS_OWN and account.holder != member
    ]
    foreign += [f"{part.account.asset} {part.amount}" for part in parts if part.amount > most_of(part.account)]
    if body.currency != currency and moves_money(body):
        foreign.append(f"value in {body.currency}; members' value is in {currency}")
    # A plain sale settles nothing between shops.
    if isinstance(body, TopUpBody) or any(account.asset is Asset.STORED for account in accounts):
        foreign += _unposted(body, member)
    return (Finding(Cause.POSTINGS_FOREIGN, "; ".join(foreign)),) if foreign else ()


def moves_money(body: Moving) -> bool:
    """Whether an entry moves stored value or a campaign's budget."""
    match body:
        case TopUpBody():
            return True
        case SaleBody() if body.bonus_minor:
            return True
        case RefundBody() if body.bonus_back_minor:
            return True
    return any(part.account.asset in _MONEY for part in _parts(body))


@lru_cache(maxsize=1_024)
def _own(shop: str, terminal: str, currency: str, member: str | None) -> frozenset[tuple[str, str]]:
    """The till's, its shop's and the member's own accounts with their units."""
    of_shop = (discounts_account, rounding_account, sales_account, tax_account, bonus_cost_account)
    own = {(named(shop), currency) for named in of_shop}
    own |= {(points_cost_account(shop), POINTS), (points_taken_account(shop), POINTS)}
    own.add((cash_account(shop, terminal), currency))
    if member is not None:
        own.add((member_points_account(member), POINTS))
        own.add((member_principal_account(member), currency))
        own.add((member_bonus_account(member), currency))
    return frozenset(own)


def _counted(accounts: Iterable[Account], shop: str, currency: str) -> frozenset[tuple[str, str]]:
    """The accounts of what is drawn and no price reckons with, and what the shop takes of it."""
    found = set()
    for account in accounts:
        if account.asset not in (Asset.STORED, Asset.POINTS):
            place, unit = ledger_place(account, currency)
            found |= {(place, unit), (taken_account(shop, account.asset), unit)}
    return frozenset(found)


def most_of(account: Account) -> int:
    """The most that one draw or lease of ``account`` comes to; of a bonus the wire's own limit says so."""
    return MAX_AMOUNT_MINOR if account.asset in (Asset.STORED, Asset.BUDGET) else MAX_POINTS


def _parts(body: Moving) -> tuple[Draw | Lease, ...]:
    """The leases that ``body`` draws from, returns to or creates."""
    match body:
        case SaleBody():
            return (*body.draws, *body.born)
        case RefundBody():
            return (*body.returned, *body.born, *body.draws)
        case TopUpBody():
            return (*body.draws, *body.born)
        case RedemptionBody():
            return body.draws


def _unposted(body: Moving, member: str | None) -> list[str]:
    """Where stored value moves in ``body`` otherwise than on the member's accounts: what is drawn settles as it is
    said, so it must be what is posted.
    """
    match body:
        case SaleBody():
            principal, bonus = _stored(body.draws)
            bonus -= 0 if member is None else body.bonus_minor
        case RefundBody():
            principal, bonus = _stored(body.returned)
            principal, bonus = _stored(body.draws)[0] - principal, body.bonus_back_minor - bonus
        case TopUpBody():
            principal, bonus = -body.amount_minor, -body.bonus_minor
        case RedemptionBody():
            # Nothing is handed out against stored value: that is a sale.
            principal, bonus = 0, 0
    posted, posted_bonus = _posted(body, member)
    found = []
    if (posted, posted_bonus) != (principal, bonus):
        found.append(f"stored value moves by {principal} and {bonus} bonus, posted are {posted} and {posted_bonus}")
    if isinstance(body, RedemptionBody) and any(part.account.asset is Asset.STORED for part in body.draws):
        found.append("stored value in a redemption")
    return found


def _posted(body: Moving, member: str | None) -> tuple[int, int]:
    """What is posted on the member's principal and bonus."""
    if member is None:
        return 0, 0
    principal, bonus = member_principal_account(member), member_bonus_account(member)
    own = [posting for posting in body.postings if posting.unit == body.currency]
    return (
        sum(posting.amount for posting in own if posting.account == principal),
        sum(posting.amount for posting in own if posting.account == bonus),
    )


def _stored(draws: Iterable[Draw]) -> tuple[int, int]:
    stored = [item for item in draws if item.account.asset is Asset.STORED]
    return sum(item.amount for item in stored), sum(item.bonus_minor for item in stored)
