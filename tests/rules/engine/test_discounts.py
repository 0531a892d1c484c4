"""What takes money off takes off what a person with a pencil would, to the minor unit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.basket import Basket, RuleUsage
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from rules.rounding import Rounding
from tests.rules.engine.discounted import cost, line, missed, priced_by
from tests.rules.samples import pack, rule


@pytest.mark.parametrize(
    ("scope", "rounding", "wanted"),
    [
        # 15 % of 103 is 15.45, of 3 x 103 = 309 is 46.35, of 57 is 8.55, of 366 is 54.9.
        ("unit", "half_up", (309 - 45, 57 - 9)),
        ("line", "half_up", (309 - 46, 57 - 9)),
        ("basket", "half_up", (309 - 46, 57 - 9)),
        ("unit", "down", (309 - 45, 57 - 8)),
        ("unit", "up", (309 - 48, 57 - 9)),
        ("line", "up", (309 - 47, 57 - 9)),
        ("basket", "down", (309 - 46, 57 - 8)),
    ],
)
def test_a_percentage_is_rounded_once_where_its_scope_says(scope: str, rounding: str, wanted: tuple[int, ...]) -> None:
    effect = {"percent": {"rate_bp": 1_500, "scope": scope, "rounding": rounding}}
    assert cost(effect, line("A", 103, 3), line("B", 57)) == wanted


@pytest.mark.parametrize("tenths", range(1, 100))
def test_every_fold_from_0_1_to_9_9_is_exact_in_basis_points(tenths: int) -> None:
    """9.9折 leaves 99 %, 0.1折 leaves 1 %: of 100.00 exactly, of 0.07 to the nearest fen, half up in the discount."""
    effect = {"percent": {"rate_bp": 10_000 - tenths * 100, "scope": "line"}}
    off = (7 * (100 - tenths) * 2 + 100) // 200
    assert cost(effect, line("A", 10_000), line("B", 7)) == (tenths * 100, 7 - off)


def test_a_cap_cuts_a_percentage_and_each_line_in_proportion() -> None:
    """Half of 600 and 300 is 450; capped at 100 the lines get 66.67 and 33.33."""
    effect = {"percent": {"rate_bp": 5_000, "scope": "line", "cap_minor": 100}}
    assert cost(effect, line("A", 600), line("B", 300)) == (533, 267)
    capped = rule("it", "basket", {"percent": {"rate_bp": 5_000, "scope": "line"}}, limits={"cap_minor": 100})
    assert price(Basket((line("A", 600), line("B", 300))), compile_pack(pack(capped))).payable_minor == 800
    assert missed({"percent": {"rate_bp": 5_000, "scope": "line", "cap_minor": 0}}, line("A", 600)) == (
        Why.NOTHING_LEFT,
        0,
    )


def test_a_ladder_takes_the_highest_step_reached_and_the_effects_own_figure_below() -> None:
    ladder = {"by": "quantity", "steps": [{"at_least": 3, "value": 1_000}, {"at_least": 5, "value": 2_000}]}
    effect = {"percent": {"rate_bp": 500, "scope": "line", "ladder": ladder}}
    assert [cost(effect, line("A", 100, units))[0] for units in (2, 3, 4, 5, 9)] == [190, 270, 360, 400, 720]
    by_spend = {"by": "spend", "steps": [{"at_least": 500, "value": 90}], "select": {"categories": ["tea"]}}
    amount = {"amount": {"off_minor": 10, "scope": "basket", "ladder": by_spend, "select": {"skus": ["A"]}}}
    assert cost(amount, line("A", 100), line("TEA", 499)) == (90, 499)
    assert cost(amount, line("A", 100), line("TEA", 500)) == (10, 500)


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [("unit", (3 * 70, 0)), ("line", (270, 0)), ("basket", (273, 17))],
)
def test_an_amount_comes_off_each_unit_each_line_or_the_basket(scope: str, wanted: tuple[int, ...]) -> None:
    """30 off; the unit of 20 has no more than 20 to give. Over the basket 320 : 300 = 28.125 and 1.875."""
    effect = {"amount": {"off_minor": 30, "scope": scope}}
    if scope == "basket":
        wanted = (300 - 28, 20 - 2)
    assert cost(effect, line("A", 100, 3), line("B", 20)) == wanted


@pytest.mark.parametrize(("scope", "wanted"), [("unit", (3 * 60, 20)), ("line", (60, 20)), ("basket", (56, 4))])
def test_a_fixed_price_is_that_of_each_unit_each_line_or_all(scope: str, wanted: tuple[int, ...]) -> None:
    """60; what is cheaper already stays. All together 320 become 60: 260 off is 243.75 and 16.25."""
    effect = {"fixed_price": {"price_minor": 60, "scope": scope}}
    assert cost(effect, line("A", 100, 3), line("B", 20)) == wanted


def test_a_member_price_is_taken_where_there_is_one_and_it_is_lower() -> None:
    lines = (line("A", 100, 3, member_price_minor=80), line("B", 50, member_price_minor=60), line("C", 40))
    assert cost({"member_price": {}}, *lines) == (240, 50, 40)
    assert cost({"member_price": {}}, line("A", 100, member_price_minor=0)) == (0,)
    assert missed({"member_price": {}}, line("A", 100, floor_minor=100, member_price_minor=80)) == (
        Why.NOTHING_LEFT,
        0,
    )


def test_goods_by_weight_have_the_price_member_price_and_floor_of_1000_g() -> None:
    """750 g at 19.99 a kilo are 14.9925: 14.99. Members at 17.99: 13.49. Never below 15.00 a kilo: 11.25."""
    ham = line("HAM", 1_999, weight_g=750, member_price_minor=1_799, floor_minor=1_500)
    assert price(Basket((ham,)), compile_pack(pack())).payable_minor == 1_499
    assert cost({"member_price": {}}, ham) == (1_349,)
    assert cost({"percent": {"rate_bp": 5_000, "scope": "line"}}, ham) == (1_125,)


@pytest.mark.parametrize(
    ("paid", "every", "off"),
    [
        (19_999, True, 0),
        (20_000, True, 10_000),
        (39_999, True, 10_000),
        (40_000, True, 20_000),
        (19_999, False, 0),
        (20_000, False, 10_000),
        (40_000, False, 10_000),
    ],
)
def test_100_off_200_once_or_for_every_200(paid: int, every: bool, off: int) -> None:
    save: dict[str, Any] = {"steps": [{"spend_minor": 20_000, "save_minor": 10_000}], "every": every}
    priced = priced_by({"spend_save": save}, line("A", paid - 3_333), line("B", 3_333))
    assert paid - priced.payable_minor == off == sum(effect.off_minor for effect in priced.effects)


def test_steps_of_spend_and_save_take_the_highest_reached_and_every_may_be_limited() -> None:
    steps = [{"spend_minor": 10_000, "save_minor": 1_000}, {"spend_minor": 30_000, "save_minor": 5_000}]
    for spent, saved in ((9_999, 0), (10_000, 1_000), (29_999, 1_000), (30_000, 5_000), (90_000, 5_000)):
        assert cost({"spend_save": {"steps": steps}}, line("A", spent)) == (spent - saved,)
    limited = {"spend_save": {"steps": steps[:1], "every": True, "most_times": 3}}
    assert cost(limited, line("A", 90_000)) == (87_000,)
    assert missed({"spend_save": {"steps": steps}}, line("A", 9_000)) == (Why.MIN_SPEND, 1_000)


def test_what_is_saved_is_split_by_what_lines_cost_and_sums_to_the_fen() -> None:
    """100.00 over 33.34, 66.67 and 100.00 of 200.01: 16.669.., 33.333.. and 49.997.. make 16.67, 33.33 and 50.00."""
    save = {"spend_save": {"steps": [{"spend_minor": 20_000, "save_minor": 10_000}]}}
    assert cost(save, line("A", 3_334), line("B", 6_667), line("C", 10_000)) == (1_667, 3_334, 5_000)


@pytest.mark.parametrize(
    ("split", "wanted"),
    [
        ("largest_remainder", (34, 34, 33)),
        ("first_remainder", (33, 34, 34)),
        ("last_remainder", (34, 34, 33)),
    ],
)
def test_the_rest_of_a_split_goes_where_the_policy_says(split: str, wanted: tuple[int, ...]) -> None:
    """20 off three lines of 40.3 ...: 199 over 3 x 100 leaves 101."""
    effect = {"amount": {"off_minor": 199, "scope": "basket"}}
    found = cost(effect, line("C", 100), line("B", 100), line("A", 100), policies={"split": split})
    assert sum(found) == 101
    assert found == wanted


def test_what_a_floor_refuses_goes_to_the_others_until_all_are_full() -> None:
    """90 off 100 + 100 + 100: the first gives 10 down to its floor, the others 40 each; 250 finds room for 210."""
    lines = (line("A", 100, floor_minor=90), line("B", 100), line("C", 100))
    assert cost({"amount": {"off_minor": 90, "scope": "basket"}}, *lines) == (90, 60, 60)
    assert cost({"amount": {"off_minor": 250, "scope": "basket"}}, *lines) == (90, 0, 0)
    assert cost({"percent": {"rate_bp": 5_000, "scope": "unit"}}, *lines) == (90, 50, 50)
    assert cost({"amount": {"off_minor": 9, "scope": "line"}}, line("A", 50, floor_minor=80)) == (50,)


def test_stacked_offers_stop_at_the_floor() -> None:
    half = {"percent": {"rate_bp": 5_000, "scope": "unit"}}
    stacked = pack(*[rule(f"r{index}", "basket", half) for index in range(4)])
    priced = price(Basket((line("A", 1_000, 3, floor_minor=300),)), compile_pack(stacked))
    assert [effect.off_minor for effect in priced.effects] == [1_500, 600]
    assert priced.payable_minor == 900


@pytest.mark.parametrize(
    ("pick", "wanted"),
    [
        ({"order": "cheapest", "units": 1}, (300, 250)),
        ({"order": "dearest", "units": 1}, (250, 300)),
        ({"order": "entered", "units": 2}, (200, 300)),
        ({"per_line": 1}, (250, 250)),
        ({"skip": 1}, (200, 200)),
        ({"groups_of": 4, "order": "dearest"}, (150, 250)),
        ({"units": 9}, (150, 150)),
    ],
)
def test_a_pick_says_which_units(pick: Any, wanted: tuple[int, ...]) -> None:
    """50 off a unit: 3 of 100, and 3 of 100 by the name of the cheaper article as the second line."""
    first, second = line("A", 100, 3), line("B", 99, 3)
    found = cost({"amount": {"off_minor": 50, "scope": "unit", "pick": pick}}, first, second)
    assert found == (wanted[0], wanted[1] - 3)


def test_ten_percent_on_the_cheapest_applies_once_however_many_lines() -> None:
    effect = {"percent": {"rate_bp": 1_000, "scope": "unit", "pick": {"order": "cheapest", "units": 1}}}
    lines = [line(f"S{index}", 1_000 + index * 100, 2) for index in range(9)]
    found = cost(effect, *lines)
    assert sum(one.list_minor for one in lines) - sum(found) == 100
    assert found[0] == 1_900


@pytest.mark.parametrize(
    ("per", "given_minor", "wanted"),
    [
        ("application", 0, (500, 300)),
        ("application", 201, (1_000, 600)),
        ("line", 201, (500, 600)),
        ("line", 501, (1_000, 300)),
        ("line", 701, (1_000, 600)),
    ],
)
def test_a_budget_gives_all_or_nothing_of_the_application_or_of_each_line(
    per: str, given_minor: int, wanted: tuple[int, ...]
) -> None:
    """Half price would give 500 and 300; the campaign has 1,000, of which so much is given."""
    effect = {"percent": {"rate_bp": 5_000, "scope": "line"}}
    campaign = rule("it", "basket", effect, limits={"budget_minor": 1_000, "budget_per": per})
    bought = Basket((line("A", 1_000), line("B", 600)), usage=(RuleUsage("it", given_minor=given_minor),))
    assert price(bought, compile_pack(pack(campaign))).payable_by_line == wanted


def test_what_is_left_of_a_tills_share_of_a_budget_counts_as_well() -> None:
    effect = {"amount": {"off_minor": 500, "scope": "basket"}}
    campaign = compile_pack(pack(rule("it", "basket", effect, limits={"per_sale": 3})))
    for share, payable in ((1_500, 500), (1_499, 1_000), (499, 2_000)):
        bought = Basket((line("A", 2_000),), usage=(RuleUsage("it", share_minor=share),))
        found = judge(bought, campaign)
        assert found.priced.payable_minor == payable
    assert found.verdicts[0].shortfall is not None
    assert (found.verdicts[0].shortfall.why, found.verdicts[0].shortfall.missing) == (Why.BUDGET_SHARE_USED, 1)


def test_the_effects_of_one_rule_act_in_order_each_on_what_the_one_before_left() -> None:
    whole = pack(
        rule(
            "it",
            "basket",
            {"amount": {"off_minor": 100, "scope": "basket"}},
            {"percent": {"rate_bp": 1_000, "scope": "basket"}},
            limits={"cap_minor": 150},
        )
    )
    priced = price(Basket((line("A", 1_000),)), compile_pack(whole))
    assert [(effect.part, effect.off_minor) for effect in priced.effects] == [(0, 100), (1, 50)]


@pytest.mark.row("J35")
def test_discounts_are_set_freely_from_0_1_to_9_9_fold_as_a_fixed_price_or_an_amount() -> None:
    """Each tenth of a fold with each named rounding is exact, and whatever is set, nobody pays less than nothing or
    more than the list price.
    """
    for tenths in range(1, 100):
        exact = 333 * (100 - tenths)
        for rounding, off in (("down", exact // 100), ("up", -(-exact // 100)), ("half_up", (exact + 50) // 100)):
            effect = {"percent": {"rate_bp": 10_000 - tenths * 100, "scope": "line", "rounding": rounding}}
            assert cost(effect, line("A", 333)) == (333 - off,)

    minors, roundings = st.integers(0, 99_999), st.sampled_from([rounding.value for rounding in Rounding])
    scopes = st.sampled_from(["unit", "line", "basket"])
    percents = st.tuples(st.integers(1, 99), scopes, roundings).map(
        lambda drawn: {
            "percent": {"rate_bp": 10_000 - drawn[0] * 100, "scope": drawn[1], "rounding": drawn[2]},
        }
    )
    prices = st.tuples(minors, scopes).map(lambda it: {"fixed_price": {"price_minor": it[0], "scope": it[1]}})
    amounts = st.tuples(minors, scopes).map(lambda it: {"amount": {"off_minor": it[0], "scope": it[1]}})
    effects = st.lists(percents | prices | amounts, min_size=1, max_size=6)

    @settings(max_examples=200)
    @given(effects, st.lists(st.tuples(minors, st.integers(1, 9)), max_size=5))
    def total_is_between_nothing_and_list(drawn: list[Any], bought: list[tuple[int, int]]) -> None:
        lines = tuple(line(f"S{at}", minor, quantity) for at, (minor, quantity) in enumerate(bought))
        rules = [rule(f"r{at}", "basket", effect) for at, effect in enumerate(drawn)]
        found = price(Basket(lines), compile_pack(pack(*rules)))
        assert 0 <= found.payable_minor <= found.list_minor
        assert all(0 <= left <= one.list_minor for left, one in zip(found.payable_by_line, lines, strict=True))

    total_is_between_nothing_and_list()
