"""Refund, computed from the trace of a sale.

Everything rests on one figure: what the sale stands at if only some of its goods are kept. A refund is what it stood at
before, less what it stands at after; so whatever comes back in whatever order, the parts never exceed what was paid,
and when nothing is kept everything is back. What each rule's discount is worth to the goods that stay is the rule's own
policy: prorate, keep, or charge back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field, replace

from contract.basket import Basket, BasketLine, PlannedTender
from contract.errors import ContractError, Reason
from contract.making import dataclass
from contract.trace import AppliedEffect, Given, Share
from contract.trade import SaleBody, TenderKind
from rules.engine.acting import propose, refused
from rules.engine.compiled import Compiled
from rules.engine.discounts import capped
from rules.engine.price import opened
from rules.engine.proposal import Proposal
from rules.engine.units import Off, Run, Sharing, spread
from rules.engine.view import View
from rules.grammar.policies import CouponOnReturn, PointsOnReturn
from rules.grammar.rule import OnReturn, Rule
from rules.rounding import Rounding, divide


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale as the journal has it: the basket as priced and the trace. ``stored_minor`` of what was payable the
    customer chose to pay from stored value, beside what rules said.
    """

    basket: Basket
    effects: tuple[AppliedEffect, ...]
    payable_minor: int
    stored_minor: int = 0


def sold_of(sale: SaleBody) -> Sold:
    """A sale's entry as a return must know it."""
    stored = (tender.amount_minor for tender in sale.tenders if tender.kind is TenderKind.STORED_VALUE)
    return Sold(sale.basket, sale.effects, sale.payable_minor, sum(stored))


@dataclass(frozen=True, slots=True)
class Refund:
    """What one return gives and takes.

    ``units`` came back of each line in basket order. ``refund_minor`` is paid out, of which ``to_stored_minor`` goes
    back into stored value: as much as was paid from it and has not gone back, before anything is paid out in money.
    ``points_back`` are taken from the member, of which ``points_debt`` is more than the balance held;
    ``points_restored`` are given again. ``bonus_back_minor`` is taken out of stored value. Codes in ``codes_restored``
    may be used again; ``coupons_withdrawn``, ``counts_withdrawn`` and ``gifts_due`` were given with the sale and go
    back with it.
    """

    units: tuple[int, ...]
    refund_minor: int
    to_stored_minor: int
    points_back: int
    points_debt: int
    points_restored: int
    bonus_back_minor: int
    codes_restored: tuple[str, ...] = ()
    coupons_withdrawn: tuple[Given, ...] = ()
    counts_withdrawn: tuple[Given, ...] = ()
    gifts_due: tuple[Given, ...] = ()


_Stretch = tuple[int, int, int]
"""Line, first unit, number of units."""


@dataclass(slots=True)
class Standing:
    """What a sale stands at with some of its goods."""

    value_minor: int = 0
    stored_minor: int = 0
    points: int = 0
    points_spent: int = 0
    bonus_minor: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    """What each rule is still worth to the goods, in whatever it gave: for proportions only."""


def refund(
    sold: Sold, compiled: Compiled, units: Sequence[int], earlier: Sequence[Refund] = (), balance: int | None = None
) -> Refund:
    """Return what giving back ``units`` of each line means. ``compiled`` is the pack that priced the sale, ``earlier``
    the returns before this one, ``balance`` the member's points now, where known.

    Units of a line come back from its last. Raises ContractError(OUT_OF_RANGE) with the path to the line where more
    comes back than was sold and not yet returned, or nothing does.
    """
    before = kept_after(sold, [found.units for found in earlier])
    after = kept_after(sold, [*(found.units for found in earlier), tuple(units)])
    if not any(units):
        raise ContractError(Reason.OUT_OF_RANGE, "units", "nothing comes back")
    full, now = standing(sold, compiled, _quantities(sold)), standing(sold, compiled, after)
    paid_out = sum(found.refund_minor for found in earlier)
    refund_minor = max(0, full.value_minor - now.value_minor - paid_out)
    stored_out = sum(found.to_stored_minor for found in earlier)
    points_out = sum(found.points_back for found in earlier)
    points_back = max(0, full.points - now.points - points_out)
    restored = sum(found.points_restored for found in earlier)
    bonus_out = sum(found.bonus_back_minor for found in earlier)
    stays = compiled.pack.policies.coupon_on_return is CouponOnReturn.STAYS_USED

    def gone(given: Sequence[tuple[Given, ...]]) -> tuple[Given, ...]:
        return more_than(given_with(sold, before, given), given_with(sold, after, given))

    return Refund(
        units=tuple(units),
        refund_minor=refund_minor,
        to_stored_minor=min(refund_minor, max(0, full.stored_minor + sold.stored_minor - stored_out)),
        points_back=points_back,
        points_debt=0 if balance is None else max(0, points_back - max(0, balance)),
        points_restored=max(0, full.points_spent - now.points_spent - restored),
        bonus_back_minor=max(0, full.bonus_minor - now.bonus_minor - bonus_out),
        codes_restored=() if stays else tuple(sorted(codes_in_use(sold, before) - codes_in_use(sold, after))),
        coupons_withdrawn=gone([effect.coupons for effect in sold.effects]),
        counts_withdrawn=gone([effect.counts for effect in sold.effects]),
        gifts_due=gone([effect.gifts for effect in sold.effects]),
    )


def _quantities(sold: Sold) -> list[int]:
    return [line.quantity for line in sold.basket.lines]


def kept_after(sold: Sold, returned: Sequence[Sequence[int]]) -> list[int]:
    """How many units of each line are kept after these returns."""
    kept = _quantities(sold)
    for units in returned:
        if len(units) != len(kept):
            raise ContractError(Reason.OUT_OF_RANGE, "units", f"expected a number for each of {len(kept)} lines")
        for line, count in enumerate(units):
            if type(count) is not int or not 0 <= count <= kept[line]:
                raise ContractError(Reason.OUT_OF_RANGE, f"units[{line}]", f"expected 0 to {kept[line]}")
            kept[line] -= count
    return kept


def kept_lines(sold: Sold, kept: Sequence[int]) -> list[BasketLine]:
    """The lines of which units are kept, with these quantities."""
    return [replace(line, quantity=count) for line, count in zip(sold.basket.lines, kept, strict=True) if count]


def standing(sold: Sold, compiled: Compiled, kept: Sequence[int]) -> Standing:
    """What the sale stands at if ``kept`` units of each line stay. With all of them it is the sale itself."""
    effects = sold.effects
    if list(kept) == _quantities(sold):
        return Standing(
            sold.payable_minor,
            sum(effect.stored_minor for effect in effects),
            sum(effect.points for effect in effects),
            sum(effect.points_spent for effect in effects),
            sum(effect.bonus_minor for effect in effects),
            _worth_by_rule(effects),
        )
    if not any(kept):
        return Standing()
    return _Remainder(sold, compiled, kept).standing()


def _worth_by_rule(effects: Iterable[AppliedEffect]) -> Counter[str]:
    found = Counter[str]()
    for effect in effects:
        found[effect.rule] += effect.off_minor + effect.points + effect.bonus_minor + effect.stored_minor
    return found


class _Remainder:
    """The goods that stay, with what each effect of the trace is still worth to them."""

    def __init__(self, sold: Sold, compiled: Compiled, kept: Sequence[int]) -> None:
        self._sold = sold
        self._compiled = compiled
        self._numbers = {rule.rule: number for number, rule in enumerate(compiled.rules)}
        self._kept = kept
        lines = [line for line, count in enumerate(kept) if count]
        self._view: View = opened(replace(sold.basket, lines=tuple(kept_lines(sold, kept))), compiled)
        by_entry = {entered: index for index, entered in enumerate(self._view.units.entered)}
        self._index = {line: by_entry[place] for place, line in enumerate(lines)}
        self._goods = sum(line.list_minor for line in self._view.units.lines)
        self._all_goods = sold.basket.list_minor

    def standing(self) -> Standing:
        """Go through the trace and see what is left of it."""
        found = Standing()
        rounding = 0
        for effect in self._sold.effects:
            offs = self._offs(effect)
            if offs:
                self._view.units.take(offs)
            points = self._points_anew(effect)
            self._view.earned += points
            found.points += points
            worth = sum(count * off for _line, _unit, count, off in offs)
            found.points_spent += self._share(effect.points_spent, worth, effect.off_minor)
            bonus_minor = self._share(effect.bonus_minor, 0, 0)
            stored_minor = self._share(effect.stored_minor, 0, 0)
            found.bonus_minor += bonus_minor
            found.stored_minor += stored_minor
            found.by_rule[effect.rule] += worth + points + bonus_minor + stored_minor
            self._view.stored_minor = found.stored_minor
            rounding += effect.rounding_minor
        value = self._view.payable_minor
        # What rounding the total did belongs to the total: it goes with the value of what stays.
        unrounded = self._sold.payable_minor - rounding
        value += divide(rounding * value, unrounded, Rounding.HALF_UP) if unrounded > 0 else 0
        found.value_minor = max(0, value)
        found.stored_minor = min(found.stored_minor, found.value_minor)
        if self._compiled.pack.policies.points_on_return is PointsOnReturn.PRORATE:
            found.points = sum(self._points_of(effect.points, found.value_minor) for effect in self._sold.effects)
        return found

    def _share(self, whole: int, worth: int, of: int) -> int:
        """The part of ``whole`` that stays: as much as of the effect's discount, or of the goods where it has none."""
        if of:
            return divide(whole * min(worth, of), of, Rounding.HALF_UP)
        return divide(whole * self._goods, self._all_goods, Rounding.HALF_UP) if self._all_goods else 0

    def _rule(self, effect: AppliedEffect) -> Rule | None:
        number = self._numbers.get(effect.rule)
        if number is None or effect.part >= len(self._compiled.rules[number].then):
            return None
        return self._compiled.rules[number]

    def _offs(self, effect: AppliedEffect) -> list[Off]:
        if not effect.off_minor:
            return []
        rule = self._rule(effect)
        policy = OnReturn.PRORATE if rule is None or effect.points_spent else rule.on_return
        if policy is OnReturn.CHARGE_BACK and rule is not None:
            return self._asked_again(effect, rule)
        if policy is OnReturn.KEEP or all(share.off_minor for share in effect.shares):
            return self._as_taken(effect)
        kept = _stretches(effect.shares, self._kept)
        whole = max(1, self._list_of(_stretches(effect.shares)))
        amount = divide(effect.off_minor * self._list_of(kept), whole, Rounding.HALF_UP)
        return spread(amount, self._standing_runs(kept), self._view.units, self._sharing())

    def _as_taken(self, effect: AppliedEffect) -> list[Off]:
        """What the trace says was taken off each unit that stays, as far as it still costs that much. Where every unit
        that took part had something taken off, that is its part of the discount, to the minor unit.
        """
        floors = self._view.units.floors
        offs = []
        for share in effect.shares:
            for line, unit, count in _stretches((share,), self._kept):
                for run in self._standing_runs(((line, unit, count),)):
                    off = min(share.off_minor, run.each - floors[run.line])
                    if off > 0:
                        offs.append((run.line, run.unit, run.count, off))
        return offs

    def _asked_again(self, effect: AppliedEffect, rule: Rule) -> list[Off]:
        """What a rule gives when it is asked about the goods that stay, at most what it gave."""
        if refused(rule, self._view) is not None:
            return []
        if not self._compiled.line_groups.isdisjoint(rule.groups):
            # The other lines went to other rules of the group.
            self._view.only = frozenset(self._index[share.line] for share in effect.shares if share.line in self._index)
        found = propose(rule.then[effect.part], self._view)
        self._view.only = None
        if not isinstance(found, Proposal):
            return []
        if found.used:
            self._view.units.take([(line, unit, count, 0) for line, unit, count, _off in found.offs], True)
            self._view.units.take(found.part, True)
        return capped(found.offs, effect.off_minor, self._view, self._sharing())

    def _points_anew(self, effect: AppliedEffect) -> int:
        """What the goods that stay would have earned, at most what the effect gave."""
        rule = self._rule(effect)
        if not effect.points or rule is None or refused(rule, self._view) is not None:
            return 0
        self._view.facts.basket = replace(self._view.facts.basket, tenders=self._tenders())
        found = propose(rule.then[effect.part], self._view)
        return min(effect.points, found.points) if isinstance(found, Proposal) else 0

    def _tenders(self) -> tuple[PlannedTender, ...]:
        """The tenders, each with its part of what the goods that stay cost now."""
        value, whole = self._view.payable_minor, self._sold.payable_minor
        if not self._sold.basket.tenders or value >= whole:
            return self._sold.basket.tenders
        return tuple(
            replace(tender, amount_minor=divide(tender.amount_minor * value, whole, Rounding.HALF_UP))
            for tender in self._sold.basket.tenders
        )

    def _points_of(self, points: int, value_minor: int) -> int:
        """The part of ``points`` that the value of what stays is of the sale's, or of the goods' where nothing was
        paid.
        """
        part, whole = value_minor, self._sold.payable_minor
        if not whole:
            part, whole = self._goods, self._all_goods
        return divide(points * min(part, whole), whole, Rounding.FLOOR) if whole else 0

    def _each(self, line: int) -> int:
        sold = self._sold.basket.lines[line]
        return sold.list_minor // sold.quantity

    def _list_of(self, stretches: Sequence[_Stretch]) -> int:
        return sum(count * self._each(line) for line, _unit, count in stretches)

    def _standing_runs(self, stretches: Sequence[_Stretch]) -> list[Run]:
        """The runs of the view that hold these units."""
        found = []
        for line, unit, count in stretches:
            index = self._index[line]
            for run in self._view.units.runs([index]):
                start, end = max(run.unit, unit), min(run.unit + run.count, unit + count)
                if start < end:
                    found.append(Run(index, start, end - start, run.each))
        return found

    def _sharing(self) -> Sharing:
        policies = self._compiled.pack.policies
        return Sharing(policies.split, policies.percent_rounding)


def _stretches(shares: Sequence[Share], kept: Sequence[int] | None = None) -> list[_Stretch]:
    """The units that shares cover, each once; with ``kept`` only those that stay."""
    found: list[_Stretch] = []
    reached: dict[int, int] = {}
    for share in sorted(shares, key=lambda share: (share.line, share.unit)):
        start = max(share.unit, reached.get(share.line, 0))
        end = share.unit + share.units
        if kept is not None:
            end = min(end, kept[share.line])
        if end > start:
            found.append((share.line, start, end - start))
            reached[share.line] = end
    return found


def codes_in_use(sold: Sold, kept: Sequence[int]) -> frozenset[str]:
    """The codes that were used on something that is kept."""
    whole = list(kept) == _quantities(sold)
    return frozenset(code for effect in sold.effects if whole or _touches(effect, kept) for code in effect.codes)


def _touches(effect: AppliedEffect, kept: Sequence[int]) -> bool:
    """Whether any unit that took part is kept; any unit at all where the effect touched none in particular."""
    if not effect.shares:
        return any(kept)
    return any(share.unit < kept[share.line] for share in effect.shares)


def given_with(sold: Sold, kept: Sequence[int], given: Iterable[tuple[Given, ...]]) -> Counter[str]:
    """What was given with the sale and stays with the goods that are kept, by name: what does not go back with the
    others, of which each takes the whole part of its share by list price.
    """
    counts = counted(given)
    return Counter({name: count - _returned_part(sold, count, kept) for name, count in counts.items()})


def counted(given: Iterable[tuple[Given, ...]]) -> Counter[str]:
    """How much of each name was given."""
    counts = Counter[str]()
    for item in (item for items in given for item in items):
        counts[item.name] += item.count
    return counts


def more_than(one: Counter[str], other: Counter[str]) -> tuple[Given, ...]:
    """What ``one`` has beyond ``other``, by name."""
    return tuple(Given(name, count) for name, count in sorted((one - other).items()))


def _returned_part(sold: Sold, count: int, kept: Sequence[int]) -> int:
    if list(kept) == _quantities(sold):
        return 0
    if not any(kept):
        return count
    total = sold.basket.list_minor
    goods = sum(line.list_minor for line in kept_lines(sold, kept))
    return count - divide(count * goods, total, Rounding.CEIL) if total else 0
