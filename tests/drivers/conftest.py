"""`--device NAME=WHERE`: the promises of the matrix on real hardware, with somebody before it."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option; it is known where pytest is given this folder or a file in it."""
    parser.addoption(
        "--device",
        action="append",
        metavar="NAME=WHERE",
        help="try test_matrix.py on this device: card=pn532_uart:/dev/ttyS0, printer=HOST:PORT ... (with -s)",
    )
