"""Double-entry postings: what a transaction moves between accounts. In every unit the amounts of one transaction sum
to zero.
"""

from collections import defaultdict
from collections.abc import Iterable

from contract import wire
from contract.errors import ContractError, Reason
from contract.making import dataclass

POINTS = "points"
"""The unit of points accounts. Money accounts use the currency's code."""
USES = "uses"
"""The unit of what is counted in times: count cards, campaigns limited by number."""
COUPONS = "coupons"
"""The unit of coupon accounts."""
PIECES = "pieces"
"""The unit of gift accounts."""


@dataclass(frozen=True, slots=True)
class Posting:
    """``amount`` of ``unit`` added to ``account`` (negative: taken). Money in minor units, points in whole points.

    The sign convention is debit positive: what a shop holds is positive, what it has earned or owes is negative.
    """

    account: str = wire.at(1, wire.text(96, "[A-Za-z0-9/_.-]{1,96}"))
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


def member_principal_account(member: str) -> str:
    """What a member has paid into stored value and not spent: a liability, negative like the points."""
    return f"member/{member}/principal"


def member_bonus_account(member: str) -> str:
    """Bonus money in a member's stored value: a liability, negative like the points."""
    return f"member/{member}/bonus"


def member_uses_account(member: str, card: str) -> str:
    """Uses left on one of a member's count cards: a liability."""
    return f"member/{member}/uses/{card}"


def coupon_account(code: str) -> str:
    """One single-use coupon: -1 while it is open, 0 once it is used or withdrawn."""
    return f"coupon/{code}"


def gift_account(sku: str) -> str:
    """Pieces of an article that may still be given away: a liability to give."""
    return f"gift/{sku}"


def budget_account(rule: str) -> str:
    """What a campaign may still give: money in the currency's unit, times in ``uses``."""
    return f"budget/{rule}"


def pool_account(shop: str) -> str:
    """Points a merchant has paid for in advance and not issued yet."""
    return f"shop/{shop}/points_pool"


def taken_account(shop: str, asset: str) -> str:
    """What a shop has taken of something that is counted and not money: ``uses``, ``coupon``, ``gift``, ``budget``,
    ``budget_uses``.
    """
    return f"shop/{shop}/taken/{asset}"


def granted_account(asset: str) -> str:
    """What head office has granted of something that is counted: the other side of coupons, uses, gifts, budgets,
    pools.
    """
    return f"office/granted/{asset}"


def settlement_account(shop: str) -> str:
    """What a shop is owed by the pool (positive) or owes it (negative), in the shop's own books."""
    return f"shop/{shop}/settlement"


def pool_settlement_account(shop: str) -> str:
    """The pool's side of :func:`settlement_account`: always its negative."""
    return f"pool/settlement/{shop}"


def require_balanced(postings: Iterable[Posting]) -> None:
    """Raise ContractError(UNBALANCED) unless the amounts sum to zero in every unit."""
    sums: dict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.unit] += posting.amount
    wrong = {unit: amount for unit, amount in sums.items() if amount}
    if wrong:
        raise ContractError(Reason.UNBALANCED, detail=str(wrong))
