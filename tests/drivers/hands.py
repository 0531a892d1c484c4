"""Real devices for the matrix: a person is told what to do at each, and does it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.drivers.facts import CardPresented, CodeScanned, Fact, KeyPressed, PrintFinished
from agent.drivers.pole_serial import PoleText
from agent.drivers.table import check_options
from agent.paper import Cut, Paper, Text
from tests.drivers.matrix_rigs import Befalls, Rig, Trouble, children_naming, opened

PATIENCE_S = 120.0
"""A person has to fetch the card first."""

Made = Callable[[Path], Rig]


def by_hand(named: str) -> dict[str, tuple[Made, Trouble, float]]:
    """The tests of a device named `NAME=WHERE`. Raises SettingsError for an address no driver can be given, KeyError
    for a device that no person can try.
    """
    name, _, where = named.partition("=")
    technology, options = _options(name, where)
    check_options(name, technology, options)
    troubles: list[Trouble] = [Trouble.UNPLUGGED]
    if technology == "libnfc":
        troubles.append(Trouble.KILLED)

    def made(_folder: Path) -> Rig:
        return _rig(name, technology, options, where)

    return {f"{named} {trouble}": (made, trouble, PATIENCE_S) for trouble in troubles}


def _options(name: str, where: str) -> tuple[str, dict[str, object]]:
    if name == "card":
        return "libnfc", {"connstring": where}
    if name == "printer" and not where.startswith("/"):
        host, _, port = where.partition(":")
        return "escpos", {"host": host, "port": int(port or 9100)}
    if name == "printer":
        return "escpos", {"connection": "serial" if "tty" in where or "line-" in where else "file", "path": where}
    by_kernel = where.startswith("/dev/input/") or "/keys-" in where
    return "evdev" if by_kernel else "serial", {"path": where}


def _rig(name: str, technology: str, options: dict[str, object], where: str) -> Rig:
    act, came = _ACTS[name]
    troubles = {
        Trouble.UNPLUGGED: Befalls(
            lambda: _ask(f"{name}: pull the cable now · 请拔下线"),
            lambda: _ask(f"{name}: put the cable back now · 请插回线"),
            seen=name != "pole",
        ),
        Trouble.KILLED: Befalls(lambda: _kill(where), lambda: None),
    }
    return Rig(opened(name, technology, **options), act, came, troubles)


def _kill(where: str) -> None:
    for child in children_naming(where):
        os.kill(child, signal.SIGKILL)


def _ask(words: str) -> None:
    print(f"\n>>> {words}", flush=True)


def _asking(words: str) -> Callable[[Any, int], object]:
    def act(_driver: Any, number: int) -> None:
        # While the cable is off nothing can be done, and nothing is asked for.
        if number != 2:
            _ask(words)

    return act


def _nth(kind: type[Fact]) -> Callable[[int, tuple[Fact, ...]], int]:
    """People's acts have no numbers: the first fact belongs to the first act, the second to the last."""

    def came(number: int, facts: tuple[Fact, ...]) -> int:
        many = sum(isinstance(fact, kind) for fact in facts)
        return {1: int(many >= 1), 2: 0, 3: max(0, many - 1)}[number]

    return came


def _print(driver: Any, number: int) -> None:
    if number != 2:
        driver.print(f"job-{number}", Paper((Text(f"测试 test {number}"), Cut())))


def _show(driver: Any, number: int) -> None:
    driver.show(PoleText((f"{number}" * 8,), (f"{number}" * 8,), f"{number}" * 4))
    _ask(f"pole: it should show {number} now · 客显应显示 {number}")


_ACTS: dict[str, tuple[Callable[[Any, int], object], Callable[[int, tuple[Fact, ...]], int]]] = {
    "card": (_asking("card: hold a card to the reader once, and take it away · 请刷一次卡并拿开"), _nth(CardPresented)),
    "code": (_asking("code: scan one code, once · 请扫一次码"), _nth(CodeScanned)),
    "keypad": (_asking("keypad: press one key, once · 请按一次键"), _nth(KeyPressed)),
    "printer": (_print, _nth(PrintFinished)),
    "pole": (_show, lambda _number, _facts: 1),
}
