"""What a return gives back and takes back, policy by policy; all reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.basket import Basket, BasketLine, Customer, PlannedTender
from contract.errors import ContractError, Reason
from contract.trace import Given
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from rules.grammar.pack import Pack
from rules.refund import Refund, Sold, refund
from tests.rules.samples import basket, pack, percent, rule, save

PER_YUAN = rule("points", "points", {"points_per_money": {"points": 1, "spend_minor": 100}}, when=[{"member": True}])


def sold(bought: Basket, whole: Pack) -> tuple[Sold, Compiled]:
    """A sale of ``bought`` under a pack."""
    compiled = compile_pack(whole)
    priced = price(bought, compiled)
    return Sold(bought, priced.effects, priced.payable_minor), compiled


def returned(bought: Basket, whole: Pack, *returns: tuple[int, ...]) -> list[Refund]:
    """These returns, one after another."""
    sale, compiled = sold(bought, whole)
    found: list[Refund] = []
    for units in returns:
        found.append(refund(sale, compiled, units, found))
    return found


def paid_back(bought: Basket, whole: Pack, *returns: tuple[int, ...]) -> list[int]:
    """What each of these returns pays out."""
    return [one.refund_minor for one in returned(bought, whole, *returns)]


@pytest.mark.row("G32")
def test_spend_200_save_100_with_its_split_and_the_return_of_one_line() -> None:
    """199.99 saves nothing, 200.00 saves 100.00, 400.00 saves 200.00 for every 200 and 100.00 else. Of 133.33 and
    66.67 each line bears its part of exactly 100.00, 66.67 and 33.33 (66.665 and 33.335), and gives back its net price.
    """
    for every, spent, saved in (
        (False, 19_999, 0),
        (False, 20_000, 10_000),
        (False, 40_000, 10_000),
        (True, 19_999, 0),
        (True, 20_000, 10_000),
        (True, 40_000, 20_000),
    ):
        compiled = compile_pack(pack(save("save", 20_000, 10_000, every=every)))
        assert price(basket(spent), compiled).payable_minor == spent - saved
    whole, bought = pack(save("save", 20_000, 10_000)), basket(13_333, 6_667)
    priced = price(bought, compile_pack(whole))
    shares = [share.off_minor for share in priced.effects[0].shares]
    assert (shares, sum(shares)) == ([6_667, 3_333], 10_000)
    nets = list(priced.payable_by_line)
    assert paid_back(bought, whole, (1, 0), (0, 1)) == nets
    assert paid_back(bought, whole, (0, 1), (1, 0)) == nets[::-1]


def test_a_return_gives_the_net_price_also_where_lines_had_other_discounts_before() -> None:
    """Half off the first line of 100.00, then 100.00 off 50.00 and 150.00: 25.00 and 75.00 of it."""
    half = rule("half", "line", {"percent": {"rate_bp": 5_000, "scope": "line", "select": {"skus": ["SKU-0"]}}})
    whole, bought = pack(half, save("save", 20_000, 10_000)), basket(10_000, 15_000)
    assert paid_back(bought, whole, (1, 0), (0, 1)) == [2_500, 7_500]


def test_part_of_a_line_comes_back_from_its_last_unit() -> None:
    """10.00 off three of 33.34, largest remainder first: 30.00, 30.01 and 30.01."""
    line = BasketLine("A", 3, 3_334)
    whole = pack(rule("ten", "basket", {"amount": {"off_minor": 1_000, "scope": "basket"}}))
    assert paid_back(Basket((line,)), whole, (1,), (1,), (1,)) == [3_001, 3_001, 3_000]


def _buy_two_get_one(on_return: str) -> Pack:
    effect = {"buy_get": {"buy": {"quantity": 2}, "get": {"quantity": 1, "order": "cheapest"}, "rate_bp": 10_000}}
    return pack(rule("free", "basket", effect, on_return=on_return))


@pytest.mark.parametrize(
    ("on_return", "free_one", "dear_one"),
    [
        # Prorate: 20.00 of 90.00 are given, so that each gives back seven ninths of its price.
        ("prorate", [1_556, 2_333, 3_111], [3_111, 1_556, 2_333]),
        # Keep: the free one gives back nothing, the others their price.
        ("keep", [0, 3_000, 4_000], [4_000, 0, 3_000]),
        # Charge back: two are no three; the first to go gives what is paid less the list price of what stays.
        ("charge_back", [0, 3_000, 4_000], [2_000, 2_000, 3_000]),
    ],
)
def test_buy_two_get_one_by_each_policy(on_return: str, free_one: list[int], dear_one: list[int]) -> None:
    """40.00, 30.00 and 20.00 of which the last is free: 70.00 paid."""
    whole, bought = _buy_two_get_one(on_return), basket(4_000, 3_000, 2_000)
    found = paid_back(bought, whole, (0, 0, 1), (0, 1, 0), (1, 0, 0))
    assert (found, sum(found)) == (free_one, 7_000)
    found = paid_back(bought, whole, (1, 0, 0), (0, 0, 1), (0, 1, 0))
    assert (found, sum(found)) == (dear_one, 7_000)


@pytest.mark.parametrize(
    ("on_return", "first", "second"),
    [("prorate", 8_571, 21_429), ("keep", 8_571, 21_429), ("charge_back", 5_000, 25_000)],
)
def test_a_threshold_no_longer_met_is_charged_only_where_the_rule_says_so(
    on_return: str, first: int, second: int
) -> None:
    """满300减50: 350.00 become 300.00. Without the 100.00 line, which bears 14.29, 250.00 are below 300."""
    whole = pack({**save("save", 30_000, 5_000), "on_return": on_return})
    assert paid_back(basket(10_000, 25_000), whole, (1, 0), (0, 1)) == [first, second]


def test_a_charge_back_never_asks_for_more_than_comes_back() -> None:
    """满300减200: 300.00 become 100.00. What stays of the first return is worth more than was paid: nothing is paid
    out, nor is anything asked for; the last return pays out all.
    """
    whole = pack({**save("save", 30_000, 20_000), "on_return": "charge_back"})
    assert paid_back(basket(10_000, 10_000, 10_000), whole, (1, 0, 0), (0, 1, 0), (0, 0, 1)) == [0, 0, 10_000]


def test_buy_and_return_a_hundred_times_and_the_points_are_where_they_were() -> None:
    balance, spent = 500, 0
    whole = pack(percent("ten", 1_000), PER_YUAN, rule("pay", "coupon", {"pay_points": {"points": 100, "minor": 100}}))
    for time in range(100):
        bought = replace(basket(10_000 + time * 37, 999, 2_501), customer=Customer("gold", points=balance))
        sale, compiled = sold(bought, whole)
        balance += sum(effect.points - effect.points_spent for effect in sale.effects)
        order = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
        found: list[Refund] = []
        for units in order[time % 3 :] + order[: time % 3]:
            found.append(refund(sale, compiled, units, found, balance))
            balance += found[-1].points_restored - found[-1].points_back
        spent += sum(one.refund_minor for one in found) - sale.payable_minor
        assert (balance, spent) == (500, 0)


@pytest.mark.parametrize(("policy", "back"), [("recompute", [6, 6]), ("prorate", [6, 6])])
def test_points_come_back_as_the_policy_says(policy: str, back: list[int]) -> None:
    """12.99 earn 12 points; 6.50 of it stay and would earn 6, in proportion 12 x 6.50 / 12.99 = 6.005."""
    whole = pack(PER_YUAN, policies={"points_on_return": policy})
    bought = replace(basket(650, 649), customer=Customer("gold"))
    assert [one.points_back for one in returned(bought, whole, (0, 1), (1, 0))] == back


def test_a_bonus_for_a_threshold_goes_with_it_or_in_proportion() -> None:
    """100 points from 200.00 on; 150.00 of 250.00 stay: recomputed nothing is left, in proportion 60."""
    bonus = rule("bonus", "points", {"points_bonus": 100}, when=[{"spend": {"at_least_minor": 20_000}}])
    bought = replace(basket(15_000, 10_000), customer=Customer("gold"))
    for policy, back in (("recompute", [100, 0]), ("prorate", [40, 60])):
        whole = pack(bonus, policies={"points_on_return": policy})
        assert [one.points_back for one in returned(bought, whole, (0, 1), (1, 0))] == back


def test_points_in_proportion_are_reckoned_on_what_was_paid_in_the_end() -> None:
    """100.00 earn 100 points, then points pay half; one of two equal lines comes back: half of both."""
    late = rule("late", "tender", {"pay_points": {"points": 1, "minor": 1, "most_bp": 5_000}})
    whole = pack(PER_YUAN, late, policies={"points_on_return": "prorate"})
    bought = replace(basket(5_000, 5_000), customer=Customer("gold", points=90_000))
    found = returned(bought, whole, (1, 0), (0, 1))
    assert [(one.refund_minor, one.points_back, one.points_restored) for one in found] == [(2_500, 50, 2_500)] * 2


def test_points_taken_back_beyond_the_balance_are_a_debt() -> None:
    whole, bought = pack(PER_YUAN), replace(basket(10_000), customer=Customer("gold"))
    sale, compiled = sold(bought, whole)
    for balance, debt in ((None, 0), (100, 0), (30, 70), (0, 100), (-20, 100)):
        found = refund(sale, compiled, (1,), (), balance)
        assert (found.points_back, found.points_debt) == (100, debt)


def test_stored_value_comes_back_into_stored_value_before_anything_is_paid_out_in_money() -> None:
    """100.00, of which 60.00 stored, because a rule says so or because the customer chose it: of two halves the first
    goes back whole, the second by the 10.00 that are left of it.
    """
    whole = pack(rule("stored", "tender", {"pay_stored": {}}))
    bought = replace(basket(5_000, 5_000), customer=Customer("gold", stored_minor=6_000))
    found = returned(bought, whole, (0, 1), (1, 0))
    assert [(one.refund_minor, one.to_stored_minor) for one in found] == [(5_000, 5_000), (5_000, 1_000)]
    sale, compiled = sold(basket(5_000, 5_000), pack())
    chosen = replace(sale, stored_minor=6_000)
    first = refund(chosen, compiled, (0, 1))
    second = refund(chosen, compiled, (1, 0), [first])
    assert [(one.refund_minor, one.to_stored_minor) for one in (first, second)] == [(5_000, 5_000), (5_000, 1_000)]


def test_the_rounding_of_the_total_comes_back_with_the_goods() -> None:
    """33.35 and 33.36 come to 66.70 after 抹零: the parts sum to it."""
    whole = pack(rule("round", "tender", {"round_total": {"to_minor": 10, "mode": "down"}}))
    assert sum(paid_back(basket(3_335, 3_336), whole, (1, 0), (0, 1))) == 6_670


def test_bonus_money_coupons_counts_and_gifts_go_back_with_their_part_of_the_goods() -> None:
    """Of 10.00, 3 coupons, 10 uses and 1 gift for 300.00 of goods: with 200.00 two thirds, whole pieces only."""
    gives: list[Any] = [
        {"rebate": {"minor": 1_000}},
        {"issue_coupon": {"coupon": "next", "count": 3}},
        {"grant_counts": {"card": "wash", "uses": 10}},
        {"gift": {"sku": "CUP"}},
    ]
    whole = pack(
        rule("gives", "points", *gives),
        coupons=[{"coupon": "next", "title": "n", "title_en": "n", "valid_from_days": 0, "valid_days": 9}],
        count_cards=[{"card": "wash", "title": "w", "title_en": "w", "valid_days": 9}],
    )
    first, rest = returned(replace(basket(20_000, 10_000), customer=Customer("gold")), whole, (1, 0), (0, 1))
    assert (first.bonus_back_minor, rest.bonus_back_minor) == (667, 333)
    assert (first.coupons_withdrawn, rest.coupons_withdrawn) == ((Given("next", 2),), (Given("next", 1),))
    assert (first.counts_withdrawn, rest.counts_withdrawn) == ((Given("wash", 6),), (Given("wash", 4),))
    assert (first.gifts_due, rest.gifts_due) == ((), (Given("CUP", 1),))


def test_a_code_comes_back_once_when_nothing_it_was_used_on_is_kept() -> None:
    """The code takes 10 % off tea and 5 off ware, with one effect each."""
    tea, ware, other = (
        BasketLine("TEA", 2, 1_000, ("tea",)),
        BasketLine("CUP", 1, 1_000, ("ware",)),
        BasketLine("BAG", 1, 1_000),
    )
    off: list[Any] = [
        {"percent": {"rate_bp": 1_000, "scope": "line", "select": {"categories": ["tea"]}}},
        {"amount": {"off_minor": 500, "scope": "line", "select": {"categories": ["ware"]}}},
    ]
    bought = Basket((tea, ware, other), codes=("TEN",))
    for first, policies in ((("TEN",), {}), ((), {"coupon_on_return": "stays_used"})):
        whole = pack(rule("code", "coupon", *off, when=[{"code": ["TEN"]}]), policies=policies)
        found = returned(bought, whole, (1, 1, 0), (0, 0, 1), (1, 0, 0))
        assert [one.codes_restored for one in found] == [(), (), first]
        found = returned(bought, whole, (2, 0, 0), (0, 1, 0), (0, 0, 1))
        assert [one.codes_restored for one in found] == [(), first, ()]


@pytest.mark.parametrize(
    ("when", "codes"),
    [
        ([{"any": [{"not": {"code": ["STAFF"]}}, {"tier": ["gold"]}]}], ()),
        ([{"code": ["STAFF"]}, {"code": ["TEN"]}], ("STAFF", "TEN")),
    ],
)
def test_every_code_that_was_used_comes_back_and_no_other(when: list[Any], codes: tuple[str, ...]) -> None:
    whole = pack({**percent("ten", 1_000), "when": when})
    (back,) = returned(basket(1_000, tier="gold", codes=("TEN", "STAFF")), whole, (1,))
    assert tuple(sorted(back.codes_restored)) == codes


@pytest.mark.parametrize(
    ("units", "earlier", "path"),
    [
        ((3, 0), (), "units[0]"),
        ((0, 2), (), "units[1]"),
        ((-1, 0), (), "units[0]"),
        ((True, 0), (), "units[0]"),
        ((1.0, 0), (), "units[0]"),
        ((1,), (), "units"),
        ((1, 0, 0), (), "units"),
        ((0, 0), (), "units"),
        ((2, 0), ((1, 0),), "units[0]"),
        ((0, 1), ((0, 1),), "units[1]"),
    ],
)
def test_more_than_was_sold_or_nothing_at_all_does_not_come_back(units: Any, earlier: Any, path: str) -> None:
    bought = Basket((BasketLine("A", 2, 1_000), BasketLine("B", 1, 500)))
    sale, compiled = sold(bought, pack(percent("ten", 1_000)))
    before: list[Refund] = []
    for one in earlier:
        before.append(refund(sale, compiled, one, before))
    with pytest.raises(ContractError) as caught:
        refund(sale, compiled, units, before)
    assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, path)


def test_a_partial_refund_of_a_package_uses_its_split() -> None:
    """299.00 over 200.00, 120.00 and four times 20.00: the tray gives back 89.70, two cups 29.90."""
    parts: list[Any] = [
        {"quantity": 1, "select": {"skus": ["POT"]}},
        {"quantity": 1, "select": {"skus": ["TRAY"]}},
        {"quantity": 4, "select": {"skus": ["CUP"]}},
    ]
    whole = pack(rule("set", "basket", {"package": {"parts": parts, "price_minor": 29_900}}))
    bought = Basket((BasketLine("POT", 1, 20_000), BasketLine("TRAY", 1, 12_000), BasketLine("CUP", 4, 2_000)))
    assert paid_back(bought, whole, (0, 1, 0), (0, 0, 2), (1, 0, 2)) == [8_970, 2_990, 17_940]


def test_goods_by_weight_come_back_whole() -> None:
    ham = BasketLine("HAM", 1, 1_999, weight_g=750)
    assert paid_back(Basket((ham, BasketLine("A", 1, 500))), pack(percent("ten", 1_000)), (1, 0), (0, 1)) == [
        1_349,
        450,
    ]


def test_what_was_paid_with_excluded_tenders_stays_out_of_the_points() -> None:
    """A voucher of 10.00 on 100.00 pays 6.00 of the 60.00 that stay: 54 points of 90. One on half of two pays half."""
    per_yuan = {"points_per_money": {"points": 1, "spend_minor": 100, "not_tenders": ["voucher"]}}
    bought = replace(basket(6_000, 4_000), customer=Customer("gold"), tenders=(PlannedTender("voucher", 1_000),))
    whole = pack(rule("points", "points", per_yuan))
    assert [one.points_back for one in returned(bought, whole, (0, 1), (1, 0))] == [36, 54]
    half = replace(basket(10_000, 10_000), customer=Customer("gold"), tenders=(PlannedTender("voucher", 10_000),))
    assert [one.points_back for one in returned(half, whole, (1, 0), (0, 1))] == [50, 50]


def test_a_rule_of_a_group_by_the_line_is_asked_again_about_its_own_lines_alone() -> None:
    """20 % won the first line of 100.00, 10.00 off the second of 40.00, a third costs 30.00: 80.00, 30.00 and 20.00.
    Of any two that stay, each stands at what it cost.
    """
    rules = [
        {**percent("fifth", 2_000, lane="line", scope="line"), "groups": ["line"], "on_return": "charge_back"},
        rule(
            "ten",
            "line",
            {"amount": {"off_minor": 1_000, "scope": "line"}},
            groups=["line"],
            on_return="charge_back",
        ),
    ]
    whole = pack(*rules, groups=[{"name": "line", "per": "line"}])
    for returns, wanted in (
        (((1, 0, 0), (0, 1, 0), (0, 0, 1)), [8_000, 3_000, 2_000]),
        (((0, 0, 1), (1, 0, 0), (0, 1, 0)), [2_000, 8_000, 3_000]),
    ):
        assert paid_back(basket(10_000, 4_000, 3_000), whole, *returns) == wanted
