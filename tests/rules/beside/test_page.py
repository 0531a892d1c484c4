"""The page for head office's staff: every figure in its tables is what the functions give."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from contract.money import format_minor, parse_amount_minor
from rules.beside.growth import GrowthRule, Rounding, growing_from, grown
from rules.beside.instalments import instalments
from rules.beside.lots import EMPTY, Earning, Short, balance, earn, expire, owed, spend, take_back
from rules.beside.metering import Certainty, Forgotten, FreeMinutes, Tariff, metered
from rules.beside.months import month_later
from rules.beside.tiers import Basis, Ladder, Movement, Rung, tier_of
from tests.tidy.tree import ROOT

POOL = Tariff(60, 3_000, 15, 800, Forgotten(1_440), 120)
LADDER = Ladder(Basis.SPEND, (Rung("bronze", 0), Rung("silver", 1_000_000), Rung("gold", 2_000_000)), 365, 30)
OTHER_TARIFFS = {
    "`free_minutes` 10, `within`": replace(POOL, free_minutes=10),
    "`free_minutes` 10, `taken_off`": replace(POOL, free_minutes=10, free=FreeMinutes.TAKEN_OFF),
    "`day_cap_minor` 4000": replace(POOL, day_cap_minor=4_000),
    "`forgotten.after_minutes` 70": replace(POOL, forgotten=Forgotten(70)),
    "`forgotten.after_minutes` 70, `fee_minor` 5000": replace(POOL, forgotten=Forgotten(70, 5_000)),
}


def page() -> str:
    """The page's text."""
    return (ROOT / "docs" / "rules" / "beside.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of the table whose first line is ``heading``, without the two lines of its head."""
    lines = page().splitlines()
    found: list[list[str]] = []
    for line in lines[lines.index(heading) + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    assert found
    return found


def minutes_of(clock: str) -> int:
    """Minutes since midnight."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def test_every_stay_costs_what_the_page_says() -> None:
    for began, ended, minutes, units, to_pay in rows("| in | out | minutes | further units | to pay |"):
        found = metered(POOL, minutes_of(ended) - minutes_of(began))
        assert minutes_of(ended) - minutes_of(began) == int(minutes)
        assert (str(found.units), format_minor(found.amount_minor)) == (units, to_pay)


def test_every_other_tariff_costs_what_the_page_says() -> None:
    told = rows("| what differs | to pay | why |")
    assert [what for what, _to_pay, _why in told] == list(OTHER_TARIFFS)
    for what, to_pay, _why in told:
        assert format_minor(metered(OTHER_TARIFFS[what], 80).amount_minor) == to_pay


@pytest.mark.parametrize(
    ("record", "heading"),
    [(Tariff, "| field of a tariff | what it is |"), (Ladder, "| field of a ladder | what it is |")],
)
def test_every_field_is_described(record: type, heading: str) -> None:
    described = " ".join(row[0] for row in rows(heading))
    assert [item.name for item in fields(record) if f"`{item.name}`" not in described] == []


def test_every_certainty_is_described() -> None:
    assert [row[0] for row in rows("| certainty | what it means |")] == [f"`{certainty}`" for certainty in Certainty]


def test_every_sale_gives_the_tier_the_page_says() -> None:
    for before, sale, tier, missing in rows(
        "| paid before | this sale | tier at this sale | missing to the next tier |"
    ):
        history = [Movement(100, parse_amount_minor(before), 0)]
        found = tier_of(LADDER, history, 100, Movement(100, parse_amount_minor(sale), 0))
        told = f"{format_minor(found.missing)} to {found.next_tier}" if found.next_tier else ""
        assert (found.tier, told) == (tier, missing)


def test_a_tier_ends_when_the_page_says() -> None:
    for day, tier, counts, last_day in rows("| day | tier | counts today | last day of this tier |"):
        found = tier_of(LADDER, [Movement(100, 1_000_000, 0)], int(day))
        until = "" if found.until_day is None else str(found.until_day)
        assert (found.tier, format_minor(found.counted), until) == (tier, counts, last_day)


def test_lots_come_to_the_balances_on_the_page() -> None:
    account = EMPTY
    for what, day, points, left in rows("| what happens | day | points | balance |"):
        if what.startswith("earn"):
            account, _earning = earn(account, bytes(16), int(points), int(day), int(what.split()[-1]))
        elif what == "spend":
            spent = spend(account, int(points), int(day))
            assert not isinstance(spent, Short)
            account = spent[0]
        else:
            account, over = expire(account, int(day))
            assert sum(lot.points for lot in over) == int(points)
        assert balance(account, int(day)) == int(left)


def test_a_refund_leads_to_the_debts_on_the_page() -> None:
    account, earnings = EMPTY, list[Earning]()
    for what, day, points, in_lots, debt, left in rows("| what happens | day | points | in lots | owed | balance |"):
        if what == "earn":
            account, earning = earn(account, bytes([len(earnings)]) * 16, int(points), int(day), None)
            earnings.append(earning)
        elif what == "spend":
            spent = spend(account, int(points), int(day))
            assert not isinstance(spent, Short)
            account = spent[0]
        else:
            account, _rest = take_back(account, earnings[0], int(points), int(day))
            assert f"On day 15 the debt is {account.debts[0].age_days(15)} days old." in page()
        held = sum(lot.points for lot in account.lots)
        assert (held, owed(account), balance(account, int(day))) == (int(in_lots), int(debt), int(left))


def test_points_grow_to_the_balances_on_the_page() -> None:
    for months, points, carried in rows("| after months | balance | carried, millionths |"):
        found = grown(GrowthRule(1_000, Rounding.FLOOR), growing_from(0), 1_000, month_later(0, int(months)))
        assert (found.balance_points, found.growing.carried_millionths) == (int(points), int(carried))


def test_bonuses_come_in_the_parts_on_the_page() -> None:
    for bonus, parts, first, then, last in rows("| bonus | parts | first part | then | last part |"):
        found = [format_minor(part) for _day, part in instalments(parse_amount_minor(bonus), int(parts), 7, 0)]
        assert (found[0], found[1] if len(found) > 1 else "", found[-1]) == (first, then, last)
