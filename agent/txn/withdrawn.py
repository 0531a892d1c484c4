"""What a return takes away again of what the sale gave, as people call it."""

from __future__ import annotations

from enum import StrEnum

from contract.making import dataclass
from contract.trade import RefundBody, SaleBody
from rules.called import card_called, coupon_called
from rules.grammar.pack import Pack


class Gone(StrEnum):
    """What kind of thing it is."""

    COUPON = "coupon"
    USES = "uses"
    GIFT = "gift"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """So many of something that the member or the customer has no more, or has to bring back."""

    kind: Gone
    title: str
    title_en: str
    count: int


def withdrawn(body: RefundBody, pack: Pack | None, sale: SaleBody | None) -> tuple[Withdrawn, ...]:
    """Return what ``body`` withdraws, by the titles of the pack that gave it and the names of the goods that were sold;
    what neither knows by the name that the rules have for it.
    """
    lines = () if sale is None else zip(sale.basket.lines, sale.names, strict=True)
    goods = {line.sku: name for line, name in lines}
    coupons = [Withdrawn(Gone.COUPON, *coupon_called(one.name, pack), one.count) for one in body.coupons_withdrawn]
    uses = [Withdrawn(Gone.USES, *card_called(one.name, pack), one.count) for one in body.counts_withdrawn]
    gifts = [(goods.get(one.name, one.name), one.count) for one in body.gifts_due]
    return (*coupons, *uses, *(Withdrawn(Gone.GIFT, name, name, count) for name, count in gifts))
