"""Each condition holds where it says so and nowhere else, and tells what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.basket import Basket, BasketLine, Customer, PlannedTender
from contract.calendar import DAY_MINUTES, day_of, local_minute_of
from contract.errors import ContractError, Reason
from contract.named import names_of
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Shortfall, Why
from rules.engine.verdicts import judge
from rules.grammar.conditions import CONDITION
from rules.grammar.pack import Pack, ShopFacts, Zone, ZoneStep
from tests.rules.samples import pack, percent, rule

TEN_OFF = {"percent": {"rate_bp": 1_000, "scope": "basket"}}
TODAY = day_of("2026-06-18")
DECLARED: dict[str, Any] = {
    "zones": ["Asia/Shanghai"],
    "shops": [
        {"shop": "north", "groups": ["city"], "anniversary": "06-17"},
        {"shop": "south", "anniversary": "11-11"},
    ],
    "calendars": [{"name": "fair", "days": ["2026-06-18", "2026-09-25"]}],
    "sets": [{"name": "drinks", "select": {"categories": ["tea"]}}],
}


def at(text: str) -> int:
    """The moment of a local time in Shanghai, in Unix milliseconds."""
    local = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(local.timestamp()) * 1_000 - 8 * 3_600_000


TEA = BasketLine("TEA", 2, 3_000, ("tea",), "spring", ("new",))
CUP = BasketLine("CUP", 1, 5_000, ("ware",))
SHE = Customer(
    "gold",
    tags=("teacher",),
    segments=("lapsed",),
    card_type="student",
    birthday=620,
    points=1_000,
    visits=4,
    visit_days=(TODAY - 60, TODAY - 17, TODAY - 3, TODAY - 3),
)
HERS = Basket(
    (TEA, CUP),
    SHE,
    "north",
    "till-1",
    "store",
    at("2026-06-18T20:00"),
    codes=("TEN-OFF",),
    tenders=(PlannedTender("voucher", 1_000),),
    flags=("staff-meal",),
)
THEIRS = Basket((CUP,), None, "south", "till-2", "web", at("2026-06-19T09:00"), codes=("OTHER",))


def asked(*conditions: Any, bought: Basket = HERS, **more: Any) -> Shortfall | None:
    """What a rule with these conditions missed, None where it applied."""
    whole = pack(rule("asked", "basket", TEN_OFF, when=conditions), **{**DECLARED, **more})
    judged = judge(bought, compile_pack(whole))
    if not judged.verdicts:
        return Shortfall(Why.SHOP)
    assert bool(judged.priced.effects) is judged.verdicts[0].applied
    return judged.verdicts[0].shortfall


HOLD: dict[str, list[Any]] = {
    "all": [{"all": [{"member": True}, {"tier": ["gold"]}]}],
    "any": [{"any": [{"tier": ["silver"]}, {"channel": ["store"]}]}],
    "not": [{"not": {"tier": ["silver"]}}],
    "member": [{"member": True}],
    "tier": [{"tier": ["silver", "gold"]}],
    "tag": [{"tag": ["teacher"]}],
    "segment": [{"segment": ["lapsed"]}],
    "card_type": [{"card_type": ["student"]}],
    "birthday": [{"birthday": {"days_before": 2, "days_after": 0}}],
    "visit": [
        {"visit": {"nth": 5}},
        {"visit": {"nth": 5, "within": "year"}},
        {"visit": {"nth": 4, "within": "month"}},
        {"visit": {"nth": 3, "within": "week"}},
        {"visit": {"nth": 1, "within": "day"}},
    ],
    "last_visit": [{"last_visit": {"at_least_days": 3}}, {"last_visit": {"at_most_days": 3}}],
    "dates": [{"dates": {"first": "2026-06-18"}}, {"dates": {"last": "2026-06-18"}}],
    "window": [{"window": {"start": "2026-06-18T20:00", "end": "2026-06-18T20:01"}}],
    "weekday": [{"weekday": [4]}],
    "clock": [{"clock": [{"start": "08:00", "end": "09:00"}, {"start": "20:00", "end": "24:00"}]}],
    "festival": [{"festival": "fair"}],
    "anniversary": [{"anniversary": {"days_before": 0, "days_after": 1}}],
    "shop": [{"shop": ["east", "north"]}],
    "shop_group": [{"shop_group": ["city"]}],
    "terminal": [{"terminal": ["north/till-1"]}],
    "channel": [{"channel": ["store"]}],
    "quantity": [
        {"quantity": {"at_least": 3}},
        {"quantity": {"at_least": 2, "at_most": 2, "select": {"categories": ["tea"]}}},
        {"quantity": {"at_least": 2, "at_most": 2, "per": "line"}},
    ],
    "distinct": [{"distinct": {"at_least": 2}}],
    "spend": [
        {"spend": {"at_least_minor": 11_000, "at_most_minor": 11_000}},
        {"spend": {"at_least_minor": 6_000, "select": {"set": "drinks"}}},
        {"spend": {"at_least_minor": 5_500, "per": "line"}},
    ],
    "tender": [{"tender": ["voucher"]}],
    "code": [{"code": ["X", "TEN-OFF"]}],
    "points_balance": [{"points_balance": 1_000}],
    "flag": [{"flag": ["staff-meal"]}],
}
"""For each kind conditions that hold for her basket and not for theirs."""


def test_every_kind_of_condition_is_among_them() -> None:
    assert {name.removesuffix("_") for name in names_of(CONDITION).values()} == set(HOLD)


@pytest.mark.parametrize("condition", [one for kind in HOLD.values() for one in kind], ids=str)
def test_it_holds_for_her_and_not_for_them(condition: Any) -> None:
    assert asked(condition) is None
    if "not" not in condition and "dates" not in condition:
        assert asked(condition, bought=THEIRS) is not None
    negated = asked({"not": condition})
    of_other_shops = not condition.keys().isdisjoint({"shop", "shop_group"})
    assert negated is not None and negated.why is (Why.SHOP if of_other_shops else Why.NEGATED)


@pytest.mark.parametrize(
    ("condition", "why", "missing"),
    [
        ({"quantity": {"at_least": 5}}, Why.MIN_QUANTITY, 2),
        ({"quantity": {"at_most": 2}}, Why.MAX_QUANTITY, 1),
        ({"distinct": {"at_least": 4}}, Why.DISTINCT, 2),
        ({"spend": {"at_least_minor": 12_250}}, Why.MIN_SPEND, 1_250),
        ({"spend": {"at_most_minor": 10_000}}, Why.MAX_SPEND, 1_000),
        ({"spend": {"at_least_minor": 6_001, "per": "line"}}, Why.MIN_SPEND, 1),
        ({"points_balance": 1_250}, Why.POINTS, 250),
        ({"visit": {"nth": 7}}, Why.NTH_VISIT, 2),
        ({"visit": {"nth": 3, "every": True}}, Why.NTH_VISIT, 1),
        ({"last_visit": {"at_least_days": 30}}, Why.LAST_VISIT, 27),
        ({"tier": ["silver"]}, Why.TIER, 0),
        ({"code": ["OTHER"]}, Why.CODE, 0),
        ({"member": False}, Why.NOT_MEMBER, 0),
    ],
)
def test_it_tells_how_much_is_missing(condition: Any, why: Why, missing: int) -> None:
    found = asked(condition)
    assert found is not None and (found.why, found.missing) == (why, missing)


@pytest.mark.parametrize(
    ("condition", "why", "when"),
    [
        ({"dates": {"first": "2026-06-20"}}, Why.NOT_STARTED, "2026-06-20T00:00"),
        ({"dates": {"last": "2026-06-17"}}, Why.EXPIRED, "2026-06-18T00:00"),
        ({"window": {"start": "2026-06-18T20:01", "end": "2026-06-18T21:00"}}, Why.NOT_STARTED, "2026-06-18T20:01"),
        ({"window": {"start": "2026-06-18T19:00", "end": "2026-06-18T20:00"}}, Why.EXPIRED, "2026-06-18T20:00"),
        ({"weekday": [3, 6]}, Why.WEEKDAY, "2026-06-20T00:00"),
        ({"clock": [{"start": "08:00", "end": "20:00"}]}, Why.CLOCK, "2026-06-19T08:00"),
        ({"birthday": {"days_before": 1, "days_after": 0}}, Why.BIRTHDAY, "2026-06-19T00:00"),
        ({"anniversary": {"days_before": 0, "days_after": 0}}, Why.ANNIVERSARY, "2027-06-17T00:00"),
    ],
)
def test_it_tells_when_the_time_comes(condition: Any, why: Why, when: str) -> None:
    found = asked(condition)
    assert found is not None and (found.why, found.at) == (why, local_minute_of(when))


@pytest.mark.parametrize("name", ["birthday", "dates", "window", "weekday", "clock", "festival", "anniversary"])
def test_without_a_moment_no_condition_about_time_holds(name: str) -> None:
    found = asked(HOLD[name][0], bought=replace(HERS, moment_ms=None))
    assert found is not None and found.why is Why.TIME_UNKNOWN


def test_what_the_till_does_not_know_does_not_hold() -> None:
    stranger = replace(HERS, customer=Customer("gold"))
    for name in ("tag", "segment", "card_type", "birthday", "visit", "last_visit", "points_balance"):
        assert asked(HOLD[name][0], bought=stranger) is not None
    nowhere = replace(HERS, shop=None, terminal=None, channel=None)
    for name in ("shop", "shop_group", "terminal", "channel", "anniversary"):
        assert asked(HOLD[name][0], bought=nowhere) is not None


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2026-06-17T23:59:59", False),
        ("2026-06-18T00:00:00", True),
        ("2026-06-18T23:59:59", True),
        ("2026-06-19T00:00:00", False),
    ],
)
def test_a_day_of_the_shop_begins_and_ends_at_its_own_midnight(moment: str, holds: bool) -> None:
    bought = replace(HERS, moment_ms=at(moment))
    for condition in (
        {"window": {"start": "2026-06-18T00:00", "end": "2026-06-19T00:00"}},
        {"dates": {"first": "2026-06-18", "last": "2026-06-18"}},
        {"festival": "fair"},
        {"weekday": [4]},
        {"birthday": {"days_before": 2, "days_after": 0}},
    ):
        if "birthday" in condition and moment > "2026-06-18T23:59:59":
            continue
        assert (asked(condition, bought=bought) is None) is holds


def test_each_shop_has_the_time_of_its_own_zone() -> None:
    """New York is 4 hours behind UTC in June, 5 in December; Shanghai always 8 ahead."""
    july, december = 1_783_000_000, 1_796_000_000
    november = 1_793_512_800
    new_york = Zone("America/New_York", (ZoneStep(0, 86_400 - 4 * 3_600), ZoneStep(november, 86_400 - 5 * 3_600)))
    whole = pack(rule("eight", "basket", TEN_OFF, when=[{"clock": [{"start": "08:00", "end": "08:01"}]}]), **DECLARED)
    shops = (*whole.shops, ShopFacts("uptown", "America/New_York"))
    compiled = compile_pack(replace(whole, zones=(*whole.zones, new_york), shops=shops))

    def applies(shop: str, moment_s: int) -> bool:
        return bool(price(replace(HERS, shop=shop, moment_ms=moment_s * 1_000), compiled).effects)

    for moment_s, hours in ((july, -4), (december, -5)):
        midnight = moment_s - moment_s % 86_400
        assert applies("uptown", midnight + (8 - hours) * 3_600)
        assert applies("north", midnight)
        assert applies("unheard-of", midnight)
        assert not applies("uptown", midnight)


@pytest.mark.parametrize(
    ("birthday", "today", "holds"),
    [
        ("12-30", "2027-01-02", True),
        ("12-30", "2027-01-03", False),
        ("01-02", "2026-12-30", True),
        ("01-02", "2026-12-29", False),
        ("02-29", "2027-02-25", True),
        ("02-29", "2027-02-24", False),
        ("02-29", "2027-03-03", True),
        ("02-29", "2027-03-04", False),
        ("02-29", "2028-03-03", True),
        ("02-29", "2028-02-25", False),
    ],
)
def test_the_birthday_window_reaches_over_new_year_and_knows_29_february(
    birthday: str, today: str, holds: bool
) -> None:
    """Three days either side; in years without one, 29 February is kept on the 28th."""
    month, day = birthday.split("-")
    hers = Customer("gold", birthday=int(month) * 100 + int(day))
    bought = replace(HERS, customer=hers, moment_ms=at(f"{today}T12:00"))
    assert (asked({"birthday": {"days_before": 3, "days_after": 3}}, bought=bought) is None) is holds


def test_a_shop_has_its_own_anniversary() -> None:
    """17 June in the north, 11 November in the south: neither shop gives the other's."""
    day_itself = {"anniversary": {"days_before": 0, "days_after": 0}}
    for shop, day, holds in (
        ("north", "2026-06-17", True),
        ("south", "2026-06-17", False),
        ("north", "2026-11-11", False),
        ("south", "2026-11-11", True),
        ("east", "2026-06-17", False),
    ):
        bought = replace(HERS, shop=shop, moment_ms=at(f"{day}T10:00"))
        assert (asked(day_itself, bought=bought) is None) is holds


@pytest.mark.parametrize(
    ("within", "days", "this"),
    [
        ("week", ["2026-06-14", "2026-06-15", "2026-06-18"], 3),
        ("month", ["2026-05-31", "2026-06-01", "2026-06-17"], 3),
        ("year", ["2025-12-31", "2026-01-01", "2026-06-17"], 3),
        ("day", ["2026-06-17", "2026-06-18", "2026-06-18"], 3),
        ("month", [], 1),
    ],
)
def test_visits_are_counted_in_the_calendar_of_the_shop(within: str, days: list[str], this: int) -> None:
    """18 June 2026 is a Thursday: its week began on Monday 15 June."""
    hers = Customer("gold", visit_days=tuple(map(day_of, days)))
    for nth in range(1, 6):
        found = asked({"visit": {"nth": nth, "within": within}}, bought=replace(HERS, customer=hers))
        assert (found is None) is (nth == this)


def test_every_fifth_visit_is_the_5th_the_10th_and_the_15th() -> None:
    for before in range(16):
        bought = replace(HERS, customer=Customer("gold", visits=before))
        assert (asked({"visit": {"nth": 5, "every": True}}, bought=bought) is None) is (before in (4, 9, 14))
    assert asked({"visit": {"nth": 1}}, bought=replace(HERS, customer=Customer("gold", visits=0))) is None


def test_a_list_of_visits_that_is_full_does_not_tell_their_number() -> None:
    hers = Customer("gold", visits=90, visit_days=tuple(TODAY - index % 40 for index in range(62)))
    for nth in (3, 7, 63):
        found = asked({"visit": {"nth": nth, "within": "year", "every": True}}, bought=replace(HERS, customer=hers))
        assert found is not None and found.why is Why.NTH_VISIT


def test_a_span_over_midnight_is_written_as_two() -> None:
    night = {"clock": [{"start": "22:00", "end": "24:00"}, {"start": "00:00", "end": "02:00"}]}
    for clock, holds in (("21:59", False), ("22:00", True), ("23:59", True), ("00:00", True), ("02:00", False)):
        assert (asked(night, bought=replace(HERS, moment_ms=at(f"2026-06-18T{clock}"))) is None) is holds


def test_a_paused_rule_does_nothing_and_says_so() -> None:
    found = judge(HERS, compile_pack(pack({**percent("rest", 1_000), "paused": True}))).verdicts[0]
    assert not found.applied and found.shortfall is not None and found.shortfall.why is Why.PAUSED


def test_what_is_excluded_is_neither_counted_nor_discounted() -> None:
    stamp = BasketLine("STAMP", 5, 1_000, excluded=True)
    whole = compile_pack(pack(rule("off", "basket", TEN_OFF, when=[{"quantity": {"at_least": 2}}])))
    assert price(Basket((stamp, CUP)), whole).payable_by_line == (5_000, 5_000)
    assert price(Basket((stamp, CUP, CUP)), whole).payable_by_line == (5_000, 4_500, 4_500)


def test_gifts_and_reduced_goods_are_selected_where_the_selection_or_its_set_says_so() -> None:
    gift, reduced = BasketLine("TEA", 1, 900, ("tea",), gift=True), BasketLine("TEA", 1, 700, ("tea",), reduced=True)
    bought = Basket((gift, reduced, BasketLine("TEA", 1, 1_000, ("tea",))))

    def counted(select: Any, **more: Any) -> int:
        for units in range(3, 0, -1):
            found = asked({"quantity": {"at_least": units, "select": select}}, bought=bought, **more)
            if found is None or found.why is Why.NOTHING_LEFT:
                return units
        return 0

    left_alone = {"policies": {"reduced_goods": "left_alone"}}
    assert counted({}) == 2
    assert counted({"include_gifts": True}) == 3
    assert counted({"set": "drinks", "include_gifts": True}) == 3
    assert counted({"set": "drinks", "reduced": True}) == counted({"reduced": False}) == 1
    assert counted({}, **left_alone) == counted({"set": "drinks"}, **left_alone) == 1
    assert counted({"set": "drinks", "reduced": True}, **left_alone) == 1
    in_set = {**DECLARED, "sets": [{"name": "drinks", "select": {"categories": ["tea"], "reduced": True}}]}
    assert counted({"set": "drinks"}, **{**in_set, **left_alone}) == 1


def _shops_judged(when: Any, bought: Basket) -> list[str]:
    whole: Pack = pack(rule("asked", "basket", TEN_OFF, when=when), **DECLARED)
    return [verdict.rule for verdict in judge(bought, compile_pack(whole)).verdicts]


def test_a_rule_of_another_shop_is_not_even_judged() -> None:
    assert _shops_judged([{"shop": ["south"]}, {"member": True}], HERS) == []
    assert _shops_judged([{"shop_group": ["city"]}, {"tier": ["silver"]}], HERS) == ["asked"]
    assert _shops_judged([{"any": [{"shop": ["south"]}, {"shop_group": ["city"]}]}], THEIRS) == ["asked"]


@pytest.mark.parametrize("moment_ms", [2**53, at("2199-12-31T12:00")])
def test_a_moment_beyond_the_calendar_is_refused_with_its_path(moment_ms: int) -> None:
    compiled = compile_pack(pack(percent("ten", 1_000), **DECLARED))
    for priced in (price, judge):
        with pytest.raises(ContractError) as caught:
            priced(replace(HERS, moment_ms=moment_ms), compiled)
        assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "moment_ms")
    assert price(replace(HERS, moment_ms=0), compiled).payable_minor == 9_900
    assert at("2026-06-18T00:00") == TODAY * DAY_MINUTES * 60_000 - 8 * 3_600_000
