"""The power goes, or the disk refuses, in the middle of a top-up, a redemption, a return and the end of a shift: each
is whole or not there, its paper comes, and what members have is what the chain says.

A few cuts here; every call of each is behind the marker, with ``./dev test -m soak tests/crashes``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from contract.bodies import EntryKind
from tests.crashes.doings import BESIDE_SALES, Doing, giving_pack, recognise
from tests.crashes.interruptions import book_and_be_struck, come_back
from tests.crashes.premises import Premises, bear
from tests.crashes.promises import (
    Books,
    every_paper_came,
    papers_tell_the_truth,
    read_books,
    value_follows_from_the_chain,
)
from tests.crashes.strikes import Strike, attached, fail, kill
from tests.crashes.till_process import NOT_BOOKED, PAPER_OUT, Counter, Till

MOST_CALLS = 80


@pytest.fixture(scope="module")
def giving(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """A terminal's disk whose rules give points and bonus, before its first sale; to be copied."""
    return bear(tmp_path_factory.mktemp("giving"), giving_pack())


@pytest.fixture
def shop(tmp_path: Path, giving: Premises, counter: Counter) -> Iterator[Till]:
    """A till that is signed in and at which the member has earned points."""
    premises = giving.copied(tmp_path / "a1")
    premises.write_config(counter.device_table())
    till = Till(premises, counter)
    try:
        till.start()
        till.sign_in()
        recognise(till)
        till.sell("268.00")
        yield till
    finally:
        till.end()


def of_kind(books: Books, doing: Doing) -> int:
    """How many of it are booked."""
    return sum(entry.header.kind is doing.kind for entry in books.entries)


def interrupted(till: Till, doing: Doing, strike: Strike, folder: Path) -> tuple[bool, int]:
    """Do it and be struck, come back and sign in; whether the process was killed, and how many more are booked."""
    doing.lead(till)
    before = read_books(till.premises)
    trace = folder / "trace"
    trace.unlink(missing_ok=True)
    killed = book_and_be_struck(till, doing, trace, strike)
    if killed:
        come_back(till, before)
        till.sign_in()
    after = read_books(till.premises)
    value_follows_from_the_chain(till.premises, after, folder / "copy")
    return killed, of_kind(after, doing) - of_kind(before, doing)


def refused_or_booked(till: Till, doing: Doing, strike: Strike, folder: Path) -> tuple[bool, bool]:
    """Press the last key while a call fails; whether it was refused, and whether any call failed. What was refused is
    booked at the next press.
    """
    doing.lead(till)
    before = of_kind(read_books(till.premises), doing)
    papers, sounds = len(till.counter.printer.roll.receipts), len(till.counter.glass.sounds)
    trace = folder / "trace"
    trace.unlink(missing_ok=True)
    with attached(till.pid, trace, strike) as calls:
        till.press(doing.last)
        till.await_that("an answer", lambda: bool({"refused", "success"} & till.sounds_since(sounds)))
        refused = "refused" in till.sounds_since(sounds)
        till.see(NOT_BOOKED if refused else PAPER_OUT)
        struck = calls.struck() > 0
    assert of_kind(read_books(till.premises), doing) - before == (not refused)
    if refused:
        assert len(till.counter.printer.roll.receipts) == papers
        till.press(doing.last)
        till.see(PAPER_OUT)
        assert of_kind(read_books(till.premises), doing) - before == 1
    value_follows_from_the_chain(till.premises, read_books(till.premises), folder / "copy")
    return refused, struck


@pytest.mark.parametrize(("call", "nth", "booked"), [("pwrite64", 3, 0), ("fdatasync", 1, 1)])
def test_what_is_cut_short_is_whole_or_not_there_and_its_paper_comes(
    shop: Till, call: str, nth: int, booked: int, tmp_path: Path
) -> None:
    """Killed before the last page of the log is written, nothing is there; killed as it is to be synced, all of it."""
    for doing in BESIDE_SALES:
        assert interrupted(shop, doing, kill(call, nth), tmp_path) == (True, booked)


@pytest.mark.parametrize(("call", "error"), [("pwrite64", "ENOSPC"), ("fdatasync", "EIO")])
def test_what_a_full_or_failing_disk_refuses_is_booked_once_when_it_obeys_again(
    shop: Till, call: str, error: str, tmp_path: Path
) -> None:
    for doing in BESIDE_SALES:
        assert refused_or_booked(shop, doing, fail(call, error, "1+"), tmp_path) == (True, True)
    last = read_books(shop.premises)
    papers_tell_the_truth(shop.counter.printer.roll, last)
    every_paper_came(shop.counter.printer.roll, last.booked.values())


@pytest.mark.soak
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "write", "sendto"])
@pytest.mark.parametrize("doing", BESIDE_SALES, ids=lambda doing: doing.kind)
def test_whichever_call_it_is_killed_at_it_is_whole_or_not_there(
    shop: Till, doing: Doing, call: str, tmp_path: Path
) -> None:
    booked = 0
    for nth in count(1):
        assert nth < MOST_CALLS
        if doing.kind is EntryKind.REDEMPTION:
            recognise(shop)
            shop.sell("268.00")
        killed, more = interrupted(shop, doing, kill(call, nth), tmp_path)
        booked += more
        if not killed:
            break
    assert nth > {"pwrite64": 6, "fdatasync": 1, "write": 2, "sendto": 1}[call]
    assert of_kind(read_books(shop.premises), doing) == booked


@pytest.mark.soak
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("doing", BESIDE_SALES, ids=lambda doing: doing.kind)
def test_whichever_call_fails_it_is_refused_or_booked_and_never_twice(
    shop: Till, doing: Doing, call: str, error: str, lasting: bool, tmp_path: Path
) -> None:
    for nth in count(1):
        assert nth < MOST_CALLS
        strike = fail(call, error, f"{nth}{'+' * lasting}")
        _refused, struck = refused_or_booked(shop, doing, strike, tmp_path)
        if not struck:
            break
    last = read_books(shop.premises)
    papers_tell_the_truth(shop.counter.printer.roll, last)
    every_paper_came(shop.counter.printer.roll, last.booked.values())
