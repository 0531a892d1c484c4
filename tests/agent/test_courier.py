"""The courier: what arrives from head office is looked into, refused by name, journalled within measure, activated."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cbor2
import pytest

from agent.clock import FAR_AHEAD_MS
from agent.courier import ACTIVATE_AGAIN_MS, EVENTS_AN_HOUR, HOUR_MS, REMEMBERED_APPENDS
from contract.documents import (
    MOST_MEMBERS,
    MOST_MEMBERS_BYTES,
    DocumentKind,
    MemberRecord,
    MembersContent,
    seal_document,
)
from contract.wire import pack
from rules.pack import write_pack
from tests.agent.desk import Desk
from tests.agent.shop import contents, rules
from tests.offline_store.counter import cancel
from tests.sync.office import NOON_MS, announcement_message, document

PACK = DocumentKind.PACK
WITH_AN_UNKNOWN_FIELD = cbor2.dumps({**cbor2.loads(write_pack(rules(2))), 99: "x"}, canonical=True)
WITH_A_WRONG_GOLDEN_BASKET = write_pack(replace(rules(2), golden=(replace(rules(2).golden[0], payable_minor=21_119),)))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (WITH_AN_UNKNOWN_FIELD, "unknown_field"),
        (WITH_A_WRONG_GOLDEN_BASKET, "golden_basket_differs"),
        (b"\xff" * 100, "not_cbor"),
        (write_pack(rules(2))[:-1], "not_cbor"),
    ],
    ids=["unknown field", "wrong golden basket", "junk", "truncated"],
)
def test_a_pack_this_terminal_does_not_wholly_understand_is_refused_by_name_and_the_next_is_taken(
    desk: Desk, content: bytes, reason: str
) -> None:
    desk.publish(1, write_pack(rules(1)))
    assert desk.courier.activate_arrived() == (PACK,)
    desk.publish(2, content)
    assert desk.courier.activate_arrived() == ()
    assert [event for event in desk.events() if "pack 2" in event] == [f"document_refused pack 2: {reason}"]
    assert (desk.active(), desk.courier.fetching) == (1, "")
    desk.publish(3, write_pack(rules(2)))
    assert desk.courier.activate_arrived() == (PACK,)
    assert desk.active() == 3


def test_a_pack_is_read_and_compiled_once_and_prices_as_it_was_checked(desk: Desk) -> None:
    first, second = write_pack(rules(1)), write_pack(rules(2))
    desk.publish(1, first)
    checked = desk.book.compiled(first)
    desk.courier.activate_arrived()
    active = desk.book.pack()
    assert active is not None and active.compiled is checked
    # Another one that arrives meanwhile takes nothing from the one that prices.
    desk.publish(2, second)
    assert desk.book.pack() is active
    waiting = desk.book.compiled(second)
    desk.courier.activate_arrived()
    newest = desk.book.pack()
    assert newest is not None and newest.compiled is waiting
    assert (desk.book.pack_of(active.ref), desk.book.pack_version()) == (rules(1), 2)


@pytest.mark.parametrize("kind", [DocumentKind.MEMBERS, DocumentKind.CASHIERS, DocumentKind.CATALOGUE])
def test_every_other_kind_of_document_is_read_as_strictly(desk: Desk, kind: DocumentKind) -> None:
    good = contents()[kind]
    desk.publish(1, cbor2.dumps({**cbor2.loads(good), 99: 1}, canonical=True), kind)
    assert desk.courier.activate_arrived() == ()
    assert desk.events() == [f"document_refused {kind} 1: unknown_field"]
    desk.publish(2, good, kind)
    assert desk.courier.activate_arrived() == (kind,)


def test_what_is_refused_is_journalled_only_so_often_an_hour_and_head_office_gets_every_entry(desk: Desk) -> None:
    for number in range(3 * EVENTS_AN_HOUR):
        desk.garble(number)
    assert len(desk.events()) == EVENTS_AN_HOUR
    desk.hands.elapsed_ms += HOUR_MS
    desk.garble(0)
    desk.let_through()
    assert len(desk.events()) == EVENTS_AN_HOUR + 1
    assert all(event.startswith("message_refused welcome: ") for event in desk.events())
    assert len(desk.office.kept) == desk.store.head().seq
    assert desk.courier.backlog().count == 0


def test_a_store_that_cannot_activate_is_not_asked_again_at_once_and_is_when_it_can(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.publish(1, write_pack(rules(1)))
    somebody_else = sqlite3.connect(desk.path, isolation_level=None)
    somebody_else.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.ERROR):
        for _ in range(50):
            assert desk.courier.activate_arrived() == ()
            desk.courier.tick()
        assert sum("activation_failed" in line for line in caplog.messages) == 1
        desk.hands.elapsed_ms += ACTIVATE_AGAIN_MS
        assert desk.courier.activate_arrived() == ()
        assert sum("activation_failed" in line for line in caplog.messages) == 2
    somebody_else.execute("ROLLBACK")
    somebody_else.close()
    assert desk.courier.activate_arrived() == ()
    desk.hands.elapsed_ms += ACTIVATE_AGAIN_MS
    assert desk.courier.activate_arrived() == (PACK,)
    desk.let_through()
    assert (desk.active(), desk.courier.fetching) == (1, "")


def test_a_time_head_office_cannot_mean_is_told_once_and_moves_nothing(desk: Desk) -> None:
    desk.office.time_ms = NOON_MS + 80 * 365 * FAR_AHEAD_MS
    for _ in range(3):
        desk.hands.elapsed_ms += 20_000
        desk.courier.tick()
        desk.let_through()
    assert [event.partition(" ")[0] for event in desk.events()] == ["hq_time_implausible"]
    assert desk.courier.backlog().count == 0
    assert desk.store.believed_time_ms() <= NOON_MS + desk.hands.elapsed_ms
    desk.office.time_ms = NOON_MS + desk.hands.elapsed_ms
    desk.courier.tick()
    assert len(desk.events()) == 1


def test_the_time_head_office_signs_is_kept_once_a_minute_while_nothing_is_sold(desk: Desk) -> None:
    kept = [desk.store.signed_time_ms()]
    assert kept[0] == desk.office.time_ms
    for _ in range(12):
        desk.hands.elapsed_ms += 20_000
        desk.office.time_ms += 20_000
        desk.courier.tick()
        desk.let_through()
        if desk.store.signed_time_ms() != kept[-1]:
            kept.append(desk.store.signed_time_ms())
    assert [later - earlier for earlier, later in pairwise(kept)] == [60_003] * 4


def test_more_members_than_the_till_can_stop_for_are_refused_by_name(desk: Desk) -> None:
    many = tuple(MemberRecord(f"m-{number}", "m", "gold", (), (), 0) for number in range(MOST_MEMBERS + 1))
    desk.publish(1, pack(MembersContent(many)), DocumentKind.MEMBERS)
    desk.publish(2, bytes(MOST_MEMBERS_BYTES + 1), DocumentKind.MEMBERS)
    assert desk.events() == ["document_refused members 1: too_many", "document_refused members 2: too_many"]
    assert desk.courier.activate_arrived() == ()
    desk.publish(3, pack(MembersContent(many[:100])), DocumentKind.MEMBERS)
    assert desk.courier.activate_arrived() == (DocumentKind.MEMBERS,)
    assert desk.store.member_by_id("m-99") is not None


def test_a_document_dated_in_the_future_is_refused_by_name(desk: Desk) -> None:
    issued = replace(document(1, write_pack(rules(1))), issued_ms=NOON_MS + 2 * FAR_AHEAD_MS)
    sealed = seal_document(desk.office.signer, replace(issued, accept_until_ms=issued.issued_ms + FAR_AHEAD_MS))
    desk.courier.handle(announcement_message(desk.office.publish_blob(PACK, 1, sealed)))
    desk.let_through()
    assert desk.events() == ["document_refused pack 1: issued_in_future"]
    assert desk.courier.activate_arrived() == ()


def test_after_weeks_offline_everything_is_delivered_and_the_log_says_how_long_the_newest_took(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(REMEMBERED_APPENDS + 10):
        desk.hands.elapsed_ms += 10
        desk.courier.entry_appended(cancel(desk.store).header.seq)
    desk.hands.elapsed_ms += 700
    with caplog.at_level(logging.INFO):
        desk.let_through()
    assert desk.courier.backlog().count == 0
    (last,) = [line for line in caplog.messages if f"upto={REMEMBERED_APPENDS + 10} " in line]
    assert "newest_after_ms=700" in last


def test_an_entry_that_head_office_does_not_acknowledge_stays_in_the_backlog(desk: Desk) -> None:
    desk.garble(1)
    assert (desk.courier.backlog().count, desk.courier.online) == (1, True)
    desk.road.waiting.clear()
    desk.hands.elapsed_ms += 3_000
    desk.courier.tick()
    desk.hands.elapsed_ms += 3_000
    desk.courier.tick()
    desk.let_through()
    assert desk.courier.backlog().count == 0
