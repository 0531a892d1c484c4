"""What the matrix keypad's driver promises, on gpiozero's mock pins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.facts import Key, KeyPressed, Status
from agent.drivers.keypad_gpio import KeypadGpio, KeypadGpioOptions, Matrix
from contract.settings import SettingsError
from simulator.gpio import Board, MatrixKeypad
from tests.drivers.told import Told
from tests.waiting import eventually

ROWS, COLUMNS = [5, 6, 13, 19], [12, 16, 20, 21]
KEYS = ["1 2 3 clear", "4 5 6 cancel", "7 8 9 member", "00 0 . enter"]
TABLE: dict[str, object] = {"rows": ROWS, "columns": COLUMNS, "keys": KEYS}
PLACES = st.frozensets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6)


@pytest.fixture
def keypad(board: Board) -> MatrixKeypad:
    return MatrixKeypad(board, ROWS, COLUMNS)


@pytest.fixture
def told(keypad: MatrixKeypad) -> Iterator[Told]:
    told = Told()
    driver = KeypadGpio("keypad", KeypadGpioOptions.from_table(TABLE), told.emit)
    driver.start()
    told.next_status(Status.READY)
    yield told
    driver.close()


def test_each_key_of_the_matrix_counts_once_when_it_goes_down(keypad: MatrixKeypad, told: Told) -> None:
    for row, names in enumerate(KEYS):
        for column, name in enumerate(names.split()):
            keypad.press(row, column)
            assert told.next(KeyPressed).key == name
            keypad.release(row, column)
    assert len(told.of(KeyPressed)) == 16


def test_a_key_that_is_held_counts_once_and_others_count_beside_it(keypad: MatrixKeypad, told: Told) -> None:
    keypad.press(0, 0)
    assert told.next(KeyPressed).key is Key.DIGIT_1
    keypad.press(1, 1)
    assert told.next(KeyPressed).key is Key.DIGIT_5
    keypad.release(1, 1)
    keypad.release(0, 0)
    keypad.press(3, 3)
    assert told.next(KeyPressed).key is Key.ENTER
    assert [fact.key for fact in told.of(KeyPressed)] == [Key.DIGIT_1, Key.DIGIT_5, Key.ENTER]


def test_three_corners_of_a_rectangle_press_no_fourth(keypad: MatrixKeypad, told: Told) -> None:
    keypad.press(0, 0)
    told.next(KeyPressed)
    keypad.press(0, 1)
    told.next(KeyPressed)
    keypad.press(1, 0)
    keypad.release(1, 0)
    keypad.release(0, 1)
    keypad.release(0, 0)
    keypad.press(3, 3)
    eventually(lambda: told.of(KeyPressed)[-1].key is Key.ENTER)
    assert Key.DIGIT_5 not in [fact.key for fact in told.of(KeyPressed)]


def test_while_nobody_presses_the_pins_rest(board: Board, keypad: MatrixKeypad, told: Told) -> None:
    keypad.press(0, 0)
    told.next(KeyPressed)
    keypad.release(0, 0)
    # All rows low: the next key will be told by an edge.
    eventually(lambda: not any(board.level(row) for row in ROWS))
    changes = len(board.levels(5))
    keypad.press(2, 2)
    assert told.next(KeyPressed).key is Key.DIGIT_9
    assert len(board.levels(5)) > changes


@given(st.lists(PLACES, max_size=40))
def test_a_key_goes_down_only_where_two_looks_saw_it_and_never_twice_in_one_press(
    looks: list[frozenset[tuple[int, int]]],
) -> None:
    matrix = Matrix()
    before: frozenset[tuple[int, int]] = frozenset()
    down: set[tuple[int, int]] = set()
    for closed in looks:
        down &= closed | before
        pressed = matrix.look(closed)
        assert set(pressed) <= closed & before
        assert not set(pressed) & down
        down |= set(pressed)
        before = closed
    matrix.look(frozenset())
    matrix.look(frozenset())
    assert matrix.quiet


def test_pins_that_another_device_has_or_the_board_has_not_are_told(board: Board) -> None:
    told = Told()
    first = KeypadGpio("keypad", KeypadGpioOptions.from_table(TABLE), told.emit)
    first.start()
    told.next_status(Status.READY)
    second = KeypadGpio("other", KeypadGpioOptions.from_table(TABLE), told.emit)
    second.start()
    assert told.next_status(Status.CONFIG_ERROR).reason == "pin_taken_twice"
    first.close()
    told.next_status(Status.READY)
    second.close()
    far = KeypadGpio("far", KeypadGpioOptions.from_table(TABLE | {"rows": [50, 51, 52, 53]}), told.emit)
    far.start()
    assert told.next_status(Status.CONFIG_ERROR).reason == "wrong_pin"
    far.close()


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [1, 1, 2, 3]},
        {"rows": []},
        {"columns": "12"},
        {"keys": ["1 2 3 nosuch"] * 4},
        {"keys": ["1 2 3"] * 4},
        {"keys": ["1 2 3 4"]},
    ],
)
def test_a_wrong_table_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        KeypadGpioOptions.from_table(TABLE | change)
