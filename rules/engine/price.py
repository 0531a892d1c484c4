"""price(): what a basket costs and earns under a pack, with every step it took."""

from itertools import accumulate

from contract.basket import LAST_MOMENT_MS, Basket
from contract.errors import ContractError, Reason
from contract.money import MAX_AMOUNT_MINOR
from contract.trace import MOST_SHARES, AppliedEffect, Share
from rules.engine.compiled import Compiled
from rules.engine.meeting import Met, meet
from rules.engine.view import View
from rules.priced import Priced


def price(basket: Basket, compiled: Compiled) -> Priced:
    """Price ``basket``. Raises ContractError(OUT_OF_RANGE) where its list price, or what is to pay with tax on top,
    exceeds the largest amount, its moment lies beyond the calendar, goods by weight have a quantity, a line bears one
    tax twice, the usage of one rule or the stock of one article is told twice, or units came to cost so different
    amounts that an effect of the trace would have more shares than travel.
    """
    view = opened(basket, compiled)
    return outcome(meet(view, compiled.candidates(view), compiled), compiled)


def opened(basket: Basket, compiled: Compiled) -> View:
    """A view of a basket that can be priced. Raises ContractError as :func:`price` does."""
    if basket.moment_ms is not None and basket.moment_ms > LAST_MOMENT_MS:
        raise ContractError(Reason.OUT_OF_RANGE, "moment_ms", "beyond the calendar")
    for index, line in enumerate(basket.lines):
        if line.weight_g is not None and line.quantity != 1:
            raise ContractError(Reason.OUT_OF_RANGE, f"lines[{index}].quantity", "goods by weight have quantity 1")
    if basket.usage:
        _require_once([usage.rule for usage in basket.usage], "usage", "rule")
    if basket.stock:
        _require_once([stock.sku for stock in basket.stock], "stock", "sku")
    view = compiled.open(basket)
    if sum(view.units.worth) > MAX_AMOUNT_MINOR:
        raise ContractError(Reason.OUT_OF_RANGE, _first_beyond(basket), "basket above the largest amount")
    return view


def outcome(met: Met, compiled: Compiled) -> Priced:
    """What a meeting came to. Raises ContractError where it is more than the largest amount."""
    view = met.view
    payable = view.payable_minor
    if payable > MAX_AMOUNT_MINOR:
        raise ContractError(Reason.OUT_OF_RANGE, "lines", "to pay more than the largest amount")
    by_entry = [0] * len(view.units.lines)
    for entered, left in zip(view.units.entered, view.units.left, strict=True):
        by_entry[entered] = left
    return Priced(
        payable_by_line=tuple(by_entry),
        effects=_trace(view, compiled),
        list_minor=sum(view.units.worth),
        payable_minor=payable,
        points=view.earned,
        points_spent=view.spent,
        rounding_minor=view.rounding_minor,
        stored_minor=view.stored_minor,
        bonus_minor=view.bonus_minor,
        taxes=view.taxed(),
        exact=met.exact,
    )


def _first_beyond(basket: Basket) -> str:
    """Which line takes a basket above the largest amount."""
    so_far = accumulate([line.list_minor for line in basket.lines])
    return f"lines[{next(index for index, total in enumerate(so_far) if total > MAX_AMOUNT_MINOR)}]"


def _require_once(names: list[str], path: str, field: str) -> None:
    """Of two figures for one name nobody knows which is meant."""
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise ContractError(Reason.OUT_OF_RANGE, f"{path}[{index}].{field}", "told twice")
        seen.add(name)


def _trace(view: View, compiled: Compiled) -> tuple[AppliedEffect, ...]:
    entered = view.units.entered
    trace = []
    for number, place, found in view.effects:
        rule = compiled.rules[number]
        offs = found.offs + found.part if found.part else found.offs
        if len(offs) > MOST_SHARES:
            raise ContractError(Reason.OUT_OF_RANGE, "lines", f"{rule.rule} takes more than {MOST_SHARES} shares")
        shares = [(entered[line], unit, count, off) for line, unit, count, off in offs]
        shares.sort()
        trace.append(
            AppliedEffect(
                rule.rule,
                place,
                found.base_minor,
                found.off_minor,
                tuple([Share(line, off, unit, count) for line, unit, count, off in shares]),
                found.points,
                found.points_spent,
                found.gifts,
                found.coupons,
                found.counts,
                found.bonus_minor,
                found.stored_minor,
                found.rounding_minor,
                found.codes,
                rule.funded_by,
            )
        )
    return tuple(trace)
