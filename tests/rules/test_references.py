"""A pack whose parts cannot be meant together is refused as a whole, with the way to the part."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.basket import MAX_POINTS
from contract.errors import ContractError, Reason
from contract.money import MAX_AMOUNT_MINOR
from rules.authoring import read_authored
from rules.grammar.conditions import MOST_NESTED
from rules.grammar.pack import Pack, Zone, ZoneStep
from rules.pack import read_pack, write_pack
from rules.references import MOST_CONDITIONS, MOST_STOREYS, require_sense
from tests.rules.generated import DECLARED
from tests.rules.samples import authored, pack, rule

BONUS = {"points_bonus": 1}
LINE = {"sku": "tea", "quantity": 1, "unit_price_minor": 100}
COUPON = {"coupon": "ten", "title": "十元券", "title_en": "Ten off", "valid_from_days": 1, "valid_days": 30}
CARD = {"card": "coffee", "title": "咖啡卡", "title_en": "Coffee card", "valid_days": 365}


def refusal(plain: dict[str, Any]) -> tuple[str, str]:
    """The way to the mistake, and what is said about it."""
    with pytest.raises(ContractError) as caught:
        read_authored(json.dumps(plain))
    assert caught.value.reason is Reason.OUT_OF_RANGE
    return caught.value.path, caught.value.detail


def asking(condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return authored(rule("r", "line", BONUS, when=[condition]), **more)


def doing(*effects: dict[str, Any], **more: Any) -> dict[str, Any]:
    return authored(rule("r", "line", *effects), **more)


@pytest.mark.parametrize(
    ("field", "item", "where"),
    [
        ("shops", {"shop": "a"}, "shops[1].shop"),
        ("calendars", {"name": "a", "days": ["2026-06-18"]}, "calendars[1].name"),
        ("sets", {"name": "a", "select": {}}, "sets[1].name"),
        ("groups", {"name": "a"}, "groups[1].name"),
        ("coupons", COUPON, "coupons[1].coupon"),
        ("count_cards", CARD, "count_cards[1].card"),
        ("rules", rule("a", "line", BONUS), "rules[1].rule"),
    ],
)
def test_a_name_is_used_once(field: str, item: dict[str, Any], where: str) -> None:
    assert refusal({**authored(), field: [item, item]}) == (where, "used twice")


@pytest.mark.parametrize(
    ("plain", "where", "what"),
    [
        (asking({"festival": "double-11"}), "rules[0].when[0].festival", "no calendar is called double-11"),
        (
            asking({"not": {"any": [{"distinct": {"at_least": 2, "select": {"set": "tea"}}}]}}),
            "rules[0].when[0].not.any[0].distinct.select.set",
            "no item set is called tea",
        ),
        (
            asking({"spend": {"at_least_minor": 1, "select": {"set": "tea"}}}),
            "rules[0].when[0].spend.select.set",
            "item set",
        ),
        (
            asking({"quantity": {"at_least": 1, "select": {"set": "tea"}}}),
            "rules[0].when[0].quantity.select.set",
            "item set",
        ),
        (doing({"member_price": {"select": {"set": "tea"}}}), "rules[0].then[0].member_price.select.set", "item set"),
        (
            doing(
                {
                    "percent": {
                        "rate_bp": 1,
                        "scope": "line",
                        "ladder": {"by": "spend", "steps": [{"at_least": 1, "value": 1}], "select": {"set": "tea"}},
                    }
                }
            ),
            "rules[0].then[0].percent.ladder.select.set",
            "item set",
        ),
        (
            doing({"buy_get": {"buy": {"quantity": 1}, "get": {"quantity": 1, "select": {"set": "x"}}, "rate_bp": 1}}),
            "rules[0].then[0].buy_get.get.select.set",
            "item set",
        ),
        (
            doing({"package": {"parts": [{"quantity": 1, "select": {"set": "x"}}], "price_minor": 1}}),
            "rules[0].then[0].package.parts[0].select.set",
            "item set",
        ),
        (doing({"issue_coupon": {"coupon": "ten"}}), "rules[0].then[0].issue_coupon.coupon", "no coupon is called ten"),
        (
            doing({"grant_counts": {"card": "cofee", "uses": 10}}, count_cards=[CARD]),
            "rules[0].then[0].grant_counts.card",
            "no count card is called cofee; did you mean coffee?",
        ),
        (
            doing({"top_up": {"steps": [{"amount_minor": 1, "coupons": [{"coupon": "ten", "count": 1}]}]}}),
            "rules[0].then[0].top_up.steps[0].coupons[0].coupon",
            "coupon",
        ),
        (
            doing({"top_up": {"steps": [{"amount_minor": 1, "counts": [{"card": "x", "uses": 1}]}]}}),
            "rules[0].then[0].top_up.steps[0].counts[0].card",
            "count card",
        ),
        (authored(rule("r", "line", BONUS, groups=["summer"])), "rules[0].groups[0]", "no group of rules"),
        (authored(shops=[{"shop": "a", "zone": "UTC"}]), "shops[0].zone", "no time zone is called UTC"),
        (authored(sets=[{"name": "a", "select": {"set": "b"}}]), "sets[0].select.set", "no item set is called b"),
    ],
)
def test_a_reference_leads_somewhere(plain: dict[str, Any], where: str, what: str) -> None:
    path, detail = refusal(plain)
    assert path == where
    assert what in detail


def test_what_is_declared_may_be_referred_to() -> None:
    found = pack(
        rule("a", "line", BONUS, when=[{"festival": "f"}], groups=["g"]),
        rule("b", "line", {"issue_coupon": {"coupon": "ten"}}, {"grant_counts": {"card": "coffee", "uses": 1}}),
        rule("c", "line", {"member_price": {"select": {"set": "s"}}}),
        calendars=[{"name": "f", "days": ["2026-06-18"]}],
        groups=[{"name": "g", "per": "line"}],
        coupons=[COUPON],
        count_cards=[CARD],
        sets=[{"name": "s", "select": {"set": "t"}}, {"name": "t", "select": {"categories": ["tea"]}}],
        zones=["Asia/Shanghai"],
        shops=[{"shop": "a", "zone": "Asia/Shanghai"}],
    )
    assert len(found.rules) == 3


def test_item_sets_never_go_in_a_circle() -> None:
    for names in ("a", "ab", "abc"):
        sets = [
            {"name": name, "select": {"set": following}}
            for name, following in zip(names, names[1:] + names[0], strict=True)
        ]
        path, detail = refusal(authored(sets=sets))
        assert path == "sets[0].select.set"
        assert detail == "goes in a circle: " + " on ".join(names + names[0])


def test_item_sets_are_built_on_each_other_so_far_and_no_further() -> None:
    def tower(storeys: int) -> dict[str, Any]:
        sets: list[Any] = [{"name": "s0", "select": {"categories": ["tea"]}}]
        sets += [{"name": f"s{n}", "select": {"set": f"s{n - 1}"}} for n in range(1, storeys)]
        return authored(sets=sets)

    read_authored(json.dumps(tower(MOST_STOREYS)))
    assert refusal(tower(MOST_STOREYS + 1))[0] == f"sets[{MOST_STOREYS}].select.set"
    assert refusal(tower(1_000))[0] == f"sets[{MOST_STOREYS}].select.set"


def test_conditions_stand_inside_each_other_so_far_and_no_further() -> None:
    condition: dict[str, Any] = {"member": True}
    for deep in range(MOST_NESTED):
        condition = {"all": [condition]} if deep % 2 else {"not": condition}
    deepest = read_authored(json.dumps(asking(condition)))
    assert read_pack(write_pack(deepest)) == deepest
    path, detail = refusal(asking({"any": [{"member": True}, condition]}))
    assert path == "rules[0].when[0].any[1].all[0].not.all[0]"
    assert str(MOST_NESTED) in detail


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        ({"dates": {}}, "dates"),
        ({"dates": {"first": "2026-06-18", "last": "2026-06-17"}}, "dates.last"),
        ({"window": {"start": "2026-06-18T20:00", "end": "2026-06-18T20:00"}}, "window.end"),
        ({"window": {"start": "2026-06-18T20:00", "end": "2026-06-18T19:59"}}, "window.end"),
        ({"clock": [{"start": "10:00", "end": "10:00"}]}, "clock[0].end"),
        ({"clock": [{"start": "22:00", "end": "02:00"}]}, "clock[0].end"),
        (
            {"clock": [{"start": "10:00", "end": "12:00"}, {"start": "08:00", "end": "10:01"}]},
            "clock[0].start",
        ),
        ({"clock": [{"start": "10:00", "end": "12:00"}] * 2}, "clock[1].start"),
        ({"last_visit": {"at_least_days": 31, "at_most_days": 30}}, "last_visit.at_most_days"),
        ({"quantity": {}}, "quantity"),
        ({"quantity": {"at_least": 3, "at_most": 2}}, "quantity.at_most"),
        ({"spend": {"per": "line"}}, "spend"),
        ({"spend": {"at_least_minor": 3, "at_most_minor": 2}}, "spend.at_most_minor"),
        (
            {"spend": {"at_least_minor": 3, "select": {"price_min_minor": 2, "price_max_minor": 1}}},
            "spend.select.price_max_minor",
        ),
    ],
)
def test_a_condition_that_asks_nothing_or_can_never_hold_is_refused(condition: dict[str, Any], where: str) -> None:
    assert refusal(asking(condition))[0] == f"rules[0].when[0].{where}"


@pytest.mark.parametrize(
    "condition",
    [
        {"dates": {"first": "2026-06-18", "last": "2026-06-18"}},
        {"clock": [{"start": "22:00", "end": "24:00"}, {"start": "00:00", "end": "02:00"}]},
        {"clock": [{"start": "10:00", "end": "12:00"}, {"start": "12:00", "end": "14:00"}]},
        {"last_visit": {}},
        {"quantity": {"at_most": 0}},
        {"spend": {"at_least_minor": 2, "at_most_minor": 2}},
    ],
)
def test_a_condition_at_its_very_bounds_is_taken(condition: dict[str, Any]) -> None:
    read_authored(json.dumps(asking(condition, zones=["UTC"])))


def ladder(*steps: tuple[int, int]) -> dict[str, Any]:
    return {"by": "spend", "steps": [{"at_least": at_least, "value": value} for at_least, value in steps]}


def saves(*steps: tuple[int, int], **more: Any) -> dict[str, Any]:
    return {"spend_save": {"steps": [{"spend_minor": spend, "save_minor": save} for spend, save in steps], **more}}


def top_up(*amounts: int, **more: Any) -> dict[str, Any]:
    return {"top_up": {"steps": [{"amount_minor": amount, "bonus_minor": 1} for amount in amounts], **more}}


@pytest.mark.parametrize(
    ("effect", "where"),
    [
        (
            {"percent": {"rate_bp": 0, "scope": "line", "ladder": ladder((100, 1), (100, 2))}},
            "percent.ladder.steps[1].at_least",
        ),
        (
            {"percent": {"rate_bp": 0, "scope": "line", "ladder": ladder((100, 10_001))}},
            "percent.ladder.steps[0].value",
        ),
        (
            {"amount": {"off_minor": 0, "scope": "line", "ladder": ladder((200, 1), (100, 2))}},
            "amount.ladder.steps[1].at_least",
        ),
        (saves((200, 10), (200, 20)), "spend_save.steps[1].spend_minor"),
        (saves((200, 10), (100, 20)), "spend_save.steps[1].spend_minor"),
        (saves((200, 20), (300, 10)), "spend_save.steps[1].save_minor"),
        (saves((200, 201)), "spend_save.steps[0].save_minor"),
        (saves((200, 10), (300, 20), every=True), "spend_save.steps"),
        (saves((200, 10), most_times=3), "spend_save.most_times"),
        (top_up(200, 100), "top_up.steps[1].amount_minor"),
        (top_up(100, 200, every=True), "top_up.steps"),
        (top_up(100, most_times=3), "top_up.most_times"),
        (top_up(100, parts=2), "top_up.every_days"),
        (top_up(100, every_days=30), "top_up.every_days"),
        ({"top_up": {"steps": [{"amount_minor": 100}]}}, "top_up.steps[0]"),
        ({"rebate": {}}, "rebate"),
        ({"rebate": {"rate_bp": 10_000, "minor": 1}}, "rebate.minor"),
        (
            {"member_price": {"select": {"price_min_minor": 2, "price_max_minor": 1}}},
            "member_price.select.price_max_minor",
        ),
    ],
)
def test_an_effect_whose_figures_cannot_hold_is_refused(effect: dict[str, Any], where: str) -> None:
    assert refusal(doing(effect))[0] == f"rules[0].then[0].{where}"


@pytest.mark.parametrize(
    ("effects", "money"),
    [
        ([BONUS], False),
        ([{"gift": {"sku": "cup"}}, {"issue_coupon": {"coupon": "ten"}}, {"points_times": {"rate_bp": 20_000}}], False),
        ([{"round_total": {"to_minor": 10, "mode": "down"}}, {"pay_stored": {}}], False),
        ([{"top_up": {"steps": [{"amount_minor": 100, "points": 1}]}}], False),
        ([{"top_up": {"steps": [{"amount_minor": 100, "bonus_minor": 1}]}}], True),
        ([BONUS, {"rebate": {"minor": 5}}], True),
        ([{"pay_points": {"points": 1, "minor": 1}}], True),
    ],
)
def test_a_budget_stands_only_where_money_is_taken_off_or_given(effects: list[dict[str, Any]], money: bool) -> None:
    plain = authored(rule("r", "points", *effects, limits={"budget_minor": 5}), coupons=[COUPON])
    if money:
        read_authored(json.dumps(plain))
    else:
        assert refusal(plain)[0] == "rules[0].limits.budget_minor"


def test_a_rule_for_top_ups_does_nothing_else() -> None:
    assert refusal(doing(BONUS, top_up(100)))[0] == "rules[0].then[1].top_up"
    read_authored(json.dumps(doing(top_up(100), top_up(200, every=True, parts=12, every_days=30))))


@pytest.mark.parametrize(
    ("steps", "where"),
    [(((1, 0),), "zones[0].steps[0].from_s"), (((0, 0), (5, 0), (5, 1)), "zones[0].steps[2].from_s")],
)
def test_the_steps_of_a_zone_begin_at_0_and_go_up(steps: tuple[tuple[int, int], ...], where: str) -> None:
    zone = Zone("UTC", tuple(ZoneStep(from_s, offset_s) for from_s, offset_s in steps))
    with pytest.raises(ContractError) as caught:
        require_sense(Pack(2, "CNY", (), (), zones=(zone,)))
    assert caught.value.path == where


def test_a_golden_basket_above_the_largest_amount_is_refused() -> None:
    line = {**LINE, "quantity": 2, "unit_price_minor": MAX_AMOUNT_MINOR}
    golden = {"basket": {"lines": [line]}, "payable_minor": 0}
    assert refusal(authored(golden=golden))[0] == "golden[0].basket.lines"


def test_a_pack_has_at_most_so_many_conditions() -> None:
    many = [{"any": [{"member": True}] * 63}] * 32
    rules = [rule(f"r{number}", "line", BONUS, when=many) for number in range(MOST_CONDITIONS // (64 * 32) + 1)]
    read_authored(json.dumps(authored(*rules[:-1])))
    assert refusal(authored(*rules))[0] == f"rules[{len(rules) - 1}].when"


@pytest.mark.parametrize(
    ("effects", "where"),
    [
        ([{"points_per_money": {"points": 1_000_000, "spend_minor": 1}}], "then[0].points_per_money"),
        ([{"points_per_money": {"points": 1_000_000, "spend_minor": 1, "proportional": True}}], "points_per_money"),
        ([{"points_per_unit": {"points": 1_000_000}}], "then[0].points_per_unit"),
        ([{"points_bonus": 1_000_000_000}, {"points_times": {"rate_bp": 1_000_000}}] * 2, "then[3].points_times"),
        ([{"top_up": {"steps": [{"amount_minor": 1, "points": 20_000}], "every": True}}], "then[0].top_up"),
    ],
)
def test_points_that_no_entry_could_hold_are_refused_in_the_pack(effects: list[dict[str, Any]], where: str) -> None:
    path, detail = refusal(doing(*effects))
    assert path.startswith("rules[0].then[")
    assert path.endswith(where)
    assert str(MAX_POINTS) in detail


def test_a_rule_that_applies_again_and_again_counts_as_often() -> None:
    bonus = rule("r", "points", {"points_bonus": 1_000_000_000}, {"points_times": {"rate_bp": 110_000}})
    read_authored(json.dumps(authored(bonus)))
    path, _ = refusal(authored({**bonus, "limits": {"per_sale": 100}}))
    assert path == "rules[0].then[1].points_times"


def test_points_may_be_as_many_as_one_likes_where_a_cap_holds_them() -> None:
    pack(
        rule("a", "points", {"points_per_unit": {"points": 1_000_000, "cap_points": 1_000}}),
        *[rule(f"b{n}", "points", {"points_times": {"rate_bp": 100_000, "cap_points": 1_000}}) for n in range(100)],
    )


def test_rules_for_one_article_each_share_the_basket() -> None:
    def rules(select: Any) -> list[Any]:
        return [
            rule(f"r{n}", "points", {"points_per_unit": {"points": 10_000, "select": select(n)}}) for n in range(50)
        ]

    pack(*rules(lambda number: {"skus": [f"sku-{number}"]}))
    assert refusal(authored(*rules(lambda _: {"skus": ["sku"]})))[0] == "rules[10].then[0].points_per_unit"
    assert refusal(authored(*rules(lambda _: {})))[0] == "rules[10].then[0].points_per_unit"


def test_a_rule_that_is_paused_earns_nothing() -> None:
    pack(rule("r", "points", {"points_per_unit": {"points": 1_000_000}}, paused=True))


def test_the_declarations_that_generated_packs_share_make_sense() -> None:
    require_sense(DECLARED)
