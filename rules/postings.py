"""What a priced sale moves between accounts: made at the till, made again at HQ, equal to the minor unit."""

from collections.abc import Sequence

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
    tax_account,
)
from contract.value import Asset, Draw
from rules.priced import Priced


def sale_postings(
    priced: Priced, currency: str, shop: str, terminal: str, member: str | None, draws: Sequence[Draw] = ()
) -> tuple[Posting, ...]:
    """Return the postings of a sale: cash, stored value as ``draws`` took it, discounts and what rounding took off
    against sales at list price and the tax on top of it; bonus money and points against the member's accounts. What
    stored value does not pay is paid in cash.

    They balance in every unit. Only a member's sale moves points or stored value.
    """
    lines_minor = sum(priced.payable_by_line)
    stored = [item for item in draws if item.account.asset is Asset.STORED]
    principal, bonus = sum(item.amount for item in stored), sum(item.bonus_minor for item in stored)
    found = [
        Posting(cash_account(shop, terminal), currency, priced.payable_minor - principal - bonus),
        Posting(discounts_account(shop), currency, priced.list_minor - lines_minor),
        Posting(rounding_account(shop), currency, -priced.rounding_minor),
        Posting(sales_account(shop), currency, -priced.list_minor),
        Posting(tax_account(shop), currency, lines_minor + priced.rounding_minor - priced.payable_minor),
    ]
    if member is not None:
        found += [
            Posting(member_principal_account(member), currency, principal),
            Posting(member_bonus_account(member), currency, bonus - priced.bonus_minor),
            Posting(bonus_cost_account(shop), currency, priced.bonus_minor),
            Posting(points_cost_account(shop), POINTS, priced.points),
            Posting(points_taken_account(shop), POINTS, -priced.points_spent),
            Posting(member_points_account(member), POINTS, priced.points_spent - priced.points),
        ]
    return tuple(posting for posting in found if posting.amount)
