"""An evaluator of one effect, written from conformance/README.md alone: exact fractions, one list entry for each unit,
no runs, no index, nothing of the engine's. Slow and plain, to be compared with.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Plain = Mapping[str, Any]
Unit = tuple[int, int]
"""Line and place on the line."""


def rounded(exact: Fraction, mode: str) -> int:
    """``exact`` as a whole number; nothing here is negative."""
    floor, part = math.floor(exact), exact - math.floor(exact)
    half = Fraction(1, 2)
    up = {
        **dict.fromkeys(("down", "floor"), False),
        **dict.fromkeys(("up", "ceil"), part > 0),
        **dict.fromkeys(("half_up", "none"), part >= half),
        "half_down": part > half,
        "half_even": part > half or (part == half and floor % 2 == 1),
    }
    return floor + up[mode]


def spread(amount: int, weights: Sequence[int], rooms: Sequence[int], method: str, mode: str) -> list[int]:
    """``amount`` over parts by weight, none above its room: the full ones first, then the open ones in one split."""
    parts = [0] * len(weights)
    open_parts = [index for index, weight in enumerate(weights) if weight]
    while open_parts:
        whole = sum(weights[index] for index in open_parts)
        full = [index for index in open_parts if Fraction(amount * weights[index], whole) > rooms[index]]
        if not full:
            shared = split(amount, [weights[index] for index in open_parts], method, mode)
            for index, part in zip(open_parts, shared, strict=True):
                parts[index] = part
            return parts
        for index in full:
            parts[index] = rooms[index]
            amount -= rooms[index]
        open_parts = [index for index in open_parts if index not in full]
    return parts


def split(amount: int, weights: Sequence[int], method: str, mode: str) -> list[int]:
    """``amount`` over parts that all have weight."""
    whole = sum(weights)
    exact = [Fraction(amount * weight, whole) for weight in weights]
    if method in ("exact", "largest_remainder"):
        parts = [math.floor(share) for share in exact]
        lost = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
        for index in lost[: amount - sum(parts)]:
            parts[index] += 1
        return parts
    parts = [rounded(share, mode) for share in exact]
    if method == "last_remainder":
        parts[-1] = amount - sum(parts[:-1])
        # What the last part cannot take, because the others were rounded too far, goes to those before it.
        for index in range(len(parts) - 2, -1, -1):
            moved = min(0, parts[-1]) + max(0, parts[-1] - weights[-1])
            if not moved:
                break
            step = 1 if moved > 0 else -1
            if 0 <= parts[index] + step <= weights[index]:
                parts[index] += step
                parts[-1] -= step
        return parts
    for index in range(len(parts)):
        rest = amount - sum(parts)
        step = (rest > 0) - (rest < 0)
        if rest and 0 <= parts[index] + step <= max(weights[index], amount if amount >= whole else 0):
            parts[index] += step
    return parts


class Cart:
    """The lines of a case and what each unit costs."""

    def __init__(self, lines: Sequence[Plain]) -> None:
        self.lines = lines
        self.cost = [[line["unit_price"]] * line["qty"] for line in lines]

    def selected(self, select: Plain | None) -> list[Unit]:
        """The selected units in the order of the cart."""
        wanted = select or {}
        return [
            (index, place)
            for index, line in enumerate(self.lines)
            if self._takes(line, wanted)
            for place in range(line["qty"])
        ]

    @staticmethod
    def _takes(line: Plain, wanted: Plain) -> bool:
        categories = set(line.get("category", ()))
        return (
            line.get("discountable", True)
            and line.get("selected", True)
            and line["sku"] in wanted.get("sku", [line["sku"]])
            and bool("category" not in wanted or categories & set(wanted["category"]))
            and not categories & set(wanted.get("not_category", ()))
            and wanted.get("price_min", 0) <= line["unit_price"] <= wanted.get("price_max", line["unit_price"])
            and not (wanted.get("exclude_reduced") and line.get("already_reduced"))
        )

    def price(self, unit: Unit) -> int:
        """What a unit costs."""
        return int(self.cost[unit[0]][unit[1]])

    def room(self, unit: Unit) -> int:
        """What may be taken off a unit."""
        price = self.price(unit)
        return price - min(price, int(self.lines[unit[0]].get("floor_unit_price", 0)))

    def ordered(self, units: Sequence[Unit], pick: str) -> list[Unit]:
        """Units in the order of a pick; ties keep the order of the cart."""
        sign = {"cheapest": 1, "dearest": -1, "cart": 0}[pick]
        return sorted(units, key=lambda unit: sign * self.price(unit))


def discounts(lines: Sequence[Plain], effect: Plain) -> dict[str, int]:
    """What ``effect`` takes off each line."""
    cart = Cart(lines)
    found: dict[str, int] = {line["id"]: 0 for line in lines}
    for index, off in _EFFECTS[effect["kind"]](cart, effect).items():
        found[lines[index]["id"]] += off
    return found


def _by_line(units: Sequence[Unit]) -> dict[int, list[Unit]]:
    found: dict[int, list[Unit]] = {}
    for unit in sorted(units):
        found.setdefault(unit[0], []).append(unit)
    return found


def _over_lines(cart: Cart, amount: int, units: Sequence[Unit], effect: Plain) -> dict[int, int]:
    by_line = _by_line(units)
    weights = [sum(map(cart.price, found)) for found in by_line.values()]
    rooms = [sum(map(cart.room, found)) for found in by_line.values()]
    method, mode = effect.get("alloc", "last_remainder"), effect.get("round", "half_up")
    return dict(zip(by_line, spread(amount, weights, rooms, method, mode), strict=True))


def _each_unit(cart: Cart, units: Sequence[Unit], figure: Callable[[int], int]) -> dict[int, int]:
    return {
        index: sum(min(figure(cart.price(unit)), cart.room(unit)) for unit in found)
        for index, found in _by_line(units).items()
    }


def _figure(of: str, value: object, effect: Plain) -> Callable[[int], int]:
    number = Fraction(str(value))
    if of == "amount":
        return lambda base: min(int(number), base)
    return lambda base: rounded(min(number, Fraction(100)) * base / 100, effect.get("round", "half_up"))


def _reckoned(cart: Cart, effect: Plain, of: str, value: object) -> dict[int, int]:
    units = cart.ordered(cart.selected(effect.get("select")), effect.get("pick", "cart"))
    most = effect.get("max_units_per_line")
    if most is not None:
        units = [unit for place, unit in enumerate(units) if [one[0] for one in units[:place]].count(unit[0]) < most]
    units = units[: effect.get("max_units", len(units))]
    figure, scope = _figure(of, value, effect), effect.get("scope", "order" if of == "amount" else "line")
    if scope == "order":
        return _over_lines(cart, figure(sum(map(cart.price, units))), units, effect)
    if scope == "unit":
        return _each_unit(cart, units, figure)
    return {
        index: min(figure(sum(map(cart.price, found))), sum(map(cart.room, found)))
        for index, found in _by_line(units).items()
    }


def _stepped(reached: int, effect: Plain) -> object:
    passed = [value for least, value in sorted(effect["tiers"]) if least <= reached]
    return passed[-1] if passed else effect.get("base", 0)


def _tiered(cart: Cart, effect: Plain) -> dict[int, int]:
    units = cart.selected(effect.get("select"))
    reached = len(units) if effect["by"] == "qty" else sum(map(cart.price, units))
    return _reckoned(cart, effect, effect["of"], _stepped(reached, effect))


def _groups(cart: Cart, effect: Plain) -> dict[int, int]:
    units = sorted(cart.selected(effect.get("select")), key=lambda unit: -cart.lines[unit[0]]["qty"])
    units = units[: len(units) - len(units) % effect["size"]]
    value = effect["value"] if "value" in effect else _stepped(sum(map(cart.price, cart.selected(None))), effect)
    return _each_unit(cart, units, _figure(effect["of"], value, effect))


def _first_then(cart: Cart, effect: Plain) -> dict[int, int]:
    most = effect.get("max_units") or math.inf
    found: dict[int, int] = {}
    for unit in cart.selected(effect.get("select")):
        if unit[1] < most:
            off = min(effect["then"] if unit[1] else effect["first"], cart.room(unit))
            found[unit[0]] = found.get(unit[0], 0) + off
    return found


def _free_units(cart: Cart, effect: Plain) -> dict[int, int]:
    units = cart.ordered(cart.selected(effect.get("select")), effect.get("pick", "cheapest"))[: effect["units"]]
    return _each_unit(cart, units, _figure("percent", effect.get("percent", 100), effect))


def _fixed(cart: Cart, effect: Plain) -> dict[int, int]:
    units = cart.selected(effect.get("select"))
    if effect["kind"] == "unit_price":
        return _each_unit(cart, units, lambda price: max(0, price - effect["value"]))
    if effect["kind"] == "bundle":
        units = cart.ordered(units, effect.get("pick", "cheapest"))[: effect["units"]]
        if len(units) < effect["units"]:
            return {}
    price = effect["price" if effect["kind"] == "bundle" else "value"]
    return _over_lines(cart, max(0, sum(map(cart.price, units)) - price), units, effect)


def _buy_get(cart: Cart, effect: Plain) -> dict[int, int]:
    used: set[Unit] = set()
    cheaper: list[Unit] = []
    for _time in range(effect.get("times", 1)):
        sides = []
        taken = set(used)
        for side in ("buy", "get"):
            said = effect[side]
            free = [unit for unit in cart.selected(said.get("select", effect.get("select"))) if unit not in taken]
            sides.append(cart.ordered(free, said.get("pick", "cart"))[: said["qty"]])
            taken |= set(sides[-1])
        enough = len(sides[1]) == effect["get"]["qty"] or (effect["get"].get("partial") and sides[1])
        if len(sides[0]) < effect["buy"]["qty"] or not enough:
            break
        used = taken
        cheaper += sides[1]
    return _each_unit(cart, cheaper, _figure("percent", effect["get"].get("percent", 100), effect))


_EFFECTS: Mapping[str, Callable[[Cart, Plain], dict[int, int]]] = {
    "percent": lambda cart, effect: _reckoned(cart, effect, "percent", effect["value"]),
    "amount": lambda cart, effect: _reckoned(cart, effect, "amount", effect["value"]),
    "tiered": _tiered,
    "groups": _groups,
    "first_then": _first_then,
    "free_units": _free_units,
    "order_price": _fixed,
    "unit_price": _fixed,
    "bundle": _fixed,
    "buy_get": _buy_get,
}
