"""Golden cases harvested from what went wrong elsewhere: the expected figures are facts, ours must be the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from contract.basket import Basket, BasketLine, Customer, TaxRate
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.priced import Priced
from rules.refund import Sold, refund
from tests.rules.samples import basket, pack, percent, rule, save


def _off(name: str, off_minor: int, priority: int = 0) -> dict[str, object]:
    return {**rule(name, "basket", {"amount": {"off_minor": off_minor, "scope": "basket"}}), "priority": priority}


def _taxed(amounts: Sequence[int], quantity: int, rate_bp: int, inclusive: bool, at: str, *rules: object) -> Priced:
    taxes = (TaxRate("vat", rate_bp),)
    lines = tuple(BasketLine(f"A{index}", quantity, amount, taxes=taxes) for index, amount in enumerate(amounts))
    whole = pack(*rules, tax={"inclusive": inclusive, "at": at})  # type: ignore[arg-type]
    return price(Basket(lines), compile_pack(whole))


def test_1_a_discount_after_discounts_is_taken_of_what_they_left() -> None:
    """1,000.00 less 100, less 10 %, less 20 % is 648.00; the last discount is 162, not 160."""
    whole = pack(_off("a", 10_000, 9), percent("b", 1_000, 8), percent("c", 2_000, 7))
    priced = price(basket(100_000), compile_pack(whole))
    assert (priced.payable_minor, [effect.off_minor for effect in priced.effects]) == (64_800, [10_000, 9_000, 16_200])


def test_2_the_second_of_two_rewards_takes_what_it_says() -> None:
    """100.00 less 10, less 50: 40.00."""
    priced = price(basket(10_000), compile_pack(pack(_off("a", 1_000, 9), _off("b", 5_000))))
    assert (priced.payable_minor, [effect.off_minor for effect in priced.effects]) == (4_000, [1_000, 5_000])


@pytest.mark.parametrize("at", ["line", "document"])
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("scope", ["unit", "line", "basket"])
@pytest.mark.parametrize(
    ("amounts", "quantity", "rate_bp"),
    [
        pytest.param([1_150], 2, 1_500, id="3"),
        pytest.param([560, 892, 4_491, 21_726, 240_000], 1, 1_500, id="4"),
        pytest.param([999], 2, 1_999, id="5"),
    ],
)
def test_3_4_5_all_of_it_off_is_nothing_left_and_no_tax(
    amounts: list[int], quantity: int, rate_bp: int, scope: str, inclusive: bool, at: str
) -> None:
    all_off = rule("all", "coupon", {"percent": {"rate_bp": 10_000, "scope": scope}})
    priced = _taxed(amounts, quantity, rate_bp, inclusive, at, all_off)
    assert (priced.payable_minor, set(priced.payable_by_line)) == (0, {0})
    assert priced.taxes is not None and priced.taxes.tax_minor == priced.taxes.net_minor == 0


@pytest.mark.parametrize("at", ["line", "document"])
def test_6_ten_off_a_price_with_its_tax_inside_is_90_exactly(at: str) -> None:
    priced = _taxed([10_000], 1, 1_000, True, at, _off("ten", 1_000))
    assert priced.taxes is not None
    assert (priced.payable_minor, priced.taxes.net_minor, priced.taxes.tax_minor) == (9_000, 8_182, 818)


@pytest.mark.parametrize(("first", "second"), [(9, 1), (1, 9)])
def test_7_ten_percent_and_50_of_50_never_go_below_nothing(first: int, second: int) -> None:
    whole = pack(percent("a", 1_000, first), _off("b", 5_000, second))
    priced = price(basket(5_000), compile_pack(whole))
    assert (priced.payable_minor, min(priced.payable_by_line)) == (0, 0)
    assert sum(effect.off_minor for effect in priced.effects) == 5_000


@pytest.mark.parametrize("lines", [1, 2, 7, 40])
def test_8_ten_percent_on_the_cheapest_applies_once_however_many_lines(lines: int) -> None:
    cheapest = {"percent": {"rate_bp": 1_000, "scope": "unit", "pick": {"order": "cheapest", "units": 1}}}
    bought = basket(*[2_000 + 100 * index for index in range(lines)])
    priced = price(bought, compile_pack(pack(rule("cheapest", "basket", cheapest))))
    assert bought.list_minor - priced.payable_minor == 200
    assert priced.payable_by_line[0] == 1_800


def test_9_a_reward_by_the_point_takes_only_the_points_it_needs() -> None:
    """10 a point on an order of 20: two points of five hundred."""
    bought = Basket((BasketLine("A", 1, 2_000),), Customer("gold", points=500))
    by_points = rule("points", "coupon", {"pay_points": {"points": 1, "minor": 1_000}})
    priced = price(bought, compile_pack(pack(by_points)))
    assert (priced.points_spent, priced.payable_minor) == (2, 0)


def test_12_buy_and_refund_a_hundred_times_and_the_points_end_at_0() -> None:
    compiled = compile_pack(pack(rule("points", "points", {"points_per_money": {"points": 3, "spend_minor": 700}})))
    points = 0
    for time in range(100):
        bought = Basket((BasketLine("A", 3, 999 + time), BasketLine("B", 1, 2_501)), Customer("gold", points=points))
        priced = price(bought, compiled)
        sold = Sold(bought, priced.effects, priced.payable_minor)
        points += priced.points
        first = refund(sold, compiled, (1 + time % 3, 0))
        rest = refund(sold, compiled, (2 - time % 3, 1), (first,))
        points -= first.points_back + rest.points_back
        assert first.refund_minor + rest.refund_minor == priced.payable_minor
        assert points == 0


@pytest.mark.parametrize(
    ("spent", "once", "every"), [(19_999, 0, 0), (20_000, 10_000, 10_000), (40_000, 10_000, 20_000)]
)
def test_15_100_off_200_below_at_and_twice_the_threshold(spent: int, once: int, every: int) -> None:
    for repeated, off in ((False, once), (True, every)):
        compiled = compile_pack(pack(save("save", 20_000, 10_000, every=repeated)))
        assert spent - price(basket(spent), compiled).payable_minor == off
