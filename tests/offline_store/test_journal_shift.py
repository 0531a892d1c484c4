"""Perpetual totals, the figures of a shift, and how the run before ended: all of it from the entries."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from agent.keys import Identity, new_transaction_id
from agent.offline_store.store import Shift, Store
from agent.offline_store.verify import verify_journal
from contract.bodies import EntryKind, OutageBody, OutageCause, ShiftCloseBody
from contract.journal import Entry
from contract.trade import PerpetualTotals, TopUpBody
from contract.value import born_lease_id
from tests.contract.bodies import STORED, refund, top_up
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import NOON_MS, begin_epoch, cancel, identity, opened, sell, stamp
from tests.offline_store.cutting import Current, PowerCut


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def store(tmp_path: Path, who: Identity) -> Iterator[Store]:
    found = opened(tmp_path / "till.db", who)
    yield found
    found.close()


def _top_up(store: Store) -> Entry:
    """100.00 in cash into stored value."""
    name = new_transaction_id()
    lease = replace(top_up().born[0], lease=born_lease_id(name, STORED), lot=name)
    return store.append(EntryKind.TOP_UP, name, stamp(), replace(top_up(), born=(lease,)), owes_receipt=True)


def _refund(store: Store) -> Entry:
    """12.00 back, nothing of it in cash."""
    name = new_transaction_id()
    born = tuple(replace(lease, lease=born_lease_id(name, lease.account, lease.lot)) for lease in refund().born)
    return store.append(EntryKind.REFUND, name, stamp(), replace(refund(), born=born), owes_receipt=True)


def _close(store: Store, counted_minor: int = 0) -> Entry:
    """Close the shift as its figures say; the totals it comes with are wrong on purpose."""
    shift = store.shift()
    body = ShiftCloseBody(
        "1001", shift.first_seq, shift.number, shift.cash_expected_minor, counted_minor, PerpetualTotals(9, 9)
    )
    return store.append(EntryKind.SHIFT_CLOSE, new_transaction_id(), stamp(), body)


def test_refunds_and_top_ups_count_on_beside_sales_and_each_owes_its_paper(
    store: Store, tmp_path: Path, who: Identity
) -> None:
    sell(store, 500)
    _top_up(store)
    _refund(store)
    body = _top_up(store).body()
    assert isinstance(body, TopUpBody)
    assert body.totals == store.totals() == PerpetualTotals(1, 500, 1, 1_200, 2, 20_000)
    assert [place.seq for place in store.unprinted()] == [1, 2, 3, 4]
    last = store.last_sale()
    assert last is not None and last.header.seq == 1
    assert verify_journal(tmp_path / "till.db", ADDRESS, who.signer.public).totals == store.totals()
    store.close()
    store.open()
    assert store.totals() == body.totals


def test_a_shift_is_what_its_entries_say(store: Store) -> None:
    assert store.shift() == Shift(number=1, first_seq=1)
    sell(store, 500)
    sell(store, 700)
    _top_up(store)
    _refund(store)
    cancel(store)
    shift = store.shift()
    assert (shift.sales, shift.payable_minor, shift.top_ups, shift.topped_up_minor) == (2, 1_200, 1, 10_000)
    assert (shift.refunds, shift.refunded_minor, shift.cancels, shift.since_ms) == (1, 1_200, 1, NOON_MS)
    # What counts as cash is what was posted to the drawer, whatever the sale came to.
    assert shift.cash_expected_minor == 2 * 22_120 + 10_000


def test_the_next_shift_begins_behind_the_close_and_numbers_go_on(store: Store) -> None:
    sell(store)
    body = _close(store, 22_000).body()
    assert isinstance(body, ShiftCloseBody)
    assert (body.number, body.first_seq, body.cash_expected_minor, body.totals) == (1, 1, 22_120, store.totals())
    assert store.shift() == Shift(number=2, first_seq=3)
    sell(store)
    assert (store.shift().sales, store.shift().cash_expected_minor) == (1, 22_120)
    store.close()
    store.open()
    assert (store.shift().number, store.shift().sales) == (2, 1)
    _close(store)
    assert store.shift() == Shift(number=3, first_seq=5)


def test_a_shift_goes_on_across_epochs_and_counts_what_was_carried_once(store: Store) -> None:
    _close(store)
    sell(store)
    before = store.shift()
    begin_epoch(store, 2)
    assert store.shift() == replace(before, first_seq=1)
    sell(store)
    assert (store.shift().sales, store.shift().number) == (2, 2)


def test_a_run_that_was_closed_in_order_leaves_no_outage(store: Store) -> None:
    assert store.runs.outage(stamp()) is None
    store.runs.begin(new_transaction_id(), stamp())
    store.runs.end(stamp(5_000))
    store.close()
    store.open()
    assert store.runs.outage(stamp(9_000)) is None


def test_a_run_that_was_cut_off_tells_from_when_to_when_and_power_from_process(store: Store) -> None:
    store.runs.begin(new_transaction_id(), stamp())
    store.runs.alive(stamp(2_000))
    store.close()
    store.open()
    assert store.runs.outage(stamp(9_000)) == OutageBody(OutageCause.PROCESS, NOON_MS + 2_000, NOON_MS + 9_000, "")
    rebooted = replace(stamp(9_000), boot_id=bytes(15) + b"\1")
    assert store.runs.outage(rebooted) == OutageBody(OutageCause.POWER, NOON_MS + 2_000, NOON_MS + 9_000, "")


def test_the_newest_entry_is_a_sign_of_life_too(store: Store) -> None:
    store.runs.begin(new_transaction_id(), stamp(-50_000))
    sell(store)
    outage = store.runs.outage(stamp(1_000))
    assert outage is not None and outage.from_ms == NOON_MS
    backwards = store.runs.outage(stamp(-60_000))
    assert backwards is not None and backwards.from_ms == backwards.to_ms == NOON_MS - 60_000


@pytest.mark.parametrize("share", range(6))
def test_an_outage_and_the_mark_of_the_run_after_it_are_one_commit(tmp_path: Path, who: Identity, share: int) -> None:
    store = opened(tmp_path / "cut.db", who)
    store.runs.begin(new_transaction_id(), stamp())
    store.close()
    current = Current()
    store = Store(tmp_path / "cut.db", who, connect=current.connect)
    store.open()
    current.left = current.writes + share
    with suppress(PowerCut):
        store.runs.begin(new_transaction_id(), stamp(60_000))
    store.close()
    store = opened(tmp_path / "cut.db", who)
    store.runs.begin(new_transaction_id(), stamp(90_000))
    bodies = [store.entry(seq).body() for seq in range(1, store.head().seq + 1)]
    spans = [(body.from_ms - NOON_MS, body.to_ms - NOON_MS) for body in bodies if isinstance(body, OutageBody)]
    assert spans in ([(0, 90_000)], [(0, 60_000), (60_000, 90_000)])
    store.close()
