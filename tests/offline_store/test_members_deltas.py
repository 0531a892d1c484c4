"""Deltas of members: laid over the very blob they build on, all or nothing, and only what they name changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.offline_store.documents import BASE_MISSING
from agent.offline_store.members import MemberRow
from agent.offline_store.store import Store, StoreCause, StoreError
from contract.documents import (
    MOST_DELTA_MEMBERS,
    DocumentKind,
    MemberRecord,
    MembersContent,
    OpenedDocument,
    PinVerifier,
)
from contract.messages import HeldDocument
from contract.wire import pack
from tests.offline_store.counter import identity, member, opened
from tests.offline_store.lending import Lender, activate

ANNA = member(1, "13812345678", b"ANNA", b"ANNAS-2")
BEN = member(2, "13912345678", b"BENS")
CARL = member(3, None, b"CARL")
PIN = PinVerifier(bytes(16), 1, 64, bytes(32))


class Office(Lender):
    """Head office's members documents, each on top of the one before."""

    before: OpenedDocument | None = None

    def members(self, *members: MemberRecord, gone: tuple[str, ...] = (), whole: bool = False) -> OpenedDocument:
        """The next delta; the first is a snapshot, and so is a ``whole`` one."""
        base = None if whole or self.before is None else self.before.digest
        content = pack(MembersContent(members, gone))
        self.before = self.document(DocumentKind.MEMBERS, content, base)
        return self.before


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def store(tmp_path: Path, office: Office) -> Iterator[Store]:
    found = opened(tmp_path / "till.db", identity())
    activate(found, office.members(ANNA, BEN, CARL))
    yield found
    found.close()


def names(*found: MemberRow | None) -> list[str]:
    return ["" if row is None else row.member for row in found]


def refused(store: Store, document: OpenedDocument) -> str:
    before = (store.head(), store.held(), store.member_by_id(ANNA.member), store.member_by_id(BEN.member))
    with pytest.raises(StoreError) as failed:
        activate(store, document)
    assert failed.value.cause is StoreCause.INVALID
    after = (store.head(), store.held(), store.member_by_id(ANNA.member), store.member_by_id(BEN.member))
    assert after == before
    return failed.value.detail


def test_a_delta_adds_changes_and_forgets_whom_it_names_and_nobody_else(store: Store, office: Office) -> None:
    dora = member(4, "13712345678", b"DORA")
    changed = replace(ANNA, points=7, tier="silver", phone="13800000000", cards=(b"ANNAS-2", b"ANNAS-3"))
    activate(store, office.members(changed, dora, gone=(CARL.member, "m-nobody")))
    found = store.member_by_phone("13800000000")
    assert found is not None
    assert (found.points, found.tier, found.phone_last4) == (7, "silver", "0000")
    by_card = names(*(store.member_by_card(uid) for uid in (b"ANNA", b"ANNAS-2", b"ANNAS-3", b"CARL", b"DORA")))
    assert by_card == ["", ANNA.member, ANNA.member, "", dora.member]
    assert names(store.member_by_phone("13812345678"), store.member_by_id(CARL.member)) == ["", ""]
    assert names(store.member_by_phone("13912345678"), store.member_by_card(b"BENS")) == [BEN.member, BEN.member]


def test_a_phone_number_and_a_card_go_from_one_member_to_another_in_one_delta(store: Store, office: Office) -> None:
    anna, ben = replace(ANNA, phone=BEN.phone, cards=BEN.cards), replace(BEN, phone=ANNA.phone, cards=ANNA.cards)
    activate(store, office.members(anna, ben))
    assert names(store.member_by_phone("13912345678"), store.member_by_card(b"BENS")) == [ANNA.member] * 2
    assert names(store.member_by_phone("13812345678"), store.member_by_card(b"ANNAS-2")) == [BEN.member] * 2
    activate(store, office.members(replace(CARL, phone=BEN.phone), gone=(ANNA.member,)))
    assert names(store.member_by_phone("13912345678")) == [CARL.member]


def test_a_delta_on_another_blob_than_the_active_one_is_refused_by_name(store: Store, office: Office) -> None:
    missed = office.members(member(4))
    assert refused(store, office.members(member(5))).startswith(BASE_MISSING)
    activate(store, office.members(BEN, whole=True))
    assert refused(store, replace(missed, document=replace(missed.document, version=9))).startswith(BASE_MISSING)


def test_a_delta_before_any_snapshot_is_refused_by_name(tmp_path: Path, office: Office) -> None:
    empty = opened(tmp_path / "empty.db", identity())
    office.members(ANNA)
    assert refused(empty, office.members(BEN)).startswith(BASE_MISSING)
    empty.close()


def test_a_delta_that_would_leave_two_alike_changes_nothing(store: Store, office: Office) -> None:
    held = office.before
    for wrong in (
        (replace(CARL, phone=ANNA.phone),),
        (replace(CARL, cards=(b"BENS",)),),
        (member(4, "13612345678"), member(5, "13612345678")),
        (ANNA, ANNA),
    ):
        office.before = held
        refused(store, office.members(*wrong))
    office.before = held
    assert "named twice" in refused(store, office.members(ANNA, gone=(ANNA.member,)))


def test_a_delta_of_more_than_the_counter_can_wait_for_is_refused(store: Store, office: Office) -> None:
    gone = tuple(f"m-{number}" for number in range(MOST_DELTA_MEMBERS))
    assert "at most" in refused(store, office.members(BEN, gone=gone))


def test_what_is_active_after_a_delta_is_the_delta(store: Store, office: Office) -> None:
    document = office.members(gone=(BEN.member,))
    activate(store, document)
    assert store.held() == (HeldDocument("members", 2, document.digest),)


def test_several_members_are_found_by_the_last_four_digits(store: Store, office: Office) -> None:
    assert sorted(names(*store.members_by_last4("5678", 10))) == [ANNA.member, BEN.member]
    assert len(store.members_by_last4("5678", 1)) == 1
    assert store.members_by_last4("0000", 10) == ()
    activate(store, office.members(replace(BEN, phone=None)))
    assert names(*store.members_by_last4("5678", 10)) == [ANNA.member]


def test_a_members_pin_is_kept_hidden(store: Store, office: Office, tmp_path: Path) -> None:
    verifier = replace(PIN, tag=b"T" * 32)
    activate(store, office.members(replace(ANNA, pin=verifier)))
    found = store.member_by_id(ANNA.member)
    assert found is not None
    assert found.pin == verifier
    assert verifier.tag not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def reading(content: bytes) -> frozenset[str]:
    return frozenset(content.decode().split())


def test_no_more_of_a_member_is_kept_than_the_active_packs_rules_look_at(tmp_path: Path, office: Office) -> None:
    store = Store(tmp_path / "frugal.db", identity(), attributes=reading)
    store.open()
    told = replace(ANNA, segments=("parents",), card_type="staff", birthday=229, visits=12, visit_days=(20_000,))
    activate(store, office.document(DocumentKind.PACK, b"birthday visits"))
    activate(store, office.members(told))
    activate(store, office.members(replace(told, member="m-9", phone=None, cards=())))
    for member_id in (told.member, "m-9"):
        found = store.member_by_id(member_id)
        assert found is not None
        assert (found.birthday, found.visits) == (229, 12)
        assert (found.segments, found.card_type, found.visit_days) == ((), None, ())
    store.close()


def test_members_come_anew_where_the_next_pack_looks_at_more(tmp_path: Path, office: Office) -> None:
    store = Store(tmp_path / "frugal.db", identity(), attributes=reading)
    store.open()
    told = replace(ANNA, segments=("parents",), birthday=229)
    for content in (b"birthday visits", b"visits"):
        activate(store, office.document(DocumentKind.PACK, content))
        activate(store, office.members(told, whole=True))
    activate(store, office.document(DocumentKind.PACK, b"tiers"))
    assert [held.kind for held in store.held()] == ["members", "pack"]
    activate(store, office.document(DocumentKind.PACK, b"segments"))
    assert [held.kind for held in store.held()] == ["pack"]
    assert names(store.member_by_phone("13812345678")) == [ANNA.member]
    activate(store, office.members(told, whole=True))
    found = store.member_by_id(ANNA.member)
    assert found is not None
    assert (found.segments, found.birthday) == (("parents",), None)
    store.close()
