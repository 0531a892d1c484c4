"""What a priced sale moves between accounts: made at the till, made again at HQ, equal to the minor unit."""

from contract.postings import (
    POINTS,
    Posting,
    cash_account,
    discounts_account,
    member_points_account,
    points_cost_account,
    sales_account,
)
from rules.price import Priced


def sale_postings(priced: Priced, currency: str, shop: str, terminal: str, member: str | None) -> tuple[Posting, ...]:
    """Return the postings of a cash sale: cash and discounts against sales at list price, points issued against the
    member's points.

    They balance in every unit. Without a member no points are posted, whatever the rules would give.
    """
    found = [
        Posting(cash_account(shop, terminal), currency, priced.payable_minor),
        Posting(discounts_account(shop), currency, priced.list_minor - priced.payable_minor),
        Posting(sales_account(shop), currency, -priced.list_minor),
    ]
    if member is not None and priced.points:
        found += [
            Posting(points_cost_account(shop), POINTS, priced.points),
            Posting(member_points_account(member), POINTS, -priced.points),
        ]
    return tuple(posting for posting in found if posting.amount)
