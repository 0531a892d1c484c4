"""What a sale, a top-up, a return or a redemption moves between accounts: made at the till, made again at HQ, equal to
the minor unit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from contract.errors import ContractError, Reason
from contract.postings import (
    POINTS,
    Posting,
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
from contract.value import Asset, Draw, ledger_place
from rules.priced import Priced
from rules.refund import Refund


def sale_postings(
    priced: Priced, currency: str, shop: str, terminal: str, member: str | None, draws: Sequence[Draw] = ()
) -> tuple[Posting, ...]:
    """Return the postings of a sale: cash, stored value as ``draws`` took it, discounts and what rounding took off
    against sales at list price and the tax on top of it; bonus money and points against the member's accounts. What
    stored value does not pay is paid in cash. What else was drawn (uses, coupons, gifts, budgets, pools) is taken from
    its own account.

    They balance in every unit. Only a member's sale moves points or stored value.
    """
    lines_minor = sum(priced.payable_by_line)
    principal, bonus = _stored(draws) if draws else (0, 0)
    moved = [
        priced.payable_minor - principal - bonus,
        priced.list_minor - lines_minor,
        -priced.rounding_minor,
        -priced.list_minor,
        lines_minor + priced.rounding_minor - priced.payable_minor,
    ]
    accounts = _shop_accounts(shop, terminal)
    filled = [Posting(account, currency, amount) for account, amount in zip(accounts, moved, strict=True) if amount]
    if member is not None:
        of_member = (
            (member_principal_account, member, currency, principal),
            (member_bonus_account, member, currency, bonus - priced.bonus_minor),
            (bonus_cost_account, shop, currency, priced.bonus_minor),
            (points_cost_account, shop, POINTS, priced.points),
            (points_taken_account, shop, POINTS, -priced.points_spent),
            (member_points_account, member, POINTS, priced.points_spent - priced.points),
        )
        filled += [Posting(account(whose), unit, amount) for account, whose, unit, amount in of_member if amount]
    return (*filled, *counted_postings(draws, currency, shop)) if draws else tuple(filled)


@lru_cache(maxsize=64)
def _shop_accounts(shop: str, terminal: str) -> tuple[str, ...]:
    """The accounts that every sale of a till may move, in the order of their postings."""
    shops = [account(shop) for account in (discounts_account, rounding_account, sales_account, tax_account)]
    return (cash_account(shop, terminal), *shops)


def top_up_postings(
    currency: str,
    shop: str,
    terminal: str,
    member: str,
    amount_minor: int,
    bonus_minor: int = 0,
    points: int = 0,
    draws: Sequence[Draw] = (),
) -> tuple[Posting, ...]:
    """Return the postings of a top-up paid in cash: ``amount_minor`` is owed to the member as principal, the bonus
    that rules brought beside it, and points; what ``draws`` took of budgets and pools is taken from their accounts.
    They balance in every unit.
    """
    return _filled(
        Posting(cash_account(shop, terminal), currency, amount_minor),
        Posting(member_principal_account(member), currency, -amount_minor),
        Posting(bonus_cost_account(shop), currency, bonus_minor),
        Posting(member_bonus_account(member), currency, -bonus_minor),
        Posting(points_cost_account(shop), POINTS, points),
        Posting(member_points_account(member), POINTS, -points),
        *counted_postings(draws, currency, shop),
    )


def top_up_refund_postings(
    currency: str, shop: str, terminal: str, member: str, refund_minor: int, bonus_minor: int = 0, points: int = 0
) -> tuple[Posting, ...]:
    """Return the postings of a top-up that is paid out again: so much principal, with the bonus and the points that
    came with it taken back. They balance in every unit.
    """
    made = top_up_postings(currency, shop, terminal, member, refund_minor, bonus_minor, points)
    return tuple(replace(posting, amount=-posting.amount) for posting in made)


def refund_postings(
    found: Refund,
    currency: str,
    shop: str,
    terminal: str,
    member: str | None,
    returned: Sequence[Draw] = (),
    tax_minor: int = 0,
) -> tuple[Posting, ...]:
    """Return the postings of a return: what is paid out lowers the shop's sales, and by ``tax_minor`` of it the tax
    taken on top; of ``returned`` stored value goes back there, the rest is paid out of the drawer. Uses, gifts, budgets
    and pools among ``returned`` go back to their accounts. Points and bonus money go back where a member bought. They
    balance in every unit.

    Raises ContractError(OUT_OF_RANGE) where what is returned to stored value is not ``found.to_stored_minor``.
    """
    principal, bonus = _stored(returned)
    if principal + bonus != found.to_stored_minor:
        raise ContractError(Reason.OUT_OF_RANGE, "returned", f"expected {found.to_stored_minor} in all")
    moved = [
        Posting(cash_account(shop, terminal), currency, found.to_stored_minor - found.refund_minor),
        Posting(sales_account(shop), currency, found.refund_minor - tax_minor),
        Posting(tax_account(shop), currency, tax_minor),
    ]
    if member is not None:
        back, again = found.points_back, found.points_restored
        moved += [
            Posting(member_principal_account(member), currency, -principal),
            Posting(member_bonus_account(member), currency, found.bonus_back_minor - bonus),
            Posting(bonus_cost_account(shop), currency, -found.bonus_back_minor),
            Posting(points_cost_account(shop), POINTS, -back),
            Posting(points_taken_account(shop), POINTS, again),
            Posting(member_points_account(member), POINTS, back - again),
        ]
    put_back = (replace(posting, amount=-posting.amount) for posting in counted_postings(returned, currency, shop))
    return _filled(*moved, *put_back)


def redemption_postings(draws: Sequence[Draw], currency: str, shop: str) -> tuple[Posting, ...]:
    """Return the postings of something handed out against ``draws`` alone: points, uses, coupons, gifts. They balance
    in every unit.
    """
    points = [
        posting
        for item in draws
        if item.account.asset is Asset.POINTS
        for posting in (
            Posting(member_points_account(item.account.holder), POINTS, item.amount),
            Posting(points_taken_account(shop), POINTS, -item.amount),
        )
    ]
    return merged([*points, *counted_postings(draws, currency, shop)])


def counted_postings(draws: Sequence[Draw], currency: str, shop: str) -> tuple[Posting, ...]:
    """Return the postings of draws that no price reckons with: uses, coupons, gifts, budgets and pools are taken from
    their accounts by the shop. Stored value and points are posted with what is paid by them.
    """
    found = []
    for item in draws:
        asset = item.account.asset
        if asset not in (Asset.STORED, Asset.POINTS):
            account, unit = ledger_place(item.account, currency)
            found += [Posting(account, unit, item.amount), Posting(taken_account(shop, asset), unit, -item.amount)]
    return merged(found)


def merged(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The same postings, those on one account and unit added up, in the order the accounts first appear."""
    sums: dict[tuple[str, str], int] = {}
    for posting in postings:
        place = (posting.account, posting.unit)
        sums[place] = sums.get(place, 0) + posting.amount
    return tuple(Posting(account, unit, amount) for (account, unit), amount in sums.items() if amount)


def _stored(draws: Sequence[Draw]) -> tuple[int, int]:
    """The principal and the bonus of stored value among ``draws``."""
    stored = [item for item in draws if item.account.asset is Asset.STORED]
    return sum(item.amount for item in stored), sum(item.bonus_minor for item in stored)


def _filled(*postings: Posting) -> tuple[Posting, ...]:
    return tuple(posting for posting in postings if posting.amount)
