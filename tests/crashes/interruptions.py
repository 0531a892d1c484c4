"""A sale that is cut short, and the till's return: what is checked each time, whatever cut it short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contract.bodies import OutageCause
from tests.crashes.promises import Books, every_sale_has_its_paper, papers_tell_the_truth, read_books
from tests.crashes.strikes import Strike, attached
from tests.crashes.till_process import PAPER_OUT, RECOVERED, SIGN_IN, Till


def sell_and_be_struck(till: Till, trace: Path, *strikes: Strike) -> bool:
    """Close a sale of a till that is signed in; whether the process came to its end before the paper was out."""
    till.key_amount("268.00")
    with attached(till.pid, trace, *strikes):
        till.press("cash")
        till.await_that("an end of the sale", lambda: till.ended or till.shows(PAPER_OUT))
    return till.ended


def nothing_meanwhile() -> None:
    """The disk kept its power."""


def come_back(till: Till, before: Books, meanwhile: Callable[[], None] = nothing_meanwhile) -> Books:
    """Start the till again after its end in a sale, and take the papers it still owes; the books as they are then.

    No entry of ``before`` has changed; at most the one sale has come; what any paper says is in the chain; the glass
    says of each sale whose paper may be missing that it is booked, the journal says that the till was not there, and
    every sale has its paper in the end.
    """
    roll = till.counter.printer.roll
    till.counter.lose_power()
    meanwhile()
    after = read_books(till.premises)
    assert after.sealed[: len(before.entries)] == before.sealed, "an entry has changed or is lost"
    assert len(after.sales) - len(before.sales) in (0, 1)
    papers_tell_the_truth(roll, after)
    till.start()
    till.see(RECOVERED if after.owed else SIGN_IN)
    assert len(till.take_owed_papers()) == len(after.owed)
    last = read_books(till.premises)
    assert last.owed == ()
    assert last.outages == (*before.outages, OutageCause.PROCESS)
    papers_tell_the_truth(roll, last)
    every_sale_has_its_paper(roll, last.sales.values())
    return last
