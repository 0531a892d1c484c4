"""The cart of a case as lines of our basket, and its selectors as selections of ours."""

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.cases import CartCase, CartRounding, Line
from conformance.conditions import Distinct, Selector
from conformance.naming import Names
from conformance.outcome import NotExpressibleError
from contract.basket import MAX_QUANTITY, BasketLine
from contract.money import MAX_AMOUNT_MINOR
from rules.grammar.select import Select
from rules.rounding import Rounding, to_step

_NONE_SUCH = ("none-such",)


@dataclass(frozen=True, slots=True)
class Goods:
    """The lines of the basket in the order of the cart, and for each the id of the cart line it stands for. ``skus``
    gives, for an article of the case, our names for it.
    """

    lines: tuple[BasketLine, ...]
    ids: tuple[str, ...]
    skus: dict[str, tuple[str, ...]]
    words: Names

    def select(self, selector: Selector | None) -> Select:
        """Return our selection of the same lines. A list without members selects nothing, as in the case."""
        if selector is None:
            return Select()
        low, high = selector.price_min or 0, selector.price_max
        if high is not None and high < max(0, low):
            # Between a price and a lower one there is nothing.
            return Select(skus=_NONE_SUCH)
        wanted = [self.skus.get(sku, ()) for sku in selector.sku or ()]
        return Select(
            skus=_listed(selector.sku, tuple([name for names in wanted for name in names])),
            categories=_listed(selector.category, self._words(selector.category)),
            tags=_listed(selector.tag, self._words(selector.tag)),
            not_categories=self._words(selector.not_category),
            price_min_minor=min(low, MAX_AMOUNT_MINOR) if low > 0 else None,
            price_max_minor=None if high is None else min(high, MAX_AMOUNT_MINOR),
            reduced=False if selector.exclude_reduced else None,
            include_gifts=selector.include_gifts,
        )

    def _words(self, names: tuple[str, ...] | None) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.words[name] for name in names or ()))


def goods_of(case: CartCase) -> Goods:
    """Return the goods of a case. Lines that are not selected, and lines of no units, are left out: they neither pay
    nor count.

    Each cart line gets an article name of its own, so that ties keep the order of the cart; where a case counts
    different articles, lines of one article share its name. Raises NotExpressibleError for more units on a line, or a
    higher price, than a till takes.
    """
    shared = any(isinstance(condition, Distinct) for promotion in case.promotions for condition in promotion.when)
    names, words = Names(), Names()
    lines: list[BasketLine] = []
    ids: list[str] = []
    skus: dict[str, tuple[str, ...]] = {}
    for index, line in enumerate(case.cart):
        if not line.selected or not line.qty:
            continue
        if line.qty > MAX_QUANTITY:
            raise NotExpressibleError(f"more than {MAX_QUANTITY} units on a line")
        sku = names[line.sku if shared else f"{line.sku} {index}"]
        skus[line.sku] = tuple(dict.fromkeys((*skus.get(line.sku, ()), sku)))
        for quantity, price in _priced(line, case.cart_rounding):
            lines.append(_line(line, sku, quantity, price, words))
            ids.append(line.id)
    return Goods(tuple(lines), tuple(ids), skus, words)


def _line(line: Line, sku: str, quantity: int, price_minor: int, words: Names) -> BasketLine:
    if price_minor > MAX_AMOUNT_MINOR:
        raise NotExpressibleError("a price above the largest amount a till takes")
    return BasketLine(
        sku=sku,
        quantity=quantity,
        unit_price_minor=price_minor,
        categories=tuple(dict.fromkeys(words[name] for name in line.category)),
        tags=tuple(dict.fromkeys(words[name] for name in line.tags)),
        floor_minor=min(line.floor_unit_price or 0, MAX_AMOUNT_MINOR),
        excluded=not line.discountable,
        reduced=line.already_reduced,
        gift=line.gift,
    )


def _priced(line: Line, rounding: CartRounding | None) -> Iterator[tuple[int, int]]:
    """Yield quantities and unit prices after the rounding of prices. A line total that is no multiple of its quantity
    is carried by the last unit.
    """
    price_minor = line.unit_price
    if rounding is None or rounding.at == "total":
        yield line.qty, price_minor
        return
    if rounding.at == "unit":
        yield line.qty, to_step(price_minor, rounding.to, rounding_of(rounding.mode))
        return
    total_minor = to_step(price_minor * line.qty, rounding.to, rounding_of(rounding.mode))
    each_minor, rest_minor = divmod(total_minor, line.qty)
    if rest_minor:
        if line.qty > 1:
            yield line.qty - 1, each_minor
        yield 1, each_minor + rest_minor
    else:
        yield line.qty, each_minor


def rounding_of(name: str) -> Rounding:
    """Return our rounding for the case's word; ``none`` stands where figures are whole anyway."""
    return Rounding.HALF_UP if name == "none" else Rounding(name)


def _listed(written: tuple[str, ...] | None, ours: tuple[str, ...]) -> tuple[str, ...]:
    return () if written is None else ours or _NONE_SUCH
