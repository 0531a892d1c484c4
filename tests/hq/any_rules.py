"""Packs as chance has them: rules of every lane with every kind of limit, and what a pack says beside its rules."""

from __future__ import annotations

from random import Random
from typing import Any

Rule = dict[str, Any]
COUPONS = 12
TEN = {"card": "ten", "title": "十次卡", "title_en": "Ten", "valid_days": 90}


def some_rules(chance: Random) -> list[Rule]:
    """About three quarters of all there are."""
    every = [*_of_discounts(chance), *_of_points(chance), *_of_goods(chance)]
    return [rule for rule in every if chance.random() < 0.75]


def beside_rules(chance: Random) -> dict[str, Any]:
    """What the pack says of points, policies, and how much a member may spend on a card that proves little."""
    points: dict[str, Any] = {}
    if chance.random() < 0.5:
        points |= {"pools": ["shop-a"], "unfunded": chance.choice(["none", "pending"])}
    if chance.random() < 0.6:
        points["at_once"] = True
    policies: dict[str, Any] = {}
    if chance.random() < 0.4:
        policies["points_on_return"] = "prorate"
    if chance.random() < 0.3:
        policies["coupon_on_return"] = "stays_used"
    if chance.random() < 0.3:
        policies["stored_value_earns"] = False
    level: dict[str, Any] = {"medium": "card", "assurance": "claimed"}
    level["floor_day_minor"] = chance.choice([500, 5_000, 20_000])
    if chance.random() < 0.4:
        level["stored_day_minor"] = chance.choice([30_000, 3_000])
    if chance.random() < 0.3:
        level["stored_sale_minor"] = chance.choice([9_000, 2_000])
    found = {"count_cards": [TEN], "spending": [level], "zones": ["UTC"]}
    return found | ({"points": points} if points else {}) | ({"policies": policies} if policies else {})


def _of_discounts(chance: Random) -> list[Rule]:
    per_person = chance.choice([{}, {"per_member": 2}, {"per_member_day": 1}, {"per_shop_day": 3}])
    budgets: list[Rule] = [
        {},
        {"budget_minor": chance.choice([0, 5_000, 100_000])},
        {"total": 3},
        {"budget_minor": 9_000, "total": 4, "per_member": 2},
        {"budget_minor": 5_000, "budget_per": "line"},
    ]
    steps = [{"spend_minor": 5_000, "save_minor": 701}, {"spend_minor": 20_000, "save_minor": 2_500}]
    gift = [{"gift": {"sku": "BAG", "stocked": True}}] if chance.random() < 0.5 else []
    percent = {"percent": {"rate_bp": chance.choice([700, 1_234]), "scope": "line"}}
    coupon = {"when": [{"code": [f"C-{number}" for number in range(COUPONS)]}]}
    off = {"amount": {"off_minor": 500, "scope": "basket"}}
    return [
        _rule("percent", "line", percent, limits=per_person, on_return=_on_return(chance)),
        _rule(
            "save",
            "basket",
            {"spend_save": {"steps": steps}},
            *gift,
            limits=chance.choice(budgets),
            on_return=_on_return(chance),
        ),
        _rule(
            "coupon",
            "coupon",
            off,
            limits=chance.choice([{}, {"budget_minor": 1_200}]),
            on_return=_on_return(chance),
            **coupon,
        ),
        _rule("round", "tender", {"round_total": {"to_minor": 10, "mode": "floor"}}),
    ]


def _of_points(chance: Random) -> list[Rule]:
    pay = {"pay_points": {"points": chance.choice([100, 7]), "minor": chance.choice([100, 3])}}
    earn = {"points_per_money": {"points": chance.choice([1, 3]), "spend_minor": chance.choice([100, 33])}}
    funded = {"funded_by": "shop-b"} if chance.random() < 0.2 else {}
    rebates = [{}, {"budget_minor": 300}, {"per_member": 1}, {"per_member_day": 2, "per_shop_day": 4}]
    return [
        _rule("pay", "points", pay, priority=9, limits=chance.choice([{}, {"budget_minor": 400}])),
        _rule("earn", "points", earn, priority=chance.choice([0, 5]), on_return=_on_return(chance), **funded),
        _rule(
            "rebate",
            "points",
            {"rebate": {"rate_bp": 200}},
            limits=chance.choice(rebates),
            on_return=_on_return(chance),
        ),
        _rule("more", "points", {"points_bonus": 20}, limits={"total": 5}),
    ]


def _of_goods(chance: Random) -> list[Rule]:
    steps = [
        {"amount_minor": 5_000, "bonus_minor": chance.choice([333, 1_000]), "points": chance.choice([0, 77])},
        {"amount_minor": 10_000, "bonus_minor": 2_001},
    ]
    limits = {"budget_minor": chance.choice([0, 3_000, 50_000])} if chance.random() < 0.5 else {}
    uses = {"grant_counts": {"card": "ten", "uses": 2}}
    return [
        _rule("top-up", "points", {"top_up": {"steps": steps}}, limits=limits),
        _rule("cup", "points", {"redeem": {"sku": "CUP", "points": 50}}),
        _rule("wash", "points", {"redeem": {"sku": "WASH", "card": "ten", "service": True}}),
        _rule("uses", "points", uses, limits=chance.choice([{}, {"total": 2}])),
    ]


def _rule(name: str, lane: str, *then: Rule, **more: Any) -> Rule:
    return {"rule": name, "lane": lane, "then": [*then], **more}


def _on_return(chance: Random) -> str:
    return chance.choice(["prorate", "keep", "charge_back"])
