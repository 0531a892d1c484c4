"""Packs and baskets written as head office writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from contract.basket import Basket, BasketLine, Customer
from rules.authoring import read_authored
from rules.grammar.pack import Pack


def rule(name: str, lane: str, *then: Mapping[str, Any], when: Iterable[Mapping[str, Any]] = (), **more: Any) -> Any:
    """A rule as it is written; ``more`` are its other fields."""
    words = {"rule": name, "title": name, "title_en": name, "lane": lane}
    return {**words, **({"when": list(when)} if when else {}), "then": list(then), **more}


GOLD_10 = rule("gold-10", "line", {"percent": {"rate_bp": 1_000, "scope": "line"}}, when=[{"tier": ["gold"]}])
FULL_200_20 = rule("full-200-20", "basket", {"spend_save": {"steps": [{"spend_minor": 20_000, "save_minor": 2_000}]}})
POINTS = rule("points", "points", {"points_per_money": {"points": 1, "spend_minor": 100}}, when=[{"member": True}])
GOLDEN_268 = {
    "basket": {
        "lines": [{"sku": "OPEN", "categories": ["general"], "quantity": 1, "unit_price_minor": 26_800}],
        "customer": {"tier": "gold"},
    },
    "payable_minor": 22_120,
    "points": 221,
}
NOTHING = {"basket": {"lines": []}, "payable_minor": 0}


def authored(*rules: Mapping[str, Any], golden: Mapping[str, Any] = NOTHING, **more: Any) -> dict[str, Any]:
    """The plain form of a pack, as a dictionary of its own; ``more`` are its other fields."""
    plain: dict[str, Any] = json.loads(json.dumps({"currency": "CNY", "rules": rules, "golden": [golden], **more}))
    return plain


def pack(*rules: Mapping[str, Any], **more: Any) -> Pack:
    """A pack of these rules, in shops on UTC unless said otherwise."""
    return read_authored(json.dumps(authored(*rules, **{"zones": ["UTC"]} | more)))


def first_pack() -> dict[str, Any]:
    """Gold 10 % off, then 20 off from 200 on what is left, then a point for every yuan paid; with its golden basket."""
    return authored(GOLD_10, FULL_200_20, POINTS, golden=GOLDEN_268)


def basket(*amounts_minor: int, tier: str = "", **more: Any) -> Basket:
    """One line of one piece for each amount; ``more`` are the basket's other fields."""
    lines = tuple(BasketLine(f"SKU-{index}", 1, amount, ("general",)) for index, amount in enumerate(amounts_minor))
    return Basket(lines, Customer(tier) if tier else None, **more)


def percent(name: str, rate_bp: int, priority: int = 0, lane: str = "basket", scope: str = "basket") -> Any:
    """A rule that takes so much off, in basis points."""
    return rule(name, lane, {"percent": {"rate_bp": rate_bp, "scope": scope}}, priority=priority)


def save(name: str, spend_minor: int, save_minor: int, priority: int = 0, every: bool = False) -> Any:
    """A rule that takes so much off once so much is spent."""
    steps = [{"spend_minor": spend_minor, "save_minor": save_minor}]
    return rule(name, "basket", {"spend_save": {"steps": steps, "every": every}}, priority=priority)
