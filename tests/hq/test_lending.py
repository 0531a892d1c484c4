"""Value is lent to one till at a time: nothing is spent twice, whatever order head office hears of it in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.bodies import CancelBody, EntryKind
from contract.ids import TerminalAddress
from contract.value import Lease
from hq.db import migrate, open_database
from hq.exposure import exposure
from hq.placement import DEFAULT_LENDING
from tests.hq.borrowers import (
    Borrower,
    balance_of,
    causes,
    lend,
    open_causes,
    require_sound,
    take_step,
)
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice, Till, head_office
from tests.hq.trades import sale_body

A2 = TerminalAddress(TENANT, "shop-a", "a2")


def test_what_was_topped_up_at_one_till_is_spendable_there_at_once_and_nowhere_else(hq: HeadOffice) -> None:
    a = Borrower(hq, hq.enrolled(A1))
    a.top_up(10_000, 2_000)
    a.spend(6_000)
    a.sync()
    require_sound(hq)
    assert lend(hq, B1, 1_000) == 0
    assert a.wallet() == 6_000
    assert -balance_of(hq, "member/m1/principal") - balance_of(hq, "member/m1/bonus") == 6_000


def test_head_office_lends_what_is_free_and_what_came_back(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000, 2_000)
    a.give_back()
    a.sync()
    assert lend(hq, B1, 6_000) == 6_000
    assert lend(hq, A1, 9_000) == 6_000
    b.activate()
    assert b.wallet() == 6_000
    b.spend(9_000)
    assert b.wallet() == 0
    b.sync()
    require_sound(hq)
    assert -balance_of(hq, "member/m1/principal") - balance_of(hq, "member/m1/bonus") == 6_000
    assert causes(hq) == set()


def test_a_lease_past_its_time_is_neither_free_nor_lent_until_it_is_accounted_for(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000, keep=False)
    a.sync()
    assert lend(hq, B1, 10_000) == 10_000
    b.activate()
    b.spend(4_000)
    late_ms = NOW_MS + 30 * 86_400_000
    take_step(hq, late_ms)
    assert lend(hq, A1, 1, now_ms=late_ms) == 0
    b.give_back()
    b.sync(late_ms)
    require_sound(hq)
    assert lend(hq, A1, 10_000, now_ms=late_ms) == 6_000


def test_a_slip_moves_value_to_one_till_and_is_taken_once(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000)
    slip = a.slip_out(B1, 7_000)
    assert slip is not None
    assert a.wallet() == 3_000
    b.slip_in(slip, a.till)
    b.spend(5_000)
    # The addressee's journal comes first: what it spent is covered though head office knows of no top-up.
    b.sync()
    require_sound(hq)
    a.sync()
    require_sound(hq)
    assert balance_of(hq, "office/slips_ahead") == 0
    assert balance_of(hq, "member/m1/principal") == -5_000
    b.slip_in(slip, a.till)
    b.spend(7_000)
    b.sync()
    assert {"slip_doubled", "lease_overdrawn"} <= causes(hq)
    # The member pays for nothing that the till took twice.
    assert balance_of(hq, "member/m1/principal") == -3_000
    assert balance_of(hq, "shop/shop-b/beyond_leases") == 7_000 - 2_000
    require_sound(hq)


def test_a_copied_till_spends_again_at_most_what_its_leases_held_and_its_shop_bears_it(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000, keep=False)
    a.sync()
    lend(hq, B1, 6_000)
    b.activate()
    b.sync()
    copied = dict(b.held)
    b.spend(6_000)
    b.held = copied
    b.spend(6_000)
    b.sync()
    assert causes(hq) == {"lease_overdrawn"}
    assert balance_of(hq, "member/m1/principal") == -4_000
    assert balance_of(hq, "shop/shop-b/beyond_leases") == 6_000
    require_sound(hq)


def test_what_was_spent_before_head_office_heard_of_its_lease_is_drawn_from_it_once_it_has(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000, 2_000)
    a.spend(6_000)
    slip = a.slip_out(B1, 1_000)
    assert slip is not None
    a.begin_epoch(head_proven=True)
    _start, top_up, sale, paper = a.till.entries
    # A part that could not be read at first is carried after the rest.
    del a.till.entries[1:]
    a.till.carry(sale)
    a.till.carry(paper)
    a.sync()
    take_step(hq)
    assert causes(hq) == {"epoch_began", "lease_unknown"}
    assert balance_of(hq, "shop/shop-a/beyond_leases") == 7_000
    assert balance_of(hq, "shop/shop-a/settlement") == 4_000 - 4_000 - 1_000
    a.till.carry(top_up)
    a.sync()
    nothing_lent = replace(DEFAULT_LENDING, home_bp=0, next_bp=0)
    take_step(hq, NOW_MS + 60_000, nothing_lent)
    require_sound(hq)
    assert open_causes(hq) == {"epoch_began"}
    assert balance_of(hq, "shop/shop-a/beyond_leases") == 0
    assert -balance_of(hq, "member/m1/principal") - balance_of(hq, "member/m1/bonus") == 6_000
    assert -balance_of(hq, "shop/shop-a/settlement") == balance_of(hq, "pool/settlement/shop-a") == 10_000 - 4_000
    # What is left of it is free, for everything of that epoch is here; the slip is still on its way.
    assert lend(hq, B1, 20_000, now_ms=NOW_MS + 60_000) == 5_000
    b.slip_in(slip, a.till)
    b.sync()
    require_sound(hq)


def test_what_was_lent_to_an_epoch_that_has_ended_stays_suspended(hq: HeadOffice) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000, keep=False)
    a.sync()
    lend(hq, B1, 6_000)
    b.activate()
    b.sync()
    b.begin_epoch()
    b.sync()
    assert lend(hq, A1, 10_000) == 4_000
    # To the new epoch head office lends again, on the chain of documents that goes on.
    lend(hq, B1, 1)
    require_sound(hq)


@pytest.mark.parametrize("story", ["whole", "nothing sworn", "one missing", "went two ways", "one held"])
def test_what_an_ended_epoch_held_is_free_once_all_its_entries_are_here_and_not_before(
    hq: HeadOffice, story: str
) -> None:
    a, b = Borrower(hq, hq.enrolled(A1)), Borrower(hq, hq.enrolled(B1))
    a.top_up(10_000, keep=False)
    a.sync()
    lend(hq, B1, 6_000)
    b.activate()
    b.sync()
    b.spend(1_000)
    b.top_up(2_000, 500)
    before, nothing_lent = b.till, replace(DEFAULT_LENDING, home_bp=0, next_bp=0)
    if story == "one held":
        foreign = sale_body("shop-a", [], hq.pack, hq.ref, "b1", NOW_MS)
        b.till.sell(foreign)
    b.begin_epoch(head_proven=story != "nothing sworn")
    last = b.till.entries.pop()
    b.sync()
    take_step(hq, policy=nothing_lent)
    assert lend(hq, A1, 20_000) == 4_000
    b.till.entries += [last] if story != "one missing" else []
    if story == "went two ways":
        # A copy of the till goes on in the epoch that has ended.
        copy = Till(B1)
        copy.signer, copy.entries = before.signer, before.entries[:1]
        hq.offer(copy, copy.append(EntryKind.CANCEL, CancelBody("01", 1, 1)))
    b.sync()
    take_step(hq, NOW_MS + 60_000, nothing_lent)
    freed = lend(hq, A1, 20_000, now_ms=NOW_MS + 60_000)
    assert freed == (5_000 + 2_500 if story == "whole" else 0)
    require_sound(hq)


@pytest.fixture(scope="module")
def prepared_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books with all tables and nothing in them: making them takes longer than a story."""
    books = tmp_path_factory.mktemp("books") / "empty.db"
    engine = open_database(f"sqlite:///{books}")
    migrate(engine)
    engine.dispose()
    return books


@contextmanager
def copied_office(books: Path) -> Iterator[HeadOffice]:
    """A head office on a copy of ``books``."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(books, Path(folder) / "hq.db")
        with head_office(f"sqlite:///{folder}/hq.db") as hq:
            yield hq


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "top_up",
                "spend",
                "spend",
                "back",
                "slip",
                "take",
                "sync",
                "sync",
                "lend",
                "lend",
                "activate",
                "step",
                "epoch",
            ]
        ),
        st.integers(0, 2),
        st.integers(1, 9_000),
    ),
    min_size=5,
    max_size=40,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_with_honest_tills_no_account_is_ever_below_what_is_lent_of_it(
    prepared_books: Path, steps: list[tuple[str, int, int]]
) -> None:
    with copied_office(prepared_books) as hq:
        tills = [Borrower(hq, hq.enrolled(address)) for address in (A1, A2, B1)]
        paper: list[tuple[bytes, int, int]] = []
        for what, who, amount in steps:
            till = tills[who]
            match what:
                case "top_up":
                    till.top_up(amount, amount // 5)
                case "spend":
                    till.spend(amount)
                case "back":
                    till.give_back()
                case "slip":
                    slip = till.slip_out(tills[(who + 1) % 3].address, amount)
                    paper += [] if slip is None else [(slip, who, (who + 1) % 3)]
                case "take" if paper:
                    slip, giver, addressee = paper.pop(amount % len(paper))
                    tills[addressee].slip_in(slip, tills[giver].till)
                case "sync":
                    till.sync()
                case "lend":
                    lend(hq, till.address, amount)
                case "activate":
                    till.activate()
                case "step":
                    take_step(hq)
                case "epoch" if till.till.entries:
                    till.sync()
                    till.begin_epoch()
            require_sound(hq)
        for till in tills:
            till.sync()
            require_sound(hq)
        for slip, giver, addressee in paper:
            tills[addressee].slip_in(slip, tills[giver].till)
            tills[addressee].spend(100_000)
            tills[addressee].sync()
            require_sound(hq)
        assert causes(hq) <= {"epoch_began", "price_differs", "effects_differ", "postings_differ", "points_differ"}


COPIES = st.lists(
    st.tuples(
        st.sampled_from(["top_up", "spend", "copy", "again", "back", "sync", "lend", "activate"]),
        st.integers(0, 1),
        st.integers(1, 9_000),
    ),
    min_size=5,
    max_size=30,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(COPIES)
def test_copies_of_a_till_take_at_most_what_its_leases_held_and_its_shop_bears_it_all(
    prepared_books: Path, steps: list[tuple[str, int, int]]
) -> None:
    with copied_office(prepared_books) as hq:
        tills = [Borrower(hq, hq.enrolled(address)) for address in (A1, B1)]
        held = [0, 0]
        copies: list[dict[bytes, Lease]] = [{}, {}]
        for what, who, amount in steps:
            till = tills[who]
            match what:
                case "top_up":
                    till.top_up(amount, amount // 5)
                case "spend":
                    till.spend(amount)
                case "copy":
                    copies[who] = dict(till.held)
                    held[who] += till.wallet()
                case "again":
                    # The copy spends what it holds; head office hears of it in the same journal.
                    till.held, copies[who] = copies[who], till.held
                    till.spend(amount)
                    till.held, copies[who] = copies[who], till.held
                case "back":
                    till.give_back()
                case "sync":
                    till.sync()
                case "lend":
                    lend(hq, till.address, amount)
                case "activate":
                    till.activate()
            require_sound(hq)
        for till in tills:
            till.sync()
        require_sound(hq)
        for till, most in zip(tills, held, strict=True):
            beyond = balance_of(hq, f"shop/{till.address.shop}/beyond_leases")
            assert 0 <= beyond <= most
            told = next((item for item in hq.look(exposure).terminals if item.address == str(till.address)), None)
            assert beyond == (0 if told is None else told.beyond_minor)
