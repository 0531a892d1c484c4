"""The effects of the case format (``effects``): one record each, with the fields cases may write.

The effects of a promotion act in order, each on what the ones before it left. Fields that a case leaves out stay None
where the engine's profile decides, and have the format's own default everywhere else. docs: conformance/README.md.
"""

from dataclasses import dataclass
from fractions import Fraction

from conformance.conditions import SELECT, Selector
from conformance.reading import (
    CaseError,
    decimal,
    flag,
    natural,
    one_of,
    part,
    positive,
    record,
    text,
    word,
)

ROUNDS = ("none", "down", "up", "floor", "ceil", "half_up", "half_down", "half_even")
"""How a figure becomes a whole number of minor units or points."""
ALLOCS = ("exact", "last_remainder", "first_remainder", "largest_remainder")
"""Who gets what rounding leaves over when a whole is split over lines."""
BASES = ("current", "list", "list_capped_units_less_given")
"""On what an effect is reckoned: on what is left, on the list price, or on the list price of the units it may touch
less everything the line was already given.
"""
PICKS = ("cheapest", "dearest", "cart")

ROUND = word(*ROUNDS)
ALLOC = word(*ALLOCS)
BASIS = word(*BASES)
PICK = word(*PICKS)
SCOPE = word("line", "unit", "order")


def _tiers(plain: object, path: str) -> tuple[tuple[int, Fraction], ...]:
    """Read ``[[threshold, value], ...]``, in rising order whatever the file's order."""
    if not isinstance(plain, list):
        raise CaseError(path, "expected a list of [threshold, value]")
    steps = []
    for index, step in enumerate(plain):
        here = f"{path}[{index}]"
        if not isinstance(step, list) or len(step) != 2:
            raise CaseError(here, "expected [threshold, value]")
        steps.append((natural(step[0], f"{here}[0]"), decimal(step[1], f"{here}[1]")))
    return tuple(sorted(steps))


@dataclass(frozen=True, slots=True)
class Percent:
    """``value`` per cent off (more than 100 counts as 100), at most ``cap`` in all."""

    value: Fraction = part(decimal)
    scope: str = part(SCOPE, "line")
    max_units: int | None = part(natural, None)
    max_units_per_line: int | None = part(natural, None)
    pick: str = part(PICK, "cart")
    cap: int | None = part(natural, None)
    basis: str | None = part(BASIS, None)
    round: str | None = part(ROUND, None)
    alloc: str | None = part(ALLOC, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Amount:
    """``value`` minor units off the order, each line or each unit; never more than what it is taken from."""

    value: int = part(natural)
    scope: str = part(SCOPE, "order")
    max_units: int | None = part(natural, None)
    max_units_per_line: int | None = part(natural, None)
    pick: str = part(PICK, "cart")
    basis: str | None = part(BASIS, None)
    round: str | None = part(ROUND, None)
    alloc: str | None = part(ALLOC, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class OrderPrice:
    """The selected lines together cost ``value``, never more than before."""

    value: int = part(natural)
    round: str | None = part(ROUND, None)
    alloc: str | None = part(ALLOC, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """Each selected unit costs ``value``, never more than before."""

    value: int = part(natural)
    max_units: int | None = part(natural, None)
    max_units_per_line: int | None = part(natural, None)
    pick: str = part(PICK, "cart")
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Any ``units`` of the selected units for ``price``, once; all of them must be there."""

    units: int = part(positive)
    price: int = part(natural)
    pick: str = part(PICK, "cheapest")
    round: str | None = part(ROUND, None)
    alloc: str | None = part(ALLOC, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class FreeUnits:
    """``percent`` off ``units`` of the selected units."""

    units: int = part(positive)
    pick: str = part(PICK, "cheapest")
    percent: Fraction = part(decimal, Fraction(100))
    round: str | None = part(ROUND, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class FirstThen:
    """``first`` off the first unit of each line, ``then`` off every further one, on at most ``max_units`` units of a
    line (0: all).
    """

    first: int = part(natural)
    then: int = part(natural)
    max_units: int = part(natural, 0)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Groups:
    """Per cent or an amount off each unit of every full group of ``size`` units, those of the lines with most units
    first. ``value`` says how much, or ``base`` and ``tiers`` by the list total of the cart.
    """

    size: int = part(positive)
    of: str = part(word("percent", "amount"))
    value: Fraction | None = part(decimal, None)
    base: Fraction = part(decimal, Fraction(0))
    tiers: tuple[tuple[int, Fraction], ...] = part(_tiers, ())
    round: str | None = part(ROUND, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Tiered:
    """A percent or an amount whose figure is that of the highest threshold reached, by what the selected lines cost or
    how many units they have together; ``base`` below the first.
    """

    by: str = part(word("spend", "qty"))
    tiers: tuple[tuple[int, Fraction], ...] = part(_tiers)
    of: str = part(word("percent", "amount"))
    base: Fraction = part(decimal, Fraction(0))
    scope: str | None = part(SCOPE, None)
    max_units: int | None = part(natural, None)
    max_units_per_line: int | None = part(natural, None)
    pick: str = part(PICK, "cart")
    cap: int | None = part(natural, None)
    basis: str | None = part(BASIS, None)
    round: str | None = part(ROUND, None)
    alloc: str | None = part(ALLOC, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Buy:
    """The units that have to be bought, and which of them are taken first."""

    qty: int = part(positive)
    select: Selector | None = part(SELECT, None)
    pick: str = part(PICK, "cart")


@dataclass(frozen=True, slots=True)
class Get:
    """The units that get cheaper: ``percent`` off each. With ``partial`` fewer than ``qty`` will do."""

    qty: int = part(positive)
    select: Selector | None = part(SELECT, None)
    pick: str = part(PICK, "cart")
    percent: Fraction = part(decimal, Fraction(100))
    partial: bool = part(flag, False)


@dataclass(frozen=True, slots=True)
class BuyGet:
    """Buy some units, get others cheaper, up to ``times`` times; a unit that served on one side serves no more."""

    buy: Buy = part(record(Buy))
    get: Get = part(record(Get))
    times: int = part(positive, 1)
    round: str | None = part(ROUND, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Gift:
    """``qty`` of an article for nothing, once or for each full ``every`` units of ``every_select``, as far as
    ``available`` goes. ``unit_price`` is for information.
    """

    sku: str = part(text)
    qty: int = part(positive, 1)
    every: int | None = part(positive, None)
    every_select: Selector | None = part(SELECT, None)
    available: int | None = part(natural, None)
    unit_price: int | None = part(natural, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class Points:
    """Points earned: ``rate`` for each 1.00 of money, for each unit, or once. ``less_tender`` names an amount of the
    context that earns nothing.
    """

    per: str = part(word("money", "unit", "order"))
    rate: Fraction = part(decimal)
    round: str | None = part(ROUND, None)
    basis: str | None = part(word("current", "list"), None)
    less_tender: str | None = part(text, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class RedeemPoints:
    """Points as money: each ``step`` of points pays ``value_per_step``."""

    value_per_step: int = part(positive)
    step: Fraction = part(decimal, Fraction(1))
    max_points: Fraction | None = part(decimal, None)
    whole_steps: bool = part(flag, True)
    may_use_points_of_this_sale: bool = part(flag, False)
    trim: bool = part(flag, True)
    total_must_stay_positive: bool = part(flag, False)
    round: str | None = part(ROUND, None)
    alloc: str | None = part(ALLOC, None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class PerFree:
    """How many free goods a reward gives, and for how many of them the points are asked once."""

    qty: int = part(natural)
    step: int = part(positive, 1)


@dataclass(frozen=True, slots=True)
class SpendPoints:
    """What a reward costs in points: ``points``, or that for each started ``step`` of free goods."""

    points: Fraction = part(decimal)
    per_free: PerFree | None = part(record(PerFree), None)


@dataclass(frozen=True, slots=True)
class PayWallet:
    """The rest is paid from the customer's wallet, as far as it goes."""


@dataclass(frozen=True, slots=True)
class WalletTopup:
    """``value`` goes into the customer's wallet."""

    value: int = part(natural)


Effect = (
    Percent
    | Amount
    | OrderPrice
    | UnitPrice
    | Bundle
    | FreeUnits
    | FirstThen
    | Groups
    | Tiered
    | BuyGet
    | Gift
    | Points
    | RedeemPoints
    | SpendPoints
    | PayWallet
    | WalletTopup
)

EFFECTS: dict[str, type[Effect]] = {
    "percent": Percent,
    "amount": Amount,
    "order_price": OrderPrice,
    "unit_price": UnitPrice,
    "bundle": Bundle,
    "free_units": FreeUnits,
    "first_then": FirstThen,
    "groups": Groups,
    "tiered": Tiered,
    "buy_get": BuyGet,
    "gift": Gift,
    "points": Points,
    "redeem_points": RedeemPoints,
    "spend_points": SpendPoints,
    "pay_wallet": PayWallet,
    "wallet_topup": WalletTopup,
}
"""The word a case writes under ``kind``, and the record it is read into."""

EFFECT = one_of(EFFECTS)
