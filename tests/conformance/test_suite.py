"""The cases that ship with the product pass, and price and verdict are one."""

from pathlib import Path

import pytest

from conformance import run, translate
from conformance.cases import CartCase, parse, read_case
from conformance.check import differences
from conformance.profiles import profile_of
from conformance.report import Status, lines
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.engine.verdicts import judge

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = (ROOT / "conformance" / "cases.jsonl").read_text(encoding="utf-8").splitlines()


def test_every_shipped_case_passes() -> None:
    results = list(run.run_lines(SHIPPED))
    assert [result for result in results if result.status is not Status.PASSED] == []
    assert list(lines(results))[-1] == "total: passed 224, failed 0, not expressible 0"


def test_what_the_till_prices_is_what_the_verdicts_were_given_on() -> None:
    for text in SHIPPED:
        case = read_case(parse(text))
        if isinstance(case.body, CartCase):
            found = translate.translate(case.body, case.scale, profile_of(case.engine))
            compiled = compile_pack(found.pack)
            assert price(found.basket, compiled) == judge(found.basket, compiled).priced, case.id


def test_no_case_is_known_by_name() -> None:
    ids = [str(parse(text)["id"]) for text in SHIPPED]
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "conformance").glob("*.py"))
    assert [name for name in ids if name in code] == []


@pytest.mark.parametrize("field", ["subtotal", "discount", "total", "points_spent", "points_balance"])
def test_a_figure_that_is_off_by_one_fails(field: str) -> None:
    changed = 0
    for text in SHIPPED:
        plain = parse(text)
        expect = plain["expect"]
        assert isinstance(expect, dict)
        if isinstance(expect.get(field), int):
            expect[field] += 1
            case = read_case(plain)
            outcome = run.outcome_of(case, profile_of(case.engine))
            assert differences(case.expect, outcome), case.id
            changed += 1
    assert changed
