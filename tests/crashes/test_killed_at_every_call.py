"""The process is killed as it enters any call that writes or syncs, from the key that closes a sale to the mark that
its paper is out. Then it is started again.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tests.crashes.promises import Books, every_sale_has_its_paper, papers_tell_the_truth, read_books
from tests.crashes.strikes import Strike, attached, kill
from tests.crashes.till_process import PAPER_OUT, RECOVERED, SIGN_IN, Till

MOST_CALLS = 60
"""No call is made so often in one sale."""


def sell_and_be_struck(till: Till, trace: Path, *strikes: Strike) -> bool:
    """Close a sale of a till that is signed in; whether the process came to its end before the paper's mark."""
    till.key_amount("268.00")
    with attached(till.pid, trace, *strikes):
        till.press("cash")
        till.await_that("an end of the sale", lambda: till.ended or till.shows(PAPER_OUT))
    return till.ended


def come_back(till: Till, before: Books) -> Books:
    """Start the till again after its end in a sale, and check what it says; the books as they are then."""
    till.counter.lose_power()
    after = read_books(till.premises)
    assert len(after.sales) - len(before.sales) in (0, 1)
    assert [entry.sealed for entry in after.entries[: len(before.entries)]] == [
        entry.sealed for entry in before.entries
    ]
    papers_tell_the_truth(till.counter.printer.roll, after)
    till.start()
    if after.owed:
        till.see(RECOVERED)
    else:
        till.see(SIGN_IN)
    assert len(till.take_owed_papers()) == len(after.owed)
    return after


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "write", "sendto"])
def test_whichever_call_of_a_sale_it_is_killed_at_the_sale_is_whole_or_not_there_and_its_paper_comes(
    till: Till, call: str, tmp_path: Path
) -> None:
    roll = till.counter.printer.roll
    till.start()
    sold = 0
    for nth in count(1):
        assert nth < MOST_CALLS
        till.sign_in()
        before = read_books(till.premises)
        if not sell_and_be_struck(till, tmp_path / f"{nth}.trace", kill(call, nth)):
            break
        sold += len(come_back(till, before).sales) - len(before.sales)
    last = read_books(till.premises)
    assert last.owed == ()
    assert len(last.sales) == sold + 1
    papers_tell_the_truth(roll, last)
    every_sale_has_its_paper(roll, last.sales.values())
    # A sale is a log of several pages and one sync of it; head office's words on the glass and the paper follow.
    assert nth > {"pwrite64": 6, "fdatasync": 1, "write": 2, "sendto": 1}[call]
