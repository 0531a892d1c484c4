"""Which accounts an entry may touch: its own till's and shop's, its member's, and what its draws and leases name. Pure.

Without this limit a till could book on anybody's account, and a few postings could overflow a sum.
"""

from collections.abc import Iterable, Iterator
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
from contract.value import Account, Asset, ledger_place
from hq.unsettled import Cause, Finding

Moving = SaleBody | RefundBody | TopUpBody | RedemptionBody
"""Bodies that a till posts by."""

_MEMBERS_OWN = frozenset([Asset.STORED, Asset.POINTS, Asset.USES])


def foreign_postings(body: Moving, address: TerminalAddress) -> tuple[Finding, ...]:
    """Return a finding where a posting touches an account or unit that such an entry of this till cannot move, or
    moves more than one can, and where a draw or a lease is of another member's account.
    """
    member = None if body.member is None else body.member.member
    accounts = tuple(_accounts(body))
    own = _own(address.shop, address.terminal, body.currency, member) | _counted(accounts, address.shop, body.currency)
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
    return (Finding(Cause.POSTINGS_FOREIGN, "; ".join(foreign)),) if foreign else ()


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


def _accounts(body: Moving) -> Iterator[Account]:
    """The accounts of the leases that ``body`` draws from, returns to or creates."""
    match body:
        case SaleBody():
            yield from (item.account for item in body.draws)
            yield from (lease.account for lease in body.born)
        case RefundBody():
            yield from (item.account for item in body.returned)
            yield from (lease.account for lease in body.born)
        case TopUpBody():
            yield from (lease.account for lease in body.born)
        case RedemptionBody():
            yield from (item.account for item in body.draws)
