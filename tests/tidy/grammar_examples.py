"""One example of every condition and every effect, for docs/rules/reference.md; effects with baskets to price."""

from contract.basket import Basket, BasketLine, Customer, PlannedTender, Stock

CONDITIONS: dict[str, str] = {
    "all": '{"all": [{"tier": ["gold"]}, {"weekday": [2]}]}',
    "any": '{"any": [{"tier": ["gold"]}, {"code": ["SUMMER"]}]}',
    "not": '{"not": {"festival": "double-11"}}',
    "member": '{"member": true}',
    "tier": '{"tier": ["gold", "platinum"]}',
    "tag": '{"tag": ["teacher"]}',
    "segment": '{"segment": ["lapsed"]}',
    "card_type": '{"card_type": ["student"]}',
    "birthday": '{"birthday": {"days_before": 3, "days_after": 3}}',
    "visit": '{"visit": {"nth": 5, "within": "month", "every": true}}',
    "last_visit": '{"last_visit": {"at_least_days": 90}}',
    "dates": '{"dates": {"first": "2026-06-01", "last": "2026-06-18"}}',
    "window": '{"window": {"start": "2026-06-18T20:00", "end": "2026-06-18T22:00"}}',
    "weekday": '{"weekday": [6, 7]}',
    "clock": '{"clock": [{"start": "22:00", "end": "24:00"}, {"start": "00:00", "end": "02:00"}]}',
    "festival": '{"festival": "double-11"}',
    "anniversary": '{"anniversary": {"days_before": 0, "days_after": 6}}',
    "shop": '{"shop": ["north", "south"]}',
    "shop_group": '{"shop_group": ["airport"]}',
    "terminal": '{"terminal": ["north/till-1"]}',
    "channel": '{"channel": ["store"]}',
    "quantity": '{"quantity": {"at_least": 3, "select": {"categories": ["tea"]}}}',
    "distinct": '{"distinct": {"at_least": 2, "select": {"brands": ["spring"]}}}',
    "spend": '{"spend": {"at_least_minor": 20000, "base": "list"}}',
    "tender": '{"tender": ["cash"]}',
    "code": '{"code": ["TEN-OFF"]}',
    "points_balance": '{"points_balance": 1000}',
    "flag": '{"flag": ["staff-meal"]}',
}

EFFECTS: dict[str, str] = {
    "percent": '{"percent": {"rate_bp": 1000, "scope": "line", "ladder": {"by": "quantity", "steps": '
    '[{"at_least": 3, "value": 2000}]}}}',
    "amount": '{"amount": {"off_minor": 300, "scope": "unit", "select": {"skus": ["tea"]}, "pick": '
    '{"order": "dearest", "units": 1}}}',
    "fixed_price": '{"fixed_price": {"price_minor": 990, "scope": "unit", "select": {"skus": ["tea"]}}}',
    "member_price": '{"member_price": {}}',
    "spend_save": '{"spend_save": {"steps": [{"spend_minor": 2000, "save_minor": 200}, '
    '{"spend_minor": 3000, "save_minor": 500}]}}',
    "nth_unit": '{"nth_unit": {"nth": 2, "rate_bp": 5000}}',
    "buy_get": '{"buy_get": {"buy": {"quantity": 2, "select": {"skus": ["tea"]}}, "get": {"quantity": 1, "select": '
    '{"skus": ["cup"]}}, "rate_bp": 10000}}',
    "any_for": '{"any_for": {"units": 3, "price_minor": 2500}}',
    "package": '{"package": {"parts": [{"quantity": 1, "select": {"skus": ["tea"]}}, {"quantity": 1, "select": '
    '{"skus": ["cup"]}}], "price_minor": 1500}}',
    "gift": '{"gift": {"sku": "spoon", "every": 2, "select": {"skus": ["tea"]}}}',
    "points_per_money": '{"points_per_money": {"points": 1, "spend_minor": 100, "not_tenders": ["voucher"]}}',
    "points_per_unit": '{"points_per_unit": {"points": 5, "select": {"skus": ["tea"]}}}',
    "points_bonus": '{"points_bonus": 100}',
    "points_times": '{"points_times": {"rate_bp": 20000, "cap_points": 50}}',
    "pay_points": '{"pay_points": {"points": 100, "minor": 100, "most_bp": 5000}}',
    "points_price": '{"points_price": {"points": 300, "price_minor": 100, "select": {"skus": ["cup"]}}}',
    "cost_points": '{"cost_points": 200}',
    "issue_coupon": '{"issue_coupon": {"coupon": "ten-off", "count": 2}}',
    "grant_counts": '{"grant_counts": {"card": "coffee", "uses": 10, "per_unit": true, "select": {"skus": ["tea"]}}}',
    "rebate": '{"rebate": {"rate_bp": 500}}',
    "round_total": '{"round_total": {"to_minor": 100, "mode": "down"}}',
    "pay_stored": '{"pay_stored": {"most_minor": 2000}}',
    "top_up": '{"top_up": {"steps": [{"amount_minor": 50000, "bonus_minor": 5000}, {"amount_minor": 100000, '
    '"bonus_minor": 12000, "coupons": [{"coupon": "ten-off", "count": 2}]}], "parts": 12, "every_days": 30}}',
    "redeem": '{"redeem": {"sku": "cup-100", "points": 500}}',
}

TEA = BasketLine("tea", 2, 1_000, member_price_minor=900)
CUP = BasketLine("cup", 1, 850)
MEMBER = Customer("gold", points=1_250, stored_minor=5_000)
BASKET = Basket((TEA, CUP), MEMBER)
"""What the examples of effects are tried on: two teas at 10.00 (9.00 for members) and a cup at 8.50."""

OTHER_BASKETS: dict[str, Basket] = {
    "points_per_money": Basket((TEA, CUP), MEMBER, tenders=(PlannedTender("voucher", 850),)),
    "gift": Basket((TEA, CUP), MEMBER, stock=(Stock("spoon", 5),)),
}
"""Effects whose example needs more than that basket."""

BESIDE: dict[str, str] = {
    "points_times": EFFECTS["points_per_money"],
    "cost_points": '{"amount": {"off_minor": 500, "scope": "basket"}}',
}
"""An effect that stands before the example in the same rule, where it has to show something."""
