"""What a customer owes and earns: to the fen, with every step shown, and never below nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError, Reason
from contract.money import MAX_AMOUNT_MINOR
from contract.postings import POINTS as POINTS_UNIT
from contract.postings import require_balanced
from rules.authoring import read_authored
from rules.basket import Basket, BasketLine, Customer
from rules.explain import explain, fold
from rules.explain import percent as percent_words
from rules.postings import sale_postings
from rules.price import failed_golden, in_order, price
from rules.shares import part_half_up, split_largest_remainder
from tests.rules.samples import (
    FULL_200_20,
    GOLD_10,
    GOLDEN_268,
    POINTS,
    authored,
    basket,
    first_pack,
    pack,
    percent,
    save,
)

AMOUNTS = st.integers(0, 300_000)
RATES = st.integers(0, 10_000)


def test_268_yuan_by_a_gold_member_come_to_221_20_and_221_points() -> None:
    priced = price(basket(26_800, tier="gold"), pack(GOLD_10, FULL_200_20, POINTS))
    assert (priced.list_minor, priced.payable_minor, priced.points) == (26_800, 22_120, 221)
    assert [(effect.rule, effect.base_minor, effect.off_minor, effect.points) for effect in priced.effects] == [
        ("gold-10", 26_800, 2_680, 0),
        ("full-200-20", 24_120, 2_000, 0),
        ("points", 22_120, 0, 221),
    ]


def test_each_step_is_told_in_chinese_and_english() -> None:
    rules = pack(GOLD_10, FULL_200_20, POINTS)
    told = explain(rules, price(basket(26_800, tier="gold"), rules).effects)
    assert [(step.title, step.reason, step.change) for step in told] == [
        ("金卡9折", "268.00 打9折", "-26.80"),
        ("满200减20", "241.20 已满200.00，减20.00", "-20.00"),
        ("消费积分", "实付 221.20，每 1.00 得 1 分", "+221"),
    ]
    assert [step.reason_en for step in told] == [
        "10 % off 268.00",
        "241.20 reached 200.00: 20.00 off",
        "221.20 paid, 1 for every 1.00",
    ]


@pytest.mark.parametrize(
    ("rate_bp", "chinese", "english"), [(1_000, "9", "10 %"), (1_250, "8.75", "12.5 %"), (1, "9.999", "0.01 %")]
)
def test_a_discount_is_said_as_shops_say_it(rate_bp: int, chinese: str, english: str) -> None:
    assert (fold(rate_bp), percent_words(rate_bp)) == (chinese, english)


def test_a_customer_without_a_card_gets_what_is_for_everybody_and_no_points() -> None:
    priced = price(basket(26_800), pack(GOLD_10, FULL_200_20, POINTS))
    assert (priced.payable_minor, priced.points, len(priced.effects)) == (24_800, 0, 1)


def test_a_member_of_another_tier_gets_points_but_not_the_price_of_gold() -> None:
    priced = price(basket(26_800, tier="silver"), pack(GOLD_10, FULL_200_20, POINTS))
    assert (priced.payable_minor, priced.points) == (24_800, 248)


def test_minus_100_then_10_percent_then_20_percent_leave_648_of_1000() -> None:
    priced = price(basket(100_000), pack(save("a", 10_000, 10_000, 9), percent("b", 1_000, 8), percent("c", 2_000, 7)))
    assert priced.payable_minor == 64_800
    assert priced.effects[-1].off_minor == 16_200


def test_a_reward_of_10_then_of_50_takes_the_whole_50() -> None:
    priced = price(basket(10_000), pack(save("a", 1_000, 1_000, 9), save("b", 5_000, 5_000, 8)))
    assert [effect.off_minor for effect in priced.effects] == [1_000, 5_000]
    assert priced.payable_minor == 4_000


def test_10_off_a_price_with_its_tax_inside_is_90_exactly() -> None:
    assert price(basket(10_000), pack(save("a", 1_000, 1_000, 0))).payable_minor == 9_000


@pytest.mark.parametrize(("first", "second"), [(9, 1), (1, 9)])
def test_10_percent_and_minus_50_of_50_in_either_order_end_at_or_above_nothing(first: int, second: int) -> None:
    priced = price(basket(5_000), pack(percent("a", 1_000, first), save("b", 5_000, 5_000, second)))
    assert priced.payable_minor == (4_500 if first > second else 0)


@pytest.mark.parametrize(
    ("amount_minor", "every", "payable_minor"),
    [
        (19_999, True, 19_999),
        (20_000, True, 10_000),
        (40_000, True, 20_000),
        (40_000, False, 30_000),
        (39_999, True, 29_999),
    ],
)
def test_100_off_200_is_taken_once_or_for_every_200(amount_minor: int, every: bool, payable_minor: int) -> None:
    assert price(basket(amount_minor), pack(save("a", 20_000, 10_000, 0, every))).payable_minor == payable_minor


@pytest.mark.parametrize("amounts", [(1_150, 1_150), (560, 892, 4_491, 21_726, 240_000), (999, 999)])
def test_100_percent_off_is_nothing_by_line_and_by_basket(amounts: tuple[int, ...]) -> None:
    for lane in ("line", "basket"):
        priced = price(basket(*amounts), pack(percent("all", 10_000, 0, lane)))
        assert (priced.payable_minor, set(priced.payable_by_line)) == (0, {0})


def test_a_rule_for_a_category_leaves_the_other_lines_alone() -> None:
    lines = (BasketLine("TEA", "tea", 2, 1_000), BasketLine("CUP", "ware", 1, 5_000))
    priced = price(Basket(lines), pack({**GOLD_10, "tiers": [], "categories": ["tea"]}))
    assert priced.payable_by_line == (1_800, 5_000)


def test_lanes_come_before_priorities_and_names_settle_ties() -> None:
    rules = pack(percent("b", 1, 1), percent("a", 1, 1), percent("z", 1, 9), percent("line", 1, 0, "line"), POINTS)
    assert [rule.rule for rule in in_order(rules)] == ["line", "z", "a", "b", "points"]


@given(
    st.lists(AMOUNTS, min_size=1, max_size=12), st.lists(st.tuples(RATES, AMOUNTS, AMOUNTS, st.booleans()), max_size=6)
)
def test_every_total_is_the_sum_of_its_parts_and_never_below_nothing(
    amounts: list[int], given_rules: list[tuple[int, int, int, bool]]
) -> None:
    rules = []
    for index, (rate, spend, less, every) in enumerate(given_rules):
        rules.append(percent(f"p{index}", rate, index, "line" if every else "basket"))
        rules.append(save(f"s{index}", spend + 1, min(less, spend + 1), 6 - index, every))
    whole = basket(*amounts, tier="gold")
    priced = price(whole, pack(*rules, POINTS))
    assert priced.payable_minor == sum(priced.payable_by_line) >= 0
    assert min(priced.payable_by_line) >= 0
    assert priced.list_minor - priced.payable_minor == sum(effect.off_minor for effect in priced.effects)
    for effect in priced.effects:
        assert effect.off_minor == sum(share.amount_minor for share in effect.shares)
    for line, amount in enumerate(amounts):
        off = sum(share.amount_minor for effect in priced.effects for share in effect.shares if share.line == line)
        assert priced.payable_by_line[line] == amount - off


@given(st.integers(0, 10**8), st.lists(st.integers(0, 10**8), min_size=1, max_size=50))
def test_every_split_sums_to_its_whole_and_no_part_outgrows_its_weight(amount: int, weights: list[int]) -> None:
    amount = min(amount, sum(weights))
    parts = split_largest_remainder(amount, weights)
    assert sum(parts) == amount
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


def test_equal_remainders_go_to_the_earlier_line() -> None:
    assert split_largest_remainder(2, [1, 1, 1]) == (1, 1, 0)


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, [-1, 3]), (1, [0, 0]), (1, [])])
def test_a_split_without_sense_is_refused(amount: int, weights: list[int]) -> None:
    with pytest.raises(ContractError) as caught:
        split_largest_remainder(amount, weights)
    assert caught.value.reason is Reason.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("amount", "rate_bp", "part"), [(5, 1_000, 1), (4, 1_000, 0), (15, 1_000, 2), (1, 5_000, 1), (3, 0, 0)]
)
def test_half_a_fen_rounds_up_once(amount: int, rate_bp: int, part: int) -> None:
    assert part_half_up(amount, rate_bp) == part


def test_a_basket_above_the_largest_amount_is_refused() -> None:
    with pytest.raises(ContractError) as caught:
        price(basket(MAX_AMOUNT_MINOR, 1), pack())
    assert caught.value.reason is Reason.OUT_OF_RANGE
    assert price(basket(MAX_AMOUNT_MINOR), pack()).payable_minor == MAX_AMOUNT_MINOR


def test_an_empty_basket_costs_and_earns_nothing() -> None:
    priced = price(Basket((), Customer("gold", ())), pack(GOLD_10, FULL_200_20, POINTS))
    assert (priced.payable_minor, priced.points, priced.effects) == (0, 0, ())


@given(st.lists(AMOUNTS, min_size=1, max_size=5), st.sampled_from(["", "gold", "silver"]))
def test_the_postings_of_every_sale_balance_in_money_and_in_points(amounts: list[int], tier: str) -> None:
    priced = price(basket(*amounts, tier=tier), pack(GOLD_10, FULL_200_20, POINTS))
    postings = sale_postings(priced, "CNY", "s01", "t1", "m-1" if tier else None)
    require_balanced(postings)
    assert all(posting.amount for posting in postings)
    assert sum(posting.amount for posting in postings if posting.account == "shop/s01/t1/cash") == priced.payable_minor


def test_nobody_earns_points_that_belong_to_nobody() -> None:
    everybody = {**POINTS, "member": False}
    priced = price(basket(10_000), pack(everybody))
    assert priced.points == 100
    assert POINTS_UNIT not in {posting.unit for posting in sale_postings(priced, "CNY", "s01", "t1", None)}


def test_a_pack_that_prices_its_golden_basket_differently_is_told_apart() -> None:
    right = read_authored(json.dumps(first_pack()))
    assert failed_golden(right) is None
    for wrong in ({"payable_minor": 22_121}, {"points": 220}):
        plain = authored(GOLD_10, FULL_200_20, POINTS, golden={**GOLDEN_268, **wrong})
        plain["golden"].insert(0, GOLDEN_268)
        assert failed_golden(read_authored(json.dumps(plain))) == 1
