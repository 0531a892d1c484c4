"""Packs and baskets to measure pricing with: a shop's ten live rules among any number that belong to others."""

from collections.abc import Sequence

from contract.basket import Basket, BasketLine, Customer
from rules.grammar.conditions import Dates, Quantity, Shop, Spend, Tier
from rules.grammar.money import Amount, BuyGet, NthUnit, Percent, SaveStep, Scope, Side, SpendSave
from rules.grammar.pack import Calendar, GoldenBasket, Group, Pack, Zone, ZoneStep
from rules.grammar.rewards import PointsPerMoney
from rules.grammar.rule import Lane, Rule
from rules.grammar.select import Order, Select
from rules.pack import GRAMMAR, read_pack, write_pack

LINES = 10
LIVE = 10
TODAY = 20_000
MOMENT_MS = TODAY * 86_400_000 + 10 * 3_600_000


def basket(lines: int = LINES) -> Basket:
    """A gold member's basket at shop a1: ``lines`` different articles, one to three of each, 10.00 to 109.00."""
    found = tuple(
        BasketLine(f"sku-{number:05d}", 1 + number % 3, 1_000 + 1_100 * (number % 10), (f"cat-{number % 10}",))
        for number in range(lines)
    )
    return Basket(found, Customer("gold", ("regular",), points=500), "a1", "t1", "store", MOMENT_MS)


def pack_of(count: int) -> Pack:
    """A pack of ``count`` rules of which the first ten can match the basket; the others are for other articles, shops,
    tiers and times, a quarter each.
    """
    return sealed((*_live(), *(_other(number) for number in range(count - LIVE))))


def sealed(rules: Sequence[Rule], groups: tuple[Group, ...] = (), calendars: tuple[Calendar, ...] = ()) -> Pack:
    """The pack as a terminal has it: written, read and checked."""
    golden = GoldenBasket(Basket(()), 0)
    zones = (Zone("UTC", (ZoneStep(0, 86_400),)),)
    pack = Pack(GRAMMAR, "CNY", tuple(rules), (golden,), zones=zones, groups=groups, calendars=calendars)
    return read_pack(write_pack(pack))


def _live() -> tuple[Rule, ...]:
    percents = tuple(
        _rule(
            f"live-{number}", Lane.LINE, Percent(500 + 100 * number, Scope.LINE, Select(categories=(f"cat-{number}",)))
        )
        for number in range(4)
    )
    gold = Rule("live-gold", "金卡", "Gold", Lane.LINE, (Percent(200, Scope.LINE),), (Tier(("gold",)),))
    return (
        *percents,
        gold,
        _rule("live-second", Lane.LINE, NthUnit(2, 5_000, _only(4))),
        _rule(
            "live-three-two",
            Lane.LINE,
            BuyGet(
                Side(2, Select(categories=("cat-5",))), Side(1, Select(categories=("cat-5",)), Order.CHEAPEST), 10_000
            ),
        ),
        _rule("live-spend", Lane.BASKET, SpendSave((SaveStep(20_000, 2_000), SaveStep(50_000, 6_000)))),
        Rule("live-off", "减", "Off", Lane.BASKET, (Amount(500, Scope.BASKET),), (Spend(10_000), Quantity(3))),
        _rule("live-points", Lane.POINTS, PointsPerMoney(1, 100)),
    )


def _only(category: int) -> Select:
    return Select(categories=(f"cat-{category}",))


def _rule(name: str, lane: Lane, effect: Percent | Amount | NthUnit | BuyGet | SpendSave | PointsPerMoney) -> Rule:
    return Rule(name, name, name, lane, (effect,))


def _other(number: int) -> Rule:
    """A rule that is in force, but not for this basket."""
    name = f"other-{number:05d}"
    match number % 4:
        case 0:
            effect = Percent(1_000, Scope.LINE, Select(skus=(f"elsewhere-{number:05d}",)))
            return Rule(name, name, name, Lane.LINE, (effect,))
        case 1:
            return Rule(name, name, name, Lane.BASKET, (Amount(100, Scope.BASKET),), (Shop((f"b{number:05d}",)),))
        case 2:
            conditions = (Tier((f"tier-{number % 97}",)), Spend(1_000))
            return Rule(name, name, name, Lane.BASKET, (Percent(300, Scope.BASKET),), conditions)
        case _:
            first = TODAY + 40 + number % 300
            return Rule(name, name, name, Lane.LINE, (Percent(900, Scope.LINE),), (Dates(first, first + 6),))
