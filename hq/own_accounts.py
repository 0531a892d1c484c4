"""Which accounts an entry may touch: its own till's and shop's, its member's, and what its draws and leases name. Pure.

Without this limit a till could book on anybody's account, and a few postings could overflow a sum.
"""

from collections.abc import Iterator

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
    own = set(_own(body, address))
    foreign = [
        f"{posting.account} {posting.amount} {posting.unit}"
        for posting in body.postings
        if (posting.account, posting.unit) not in own
        or abs(posting.amount) > (MAX_AMOUNT_MINOR if posting.unit == body.currency else MAX_POINTS)
    ]
    member = None if body.member is None else body.member.member
    foreign += [
        f"{account.asset} of {account.holder}"
        for account in _accounts(body)
        if account.asset in _MEMBERS_OWN and account.holder != member
    ]
    return (Finding(Cause.POSTINGS_FOREIGN, "; ".join(foreign)),) if foreign else ()


def _own(body: Moving, address: TerminalAddress) -> Iterator[tuple[str, str]]:
    shop = address.shop
    yield cash_account(shop, address.terminal), body.currency
    for of_shop in (discounts_account, rounding_account, sales_account, tax_account, bonus_cost_account):
        yield of_shop(shop), body.currency
    yield points_cost_account(shop), POINTS
    yield points_taken_account(shop), POINTS
    if body.member is not None:
        member = body.member.member
        yield member_points_account(member), POINTS
        yield member_principal_account(member), body.currency
        yield member_bonus_account(member), body.currency
    for account in _accounts(body):
        if account.asset not in (Asset.STORED, Asset.POINTS):
            place, unit = ledger_place(account, body.currency)
            yield place, unit
            yield taken_account(shop, account.asset), unit


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
