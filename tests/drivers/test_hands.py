"""The matrix on real hardware asks a person; here the person is a thread that reads what is asked and does it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.settings import SettingsError
from simulator.keypad import Keypad
from tests.drivers.hands import by_hand
from tests.drivers.matrix_rigs import Trouble
from tests.drivers.test_matrix import (
    test_a_device_in_trouble_is_seen_comes_back_and_tells_nothing_that_was_not as tried,
)


class Person:
    """Does what is asked on the screen, one thing after the other."""

    def __init__(self, read: Callable[[], str], keypad: Keypad) -> None:
        self._read = read
        self._does = {"press one key": lambda: keypad.press("7"), "pull": keypad.unplug, "put": keypad.replug}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._obey)
        self.asked: list[str] = []

    def __enter__(self) -> Person:
        self._thread.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        self._over.set()
        self._thread.join()

    def _obey(self) -> None:
        while not self._over.wait(0.05):
            for line in self._read().splitlines():
                for words, do in self._does.items():
                    if line.startswith(">>> ") and words in line:
                        self.asked.append(words)
                        do()


def test_a_person_who_does_what_is_asked_sees_a_device_of_theirs_keep_every_promise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keypad = Keypad(tmp_path / "keypad")
    keypad.start()
    cases = by_hand(f"keypad={keypad.path}")
    (case,) = cases.values()
    assert case[1] is Trouble.UNPLUGGED
    with Person(lambda: capsys.readouterr().out, keypad) as person:
        tried(case, tmp_path)
    keypad.close()
    assert person.asked == ["press one key", "pull", "put", "press one key"]


@pytest.mark.parametrize(("named", "many"), [("card=pn532_uart:/dev/ttyS0", 2), ("printer=printer.shop.test:9100", 1)])
def test_any_device_a_person_can_try_is_taken_by_its_address(named: str, many: int) -> None:
    assert len(by_hand(named)) == many


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError):
        by_hand("card=ttyS0")
