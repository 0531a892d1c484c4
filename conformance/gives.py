"""The effects of a promotion as effects of ours."""

from collections.abc import Iterator
from fractions import Fraction

from conformance import effects as neutral
from conformance.cases import CartCase, Promotion
from conformance.conditions import Selector
from conformance.goods import Goods, rounding_of
from conformance.naming import Names
from conformance.outcome import NotExpressibleError
from conformance.terms import Words
from contract.basket import MAX_POINTS, MAX_QUANTITY
from contract.money import MAX_AMOUNT_MINOR
from rules.grammar import money, rewards
from rules.grammar.conditions import Base
from rules.grammar.effects import Effect
from rules.grammar.money import Ladder, Measure, Scope, Side, Step
from rules.grammar.select import EVERY_UNIT, Order, Pick, Select
from rules.rounding import BASIS_POINTS, Rounding
from rules.shares import Split

SCOPES = {"unit": Scope.UNIT, "line": Scope.LINE, "order": Scope.BASKET}
ORDERS = {"cheapest": Order.CHEAPEST, "dearest": Order.DEAREST, "cart": Order.ENTERED}


class GivesReader:
    """Translates the effects of one case's promotions. ``gifts`` keeps the names of articles given away, ``available``
    how many of each there are.
    """

    __slots__ = ("_cap_points", "_goods", "_on_list", "_scale", "_units_of_points", "_words", "available", "gifts")

    def __init__(self, body: CartCase, scale: int, goods: Goods, words: Words, units_of_points: int) -> None:
        self._goods = goods
        self._scale = scale
        self._words = words
        self._units_of_points = units_of_points
        # Where each promotion is reckoned on the list price, that is the base of every effect.
        self._on_list = body.combine == "sum_on_list"
        # A pack says how many points a sale may earn at most: here as many as there can be, shared by all that earn.
        times = [
            promotion.max_applications or 1
            for promotion in body.promotions
            for effect in promotion.effects
            if isinstance(effect, neutral.Points)
        ]
        self._cap_points = MAX_POINTS // (2 * sum(times) + 1)
        self.gifts = Names()
        self.available: dict[str, int] = {}

    def read(self, promotion: Promotion) -> tuple[Effect, ...]:
        """Return our effects; one that takes nothing where a promotion of the case gives nothing."""
        found = [ours for effect in promotion.effects for ours in self._effect(effect, promotion.select)]
        return tuple(found) or (money.Percent(0, Scope.LINE),)

    def points(self, number: Fraction) -> int:
        """Return points of the case in our smallest units. Raises NotExpressibleError where that is not whole."""
        found = number * self._units_of_points
        if found.denominator != 1:
            raise NotExpressibleError("points finer than a ten-thousandth")
        return found.numerator

    def _effect(self, effect: neutral.Effect, default: Selector | None) -> Iterator[Effect]:
        match effect:
            case neutral.Percent():
                yield self._percent(effect, rate_bp(effect.value), None, default)
            case neutral.Amount():
                yield self._amount(effect, _bounded(effect.value), None, default)
            case neutral.Tiered():
                yield self._tiered(effect, default)
            case neutral.Groups():
                yield self._groups(effect, default)
            case neutral.FirstThen():
                yield from self._first_then(effect, default)
            case neutral.FreeUnits():
                yield money.Percent(
                    rate_bp(effect.percent),
                    Scope.UNIT,
                    self._select(effect.select, default),
                    Pick(ORDERS[effect.pick], units=self._at_most(effect.units)),
                    base=self._base(None),
                    rounding=rounding(effect.round),
                )
            case neutral.OrderPrice() | neutral.UnitPrice() | neutral.Bundle() | neutral.BuyGet():
                yield self._fixed(effect, default)
            case _:
                yield from self._reward(effect, default)

    def _percent(
        self, effect: neutral.Percent | neutral.Tiered, own_bp: int, ladder: Ladder | None, default: Selector | None
    ) -> Effect:
        scope = effect.scope or "line"
        return money.Percent(
            own_bp,
            SCOPES[scope],
            self._select(effect.select, default),
            self._pick(effect),
            ladder,
            None if effect.cap is None else _bounded(effect.cap),
            self._base(effect.basis),
            rounding(effect.round),
            split(effect.alloc) or (Split.FIRST if effect.cap is not None and scope != "order" else None),
        )

    def _amount(
        self, effect: neutral.Amount | neutral.Tiered, off_minor: int, ladder: Ladder | None, default: Selector | None
    ) -> Effect:
        return money.Amount(
            off_minor,
            SCOPES[effect.scope or "order"],
            self._select(effect.select, default),
            self._pick(effect),
            ladder,
            self._base(effect.basis),
            rounding(effect.round),
            split(effect.alloc),
        )

    def _tiered(self, effect: neutral.Tiered, default: Selector | None) -> Effect:
        base = self._base(effect.basis) or Base.LEFT
        by = Measure.SPEND if effect.by == "spend" else Measure.QUANTITY
        if effect.of == "percent":
            ladder = _ladder(by, tuple([(least, rate_bp(value)) for least, value in effect.tiers]), None, base)
            return self._percent(effect, rate_bp(effect.base), ladder, default)
        ladder = _ladder(by, tuple([(least, _minor(value)) for least, value in effect.tiers]), None, base)
        return self._amount(effect, _minor(effect.base), ladder, default)

    def _groups(self, effect: neutral.Groups, default: Selector | None) -> Effect:
        figure = rate_bp if effect.of == "percent" else _minor
        steps = tuple([(least, figure(value)) for least, value in effect.tiers])
        own = figure(effect.base if effect.value is None else effect.value)
        # The threshold of a group is what the whole cart costs at list prices, whatever the group selects.
        ladder = _ladder(Measure.SPEND, steps, Select(), Base.LIST)
        select, pick = self._select(effect.select, default), Pick(Order.FULLEST, groups_of=self._at_most(effect.size))
        if effect.of == "percent":
            return money.Percent(
                own, Scope.UNIT, select, pick, ladder, base=self._base(None), rounding=rounding(effect.round)
            )
        return money.Amount(own, Scope.UNIT, select, pick, ladder, base=self._base(None))

    def _first_then(self, effect: neutral.FirstThen, default: Selector | None) -> Iterator[Effect]:
        select, base = self._select(effect.select, default), self._base(None)
        if effect.first:
            yield money.Amount(_bounded(effect.first), Scope.UNIT, select, Pick(Order.ENTERED, per_line=1), base=base)
        if effect.then and effect.max_units != 1:
            most = min(effect.max_units - 1, MAX_QUANTITY) if effect.max_units else None
            yield money.Amount(
                _bounded(effect.then), Scope.UNIT, select, Pick(Order.ENTERED, per_line=most, skip=1), base=base
            )

    def _fixed(
        self, effect: neutral.OrderPrice | neutral.UnitPrice | neutral.Bundle | neutral.BuyGet, default: Selector | None
    ) -> Effect:
        select = self._select(effect.select, default)
        match effect:
            case neutral.OrderPrice(value, round_, alloc):
                return money.FixedPrice(
                    _bounded(value), Scope.BASKET, select, rounding=rounding(round_), split=split(alloc)
                )
            case neutral.UnitPrice(value):
                return money.FixedPrice(_bounded(value), Scope.UNIT, select, self._pick(effect))
            case neutral.Bundle(units, price, pick, round_, alloc):
                return money.AnyFor(
                    self._at_most(units), _bounded(price), select, ORDERS[pick], 1, rounding(round_), split(alloc)
                )
            case neutral.BuyGet(buy, get, times, round_):
                return money.BuyGet(
                    Side(self._at_most(buy.qty), self._select(buy.select or effect.select, default), ORDERS[buy.pick]),
                    Side(self._at_most(get.qty), self._select(get.select or effect.select, default), ORDERS[get.pick]),
                    rate_bp(get.percent),
                    min(times, MAX_QUANTITY),
                    get.partial,
                    rounding(round_),
                )

    def _reward(self, effect: neutral.Effect, default: Selector | None) -> Iterator[Effect]:
        match effect:
            case neutral.Gift(sku, qty, every, every_select, available):
                if available is not None:
                    self.available[self.gifts[sku]] = available
                counted = Select() if every is None else self._select(every_select or effect.select, default)
                yield rewards.Gift(self.gifts[sku], qty, every, counted)
            case neutral.Points():
                yield from self._points(effect, default)
            case neutral.RedeemPoints():
                yield self._redeem(effect, default)
            case neutral.SpendPoints(points, per_free):
                times = 1 if per_free is None else -(-per_free.qty // per_free.step)
                if points * times:
                    yield rewards.CostPoints(self.points(points * times))
            case neutral.PayWallet():
                yield rewards.PayStored()
            case neutral.WalletTopup(value):
                if value:
                    yield rewards.Rebate(minor=value)
            case _:
                raise TypeError(f"no translation of {effect!r}")

    def _points(self, effect: neutral.Points, default: Selector | None) -> Iterator[Effect]:
        select = self._select(effect.select, default)
        if not effect.rate:
            return
        match effect.per:
            case "unit":
                yield rewards.PointsPerUnit(self.points(effect.rate), select, self._cap_points)
            case "order":
                yield rewards.PointsBonus(self.points(effect.rate))
            case _:
                yield self._points_per_money(effect, select)

    def _points_per_money(self, effect: neutral.Points, select: Select) -> Effect:
        """Points for money. Beside points with decimals, whole ones can be given for each full amount only."""
        each, fine = effect.rate / self._scale, self._units_of_points
        whole = effect.round not in (None, "none") and fine != 1
        if whole and (effect.round not in ("floor", "down") or each.numerator != 1):
            raise NotExpressibleError("points rounded to whole ones beside points with decimals")
        rated = each if whole else each * fine
        return rewards.PointsPerMoney(
            rated.numerator * (fine if whole else 1),
            rated.denominator,
            select,
            Base.LIST if self._on_list else _base_of_points(effect.basis),
            proportional=not whole,
            rounding=None if whole else rounding(effect.round),
            not_tenders=() if effect.less_tender is None else (self._words.tenders[effect.less_tender],),
            cap_points=self._cap_points,
        )

    def _redeem(self, effect: neutral.RedeemPoints, default: Selector | None) -> Effect:
        most = None if effect.max_points is None else self.points(max(Fraction(0), effect.max_points))
        return rewards.PayPoints(
            self.points(effect.step),
            effect.value_per_step,
            most,
            select=self._select(effect.select, default),
            part_steps=not effect.whole_steps,
            own_points=effect.may_use_points_of_this_sale,
            waste=not effect.trim,
            rounding=rounding(effect.round) or Rounding.FLOOR,
            split=split(effect.alloc),
            never_free=effect.total_must_stay_positive,
        )

    def _pick(self, effect: neutral.Percent | neutral.Amount | neutral.Tiered | neutral.UnitPrice) -> Pick:
        """The units an effect may touch. 0 units are none at all in a case, and there is no such pick."""
        if effect.max_units is None and effect.max_units_per_line is None:
            return EVERY_UNIT
        if effect.max_units == 0 or effect.max_units_per_line == 0:
            raise NotExpressibleError("a discount on no unit at all")
        units, per_line = effect.max_units, effect.max_units_per_line
        return Pick(
            _order(effect),
            units=None if units is None else self._at_most(units),
            per_line=None if per_line is None else min(per_line, MAX_QUANTITY),
        )

    def _at_most(self, units: int) -> int:
        """So many units; as many as a till counts stand for more, where the cart has not even so many."""
        if units > MAX_QUANTITY and sum(line.quantity for line in self._goods.lines) >= MAX_QUANTITY:
            raise NotExpressibleError(f"more than {MAX_QUANTITY} units together")
        return min(units, MAX_QUANTITY)

    def _select(self, own: Selector | None, default: Selector | None) -> Select:
        return self._goods.select(default if own is None else own)

    def _base(self, basis: str | None) -> Base | None:
        """Where a case names no basis the profile decides. The list price of some units less what the whole line was
        given is what those units still cost, as long as they are the ones it was given on.
        """
        if self._on_list or basis == "list":
            return Base.LIST
        return None if basis is None else Base.LEFT


def rate_bp(percent: Fraction) -> int:
    """Return basis points; more than everything is everything. Raises NotExpressibleError for less than nothing, and
    for a rate that is no whole number of them.
    """
    found = min(percent, Fraction(100)) * BASIS_POINTS / 100
    if found < 0:
        raise NotExpressibleError("a percentage below zero")
    if found.denominator != 1:
        raise NotExpressibleError("a percentage finer than 0.01 %")
    return found.numerator


def rounding(name: str | None) -> Rounding | None:
    """Return our rounding for the case's word; None where it has none and the profile decides."""
    return None if name is None else rounding_of(name)


def split(name: str | None) -> Split | None:
    """Return our split for the case's word; ``exact`` stands where the parts are whole anyway."""
    return None if name is None else Split.LARGEST if name == "exact" else Split(name)


def _minor(value: Fraction) -> int:
    if value.denominator != 1 or value < 0:
        raise NotExpressibleError("an amount that is no whole number of minor units")
    return _bounded(value.numerator)


def _bounded(amount_minor: int) -> int:
    """An amount as far as a basket can hold it: nothing takes more off, and no price is above."""
    return min(amount_minor, MAX_AMOUNT_MINOR)


def _base_of_points(basis: str | None) -> Base | None:
    return None if basis is None else Base.LIST if basis == "list" else Base.LEFT


def _order(effect: neutral.Percent | neutral.Amount | neutral.Tiered | neutral.UnitPrice) -> Order:
    """Where the base is the list price of some units less what the line was given, the units that were given most
    are taken first: then it is what those units still cost.
    """
    if not isinstance(effect, neutral.UnitPrice) and effect.basis == "list_capped_units_less_given":
        return Order.CHEAPEST
    return ORDERS[effect.pick]


def _ladder(by: Measure, steps: tuple[tuple[int, int], ...], select: Select | None, base: Base) -> Ladder | None:
    """A ladder with one step for each threshold, the last one written where two are alike."""
    unique = dict(steps)
    return Ladder(by, tuple([Step(*step) for step in unique.items()]), select, base) if unique else None
