"""Whatever befalls whichever device: it is seen, it heals by itself, nothing is lost, doubled or made up.

Without `--device` over the simulated counter; with it (`pytest tests/drivers/test_matrix.py -s --device card=...`) with
a device of yours and you before it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.drivers.facts import Status
from agent.drivers.table import DRIVERS
from tests.drivers.hands import by_hand
from tests.drivers.matrix import CANNOT, CASES, ELSEWHERE, RIGS
from tests.drivers.matrix_rigs import Rig, Trouble
from tests.drivers.pcsc_rig import CAN_BE_MADE
from tests.drivers.promises import story
from tests.drivers.told import Told

ROOT = Path(__file__).resolve().parents[2]
Case = tuple[Callable[[Path], Rig], Trouble, float]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With each device: those of the simulator, or those that somebody named."""
    named: list[str] = metafunc.config.getoption("device", default=[]) or []
    if "case" not in metafunc.fixturenames:
        return
    cases: dict[str, Case] = {}
    for one in named:
        cases |= by_hand(one)
    if not named:
        for name, troubles in CASES.items():
            cases |= {f"{name} {trouble}": (RIGS[name], trouble, 30.0) for trouble in troubles}
    metafunc.parametrize("case", [pytest.param(case, id=name, marks=marks(name)) for name, case in cases.items()])


def marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    """What a case needs that a machine may not have."""
    if not name.startswith("card/pcsc"):
        return ()
    return (pytest.mark.skipif(not CAN_BE_MADE, reason="needs what tests/pcscd.py and tests/pcscd_usb.py need"),)


def test_a_device_in_trouble_is_seen_comes_back_and_tells_nothing_that_was_not(case: Case, tmp_path: Path) -> None:
    make, trouble, for_s = case
    told = Told()
    with closing(make(tmp_path)) as rig:
        befalls = rig.troubles[trouble]
        opened = rig.anew if befalls.begun_anew and rig.anew else rig.open
        with closing(opened(told.emit)) as driver:
            driver.start()
            told.next_status(Status.READY, for_s)
            story(rig, driver, told, befalls, for_s)


@pytest.mark.parametrize("driver", ["/".join(which) for which in DRIVERS])
def test_every_trouble_of_every_driver_is_tried_shown_elsewhere_or_said_to_be_none(driver: str) -> None:
    tried = {trouble for name, troubles in CASES.items() if name.split()[0] == driver for trouble in troubles}
    elsewhere, cannot = ELSEWHERE.get(driver, {}), CANNOT.get(driver, {})
    assert tried | set(elsewhere) | set(cannot) == set(Trouble)
    assert not tried & set(cannot) and not set(elsewhere) & set(cannot)
    assert all(len(why.split()) >= 8 for why in cannot.values())


def test_every_rig_has_the_troubles_it_is_tried_with_and_no_other_driver_is_named() -> None:
    assert set(CASES) == set(RIGS)
    known = {"/".join(which) for which in DRIVERS}
    assert {name.split()[0] for name in RIGS} | set(ELSEWHERE) | set(CANNOT) <= known


@pytest.mark.parametrize("where", sorted({one for tests in ELSEWHERE.values() for one in tests.values()}))
def test_what_is_said_to_be_shown_elsewhere_is_a_test_that_is_collected_there(where: str) -> None:
    """By pytest's own names for files and functions; none of them is marked as run only when asked for."""
    path, _, name = where.partition("::")
    assert Path(path).name.startswith("test_") and name.startswith("test_")
    found = [
        one for one in ast.parse((ROOT / path).read_text(encoding="utf-8")).body if isinstance(one, ast.FunctionDef)
    ]
    (function,) = [one for one in found if one.name == name]
    marks = [ast.unparse(mark) for mark in function.decorator_list]
    assert not any("skip" in mark or "soak" in mark for mark in marks)
