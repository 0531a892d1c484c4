"""Double-entry postings: what a transaction moves between accounts. In every unit the amounts of one transaction sum
to zero.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from contract import wire
from contract.errors import ContractError, Reason

POINTS = "points"
"""The unit of points accounts. Money accounts use the currency's code."""


@dataclass(frozen=True, slots=True)
class Posting:
    """``amount`` of ``unit`` added to ``account`` (negative: taken). Money in minor units, points in whole points.

    The sign convention is debit positive: what a shop holds is positive, what it has earned or owes is negative.
    """

    account: str = wire.at(1, wire.text(96, "[a-z0-9/_.-]{1,96}"))
    unit: str = wire.at(2, wire.text(8, "[A-Za-z]{1,8}"))
    amount: int = wire.at(3, wire.whole(-(2**53), 2**53))


def cash_account(shop: str, terminal: str) -> str:
    """The cash drawer of a terminal."""
    return f"shop/{shop}/{terminal}/cash"


def sales_account(shop: str) -> str:
    """A shop's sales at list price."""
    return f"shop/{shop}/sales"


def discounts_account(shop: str) -> str:
    """What a shop gave away by rules."""
    return f"shop/{shop}/discounts"


def rounding_account(shop: str) -> str:
    """What rounding totals has cost a shop (抹零); negative where it has gained."""
    return f"shop/{shop}/rounding"


def tax_account(shop: str) -> str:
    """Tax that a shop took on top of its prices, and owes."""
    return f"shop/{shop}/tax"


def bonus_cost_account(shop: str) -> str:
    """Bonus money a shop has given into stored value."""
    return f"shop/{shop}/bonus_issued"


def points_cost_account(shop: str) -> str:
    """Points a shop has issued."""
    return f"shop/{shop}/points_issued"


def points_taken_account(shop: str) -> str:
    """Points a shop has taken back, for money off or as the price of something."""
    return f"shop/{shop}/points_spent"


def member_points_account(member: str) -> str:
    """The points HQ owes a member: a liability, so a member's 221 points stand as -221."""
    return f"member/{member}/points"


def member_stored_account(member: str) -> str:
    """The stored value HQ owes a member, in the currency's unit: a liability, negative like the points."""
    return f"member/{member}/stored"


def require_balanced(postings: Iterable[Posting]) -> None:
    """Raise ContractError(UNBALANCED) unless the amounts sum to zero in every unit."""
    sums: dict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.unit] += posting.amount
    wrong = {unit: amount for unit, amount in sums.items() if amount}
    if wrong:
        raise ContractError(Reason.UNBALANCED, detail=str(wrong))
