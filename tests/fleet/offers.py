"""What the shops of every story have on offer: the rules of their pack, and what head office has granted for them."""

import json
from typing import Any

from contract.value import Account, Asset
from tests.hq.tills import PACK as SALES_RULES

FUNDED = "shop-a"
"""The merchant that pays for its points in advance; what it has not paid for is given once it has."""
POOL_POINTS = 400
CURRENCY = "CNY"
COUNT_CARD = "ten"
FLOOR_DAY_MINOR = 4_000
"""So much stored value a day a till lets a member with a card that proves its key spend beyond what was lent to it."""
SALE_CODES = tuple(f"C-{number}" for number in range(1, 6))
"""Coupons that take something off a sale."""
CODES = (*SALE_CODES, "C-6", "C-7")
"""All coupons; for the others something is handed out."""
CAMPAIGN = "save-3"
GRANTED = {Account(Asset.BUDGET, CAMPAIGN): 8_000, Account(Asset.GIFT, "CUP"): 40}

_TOP_UP = {
    "rule": "top-100-add-20",
    "title": "充100送20",
    "title_en": "Top up 100, add 20",
    "lane": "line",
    "when": [{"member": True}],
    "then": [{"top_up": {"steps": [{"amount_minor": 10_000, "bonus_minor": 2_000}]}}],
}
_SAVE = {
    "rule": CAMPAIGN,
    "title": "满30减3",
    "title_en": "Spend 30, save 3",
    "lane": "basket",
    "limits": {"budget_minor": 30_000},
    "then": [{"spend_save": {"steps": [{"spend_minor": 3_000, "save_minor": 300}]}}],
}
_COUPON = {
    "rule": "off-5",
    "title": "券减5",
    "title_en": "5 off for a coupon",
    "lane": "coupon",
    "when": [{"code": list(SALE_CODES)}],
    "then": [{"amount": {"off_minor": 500, "scope": "basket"}}],
}
_PAY = {
    "rule": "pay",
    "title": "积分抵现",
    "title_en": "Points as cash",
    "lane": "points",
    "priority": 9,
    "then": [{"pay_points": {"points": 10, "minor": 50}}],
}
_CUP = {
    "rule": "cup",
    "title": "积分换杯子",
    "title_en": "A cup for points",
    "lane": "points",
    "priority": 3,
    "then": [{"redeem": {"sku": "CUP", "points": 40}}],
}
_WASH = {
    "rule": "wash",
    "title": "洗车一次",
    "title_en": "One wash",
    "lane": "points",
    "priority": 2,
    "then": [{"redeem": {"sku": "WASH", "card": COUNT_CARD, "service": True}}],
}
_BAG = {
    "rule": "bag",
    "title": "凭券领袋",
    "title_en": "A bag for a coupon",
    "lane": "points",
    "priority": 1,
    "when": [{"code": list(CODES[len(SALE_CODES) :])}],
    "then": [{"redeem": {"sku": "BAG", "service": True}}],
}


def pack_text() -> str:
    """The rules of every story: those that head office's own tests sell by, and others by which value is paid in, taken
    from a campaign's budget, paid with, redeemed, and spent on a floor limit.
    """
    pack: dict[str, Any] = json.loads(SALES_RULES)
    pack["rules"] += [_TOP_UP, _SAVE, _COUPON, _PAY, _CUP, _WASH, _BAG]
    pack["points"] = {"at_once": True, "pools": [FUNDED], "unfunded": "pending"}
    pack["count_cards"] = [{"card": COUNT_CARD, "title": "十次卡", "title_en": "Ten washes", "valid_days": 90}]
    pack["zones"] = ["UTC"]
    pack["spending"] = [{"medium": "card", "assurance": "authenticated", "floor_day_minor": FLOOR_DAY_MINOR}]
    pack["golden"] = [{"basket": {"lines": []}, "payable_minor": 0}]
    return json.dumps(pack)
