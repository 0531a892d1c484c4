"""The courier where a chain ends, leases go back and the store's file is damaged: it goes on, and never in a loop."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.courier import EPOCHS_AN_HOUR, HOUR_MS, MEND_AGAIN_MS, TOLD_MS
from agent.offline_store.epochs import CARRIED_AT_ONCE
from agent.sync.facts import LinkUp
from contract import wire
from contract.bodies import (
    CancelBody,
    CarryOverBody,
    DocumentChangeBody,
    EpochReason,
    EpochStartBody,
    LeaseReturnBody,
    ReturnReason,
)
from contract.documents import DocumentKind, LeasesContent
from contract.messages import Range
from contract.value import Account, Asset, Lease
from tests.agent.desk import Desk
from tests.contract.samples import ADDRESS
from tests.offline_store.counter import cancel
from tests.sync.office import NOON_MS


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


def dispute(desk: Desk, **said: object) -> None:
    """Head office holds another chain."""
    desk.office.time_ms += 1
    desk.courier.handle(desk.office.welcome(**({"upto_seq": 1, "head_hash": bytes(32)} | said)))


def agree(desk: Desk) -> None:
    """Head office enrols the newest epoch, of which it has nothing."""
    desk.office.epoch, desk.office.kept = desk.store.epoch(), []


def test_a_disputed_chain_ends_and_what_was_not_acknowledged_goes_on_in_the_next(desk: Desk) -> None:
    sold = cancel(desk.store)
    dispute(desk)
    assert desk.courier.troubles == ("chain_disputed",)
    desk.courier.activate_arrived()
    agree(desk)
    desk.let_through()
    start, _told, carried, *_rest = desk.bodies()
    assert isinstance(start, EpochStartBody) and start.reason is EpochReason.CHAIN_DISPUTED
    assert isinstance(carried, CarryOverBody) and carried.sealed == sold.sealed
    assert [event for event in desk.events() if event.startswith("epoch_begun 2: chain_disputed")]
    assert desk.courier.online and desk.courier.backlog().count == 0
    assert list(desk.courier.troubles) == ["epoch_begun"]
    desk.hands.elapsed_ms += TOLD_MS
    assert not desk.courier.troubles


def test_a_long_backlog_is_carried_over_bit_by_bit_while_the_till_sells_and_head_office_takes_it(desk: Desk) -> None:
    waiting = [cancel(desk.store) for _ in range(3 * CARRIED_AT_ONCE)]
    dispute(desk)
    desk.courier.activate_arrived()
    agree(desk)
    assert desk.store.head().seq < 2 * CARRIED_AT_ONCE
    assert desk.courier.backlog().count > len(waiting), "what waits in the epoch before waits for head office too"
    sold = []
    for _ in range(3):
        desk.let_through()
        sold.append(cancel(desk.store))
        desk.courier.entry_appended(sold[-1].header.seq)
        desk.courier.activate_arrived(open_basket=True)
        assert desk.store.head().seq == sold[-1].header.seq, "nothing is carried over into an open basket"
        desk.courier.activate_arrived()
    desk.let_through()
    bodies = desk.bodies()
    carried = [body.sealed for body in bodies if isinstance(body, CarryOverBody)]
    assert carried[:-1] == [one.sealed for one in waiting]
    assert sum(isinstance(body, CancelBody) for body in bodies) == 3
    assert desk.courier.backlog().count == 0


def test_a_restart_amid_a_long_backlog_goes_on_carrying_it_over(desk: Desk) -> None:
    for _ in range(2 * CARRIED_AT_ONCE):
        cancel(desk.store)
    dispute(desk)
    desk.courier.activate_arrived()
    desk.store.close()
    desk.store.open()
    again = desk.another_courier()
    for _ in range(3):
        again.activate_arrived()
    assert sum(isinstance(body, CarryOverBody) for body in desk.bodies()) == 1 + 2 * CARRIED_AT_ONCE


def test_leases_are_laid_only_once_everything_lent_before_is_in_the_chain(desk: Desk) -> None:
    for _ in range(2 * CARRIED_AT_ONCE):
        cancel(desk.store)
    dispute(desk)
    desk.courier.activate_arrived()
    agree(desk)
    desk.let_through()
    content = wire.pack(LeasesContent(2, (lease(1, NOON_MS + 60_000),)))
    desk.publish(1, content, DocumentKind.LEASES)
    assert desk.courier.activate_arrived() == ()
    assert desk.courier.activate_arrived() == (DocumentKind.LEASES,)
    last = desk.bodies()[-1]
    assert isinstance(last, DocumentChangeBody)
    assert sum(isinstance(body, CarryOverBody) for body in desk.bodies()) == 1 + 2 * CARRIED_AT_ONCE


def test_what_cannot_be_carried_over_is_told_once_and_the_rest_goes_on(desk: Desk) -> None:
    for _ in range(CARRIED_AT_ONCE + 20):
        cancel(desk.store)
    dispute(desk)
    desk.courier.activate_arrived()
    with sqlite3.connect(desk.path) as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE epoch = 1 AND seq = ?", (CARRIED_AT_ONCE + 5,))
    somebody_else.close()
    desk.courier.activate_arrived()
    assert [event for event in desk.events() if event.startswith("entry_not_")] == ["entry_not_carried 1/105"]
    assert sum(isinstance(body, CarryOverBody) for body in desk.bodies()) == CARRIED_AT_ONCE + 20


def test_what_head_office_lost_behind_an_entry_that_cannot_be_read_goes_into_the_open_epoch_once(desk: Desk) -> None:
    entries = [cancel(desk.store) for _ in range(20)]
    desk.courier.entry_appended(20)
    desk.let_through()
    dispute(desk)
    desk.courier.activate_arrived()
    agree(desk)
    desk.let_through()
    with sqlite3.connect(desk.path) as somebody_else:
        somebody_else.execute("UPDATE journal SET sealed = x'00' WHERE epoch = 1 AND seq = 10")
    somebody_else.close()
    for _ in range(3):
        desk.office.time_ms += 1
        desk.courier.handle(desk.office.welcome(wanted=(Range(1, 10, 20),)))
        desk.let_through()
        desk.courier.activate_arrived()
        desk.wait(3_600_000)
    carried = [body.sealed for body in desk.bodies() if isinstance(body, CarryOverBody)]
    assert carried[1:] == [entry.sealed for entry in entries[10:]]
    assert [event for event in desk.events() if "not_held" in event] == ["entries_not_held epoch 1: 10, and up to 20"]
    assert desk.courier.backlog().count == 0


def test_no_epoch_begins_inside_a_basket(desk: Desk) -> None:
    dispute(desk)
    desk.courier.activate_arrived(open_basket=True)
    assert desk.store.epoch() == 1
    desk.courier.activate_arrived()
    assert desk.store.epoch() == 2


def test_a_dispute_that_is_settled_before_the_basket_closes_begins_no_epoch(desk: Desk) -> None:
    dispute(desk)
    desk.office.time_ms += 1
    desk.courier.handle(desk.office.welcome())
    desk.courier.activate_arrived()
    assert (desk.store.epoch(), desk.courier.troubles) == (1, ())


def test_a_head_office_that_disputes_every_chain_gets_a_few_and_then_people_are_asked(desk: Desk) -> None:
    for _ in range(10 * EPOCHS_AN_HOUR):
        desk.office.epoch = desk.store.epoch()
        dispute(desk, upto_seq=2**40)
        desk.courier.activate_arrived()
    assert desk.store.epoch() == 1 + EPOCHS_AN_HOUR
    assert "chain_disputed" in desk.courier.troubles
    desk.hands.elapsed_ms += HOUR_MS
    dispute(desk, upto_seq=2**40)
    desk.courier.activate_arrived()
    assert desk.store.epoch() == 2 + EPOCHS_AN_HOUR


def test_an_epoch_the_disk_refuses_now_begins_when_it_can(desk: Desk) -> None:
    somebody_else = sqlite3.connect(desk.path, isolation_level=None)
    somebody_else.execute("BEGIN IMMEDIATE")
    dispute(desk)
    desk.courier.activate_arrived()
    assert (desk.store.epoch(), "store_failed" in desk.courier.troubles) == (1, True)
    somebody_else.execute("ROLLBACK")
    somebody_else.close()
    dispute(desk)
    desk.courier.activate_arrived()
    assert (desk.store.epoch(), "store_failed" in desk.courier.troubles) == (2, False)


def test_after_a_restart_the_newest_epoch_goes_on(desk: Desk, tmp_path: Path) -> None:
    dispute(desk)
    desk.courier.activate_arrived()
    desk.store.close()
    desk.store.open()
    assert desk.store.epoch() == 2
    agree(desk)
    desk.courier.handle(LinkUp())
    desk.let_through()
    assert desk.courier.online


def lease(number: int, spend_until_ms: int) -> Lease:
    return Lease(number.to_bytes(16, "big"), Account(Asset.POINTS, f"m-{number}"), 100, spend_until_ms)


def lend(desk: Desk, content: LeasesContent) -> None:
    """Head office lends to this terminal, over what it lent before."""
    held = next((item for item in desk.store.held() if item.kind == DocumentKind.LEASES), None)
    version, base = (1, None) if held is None else (held.version + 1, held.digest)
    desk.publish(version, wire.pack(content), DocumentKind.LEASES, base=base)
    desk.courier.activate_arrived()
    desk.let_through()


def returned(desk: Desk) -> list[tuple[ReturnReason, int]]:
    return [(body.reason, len(body.leases)) for body in desk.bodies() if isinstance(body, LeaseReturnBody)]


def test_leases_that_head_office_recalls_go_back_between_two_baskets(desk: Desk) -> None:
    hour_ms = 3_600_000
    lend(desk, LeasesContent(1, tuple(lease(number, NOON_MS + 9 * hour_ms) for number in range(5))))
    assert desk.store.leases_held().count == 5
    lend(desk, LeasesContent(1, (), tuple(lease(number, 0).lease for number in range(2))))
    desk.courier.activate_arrived(open_basket=True)
    desk.courier.activate_arrived()
    assert returned(desk) == [(ReturnReason.ASKED, 2)]
    assert desk.store.leases_held().count == 3
    desk.let_through()
    assert desk.courier.backlog().count == 0


def test_leases_past_their_time_go_back_by_themselves_once(desk: Desk) -> None:
    lend(desk, LeasesContent(1, tuple(lease(number, NOON_MS + 60_000) for number in range(3))))
    for _ in range(100):
        desk.wait(1_000)
        desk.courier.activate_arrived()
    assert returned(desk) == [(ReturnReason.EXPIRED, 3)]
    assert desk.store.leases_held().count == 0


def test_more_leases_than_one_entry_gives_back_go_back_bit_by_bit(desk: Desk) -> None:
    for first in range(0, 384, 128):
        lend(desk, LeasesContent(1, tuple(lease(first + number, NOON_MS + 60_000) for number in range(128))))
    desk.hands.elapsed_ms += 61_000
    desk.courier.activate_arrived()
    assert len(returned(desk)) == 1, "one entry of a kind at a time: the counter does not wait"
    for _ in range(30):
        desk.wait(1_000)
        desk.courier.activate_arrived()
    assert sum(count for _reason, count in returned(desk)) == 384


def test_leases_for_an_epoch_that_has_ended_are_taken_note_of_and_lend_nothing(desk: Desk) -> None:
    dispute(desk)
    desk.courier.activate_arrived()
    agree(desk)
    desk.let_through()
    lend(desk, LeasesContent(1, (lease(1, NOON_MS + 60_000),)))
    assert [held.kind for held in desk.store.held()] == [DocumentKind.LEASES]
    assert desk.store.leases_held().count == 0


def test_a_file_found_damaged_while_the_till_runs_is_brought_back_between_two_baskets(desk: Desk) -> None:
    sold = [cancel(desk.store) for _ in range(3)]
    desk.courier.damaged()
    desk.courier.activate_arrived(open_basket=True)
    assert desk.store.epoch() == 1
    desk.courier.activate_arrived()
    agree(desk)
    desk.let_through()
    assert desk.store.epoch() == 2
    assert [body.sealed for body in desk.bodies() if isinstance(body, CarryOverBody)] == [one.sealed for one in sold]
    assert any(event.startswith("store_recovered 3 entries kept, 0 lost") for event in desk.events())
    assert "store_recovered" in desk.courier.troubles
    desk.hands.elapsed_ms += MEND_AGAIN_MS
    desk.courier.activate_arrived()
    assert desk.store.epoch() == 2


def test_head_office_that_is_overdue_makes_the_courier_give_the_connection_up(desk: Desk) -> None:
    desk.road.waiting.clear()
    for _ in range(70):
        desk.hands.elapsed_ms += 1_000
        desk.courier.tick()
        desk.road.waiting.clear()
    assert desk.road.reconnects == 1


def test_leases_are_for_this_terminal_by_name(desk: Desk) -> None:
    content = wire.pack(LeasesContent(1, (lease(1, NOON_MS + 60_000),)))
    desk.publish(1, content, DocumentKind.LEASES, terminal=None)
    desk.publish(2, content, DocumentKind.LEASES, terminal=ADDRESS.terminal + "x")
    assert desk.events() == ["document_refused leases 1: foreign_origin", "document_refused leases 2: foreign_origin"]
