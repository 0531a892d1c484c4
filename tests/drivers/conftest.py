"""`--device NAME=WHERE`: the promises of the matrix on real hardware, with somebody before it; and peers that many of
these tests have.
"""

from collections.abc import Iterator

import pytest

from simulator.gpio import Board
from simulator.printer import Printer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option; it is known where pytest is given this folder or a file in it."""
    parser.addoption(
        "--device",
        action="append",
        metavar="NAME=WHERE",
        help="try test_matrix.py on this device: card=pn532_uart:/dev/ttyS0, printer=HOST:PORT ... (with -s)",
    )


@pytest.fixture
def board() -> Iterator[Board]:
    """The pins of this process."""
    board = Board()
    board.plug()
    yield board
    board.unplug()


@pytest.fixture
def printer() -> Iterator[Printer]:
    """A printer on a TCP port."""
    printer = Printer()
    printer.start()
    yield printer
    printer.close()
