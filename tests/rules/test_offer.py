"""What is offered while a basket is open can be had, is the nearest, and costs little to find."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from contract.basket import Basket, BasketLine, Customer
from rules.advice.goods import Goods
from rules.advice.offer import Offer, nearest_offer
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.grammar.pack import Pack
from tests.rules.engine import strategies
from tests.rules.samples import FULL_200_20, GOLD_10, basket, pack, percent, rule


def save(name: str, spend_minor: int, save_minor: int, **more: Any) -> Any:
    """Spend so much, save so much."""
    effect = {"spend_save": {"steps": [{"spend_minor": spend_minor, "save_minor": save_minor}]}}
    return rule(name, "basket", effect, **more)


def _spend(at_least_minor: int, base: str) -> dict[str, Any]:
    return {"spend": {"at_least_minor": at_least_minor, "base": base}}


def offered(found: Pack, bought: Basket) -> Offer | None:
    """The offer for a basket under a pack."""
    compiled = compile_pack(found)
    return nearest_offer(bought, compiled, Goods(compiled))


def words(found: Pack, bought: Basket) -> tuple[str, str]:
    """The offer's words."""
    offer = offered(found, bought)
    assert offer is not None
    return offer.words


def test_the_offer_says_what_to_spend_and_what_it_saves() -> None:
    said = words(pack(save("full", 20_000, 3_000)), basket(18_750))
    assert said == ("再消费 12.50 元可减 30", "Spend 12.50 more to save 30")


def test_the_offer_carries_the_rule_with_its_titles_and_what_it_costs() -> None:
    titled = {**FULL_200_20, "title": "满200减20", "title_en": "Save 20 at 200"}
    found = offered(pack(titled), basket(18_750))
    assert found is not None
    assert (found.rule, found.title, found.cost_minor) == ("full-200-20", ("满200减20", "Save 20 at 200"), 1_250)


def test_what_other_rules_take_off_is_spent_on_top() -> None:
    found = offered(pack(GOLD_10, FULL_200_20), basket(18_750, tier="gold"))
    assert found is not None and found.cost_minor == 3_472
    compiled = compile_pack(pack(GOLD_10, FULL_200_20))
    for more, reached in ((3_472, True), (3_471, False)):
        applied = {effect.rule for effect in price(basket(18_750, more, tier="gold"), compiled).effects}
        assert ("full-200-20" in applied) is reached


def test_of_several_offers_the_one_that_least_money_reaches_is_told() -> None:
    both = pack(save("far", 40_000, 9_000), save("near", 20_000, 500))
    assert words(both, basket(15_000)) == ("再消费 50 元可减 5", "Spend 50 more to save 5")
    assert words(both, basket(20_000)) == ("再消费 200 元可减 90", "Spend 200 more to save 90")


def test_a_nearer_rule_that_takes_more_to_reach_is_not_the_nearest() -> None:
    """The gold member's tenth goes from both, but only one of them looks at what is left."""
    left = rule("left", "basket", {"amount": {"off_minor": 100, "scope": "basket"}}, when=[_spend(19_000, "left")])
    listed = rule("list", "basket", {"amount": {"off_minor": 300, "scope": "basket"}}, when=[_spend(20_100, "list")])
    found = offered(pack(GOLD_10, left, listed), basket(20_000, tier="gold"))
    assert found is not None and (found.rule, found.cost_minor) == ("list", 100)


def test_one_more_of_what_is_there_is_offered_by_the_piece() -> None:
    half = rule("half", "line", {"percent": {"rate_bp": 5_000, "scope": "line"}}, when=[{"quantity": {"at_least": 3}}])
    bought = Basket((BasketLine("A", 2, 1_000),))
    assert words(pack(half), bought) == ("再买 1 件可减 15", "Buy 1 more to save 15")


def test_articles_nobody_has_picked_yet_are_promised_nothing_for() -> None:
    three = rule(
        "three", "basket", {"percent": {"rate_bp": 1_000, "scope": "basket"}}, when=[{"distinct": {"at_least": 3}}]
    )
    assert words(pack(three), basket(10_000, 20_000)) == (
        "再买 1 种不同商品可减 30",
        "Buy 1 more different article to save 30",
    )


def test_coupons_are_called_by_their_titles() -> None:
    issue = rule("next", "points", {"issue_coupon": {"coupon": "ten-off"}}, when=[_spend(10_000, "list")])
    coupon = {"coupon": "ten-off", "title": "10元券", "title_en": "10 off", "valid_from_days": 1, "valid_days": 30}
    assert words(pack(issue, coupons=[coupon]), basket(9_000)) == (
        "再消费 10 元可得 10元券 × 1",
        "Spend 10 more to get 10 off × 1",
    )


def test_a_rule_that_misses_anything_that_is_not_for_sale_is_no_offer() -> None:
    for missing in ({"tier": ["gold"]}, {"code": ["TEN"]}, {"flag": ["staff"]}, {"tender": ["card"]}):
        assert offered(pack(save("full", 10_000, 500, when=[missing])), basket(9_000)) is None
        assert offered(pack(save("full", 10_000, 500, when=[missing])), basket(20_000)) is None
    assert offered(pack(save("full", 10_000, 500, when=[{"tier": ["gold"]}])), basket(9_000, tier="gold")) is not None


def test_of_alternatives_the_one_that_can_be_bought_is_offered() -> None:
    either = {"any": [{"tier": ["gold"]}, _spend(10_000, "list")]}
    found = pack(rule("either", "basket", {"amount": {"off_minor": 500, "scope": "basket"}}, when=[either]))
    assert words(found, basket(9_000, tier="silver")) == ("再消费 10 元可减 5", "Spend 10 more to save 5")


def test_without_an_offer_there_is_nothing() -> None:
    assert offered(pack(FULL_200_20), basket()) is None
    assert offered(pack(FULL_200_20), basket(20_000)) is None
    assert offered(pack(), basket(20_000)) is None


def test_what_would_leave_the_customer_worse_off_is_not_offered() -> None:
    """By priority the small rule would shut out the large one."""
    large = rule("large", "basket", {"percent": {"rate_bp": 2_000, "scope": "basket"}}, groups=["one"])
    off = {"amount": {"off_minor": 100, "scope": "basket"}}
    small = rule("small", "basket", off, when=[_spend(20_000, "list")], groups=["one"], priority=1)
    by_priority = pack(large, small, groups=[{"name": "one"}], policies={"exclusion": "priority"})
    assert offered(by_priority, basket(19_000)) is None
    assert offered(pack(small, groups=[{"name": "one"}]), basket(19_000)) is not None


def test_where_pricing_takes_long_nothing_is_sought() -> None:
    many = pack(FULL_200_20, *[percent(f"one-{number}", 1, lane="line", scope="line") for number in range(9)])
    assert offered(many, basket(*[100] * 50)) is not None
    assert offered(many, basket(*[100] * 51)) is None
    exclusive = [{**percent(f"own-{number}", 100 + number), "exclusive": True} for number in range(9)]
    assert offered(pack(FULL_200_20, *exclusive), basket(*[100] * 10)) is None


@settings(max_examples=150, deadline=None)
@given(strategies.packs(), strategies.baskets())
def test_whatever_the_pack_an_offer_costs_something_and_its_words_are_said(found: Pack, bought: Basket) -> None:
    offer = offered(found, bought)
    if offer is not None:
        assert offer.cost_minor >= 0 and all(offer.words) and "{" not in "".join(offer.words)
        assert offer.rule in {one.rule for one in found.rules}
        assert offer == offered(found, bought)


def test_somebody_who_is_no_member_is_offered_what_everybody_gets() -> None:
    members = save("members", 19_000, 900, when=[{"member": True}])
    both = pack(members, save("all", 20_000, 300))
    assert words(both, basket(18_000))[1] == "Spend 20 more to save 3"
    assert words(both, replace(basket(18_000), customer=Customer("gold")))[1] == "Spend 10 more to save 9"
