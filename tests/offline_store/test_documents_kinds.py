"""Leases, keys, revocations, notices and deltas of the catalogue: taken whole, by their own rules, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.keys import new_transaction_id
from agent.offline_store.documents import BASE_MISSING
from agent.offline_store.store import Store, StoreCause, StoreError
from contract.bodies import MAX_EMBEDDED_BYTES, DocumentChangeBody
from contract.documents import (
    MOST_LEASES,
    CatalogueContent,
    CatalogueItem,
    DocumentKind,
    KeysContent,
    LeasesContent,
    Notice,
    NoticesContent,
    OpenedDocument,
    RevocationsContent,
    RevokedMember,
    TerminalKey,
)
from contract.wire import pack
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer
from tests.offline_store.counter import NOON_MS, HeadOffice, identity, item, member, opened, stamp
from tests.offline_store.lending import SPRING, Lender, activate, lease


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = opened(tmp_path / "till.db", identity())
    yield found
    found.close()


@pytest.fixture
def office() -> Lender:
    return Lender()


def refused(store: Store, document: OpenedDocument) -> str:
    before = (store.head(), store.held(), store.leases_held(), store.open_item())
    with pytest.raises(StoreError) as failed:
        activate(store, document)
    assert failed.value.cause is StoreCause.INVALID
    assert (store.head(), store.held(), store.leases_held(), store.open_item()) == before
    return failed.value.detail


def test_each_leases_document_builds_on_the_one_before(store: Store, office: Lender) -> None:
    activate(store, office.leases(lease(1)))
    missed = office.leases(lease(2))
    assert refused(store, office.leases(lease(3))).startswith(BASE_MISSING)
    assert refused(store, Lender().leases(lease(4))).startswith("leases 1")
    again = replace(missed, document=replace(missed.document, base=None))
    assert refused(store, again).startswith(BASE_MISSING)
    activate(store, missed)
    assert store.leases_held().count == 2


def test_a_leases_document_that_is_not_the_first_is_nothing_to_begin_with(store: Store, office: Lender) -> None:
    office.leases(lease(1))
    assert refused(store, office.leases(lease(2))).startswith(BASE_MISSING)


def test_the_journal_holds_a_leases_document_whole_and_of_others_the_name(store: Store, office: Lender) -> None:
    granted = tuple(lease(number, bonus_minor=99_999_999) for number in range(MOST_LEASES))
    lent = office.leases(*granted, recalled=[item.lease for item in granted])
    entry = activate(store, lent)
    assert entry.body() == DocumentChangeBody("leases", 1, lent.digest, 0, lent.sealed)
    named = activate(store, office.keys()).body()
    assert isinstance(named, DocumentChangeBody)
    assert named.sealed is None


def test_a_leases_activation_done_before_lends_nothing_more(store: Store, office: Lender) -> None:
    name, lent = new_transaction_id(), office.leases(lease(1))
    entry = store.activate(lent, name, stamp())
    assert store.activate(lent, name, stamp()) == entry
    assert store.leases_held().count == 1


def test_leases_that_more_than_one_terminal_could_take_are_refused(store: Store, office: Lender) -> None:
    content = pack(LeasesContent(1, (lease(1),)))
    assert "one terminal alone" in refused(store, office.document(DocumentKind.LEASES, content))


def test_leases_that_do_not_fit_into_an_entry_are_refused(store: Store, office: Lender) -> None:
    long = replace(SPRING, holder="h" * 64, name="n" * 32)
    recalled = [number.to_bytes(16, "big") for number in range(MOST_LEASES)]
    lent = office.leases(*(lease(number, long, 2**52) for number in range(MOST_LEASES)), recalled=recalled)
    assert len(lent.sealed) > MAX_EMBEDDED_BYTES
    assert "at most" in refused(store, lent)


@pytest.mark.parametrize("kind", [kind for kind in DocumentKind if kind is not DocumentKind.PACK])
def test_content_of_another_kind_changes_nothing(store: Store, office: Lender, kind: DocumentKind) -> None:
    refused(store, office.document(kind, b"\xa1\x18\x63\x00", to=ADDRESS))


@pytest.mark.parametrize("kind", [DocumentKind.PACK, DocumentKind.CASHIERS, DocumentKind.KEYS, DocumentKind.NOTICES])
def test_a_delta_of_a_kind_that_has_none_is_refused(store: Store, office: Lender, kind: DocumentKind) -> None:
    assert "no deltas" in refused(store, office.document(kind, b"\xa0", base=bytes(32)))


def catalogue(
    office: Lender, *items: CatalogueItem, base: OpenedDocument | None, gone: tuple[str, ...] = ()
) -> OpenedDocument:
    content = pack(CatalogueContent("CNY", "一号店", "OPEN", items, gone))
    return office.document(DocumentKind.CATALOGUE, content, None if base is None else base.digest)


def test_a_delta_of_the_catalogue_changes_the_articles_it_names(store: Store, office: Lender) -> None:
    tea, cup, pot = item("TEA", "69012345"), item("CUP", "69012346"), item("POT")
    whole = catalogue(office, item("OPEN"), tea, cup, pot, base=None)
    activate(store, whole)
    dearer, swapped = replace(tea, price_minor=9_900, barcode="69012346"), replace(cup, barcode="69012345")
    delta = catalogue(office, dearer, swapped, item("JAR"), base=whole, gone=("POT", "NONE"))
    activate(store, delta)
    assert (store.item("TEA"), store.item_by_barcode("69012345"), store.item("POT")) == (dearer, swapped, None)
    assert (store.item("JAR"), store.open_item()) == (item("JAR"), item("OPEN"))
    assert refused(store, catalogue(office, tea, base=whole)).startswith(BASE_MISSING)
    assert "open article" in refused(store, catalogue(office, base=delta, gone=("OPEN",)))
    assert "named twice" in refused(store, catalogue(office, tea, base=delta, gone=("TEA",)))
    refused(store, catalogue(office, replace(cup, sku="MUG"), dearer, replace(tea, sku="TEE"), base=delta))


def revocations(
    office: Lender, *revoked: RevokedMember, cards: tuple[bytes, ...] = (), coupons: tuple[str, ...] = ()
) -> OpenedDocument:
    return office.document(DocumentKind.REVOCATIONS, pack(RevocationsContent(revoked, cards, coupons)))


def test_what_is_revoked_is_answered_as_revoked_until_it_is_not(store: Store, office: Lender, tmp_path: Path) -> None:
    activate(store, HeadOffice().members(1, member(1, None, b"LOST", b"KEPT")))
    activate(store, revocations(office, RevokedMember("m-0001", 20_000), cards=(b"LOST",), coupons=("C-1",)))
    assert [store.member_revoked("m-0001", day) for day in (19_999, 20_000, 20_001)] == [True, True, False]
    assert not store.member_revoked("m-0002", 0)
    assert [store.card_revoked(uid) for uid in (b"LOST", b"KEPT")] == [True, False]
    assert [store.coupon_revoked(code) for code in ("C-1", "C-2")] == [True, False]
    assert store.member_by_card(b"LOST") is None
    assert store.member_by_card(b"KEPT") is not None
    store.close()
    assert b"LOST" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    store.open()
    activate(store, revocations(office))
    assert (store.card_revoked(b"LOST"), store.member_revoked("m-0001", 0)) == (False, False)
    assert store.member_by_card(b"LOST") is not None


def test_keys_that_are_none_or_stand_twice_are_refused(store: Store, office: Lender) -> None:
    signer = eddsa_signer()
    activate(store, office.keys((NEIGHBOUR, 1, signer)))
    for wrong in (
        (TerminalKey(NEIGHBOUR, 1, "eddsa:12"),),
        (TerminalKey(NEIGHBOUR, 1, signer.public.text()),) * 2,
    ):
        refused(store, office.document(DocumentKind.KEYS, pack(KeysContent(wrong))))
    assert store.terminal_key(NEIGHBOUR, 1) == signer.public


def test_notices_are_read_until_they_end_and_replaced_whole(store: Store, office: Lender) -> None:
    late, soon = Notice("盘点", "Stocktaking", NOON_MS + 2), Notice("停电", "Power cut", NOON_MS + 1)
    activate(store, office.document(DocumentKind.NOTICES, pack(NoticesContent((late, soon)))))
    assert store.notices(NOON_MS) == (late, soon)
    assert store.notices(NOON_MS + 1) == (late,)
    activate(store, office.document(DocumentKind.NOTICES, pack(NoticesContent(()))))
    assert store.notices(NOON_MS) == ()
