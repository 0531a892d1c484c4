"""What is priced: the lines of a basket and who buys."""

from dataclasses import dataclass

from contract import wire
from contract.ids import CATEGORY, SKU, TAG, TIER
from contract.journal import MAX_LINES
from contract.money import AMOUNT_MINOR


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line: what, how many whole units, and the list price of one unit in minor units."""

    sku: str = wire.at(1, SKU)
    category: str = wire.at(2, CATEGORY)
    quantity: int = wire.at(3, wire.whole(1, 9_999))
    unit_price_minor: int = wire.at(4, AMOUNT_MINOR)

    @property
    def list_minor(self) -> int:
        """The line at list price, in minor units."""
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True, slots=True)
class Customer:
    """The member who buys: what rules may look at."""

    tier: str = wire.at(1, TIER)
    tags: tuple[str, ...] = wire.at(2, wire.many(TAG, 32))


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines in the order they were entered, and the member, if any."""

    lines: tuple[BasketLine, ...] = wire.at(1, wire.many(wire.record(BasketLine), MAX_LINES))
    customer: Customer | None = wire.maybe(2, wire.record(Customer))

    @property
    def list_minor(self) -> int:
        """The whole basket at list price, in minor units."""
        return sum(line.list_minor for line in self.lines)
