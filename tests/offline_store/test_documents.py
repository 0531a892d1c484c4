"""Documents: the flip, the rows and the entry that says so are one commit, and versions only go up."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.keys import Identity, new_transaction_id
from agent.offline_store.database import migrations
from agent.offline_store.store import RESERVE_BYTES, Room, Store, StoreCause, StoreError
from contract.basket import TaxRate
from contract.bodies import DocumentChangeBody, EntryKind
from contract.documents import DocumentKind, OpenedDocument
from contract.journal import Entry
from contract.messages import HeldDocument
from contract.trade import PackRef
from tests.offline_store.counter import NOON_MS, HeadOffice, cashier, identity, item, member, opened, stamp


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "till.db"


@pytest.fixture
def store(path: Path, who: Identity) -> Iterator[Store]:
    found = opened(path, who)
    yield found
    found.close()


@pytest.fixture
def office() -> HeadOffice:
    return HeadOffice()


def activate(store: Store, document: OpenedDocument) -> Entry:
    return store.activate(document, new_transaction_id(), stamp())


def refuse(store: Store, document: OpenedDocument) -> StoreCause:
    before = (store.head(), store.held())
    with pytest.raises(StoreError) as refused:
        activate(store, document)
    assert (store.head(), store.held()) == before
    return refused.value.cause


def test_a_fresh_terminal_holds_nothing(store: Store) -> None:
    assert store.held() == ()
    assert (store.pack_content(), store.active(DocumentKind.PACK), store.open_item()) == (None, None, None)
    assert (store.shop_name(), store.currency()) == ("", "")


def test_an_activation_is_journalled_with_what_was_active_before(store: Store, office: HeadOffice) -> None:
    activate(store, office.pack(3))
    second = office.pack(7)
    entry = activate(store, second)
    assert entry.header.kind is EntryKind.DOCUMENT_CHANGE
    assert entry.body() == DocumentChangeBody("pack", 7, second.digest, 3)
    assert store.head().seq == 2


def test_the_active_pack_is_kept_as_signed_and_the_one_before_too(
    store: Store, path: Path, who: Identity, office: HeadOffice
) -> None:
    first, second, third = office.pack(1, b"one"), office.pack(2, b"two"), office.pack(3, b"three")
    for document in (first, second, third):
        activate(store, document)
    store.close()
    store.open()
    active, previous = store.active(DocumentKind.PACK), store.previous(DocumentKind.PACK)
    assert active is not None
    assert previous is not None
    assert (active.version, active.sealed) == (3, third.sealed)
    assert (previous.version, previous.sealed) == (2, second.sealed)
    assert store.pack_content() == (PackRef(3, third.digest), b"three")


def test_no_document_is_written_into_the_reserve_of_the_disk(tmp_path: Path, who: Identity, office: HeadOffice) -> None:
    left = [RESERVE_BYTES - 1]
    store = opened(tmp_path / "small.db", who, Room(free_bytes=lambda _path: left[0]))
    for document in (office.pack(1), office.members(1, member(1))):
        assert refuse(store, document) is StoreCause.FULL
    left[0] = RESERVE_BYTES
    activate(store, office.pack(1))
    store.close()


def test_an_older_or_equal_version_is_not_activated(store: Store, office: HeadOffice) -> None:
    activate(store, office.pack(2))
    assert refuse(store, office.pack(1)) is StoreCause.INVALID
    assert refuse(store, office.pack(2, b"other")) is StoreCause.INVALID


def test_an_activation_done_before_is_not_done_again(store: Store, office: HeadOffice) -> None:
    name, document = new_transaction_id(), office.pack(1)
    entry = store.activate(document, name, stamp())
    assert store.activate(document, name, stamp()) == entry
    assert store.head().seq == 1


def test_versions_of_different_kinds_are_their_own(store: Store, office: HeadOffice) -> None:
    documents = [
        office.pack(9),
        office.members(1, member(1)),
        office.cashiers(2, cashier("1")),
        office.catalogue(3, item("OPEN")),
    ]
    for document in documents:
        activate(store, document)
    assert set(store.held()) == {
        HeldDocument(document.document.kind, document.document.version, document.digest) for document in documents
    }


@pytest.mark.parametrize("kind", [DocumentKind.MEMBERS, DocumentKind.CASHIERS, DocumentKind.CATALOGUE])
def test_content_that_cannot_be_read_changes_nothing(store: Store, office: HeadOffice, kind: DocumentKind) -> None:
    assert refuse(store, office.document(kind, 1, b"\xa1\x18\x63\x00")) is StoreCause.INVALID


def test_members_who_share_a_phone_number_or_a_card_or_an_id_are_not_taken(store: Store, office: HeadOffice) -> None:
    activate(store, office.members(1, member(1, "13800000001", b"CARD")))
    for others in (
        (member(2, "13800000002"), member(3, "13800000002")),
        (member(2, None, b"SAME"), member(3, None, b"SAME")),
        (member(2), member(2)),
    ):
        assert refuse(store, office.members(2, *others)) is StoreCause.INVALID
    found = store.member_by_phone("13800000001")
    assert found is not None
    assert found.member == "m-0001"


def test_a_catalogue_replaces_the_one_before(store: Store, office: HeadOffice) -> None:
    activate(store, office.catalogue(1, item("OPEN"), item("A-1", "6901234567892")))
    assert store.item_by_barcode("6901234567892") == store.item("A-1") == item("A-1", "6901234567892")
    assert store.open_item() == item("OPEN")
    assert (store.shop_name(), store.currency()) == ("一号店", "CNY")
    activate(store, office.catalogue(2, item("OPEN-2")))
    assert (store.item_by_barcode("6901234567892"), store.item("A-1")) == (None, None)
    assert store.open_item() == item("OPEN-2")


def test_what_rules_look_at_comes_back_as_head_office_wrote_it(store: Store, office: HeadOffice) -> None:
    plain = item("PLAIN")
    told = replace(
        item("TOLD", "69012345"),
        more_categories=("tea", "gifts"),
        brand="mountain",
        tags=("new", "spring"),
        member_price_minor=1_800,
        floor_minor=900,
        reduced=True,
        excluded=True,
        taxes=(TaxRate("vat", 1_300), TaxRate("city", 0)),
    )
    activate(store, office.catalogue(1, plain, told))
    assert (store.open_item(), store.item_by_barcode("69012345")) == (plain, told)


def test_a_catalogue_of_an_older_program_is_kept(path: Path, who: Identity, office: HeadOffice) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"{migrations()[0]}\nPRAGMA user_version = 1;")
    connection.execute("INSERT INTO items VALUES ('OPEN', '商品', 'Goods', 'general', 1990, NULL)")
    connection.execute("INSERT INTO shop VALUES (1, '一号店', 'CNY', 'OPEN')")
    connection.close()
    store = opened(path, who)
    assert store.open_item() == item("OPEN")
    activate(store, office.catalogue(1, item("OTHER")))
    assert store.open_item() == item("OTHER")
    store.close()


def test_two_articles_with_one_barcode_are_not_taken(store: Store, office: HeadOffice) -> None:
    twice = office.catalogue(1, item("OPEN"), item("A", "6901234567892"), item("B", "6901234567892"))
    assert refuse(store, twice) is StoreCause.INVALID
    assert store.open_item() is None


def test_the_newest_document_is_also_a_signed_time(store: Store, office: HeadOffice) -> None:
    activate(store, office.document(DocumentKind.PACK, 1, b"rules", issued_ms=NOON_MS + 77))
    assert store.signed_time_ms() == NOON_MS + 77


def test_a_kept_pack_that_somebody_altered_is_not_used(store: Store, path: Path, office: HeadOffice) -> None:
    activate(store, office.pack(1, b"ten percent"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE documents SET sealed = CAST(replace(sealed, x'74656e', x'736978') AS BLOB)")
    connection.close()
    with pytest.raises(StoreError) as refused:
        store.pack_content()
    assert refused.value.cause is StoreCause.CORRUPT


def test_a_kind_that_a_newer_program_left_in_the_file_does_not_stop_this_one(
    store: Store, path: Path, office: HeadOffice
) -> None:
    activate(store, office.pack(1))
    store.close()
    with sqlite3.connect(path) as newer:
        newer.execute("INSERT INTO documents VALUES ('horoscopes', 'active', 3, ?, ?, NULL)", (bytes(32), NOON_MS))
    newer.close()
    store.open()
    assert [held.kind for held in store.held()] == ["pack"]


def test_a_version_below_one_that_was_active_is_refused_though_nothing_is_active(
    store: Store, path: Path, office: HeadOffice
) -> None:
    activate(store, office.cashiers(5, cashier("1001")))
    with sqlite3.connect(path) as somebody_else:
        somebody_else.execute("DELETE FROM documents")
    somebody_else.close()
    assert (store.held(), store.floor("cashiers"), store.floor("pack")) == ((), 5, 0)
    assert refuse(store, office.cashiers(4, cashier("1001"))) is StoreCause.INVALID
    activate(store, office.cashiers(5, cashier("1001")))
