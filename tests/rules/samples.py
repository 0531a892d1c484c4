"""Packs and baskets written as head office writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rules.authoring import read_authored
from rules.basket import Basket, BasketLine, Customer
from rules.pack import Pack

GOLD_10 = {
    "rule": "gold-10",
    "title": "金卡9折",
    "title_en": "Gold 10 % off",
    "lane": "line",
    "tiers": ["gold"],
    "percent_off_bp": 1_000,
}
FULL_200_20 = {
    "rule": "full-200-20",
    "title": "满200减20",
    "title_en": "20 off from 200",
    "lane": "basket",
    "spend_save": {"spend_minor": 20_000, "save_minor": 2_000},
}
POINTS = {
    "rule": "points",
    "title": "消费积分",
    "title_en": "Points",
    "lane": "points",
    "member": True,
    "points_per_money": {"points": 1, "spend_minor": 100},
}
GOLDEN_268 = {
    "tier": "gold",
    "lines": [{"sku": "OPEN", "category": "general", "quantity": 1, "unit_price_minor": 26_800}],
    "payable_minor": 22_120,
    "points": 221,
}
NOTHING = {"lines": [], "payable_minor": 0, "points": 0}


def authored(*rules: Mapping[str, Any], golden: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """The plain form of a pack, as a dictionary of its own."""
    plain: dict[str, Any] = json.loads(json.dumps({"currency": "CNY", "rules": rules, "golden": [golden]}))
    return plain


def pack(*rules: Mapping[str, Any]) -> Pack:
    """A pack of these rules."""
    return read_authored(json.dumps(authored(*rules)))


def first_pack() -> dict[str, Any]:
    """Gold 10 % off, then 20 off from 200 on what is left, then a point for every yuan paid; with its golden basket."""
    return authored(GOLD_10, FULL_200_20, POINTS, golden=GOLDEN_268)


def basket(*amounts_minor: int, tier: str = "") -> Basket:
    """One line of one piece for each amount."""
    lines = tuple(BasketLine(f"SKU-{index}", "general", 1, amount) for index, amount in enumerate(amounts_minor))
    return Basket(lines, Customer(tier, ()) if tier else None)


def percent(rule: str, rate_bp: int, priority: int, lane: str = "basket") -> dict[str, Any]:
    """So much off, in basis points."""
    words = {"rule": rule, "title": rule, "title_en": rule}
    return {**words, "lane": lane, "priority": priority, "percent_off_bp": rate_bp}


def save(rule: str, spend_minor: int, save_minor: int, priority: int, every: bool = False) -> dict[str, Any]:
    """So much off once so much is spent."""
    words = {"rule": rule, "title": rule, "title_en": rule, "lane": "basket", "priority": priority}
    return {**words, "spend_save": {"spend_minor": spend_minor, "save_minor": save_minor, "every": every}}
