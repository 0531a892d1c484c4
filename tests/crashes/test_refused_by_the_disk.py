"""The disk is full, or fails, at any write or sync of a sale: nothing is said to be sold, nothing is printed, and the
same basket is sold once when the disk obeys again.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from contract.bodies import OutageCause
from tests.crashes.promises import every_paper_came, papers_tell_the_truth, read_books
from tests.crashes.strikes import Strike, attached, fail
from tests.crashes.till_process import NOT_BOOKED, PAPER_OUT, RECOVERED, SIGN_IN, Till

MOST_CALLS = 60


def try_to_sell(till: Till, trace: Path, *strikes: Strike) -> tuple[bool, bool]:
    """Press the key that closes the basket on the glass; whether that was refused, and whether any call failed."""
    glass, roll = till.counter.glass, till.counter.printer.roll
    papers, sounds = len(roll.receipts), len(glass.sounds)
    with attached(till.pid, trace, *strikes) as calls:
        till.press("cash")
        till.await_that("an answer", lambda: bool({"refused", "success"} & till.sounds_since(sounds)))
        refused = "refused" in till.sounds_since(sounds)
        till.see(NOT_BOOKED if refused else PAPER_OUT)
        struck = calls.struck() > 0
    if refused:
        assert len(roll.receipts) == papers and roll.current is None
        assert "success" not in till.sounds_since(sounds)
    return refused, struck


@pytest.mark.parametrize(
    ("call", "error", "lasting"),
    [
        ("pwrite64", "ENOSPC", True),
        ("fdatasync", "EIO", True),
        ("fdatasync", "EIO", False),
        pytest.param("pwrite64", "EIO", False, marks=pytest.mark.soak),
        pytest.param("pwrite64", "ENOSPC", False, marks=pytest.mark.soak),
        pytest.param("pwrite64", "EIO", True, marks=pytest.mark.soak),
        pytest.param("fdatasync", "ENOSPC", True, marks=pytest.mark.soak),
        pytest.param("fdatasync", "ENOSPC", False, marks=pytest.mark.soak),
    ],
)
def test_whichever_call_of_a_sale_fails_it_is_refused_or_booked_and_the_same_basket_is_never_sold_twice(
    till: Till, call: str, error: str, lasting: bool, tmp_path: Path
) -> None:
    till.start()
    till.sign_in()
    refusals = 0
    for nth in count(1):
        assert nth < MOST_CALLS
        before = read_books(till.premises)
        till.key_amount("268.00")
        refused, struck = try_to_sell(till, tmp_path / f"{nth}.trace", fail(call, error, f"{nth}{'+' * lasting}"))
        after = read_books(till.premises)
        assert len(after.sales) == len(before.sales) + (not refused)
        if refused:
            refusals += 1
            till.press("cash")
            till.see(PAPER_OUT)
            assert len(read_books(till.premises).sales) == len(before.sales) + 1
        if not struck:
            break
    assert refusals >= {"pwrite64": 6, "fdatasync": 1}[call]
    till.end()
    last = read_books(till.premises)
    papers_tell_the_truth(till.counter.printer.roll, last)
    every_paper_came(till.counter.printer.roll, last.sales.values())
    till.start()
    till.see(RECOVERED if last.owed else SIGN_IN)


@pytest.mark.parametrize(
    ("call", "error", "cause"),
    [
        ("pwrite64", "ENOSPC", "full"),
        ("pwrite64", "EIO", "io"),
        ("fdatasync", "EIO", "io"),
        ("fdatasync", "ENOSPC", "io"),
    ],
)
def test_a_sale_that_was_refused_stays_refused_when_the_till_loses_its_power_and_the_journal_says_so(
    till: Till, call: str, error: str, cause: str, tmp_path: Path
) -> None:
    till.start()
    till.sign_in()
    before = read_books(till.premises)
    till.key_amount("268.00")
    refused, struck = try_to_sell(till, tmp_path / "trace", fail(call, error, "1"))
    assert refused and struck
    till.end()
    after = read_books(till.premises)
    assert (after.sales, after.owed) == (before.sales, ())
    assert after.events == (f"commit_refused sale: {cause}",)
    till.start()
    till.see(SIGN_IN)
    last = read_books(till.premises)
    assert (last.sales, last.owed, last.outages) == (before.sales, (), (OutageCause.PROCESS,))
