"""What a return puts back where the sale drew it, lease by lease: stored value, uses, gifts, budgets and pools.

Reckoned from the entry of the sale and from what the return gives, at the till and again at head office. Points and
coupons are said by the return itself, in points and in codes.
"""

from collections.abc import Sequence

from contract.trade import SaleBody, TopUpBody
from contract.value import Account, Asset, Draw
from rules.beside.draws import give_back
from rules.engine.compiled import Compiled
from rules.refund import Refund, Sold, counted, given_with, kept_after, kept_lines, standing
from rules.rounding import Rounding, divide

_SAID_OTHERWISE = frozenset([Asset.POINTS, Asset.COUPON])


def going_back(
    sold: Sold, compiled: Compiled, draws: Sequence[Draw], found: Refund, earlier: Sequence[Refund] = ()
) -> tuple[Draw, ...]:
    """Return what goes back of the sale's ``draws`` with the return ``found``, which came after ``earlier``.

    Stored value goes back as far as ``found`` says so; gifts as many as are due back; a merchant's pool as many points
    as are taken back; a budget in the proportion in which its rule's gift to the customer goes back; uses in the
    proportion of the goods. Parts come in whole units, and when nothing is kept everything has gone back.

    Raises ContractError(OUT_OF_RANGE) where more goes back than was drawn.
    """
    places = dict.fromkeys(item.account for item in draws if item.account.asset not in _SAID_OTHERWISE)
    share = _Shares(sold, compiled, found, earlier)
    back: list[Draw] = []
    for account in places:
        drawn = [item for item in draws if item.account == account]
        whole = sum(item.whole for item in drawn)
        before, after = share.back(account, whole)
        back += give_back(drawn, max(0, after - before), before)
    return tuple(back)


def tax_back_minor(sale: SaleBody, found: Refund, earlier: Sequence[Refund] = ()) -> int:
    """Return how much of what ``found`` pays out is tax that the sale took on top of its prices: the tax goes back in
    the proportion of what was paid, and in all exactly the tax.
    """
    tax_minor = sale.payable_minor - sale.rounding_minor - sum(sale.payable_by_line)
    before = sum(one.refund_minor for one in earlier)

    def gone(paid_out: int) -> int:
        whole = sale.payable_minor
        return divide(tax_minor * min(paid_out, whole), whole, Rounding.HALF_UP) if whole else 0

    return gone(before + found.refund_minor) - gone(before)


def points_of_top_up(body: TopUpBody, refund_minor: int, earlier: Sequence[Refund] = ()) -> int:
    """How many of the points that a top-up brought go with ``refund_minor`` of its principal, paid out after
    ``earlier``: in proportion, and in all exactly those points.
    """
    before = sum(one.refund_minor for one in earlier)

    def gone(paid_out: int) -> int:
        return body.points * min(paid_out, body.amount_minor) // body.amount_minor if body.amount_minor else 0

    return gone(before + refund_minor) - gone(before)


class _Shares:
    """How much of an account has gone back before a return, and after it."""

    def __init__(self, sold: Sold, compiled: Compiled, found: Refund, earlier: Sequence[Refund]) -> None:
        self._sold = sold
        self._found = found
        self._earlier = earlier
        returns = [one.units for one in earlier]
        self._kept = kept_after(sold, returns), kept_after(sold, [*returns, found.units])
        self._full = standing(sold, compiled, kept_after(sold, ()))
        self._stood = tuple(standing(sold, compiled, kept) for kept in self._kept)

    def back(self, account: Account, whole: int) -> tuple[int, int]:
        """Of ``whole`` drawn from ``account``: gone back before, and after."""
        match account.asset:
            case Asset.STORED:
                before = sum(one.to_stored_minor for one in self._earlier)
                return before, before + self._found.to_stored_minor
            case Asset.POOL:
                before = sum(one.points_back for one in self._earlier)
                return min(whole, before), min(whole, before + self._found.points_back)
            case Asset.GIFT:
                given = [effect.gifts for effect in self._sold.effects]
                count = counted(given)[account.holder]
                before, after = (count - given_with(self._sold, kept, given)[account.holder] for kept in self._kept)
                return min(whole, before), min(whole, after)
            case Asset.BUDGET | Asset.BUDGET_USES:
                worth = self._full.by_rule[account.holder]
                if worth:
                    before, after = (worth - min(worth, stood.by_rule[account.holder]) for stood in self._stood)
                    return whole * before // worth, whole * after // worth
        before, after = (self._goods_gone(kept) for kept in self._kept)
        goods = self._sold.basket.list_minor
        if not goods:
            return (whole, whole) if not any(self._kept[0]) else (0, 0 if any(self._kept[1]) else whole)
        return whole * before // goods, whole * after // goods

    def _goods_gone(self, kept: Sequence[int]) -> int:
        """What has come back, at list price."""
        return self._sold.basket.list_minor - sum(line.list_minor for line in kept_lines(self._sold, kept))
