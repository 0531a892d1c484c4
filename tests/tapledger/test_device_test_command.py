"""``tapledger device test`` with each kind of device of a simulated counter: what is asked, seen and concluded, in
both languages.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.counter import Counter
from simulator.gpio import Board
from tapledger.main import main
from tests.tapledger.test_devices_command import CONFIG
from tests.waiting import eventually

CONTACT, DRAWER, LAMP = 24, 23, 4


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    counter = Counter(tmp_path)
    counter.start()
    yield counter
    counter.close()


@dataclass
class Trial:
    """One run of the command beside a person: `said` is everything it said, `status` how it ended."""

    said: str = ""
    status: int | None = None


@pytest.fixture
def try_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Trial]:
    def trial(name: str, table: dict[str, object], seconds: float, *steps: tuple[str, Callable[[], object]]) -> Trial:
        """Run it; whenever it says the words of a step, the step is done."""
        rows = [CONFIG, f"[devices.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
        config = tmp_path / "agent.toml"
        config.write_text("\n".join(rows) + "\n", encoding="utf-8")
        trial, ended = Trial(), list[int]()
        command = ["device", "test", str(config), name, "--seconds", str(seconds)]
        running = threading.Thread(target=lambda: ended.append(main(command)))
        running.start()
        for words, act in steps:

            def said(words: str = words) -> bool:
                trial.said += capsys.readouterr().out
                return words in trial.said

            eventually(said)
            act()
        running.join(60)
        trial.said += capsys.readouterr().out
        trial.status = ended[0]
        return trial

    return trial


def test_a_pole_shows_each_lamp_by_a_name_in_each_language(counter: Counter, try_out: Callable[..., Trial]) -> None:
    trial = try_out("pole", counter.device_table()["pole"], 1)
    assert trial.status == 0
    for words in ("灯：不亮", "灯：合计", "灯：找零", "lamp: none", "lamp: total", "lamp: change"):
        assert words in trial.said
    assert "NONE" not in trial.said
    assert "结论：正常。" in trial.said and "verdict: good." in trial.said


def test_a_code_that_is_scanned_is_shown_and_one_that_is_not_whole_is_refused_by_name(
    counter: Counter, try_out: Callable[..., Trial]
) -> None:
    def scan_half() -> None:
        counter.scanner.send(b"half")

    def scan_whole() -> None:
        counter.scanner.send(b"\r")
        counter.scanner.scan("会员-1".encode())

    trial = try_out("code", counter.device_table()["code"], 30, ("Scan a code.", scan_half), ("不完整", scan_whole))
    assert trial.status == 0
    assert "this code cannot be used: garbled" in trial.said
    assert "8 字节：会员-1" in trial.said and "8 bytes: 会员-1" in trial.said


def test_a_screen_gets_the_picture(counter: Counter, try_out: Callable[..., Trial]) -> None:
    trial = try_out("glass", counter.device_table()["glass"], 0.5)
    assert trial.status == 0
    assert counter.glass.text == ("TEST",)
    assert "屏幕应显示" in trial.said and "The screen should show" in trial.said


def test_a_panel_has_its_lamps_lit_its_drawer_opened_and_its_contacts_named(try_out: Callable[..., Trial]) -> None:
    board = Board()
    board.plug()
    table: dict[str, object] = {"technology": "gpio", "ready": LAMP, "drawer": DRAWER, "tamper": CONTACT}
    trial = try_out(
        "panel",
        table,
        3,
        ("Move the contacts", lambda: board.ground(CONTACT)),
        ("机箱打开", lambda: board.release(CONTACT)),
    )
    assert trial.status == 0
    assert board.levels(DRAWER)[:2] == [False, True] and True in board.levels(LAMP)
    for words in ("“就绪”灯应亮", "lamp ready should be lit", "the case is open", "机箱合上", "the case is closed"):
        assert words in trial.said
    board.unplug()


def test_a_page_that_does_not_come_out_says_why_in_each_language(
    counter: Counter, try_out: Callable[..., Trial]
) -> None:
    def take_paper() -> None:
        counter.printer.paper(False)

    take_paper()
    trial = try_out("printer", counter.device_table()["printer"], 1)
    assert trial.status == 1
    assert "结论：不正常。" in trial.said and "verdict: not good." in trial.said
    assert "缺纸" in trial.said and "paper" in trial.said
