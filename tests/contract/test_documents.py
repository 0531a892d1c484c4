"""HQ's documents and messages: signed, for one scope, chunked, and read to the last field or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract import cbor, wire
from contract.documents import (
    CHUNK_BYTES,
    CatalogueContent,
    CatalogueItem,
    Document,
    DocumentKind,
    open_document,
    read_catalogue,
    read_members,
    seal_document,
)
from contract.envelope import ContentType, digest, keyring, seal
from contract.errors import ContractError, Reason
from contract.ids import TerminalAddress
from contract.messages import (
    Ack,
    Announcement,
    Batch,
    Welcome,
    open_ack,
    open_welcome,
    read_batch,
    read_chunk,
    read_hello,
    seal_ack,
    seal_welcome,
)
from contract.refusals import TEXTS, Refusal, RefusalCode
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer

DOCUMENT = Document(1, DocumentKind.MEMBERS, "acme", 3, 1_000, 2_000, b"\xa1\x01\x80", "s01")
ITEM = CatalogueItem("OPEN", "商品", "Goods", "general", 0)


def test_a_document_opens_with_the_hash_that_names_its_blob() -> None:
    signer = eddsa_signer()
    sealed = seal_document(signer, DOCUMENT)
    opened = open_document(sealed, keyring(signer.public))
    assert (opened.document, opened.digest, opened.sealed) == (DOCUMENT, digest(sealed), sealed)


def test_a_document_covers_its_own_shop_or_the_whole_tenant_only() -> None:
    assert DOCUMENT.covers(ADDRESS)
    assert replace(DOCUMENT, shop=None).covers(ADDRESS)
    assert not DOCUMENT.covers(TerminalAddress("acme", "s02", "t1"))
    assert not replace(DOCUMENT, shop=None).covers(TerminalAddress("other", "s01", "t1"))


def test_a_document_of_a_newer_grammar_or_with_an_unknown_field_is_refused() -> None:
    signer = eddsa_signer()
    newer = seal_document(signer, replace(DOCUMENT, grammar=2))
    stray = seal(signer, ContentType.DOCUMENT, cbor.encode(wire.to_wire(DOCUMENT) | {77: 1}))
    for sealed, reason in ((newer, Reason.NEWER_GRAMMAR), (stray, Reason.UNKNOWN_FIELD)):
        with pytest.raises(ContractError) as caught:
            open_document(sealed, keyring(signer.public))
        assert caught.value.reason is reason


def test_a_catalogue_whose_open_item_is_missing_is_refused() -> None:
    good = CatalogueContent("CNY", "一号店", "OPEN", (ITEM,))
    assert read_catalogue(wire.pack(good)) == good
    with pytest.raises(ContractError) as caught:
        read_catalogue(wire.pack(replace(good, open_sku="GONE")))
    assert caught.value.path == "open_sku"


def test_members_with_a_phone_of_letters_are_refused_with_the_path() -> None:
    plain = {1: [{1: "m-1", 2: "会员一", 3: "gold", 4: [], 5: [], 6: 0, 7: "13x00000000"}]}
    with pytest.raises(ContractError) as caught:
        read_members(cbor.encode(plain))
    assert (caught.value.reason, caught.value.path) == (Reason.BAD_ID, "members[0].phone")


@pytest.mark.parametrize(("size", "chunks"), [(1, 1), (CHUNK_BYTES, 1), (CHUNK_BYTES + 1, 2), (CHUNK_BYTES * 3, 3)])
def test_an_announcement_knows_in_how_many_chunks_its_blob_travels(size: int, chunks: int) -> None:
    assert Announcement(DocumentKind.PACK, 1, bytes(32), size).chunks == chunks


def test_an_acknowledgement_counts_only_for_the_terminal_it_names() -> None:
    signer = eddsa_signer()
    ack = Ack(1, ADDRESS, 1, 5, bytes(32), 1_000, ())
    sealed = seal_ack(signer, ack)
    assert open_ack(sealed, keyring(signer.public), ADDRESS) == ack
    with pytest.raises(ContractError) as caught:
        open_ack(sealed, keyring(signer.public), NEIGHBOUR)
    assert caught.value.reason is Reason.FOREIGN_ORIGIN


def test_a_welcome_counts_only_for_the_terminal_it_names_and_is_no_acknowledgement() -> None:
    signer = eddsa_signer()
    sealed = seal_welcome(signer, Welcome(1, ADDRESS, 1, 0, bytes(32), 1_000, (), 1))
    assert open_welcome(sealed, keyring(signer.public), ADDRESS).upto_seq == 0
    for reader, address, reason in (
        (open_welcome, NEIGHBOUR, Reason.FOREIGN_ORIGIN),
        (open_ack, ADDRESS, Reason.WRONG_CONTENT_TYPE),
    ):
        with pytest.raises(ContractError) as caught:
            reader(sealed, keyring(signer.public), address)
        assert caught.value.reason is reason


def test_an_empty_or_overfull_batch_is_refused() -> None:
    for entries in ((), (b"x",) * 101):
        with pytest.raises(ContractError) as caught:
            wire.pack(Batch(1, 1, 1, entries))
        assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, "entries")


@pytest.mark.parametrize("read", [read_hello, read_batch, read_chunk])
@pytest.mark.parametrize("data", [b"", b"\xa0", b"\xff" * 100, bytes(70_000), cbor.encode({1: 1, 2: "x"})])
def test_a_truncated_or_oversized_message_is_refused(read: object, data: bytes) -> None:
    assert callable(read)
    with pytest.raises(ContractError):
        read(data)


def test_every_refusal_says_its_cause_and_the_next_step_in_both_languages() -> None:
    assert set(TEXTS) == set(RefusalCode)
    for code in RefusalCode:
        text = Refusal(code).text
        assert text.cause_zh and text.next_zh and text.cause_en and text.next_en
        assert text.cause_en.isascii() and not text.cause_zh.isascii()
