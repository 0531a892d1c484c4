"""What a customer is told to change is true: with that one change, and nothing else, the rule applies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.basket import Basket
from contract.errors import ContractError
from rules.advice.goods import Goods
from rules.advice.hints import advice, hint
from rules.advice.nearest import Nearest, nearest
from rules.authoring import read_authored, read_authored_basket
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from rules.engine.shortfall import Shortfall, Why
from rules.engine.verdicts import judge
from rules.explain import Words
from rules.grammar.pack import Pack
from tests.rules.generated import packs, records

SPEND_200 = {"spend_save": {"steps": [{"spend_minor": 20_000, "save_minor": 3_000}]}}
TEN_OFF = {"percent": {"rate_bp": 1_000, "scope": "line"}}
FRIDAY_NOON_MS = 1_781_236_800_000  # 2026-06-12T12:00 in Shanghai.


def compiled(*rules: dict[str, Any], **more: Any) -> Compiled:
    written = [
        {"rule": f"r{place}", "title": "规则", "title_en": "rule", "lane": "basket"} | rule
        for place, rule in enumerate(rules)
    ]
    golden = [{"basket": {"lines": []}, "payable_minor": 0}]
    plain = {"currency": "CNY", "zones": ["Asia/Shanghai"], "rules": written, "golden": golden} | more
    return compile_pack(read_authored(json.dumps(plain)))


def basket(*prices_minor: int, **more: Any) -> Basket:
    lines = [
        {"sku": f"s{place}", "quantity": 1, "unit_price_minor": price_minor}
        for place, price_minor in enumerate(prices_minor)
    ]
    return read_authored_basket(json.dumps({"lines": lines} | more))


def change(pack: Compiled, sold: Basket, rule: str = "r0") -> Nearest | None:
    verdict = next(verdict for verdict in judge(sold, pack).verdicts if verdict.rule == rule)
    assert verdict.shortfall is not None
    named = next(found for found in pack.pack.rules if found.rule == rule)
    return nearest(sold, pack, Goods(pack, sold.lines), named, verdict.shortfall)


def said(pack: Compiled, sold: Basket, rule: str = "r0") -> Words:
    found = change(pack, sold, rule)
    assert found is not None
    return advice(found, pack.pack)


def test_so_much_more_to_spend_is_told_with_what_it_saves() -> None:
    assert said(compiled({"then": [SPEND_200]}), basket(18_750)) == (
        "再消费 12.50 元可减 30",
        "Spend 12.50 more to save 30",
    )


def test_what_other_rules_take_of_the_goods_to_be_added_is_reckoned_with_to_the_fen() -> None:
    pack = compiled({"then": [SPEND_200]}, {"lane": "line", "then": [TEN_OFF]})
    sold = basket(18_750)
    found = change(pack, sold)
    assert found is not None
    # 34.72 more cost 31.25 after 10 % off; 34.71 would cost 31.24.
    assert (found.missing, found.off_minor) == (3_472, 3_000)
    one_fen_less = basket(18_750, found.missing - 1)
    assert all(effect.rule != "r0" for effect in price(one_fen_less, pack).effects)


@pytest.mark.parametrize(
    ("rule", "sold", "words", "words_en"),
    [
        (
            {"when": [{"quantity": {"at_least": 3}}], "then": [TEN_OFF]},
            basket(1_000),
            "再买 2 件可减 3",
            "Buy 2 more to save 3",
        ),
        (
            {"then": [{"nth_unit": {"nth": 2, "rate_bp": 5_000}}]},
            basket(1_000),
            "再买 1 件可减 5",
            "Buy 1 more to save 5",
        ),
        (
            {"when": [{"distinct": {"at_least": 2}}], "then": [{"amount": {"off_minor": 100, "scope": "basket"}}]},
            basket(1_000),
            "再买 1 种不同商品可减 1",
            "Buy 1 more different article to save 1",
        ),
        (
            {"when": [{"tier": ["gold"]}], "then": [TEN_OFF]},
            basket(1_000),
            "升到等级 gold，可减 1",
            "Reach tier gold to save 1",
        ),
        ({"when": [{"code": ["MAY"]}], "then": [TEN_OFF]}, basket(1_000), "出示 MAY，可减 1", "Show MAY to save 1"),
        (
            {"when": [{"tender": ["stored_value"]}], "then": [TEN_OFF]},
            basket(1_000),
            "用 stored_value 支付可减 1",
            "Pay by stored_value to save 1",
        ),
        (
            {"when": [{"clock": [{"start": "18:00", "end": "20:00"}]}], "then": [TEN_OFF]},
            basket(1_000, moment_ms=FRIDAY_NOON_MS),
            "2026-06-12 18:00 起可减 1",
            "Come from 2026-06-12 18:00 on to save 1",
        ),
        (
            {"when": [{"weekday": [1]}], "then": [TEN_OFF]},
            basket(1_000, moment_ms=FRIDAY_NOON_MS),
            "2026-06-15 00:00 起可减 1",
            "Come from 2026-06-15 00:00 on to save 1",
        ),
        (
            {"lane": "points", "then": [{"points_bonus": 50}]},
            basket(1_000),
            "成为会员可得 50 分",
            "Become a member to earn 50 points",
        ),
        (
            {"when": [{"visit": {"nth": 5}}], "then": [TEN_OFF]},
            basket(1_000, customer={"tier": "gold", "visits": 1}),
            "再来 3 次后可减 1",
            "After 3 more visits, come to save 1",
        ),
        (
            {"when": [{"any": [{"tier": ["gold"]}, {"spend": {"at_least_minor": 1_500}}]}], "then": [TEN_OFF]},
            basket(1_000),
            "再消费 5 元可减 1.50",
            "Spend 5 more to save 1.50",
        ),
    ],
    ids=lambda value: "",
)
def test_one_change_of_each_kind_is_told(rule: dict[str, Any], sold: Basket, words: str, words_en: str) -> None:
    assert said(compiled(rule), sold) == (words, words_en)


EVENING = {"clock": [{"start": "20:00", "end": "22:00"}]}
FRIDAY_EVENING = {"when": [{"weekday": [5]}, EVENING], "then": [TEN_OFF]}
TEA = {"skus": ["tea"]}
TWO_TEAS_AND_A_CUP = {
    "buy": {"quantity": 2, "select": TEA},
    "get": {"quantity": 1, "select": {"skus": ["cup"]}},
    "rate_bp": 10_000,
}


def thursday_ms(hour: int) -> int:
    """So many hours after the midnight with which Thursday 2026-06-11 began in Shanghai."""
    return FRIDAY_NOON_MS + (hour - 36) * 3_600_000


@pytest.mark.parametrize(
    ("hour", "day"),
    [(10, "2026-06-12"), (21, "2026-06-12"), (24 + 10, "2026-06-12"), (24 + 23, "2026-06-19")],
    ids=["thursday morning", "thursday evening", "friday morning", "friday night"],
)
def test_the_day_and_the_hour_are_told_together(hour: int, day: str) -> None:
    pack, sold = compiled(FRIDAY_EVENING), basket(1_000, moment_ms=thursday_ms(hour))
    assert said(pack, sold) == (f"{day} 20:00 起可减 1", f"Come from {day} 20:00 on to save 1")


@pytest.mark.parametrize(
    ("rule", "sold", "words", "words_en"),
    [
        (
            {"when": [{"dates": {"first": "2026-06-18", "last": "2026-06-20"}}, EVENING], "then": [TEN_OFF]},
            basket(1_000, moment_ms=FRIDAY_NOON_MS),
            "2026-06-18 20:00 起可减 1",
            "Come from 2026-06-18 20:00 on to save 1",
        ),
        (
            {"when": [{"not": {"weekday": [5]}}], "then": [TEN_OFF]},
            basket(1_000, moment_ms=FRIDAY_NOON_MS),
            "2026-06-13 00:00 起可减 1",
            "Come from 2026-06-13 00:00 on to save 1",
        ),
        (
            {"when": [{"birthday": {"days_before": 3, "days_after": 3}}, {"weekday": [5]}], "then": [TEN_OFF]},
            basket(1_000, moment_ms=FRIDAY_NOON_MS, customer={"tier": "gold", "birthday": "06-24"}),
            "2026-06-26 00:00 起可减 1",
            "Come from 2026-06-26 00:00 on to save 1",
        ),
        (
            {"when": [{"member": True}, {"tier": ["gold"]}], "then": [TEN_OFF]},
            basket(1_000),
            "升到等级 gold，可减 1",
            "Reach tier gold to save 1",
        ),
        (
            {"when": [{"tag": ["vip"]}, {"tier": ["gold"]}], "then": [TEN_OFF]},
            basket(1_000, customer={"tier": "basic"}),
            "升到等级 gold，有标签 vip 的会员，可减 1",
            "Reach tier gold and be tagged vip to save 1",
        ),
        (
            {"when": [{"code": ["A", "B"]}, {"code": ["B", "C"]}], "then": [TEN_OFF]},
            basket(1_000),
            "出示 B，可减 1",
            "Show B to save 1",
        ),
        (
            {"when": [{"quantity": {"at_least": 3}}, {"spend": {"at_least_minor": 3_000}}], "then": [TEN_OFF]},
            basket(1_000),
            "再买 2 件，共 20 元，可减 3",
            "Buy 2 more, for 20, to save 3",
        ),
        (
            {"when": [{"spend": {"at_least_minor": 9_000}}, {"quantity": {"at_least": 3}}], "then": [TEN_OFF]},
            basket(1_000),
            "再买 3 件，共 80 元，可减 9",
            "Buy 3 more, for 80, to save 9",
        ),
        (
            {"then": [{"buy_get": {"buy": {"quantity": 2}, "get": {"quantity": 1}, "rate_bp": 10_000}}]},
            basket(1_000),
            "再买 2 件可减 10",
            "Buy 2 more to save 10",
        ),
        (
            {"then": [{"buy_get": TWO_TEAS_AND_A_CUP}]},
            basket(1_000, lines=[{"sku": "tea", "quantity": 1, "unit_price_minor": 1_000}]),
            "再买 2 件可减 100",
            "Buy 2 more to save 100",
        ),
        (
            {"then": [{"any_for": {"units": 2, "price_minor": 5_000, "select": TEA}}]},
            basket(1_000),
            "买 2 件参加活动的商品可减 150",
            "Buy 2 articles it is for to save 150",
        ),
    ],
    ids=lambda value: "",
)
def test_one_change_that_mends_several_things_is_told(
    rule: dict[str, Any], sold: Basket, words: str, words_en: str
) -> None:
    assert said(compiled(rule), sold) == (words, words_en)


def test_members_and_all_others_are_told_that_a_rule_is_for_the_other() -> None:
    pack = compiled({"when": [{"member": True}], "then": [TEN_OFF]}, {"when": [{"member": False}], "then": [TEN_OFF]})
    told = []
    for sold in (basket(1_000), basket(1_000, customer={"tier": "basic"})):
        (missed,) = [verdict.shortfall for verdict in judge(sold, pack).verdicts if verdict.shortfall is not None]
        told.append(hint(missed, pack.pack))
    assert told == [("限会员", "only for members"), ("限非会员", "only for those who are no members")]


@pytest.mark.parametrize(
    ("within", "days_later", "wanted"),
    [
        ("month", 0, "再来 2 次后可减 1"),
        ("month", 16, "再来 2 次后可减 1"),
        ("month", 17, None),
        ("day", 18, "再来 2 次后可减 1"),
    ],
)
def test_visits_still_to_come_fall_into_the_period_that_counts_them(
    within: str, days_later: int, wanted: str | None
) -> None:
    """From 12 June: on the 28th there are two more days for a third visit in June, on the 29th one."""
    pack = compiled({"when": [{"visit": {"nth": 3, "within": within}}], "then": [TEN_OFF]})
    moment_ms = FRIDAY_NOON_MS + days_later * 86_400_000
    found = change(pack, basket(1_000, moment_ms=moment_ms, customer={"tier": "gold"}))
    assert (None if found is None else advice(found, pack.pack)[0]) == wanted


def test_the_hour_is_told_without_a_day_that_another_condition_may_exclude() -> None:
    pack, sold = compiled(FRIDAY_EVENING), basket(1_000, moment_ms=thursday_ms(24 + 23))
    missed = judge(sold, pack).verdicts[0].shortfall
    assert missed is not None
    assert hint(missed, pack.pack) == ("不在指定时段，20:00 起", "not at that time of day, from 20:00 on")


@pytest.mark.parametrize(
    ("rules", "sold"),
    [
        ([{"when": [{"tier": ["gold"]}, {"code": ["MAY"]}], "then": [TEN_OFF]}], basket(1_000)),
        ([{"when": [{"dates": {"last": "2026-06-01"}}], "then": [TEN_OFF]}], basket(1_000, moment_ms=FRIDAY_NOON_MS)),
        ([{"paused": True, "then": [TEN_OFF]}], basket(1_000)),
        ([{"limits": {"total": 5}, "then": [TEN_OFF]}], basket(1_000, usage=[{"rule": "r0", "total": 5}])),
        ([{"when": [{"spend": {"at_most_minor": 500}}], "then": [TEN_OFF]}], basket(1_000)),
    ],
    ids=["two things missed", "over", "paused", "used up", "too much"],
)
def test_where_no_single_change_helps_none_is_told(rules: list[dict[str, Any]], sold: Basket) -> None:
    assert change(compiled(*rules), sold) is None


def test_a_rule_that_another_beats_is_not_promised() -> None:
    group = {"groups": ["one"]}
    half = {"rule": "half", "then": [{"percent": {"rate_bp": 5_000, "scope": "basket"}}]} | group
    assert change(compiled({"then": [SPEND_200]} | group, half, groups=[{"name": "one"}]), basket(18_750)) is None


def shortfalls() -> list[Shortfall]:
    alone = [Shortfall(why, 3, ("1", "2"), 29_000_000) for why in Why] + [Shortfall(why) for why in Why]
    return [
        *alone,
        Shortfall(Why.TIER, parts=tuple(alone[:2])),
        Shortfall(Why.TIER, parts=tuple(alone[:2]), any_would_do=True),
    ]


@pytest.mark.parametrize("shortfall", shortfalls(), ids=lambda shortfall: str(shortfall.why))
def test_every_reason_is_said_in_both_languages(shortfall: Shortfall) -> None:
    pack = compiled({"then": [TEN_OFF]}).pack
    zh, en = hint(shortfall, pack)
    assert zh and en and zh != en and en.isascii()
    assert not {"{", "}", "#"} & {*zh, *en}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(packs(), st.lists(records(Basket), min_size=1, max_size=3))
def test_with_the_change_that_is_told_the_rule_applies(pack: Pack, sold: list[Basket]) -> None:
    made = compile_pack(pack)
    goods = Goods(made)
    rules = {rule.rule: rule for rule in pack.rules}
    for one in (*sold, *(golden.basket for golden in pack.golden)):
        try:
            judged = judge(one, made)
        except ContractError:
            continue
        for verdict in judged.verdicts:
            if verdict.shortfall is None:
                continue
            assert all(hint(verdict.shortfall, pack))
            found = nearest(one, made, goods, rules[verdict.rule], verdict.shortfall)
            if found is not None:
                assert verdict.rule in {effect.rule for effect in price(found.basket, made).effects}
                assert found.basket != one
                assert all(advice(found, pack))
