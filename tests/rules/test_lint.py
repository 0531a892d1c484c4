"""Nothing false is said of a pack: every finding comes with a basket that, priced, does what the finding says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.basket import Basket, BasketLine
from contract.errors import ContractError
from rules.advice.example import example
from rules.advice.goods import Goods
from rules.advice.trial import without_floors
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Why
from rules.engine.verdicts import judge
from rules.grammar.pack import Pack
from rules.linting.finding import Finding, Kind, Weight
from rules.linting.lint import lint
from tests.rules.generated import packs, records

OFF_10 = {"percent": {"rate_bp": 1_000, "scope": "line"}}
SAVE_20 = {"spend_save": {"steps": [{"spend_minor": 20_000, "save_minor": 2_000}]}}
MAY = {"dates": {"first": "2026-05-01", "last": "2026-05-31"}}
EARLY, LATE = {"start": "08:00", "end": "09:00"}, {"start": "09:00", "end": "24:00"}
NOT_ITSELF = {"skus": ["a"], "not_skus": ["a"]}
LATE_MAY = {"dates": {"first": "2026-05-20", "last": "2026-06-10"}}
NOTHING = [{"basket": {"lines": []}, "payable_minor": 0}]


def written(*rules: dict[str, Any], **more: Any) -> Pack:
    named = [
        {"rule": f"r{place}", "title": f"规则{place}", "title_en": f"rule {place}", "lane": "basket"} | rule
        for place, rule in enumerate(rules)
    ]
    return read_authored(json.dumps({"currency": "CNY", "rules": named, "golden": NOTHING} | more))


def found(pack: Pack, kind: Kind, baskets: tuple[Basket, ...] = ()) -> list[Finding]:
    return [finding for finding in lint(pack, baskets) if finding.kind is kind]


def applied(pack: Pack, basket: Basket | None) -> set[str]:
    assert basket is not None
    return {effect.rule for effect in price(basket, compile_pack(pack)).effects}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"when": [{"tier": ["gold"]}, {"tier": ["silver"]}]}, "condition tier"),
        ({"when": [{"member": False}, {"tier": ["gold"]}]}, "member, tier"),
        ({"when": [{"tier": ["gold"]}, {"not": {"tier": ["gold"]}}]}, "tier"),
        ({"when": [{"not": {"any": [{"code": ["A"]}, {"flag": ["x"]}]}}, {"code": ["A"]}]}, "code"),
        ({"when": [{"shop": ["a"]}, {"terminal": ["b/1"]}]}, "shop, terminal"),
        ({"when": [{"shop_group": ["north"]}]}, "shop_group"),
        ({"when": [MAY, {"dates": {"first": "2026-06-01"}}]}, "dates"),
        ({"when": [{"dates": {"first": "2026-05-04", "last": "2026-05-05"}}, {"weekday": [6, 7]}]}, "dates, weekday"),
        ({"when": [MAY, {"festival": "june"}]}, "dates, festival"),
        (
            {"when": [{"clock": [EARLY]}, {"clock": [LATE]}]},
            "clock",
        ),
        ({"when": [{"spend": {"at_least_minor": 300}}, {"spend": {"at_most_minor": 200}}]}, "3.00 and at most 2.00"),
        ({"when": [{"quantity": {"at_least": 3}}, {"not": {"quantity": {"at_least": 3}}}]}, "quantity"),
        ({"when": [{"distinct": {"at_least": 3}}, {"quantity": {"at_most": 2}}]}, "3 units and at most 2"),
        ({"when": [{"visit": {"nth": 70, "within": "month"}}]}, "visit"),
        ({"then": [{"percent": {"rate_bp": 0, "scope": "line"}}]}, "gives nothing"),
        ({"limits": {"per_member": 0}}, "limit of 0"),
        ({"when": [{"member": False}], "lane": "points", "then": [{"points_bonus": 5}]}, "excludes them|exclude them"),
        ({"then": [{"percent": {"rate_bp": 1, "scope": "line", "select": NOT_ITSELF}}]}, "article"),
        ({"then": [{"percent": {"rate_bp": 1, "scope": "line", "select": {"skus": ["a"], "set": "b"}}}]}, "article"),
    ],
)
def test_a_rule_that_can_never_apply_is_found_and_does_not_apply_to_the_basket_beside_it(
    rule: dict[str, Any], says: str
) -> None:
    calendars = [{"name": "june", "days": ["2026-06-18"]}]
    pack = written(
        {"then": [OFF_10]} | rule,
        calendars=calendars,
        sets=[{"name": "b", "select": {"skus": ["b"]}}],
        zones=["Asia/Shanghai"],
    )
    (finding,) = found(pack, Kind.UNREACHABLE)
    assert any(part in finding.words[1] for part in says.split("|")) and finding.weight is Weight.WRONG
    assert "r0" not in applied(pack, finding.basket)


def test_a_step_that_is_never_reached_or_never_counts_is_found() -> None:
    steps = [{"spend_minor": 10_000, "save_minor": 500}, {"spend_minor": 30_000, "save_minor": 2_000}]
    upper = written({"when": [{"spend": {"at_most_minor": 20_000}}], "then": [{"spend_save": {"steps": steps}}]})
    assert [finding.words[1] for finding in found(upper, Kind.UNREACHABLE)] == [
        "the step 300.00 of spend_save is never reached: at most 200.00"
    ]
    lower = written({"when": [{"spend": {"at_least_minor": 30_000}}], "then": [{"spend_save": {"steps": steps}}]})
    assert [finding.words[1] for finding in found(lower, Kind.UNREACHABLE)] == [
        "the step 100.00 of spend_save never counts: the conditions ask for more"
    ]
    assert found(written({"then": [{"spend_save": {"steps": steps}}]}), Kind.UNREACHABLE) == []


def test_a_rule_that_a_higher_one_always_excludes_is_unreachable() -> None:
    group = {"groups": ["one"], "then": [OFF_10]}
    high = group | {"priority": 5, "when": [{"tier": ["gold"]}]}
    low = group | {"when": [{"tier": ["gold"]}, {"code": ["A"]}]}
    pack = written(high, low, groups=[{"name": "one"}], policies={"exclusion": "priority"})
    (finding,) = found(pack, Kind.UNREACHABLE)
    assert (finding.rule, finding.others) == ("r1", ("r0",))
    assert applied(pack, finding.basket) == {"r0"}
    limited = high | {"limits": {"total": 100}}
    assert (
        found(written(limited, low, groups=[{"name": "one"}], policies={"exclusion": "priority"}), Kind.UNREACHABLE)
        == []
    )


def test_a_rule_that_loses_every_basket_tried_is_noted_with_who_wins() -> None:
    less, more = ({"groups": ["one"], "then": [{"percent": {"rate_bp": rate, "scope": "line"}}]} for rate in (500, 900))
    pack = written(less, more, groups=[{"name": "one"}])
    (finding,) = found(pack, Kind.BEATEN)
    assert (finding.rule, finding.others, finding.weight) == ("r0", ("r1",), Weight.NOTE)
    assert applied(pack, finding.basket) == {"r1"}


def test_a_rule_that_a_golden_basket_shows_applying_is_not_called_beaten() -> None:
    alone = {"exclusive": True, "then": [{"spend_save": {"steps": [{"spend_minor": 10_000, "save_minor": 2_000}]}}]}
    drinks = {"percent": {"rate_bp": 2_500, "scope": "line", "select": {"skus": ["drink"]}}}
    drink = {"basket": {"lines": [{"sku": "drink", "quantity": 1, "unit_price_minor": 2_000}]}, "payable_minor": 1_500}
    box = {"basket": {"lines": [{"sku": "box", "quantity": 1, "unit_price_minor": 12_000}]}, "payable_minor": 10_000}
    rules: Any = ({"lane": "line", "then": [drinks]}, alone)
    assert [finding.rule for finding in found(written(*rules, golden=[drink]), Kind.BEATEN)] == ["r1"]
    assert found(written(*rules, golden=[drink, box]), Kind.BEATEN) == []


def test_equals_that_exclude_each_other_are_in_conflict_where_both_hold() -> None:
    group = {"groups": ["one"], "then": [OFF_10]}
    more = {"groups": [{"name": "one"}], "policies": {"exclusion": "priority"}}
    pack = written(group | {"when": [{"tier": ["gold"]}]}, group | {"when": [{"code": ["A"]}]}, **more)
    (finding,) = found(pack, Kind.CONFLICTING)
    assert finding.basket is not None
    whys = {
        verdict.shortfall and verdict.shortfall.why for verdict in judge(finding.basket, compile_pack(pack)).verdicts
    }
    assert whys == {Why.CONFLICT}
    apart = written(group | {"when": [{"tier": ["gold"]}]}, group | {"when": [{"tier": ["silver"]}]}, **more)
    assert found(apart, Kind.CONFLICTING) == []


def test_the_same_discount_at_overlapping_times_is_found_and_both_apply() -> None:
    pack = written({"when": [MAY], "then": [OFF_10]}, {"when": [LATE_MAY], "then": [OFF_10]}, zones=["Asia/Shanghai"])
    (finding,) = found(pack, Kind.OVERLAPPING)
    assert "from 2026-05-20 00:00 to 2026-06-01 00:00" in finding.words[1]
    assert applied(pack, finding.basket) == {"r0", "r1"}
    june = {"dates": {"first": "2026-06-01", "last": "2026-06-10"}}
    after = written({"when": [MAY], "then": [OFF_10]}, {"when": [june], "then": [OFF_10]}, zones=["Asia/Shanghai"])
    assert found(after, Kind.OVERLAPPING) == []


def test_goods_that_rules_together_would_sell_below_their_floor_are_found() -> None:
    line = {"sku": "tea", "quantity": 1, "unit_price_minor": 10_000, "floor_minor": 8_500}
    golden = [{"basket": {"lines": [line]}, "payable_minor": 9_000}]
    coupon = {"when": [{"code": ["A"]}], "then": [{"amount": {"off_minor": 1_000, "scope": "basket"}}]}
    pack = written({"lane": "line", "then": [OFF_10]}, coupon, golden=golden)
    (finding,) = found(pack, Kind.BELOW_FLOOR)
    assert finding.basket is not None and {finding.rule, *finding.others} == {"r0", "r1"}
    assert finding.weight is Weight.NOTE
    assert price(finding.basket, compile_pack(pack)).payable_minor == 8_500
    assert price(without_floors(finding.basket), compile_pack(pack)).payable_minor == 8_000


def test_floors_of_baskets_as_they_are_sold_are_tried_as_well() -> None:
    sold = Basket((BasketLine("tea", 1, 10_000, floor_minor=9_500),))
    pack = written({"lane": "line", "then": [OFF_10]})
    assert found(pack, Kind.BELOW_FLOOR) == []
    assert len(found(pack, Kind.BELOW_FLOOR, (sold,))) == 1


@pytest.mark.parametrize(
    ("rule", "weight"),
    [
        ({"then": [{"gift": {"sku": "cup"}}]}, Weight.WRONG),
        ({"then": [{"issue_coupon": {"coupon": "five"}}]}, Weight.WRONG),
        ({"lane": "points", "then": [{"points_bonus": 5}]}, Weight.WRONG),
        ({"then": [{"rebate": {"minor": 500}}]}, Weight.WRONG),
        ({"then": [{"amount": {"off_minor": 2_000, "scope": "basket"}}]}, Weight.WRONG),
        ({"then": [{"percent": {"rate_bp": 10_000, "scope": "line", "pick": {"units": 1}}}]}, Weight.WRONG),
        ({"then": [OFF_10]}, Weight.NOTE),
        ({"then": [{"gift": {"sku": "cup"}}], "limits": {"per_member": 1}}, None),
        ({"then": [{"gift": {"sku": "cup"}}], "when": [{"spend": {"at_least_minor": 5_000}}]}, None),
        ({"then": [{"percent": {"rate_bp": 1_000, "scope": "line", "cap_minor": 5_000}}]}, None),
        ({"then": [SAVE_20]}, None),
        ({"then": [{"points_bonus": 5}], "when": [{"visit": {"nth": 1}}]}, None),
    ],
)
def test_what_is_given_without_bound_is_found_and_what_has_one_is_not(
    rule: dict[str, Any], weight: Weight | None
) -> None:
    coupons = [{"coupon": "five", "title": "券", "title_en": "coupon", "valid_from_days": 0, "valid_days": 30}]
    pack = written(rule, coupons=coupons)
    findings = found(pack, Kind.UNBOUNDED)
    assert [finding.weight for finding in findings] == ([] if weight is None else [weight])
    assert all("r0" in applied(pack, finding.basket) for finding in findings)


def test_more_effects_than_a_sale_holds_are_found_with_the_rules_that_no_longer_fit() -> None:
    pack = written(*({"then": [{"amount": {"off_minor": 1, "scope": "basket"}}]} for _ in range(201)))
    (finding,) = found(pack, Kind.CROWDED)
    assert finding.basket is not None and len(applied(pack, finding.basket)) == 200


def test_a_golden_basket_that_comes_out_otherwise_is_found() -> None:
    golden = [{"basket": {"lines": [{"sku": "a", "quantity": 1, "unit_price_minor": 1_000}]}, "payable_minor": 950}]
    (finding,) = found(written({"then": [OFF_10]}, golden=golden), Kind.GOLDEN)
    assert finding.words[1] == "golden[0] says 9.50 and 0 points, and comes to 9.00 and 0"


def test_paused_rules_and_rules_without_a_golden_basket_are_noted() -> None:
    pack = written({"then": [SAVE_20]}, {"then": [OFF_10], "paused": True})
    assert [(finding.rule, finding.kind) for finding in lint(pack)] == [("r0", Kind.UNTESTED), ("r1", Kind.PAUSED)]


def test_rules_for_top_ups_are_no_rules_of_a_sale() -> None:
    ladder = {"top_up": {"steps": [{"amount_minor": 10_000, "bonus_minor": 1_000}], "parts": 2, "every_days": 30}}
    assert lint(written({"then": [ladder]})) == ()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(packs(), st.lists(records(Basket), max_size=4))
def test_no_finding_about_any_pack_is_false(pack: Pack, sold: list[Basket]) -> None:
    findings = lint(pack)
    never = {
        finding.rule
        for finding in findings
        if finding.kind is Kind.UNREACHABLE and finding.rule not in applied_in_its_own_basket(pack, finding)
    }
    for finding in findings:
        if finding.kind in (Kind.PAUSED, Kind.BEATEN, Kind.NOT_SHOWN) and finding.basket is not None:
            assert finding.rule not in applied(pack, finding.basket)
        if finding.kind in (Kind.UNTESTED, Kind.UNBOUNDED):
            assert finding.rule in applied(pack, finding.basket)
    for basket in (*sold, *(finding.basket for finding in findings if finding.basket is not None)):
        try:
            happened = applied(pack, basket)
        except ContractError:
            continue
        assert never.isdisjoint(happened)


def applied_in_its_own_basket(pack: Pack, finding: Finding) -> set[str]:
    """What applies to a finding's basket; where a step alone is unreachable, the rule itself does."""
    return set() if finding.basket is None else applied(pack, finding.basket)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(packs())
def test_an_example_says_the_truth_about_itself(pack: Pack) -> None:
    compiled = compile_pack(pack)
    goods = Goods(compiled)
    for rule in pack.rules:
        made = example(rule, compiled, goods)
        if made.trial is not None:
            assert made.applies is (rule.rule in applied(pack, made.trial.basket))
            assert made.trial.priced == price(made.trial.basket, compiled)
