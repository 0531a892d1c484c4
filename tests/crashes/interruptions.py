"""What is cut short, a sale or something beside it, and the till's return: what is checked whatever cut it short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contract.bodies import OutageCause
from tests.crashes.doings import SALE, Doing
from tests.crashes.promises import Books, every_paper_came, papers_tell_the_truth, read_books
from tests.crashes.strikes import Strike, attached
from tests.crashes.till_process import PAPER_OUT, RECOVERED, SIGN_IN, Till


def sell_and_be_struck(till: Till, trace: Path, *strikes: Strike) -> bool:
    """Close a sale of a till that is signed in; whether the process came to its end before the paper was out."""
    SALE.lead(till)
    return book_and_be_struck(till, SALE, trace, *strikes)


def book_and_be_struck(till: Till, doing: Doing, trace: Path, *strikes: Strike) -> bool:
    """Press the key that books what stands on the glass; whether the process came to its end before the paper was
    out.
    """
    with attached(till.pid, trace, *strikes):
        till.press(doing.last)
        till.await_that("an end of it", lambda: till.ended or till.shows(PAPER_OUT))
    return till.ended


def nothing_meanwhile() -> None:
    """The disk kept its power."""


def come_back(till: Till, before: Books, meanwhile: Callable[[], None] = nothing_meanwhile) -> Books:
    """Start the till again after its end in a sale or the like, and take the papers it still owes; the books as they
    are then.

    No entry of ``before`` has changed; at most the one has come; what any paper says is in the chain; the glass says of
    each whose paper may be missing that it is booked, the journal says that the till was not there, and all of them
    have their paper in the end.
    """
    roll = till.counter.printer.roll
    till.counter.lose_power()
    meanwhile()
    after = read_books(till.premises)
    assert after.sealed[: len(before.entries)] == before.sealed, "an entry has changed or is lost"
    assert len(after.booked) - len(before.booked) in (0, 1)
    papers_tell_the_truth(roll, after)
    till.start()
    till.see(RECOVERED if after.owed else SIGN_IN)
    assert len(till.take_owed_papers()) == len(after.owed)
    last = read_books(till.premises)
    assert last.owed == ()
    assert last.outages == (*before.outages, OutageCause.PROCESS)
    papers_tell_the_truth(roll, last)
    every_paper_came(roll, last.booked.values())
    return last
