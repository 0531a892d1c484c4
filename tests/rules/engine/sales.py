"""Sales to a gold member under one rule in the lane of points."""

from __future__ import annotations

from typing import Any

from contract.basket import Basket, BasketLine, Customer
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from rules.priced import Priced
from tests.rules.samples import pack, rule

PER_YUAN = {"points_per_money": {"points": 1, "spend_minor": 100}}
COUPONS = [{"coupon": "next", "title": "next", "title_en": "next", "valid_from_days": 1, "valid_days": 30}]
CARDS = [{"card": "wash", "title": "wash", "title_en": "wash", "valid_days": 365}]
TEN_YUAN = BasketLine("A", 1, 1_000, ("tea",))


def priced(effect: Any, bought: Basket, *before: Any, **more: Any) -> Priced:
    """The price of a basket under a rule in the lane of points, after other rules."""
    whole = pack(*before, rule("it", "points", effect), coupons=COUPONS, count_cards=CARDS, **more)
    return price(bought, compile_pack(whole))


def hers(*lines: BasketLine, points: int = 0, stored_minor: int = 0, **more: Any) -> Basket:
    """A gold member's basket."""
    return Basket(lines or (TEN_YUAN,), Customer("gold", points=points, stored_minor=stored_minor), **more)


def missed(effect: Any, bought: Basket) -> tuple[Why, int] | None:
    """What a rule missed."""
    whole = pack(rule("it", "points", effect), coupons=COUPONS, count_cards=CARDS)
    found = judge(bought, compile_pack(whole)).verdicts[0].shortfall
    return None if found is None else (found.why, found.missing)
