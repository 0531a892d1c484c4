"""Sales to a gold member under one rule with one effect that takes money off."""

from __future__ import annotations

from typing import Any

from contract.basket import Basket, BasketLine, Customer
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from rules.priced import Priced
from tests.rules.samples import pack, rule


def line(sku: str, minor: int, quantity: int = 1, **more: Any) -> BasketLine:
    """So many units of an article; tea by its name, ware otherwise."""
    category = "tea" if sku.startswith("TEA") else "ware"
    return BasketLine(sku, quantity, minor, (category,), **more)


def cost(effect: Any, *lines: BasketLine, **more: Any) -> tuple[int, ...]:
    """What the lines come to under one rule with one effect; ``more`` are the pack's other fields."""
    return priced_by(effect, *lines, **more).payable_by_line


def priced_by(effect: Any, *lines: BasketLine, **more: Any) -> Priced:
    """The price under one rule with one effect."""
    return price(Basket(lines, Customer("gold")), compile_pack(pack(rule("it", "basket", effect), **more)))


def missed(effect: Any, *lines: BasketLine) -> tuple[Why, int] | None:
    """What the rule missed."""
    found = judge(Basket(lines, Customer("gold")), compile_pack(pack(rule("it", "basket", effect)))).verdicts[0]
    return None if found.shortfall is None else (found.shortfall.why, found.shortfall.missing)
