"""The journal is a chain: each entry carries the hash of the one before, and says exactly what was sold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract import cbor, wire
from contract.bodies import CancelBody, EntryKind, TechnicalEventBody
from contract.envelope import ContentType, keyring, seal
from contract.errors import ContractError, Reason
from contract.journal import GRAMMAR, MAX_ENTRY_BYTES, identity_hash, open_entry, peek_header, seal_entry
from contract.trade import SaleBody
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer, es256_signer, header, sale

GIVEN_UP = CancelBody("1001", 2, 5_000)


def test_entries_chain_from_the_identity_of_the_till_on() -> None:
    signer = eddsa_signer()
    previous = identity_hash(ADDRESS, 1, signer.public)
    for seq in range(1, 6):
        entry = seal_entry(signer, header(seq, previous), sale())
        received = open_entry(entry.sealed, keyring(signer.public))
        assert (received.header.seq, received.header.previous, received.digest) == (seq, previous, entry.digest)
        previous = entry.digest


def test_the_identity_differs_by_till_by_epoch_and_by_key() -> None:
    key = eddsa_signer().public
    identities = {
        identity_hash(ADDRESS, 1, key),
        identity_hash(ADDRESS, 2, key),
        identity_hash(NEIGHBOUR, 1, key),
        identity_hash(ADDRESS, 1, eddsa_signer().public),
    }
    assert len(identities) == 4


def test_a_sale_reads_back_complete() -> None:
    signer = es256_signer()
    entry = open_entry(seal_entry(signer, header(), sale()).sealed, keyring(signer.public))
    assert entry.header == header()
    assert entry.body() == sale()


def test_a_header_can_be_read_before_the_key_is_known() -> None:
    assert peek_header(seal_entry(eddsa_signer(), header(7), sale()).sealed) == header(7)


def test_a_body_must_be_of_the_kind_the_header_says() -> None:
    signer = eddsa_signer()
    with pytest.raises(ContractError) as caught:
        seal_entry(signer, header(kind=EntryKind.CANCEL), sale())
    assert caught.value.reason is Reason.WRONG_TYPE
    assert seal_entry(signer, header(kind=EntryKind.CANCEL), GIVEN_UP).body() == GIVEN_UP


def test_postings_that_do_not_balance_are_neither_written_nor_read() -> None:
    signer = eddsa_signer()
    short = replace(sale(), postings=sale().postings[:-1])
    with pytest.raises(ContractError) as caught:
        seal_entry(signer, header(), short)
    assert caught.value.reason is Reason.UNBALANCED
    payload = cbor.encode([wire.to_wire(header()), wire.pack(short)])
    entry = open_entry(seal(signer, ContentType.ENTRY, payload), keyring(signer.public))
    with pytest.raises(ContractError) as caught:
        entry.body()
    assert caught.value.reason is Reason.UNBALANCED


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (replace(sale(), names=("商品", "商品")), "names"),
        (replace(sale(), payable_by_line=(22_120, 0)), "payable_by_line"),
        (replace(sale(), basket=replace(sale().basket, lines=())), "names"),
        (replace(sale(), member=None), "member"),
        (replace(sale(), basket=replace(sale().basket, customer=None)), "member"),
    ],
)
def test_a_sale_whose_parts_do_not_fit_each_other_is_neither_written_nor_read(broken: SaleBody, path: str) -> None:
    signer = eddsa_signer()
    with pytest.raises(ContractError) as caught:
        seal_entry(signer, header(), broken)
    assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, path)
    payload = cbor.encode([wire.to_wire(header()), wire.pack(broken)])
    with pytest.raises(ContractError) as caught:
        open_entry(seal(signer, ContentType.ENTRY, payload), keyring(signer.public)).body()
    assert (caught.value.reason, caught.value.path) == (Reason.OUT_OF_RANGE, path)


def test_an_entry_of_a_newer_grammar_is_named_as_such_and_not_as_damage() -> None:
    signer = eddsa_signer()
    plain = wire.to_wire(header()) | {1: GRAMMAR + 1, 99: "new"}
    sealed = seal(signer, ContentType.ENTRY, cbor.encode([plain, b"anything"]))
    with pytest.raises(ContractError) as caught:
        open_entry(sealed, keyring(signer.public))
    assert caught.value.reason is Reason.NEWER_GRAMMAR


def test_an_entry_with_a_body_nobody_can_read_still_shows_its_header() -> None:
    signer = eddsa_signer()
    sealed = seal(signer, ContentType.ENTRY, cbor.encode([wire.to_wire(header()), b"\xff"]))
    entry = open_entry(sealed, keyring(signer.public))
    assert entry.header.seq == 1
    with pytest.raises(ContractError):
        entry.body()


def test_an_entry_above_the_size_limit_is_not_made() -> None:
    small = sale()
    huge = replace(
        small,
        basket=replace(small.basket, lines=small.basket.lines * 200),
        names=("商" * 40,) * 200,
        payable_by_line=small.payable_by_line * 200,
    )
    with pytest.raises(ContractError) as caught:
        seal_entry(eddsa_signer(), header(), huge)
    assert caught.value.reason is Reason.TOO_LARGE
    assert len(seal_entry(eddsa_signer(), header(), sale()).sealed) < MAX_ENTRY_BYTES // 10


@pytest.mark.parametrize(
    "payload", [b"", b"\x80", cbor.encode([{}, b""]), cbor.encode([{1: 1}, {}]), cbor.encode({1: 1})]
)
def test_a_signed_payload_that_is_no_entry_is_refused(payload: bytes) -> None:
    signer = eddsa_signer()
    with pytest.raises(ContractError):
        open_entry(seal(signer, ContentType.ENTRY, payload), keyring(signer.public))


def test_a_technical_event_needs_a_stable_code_and_may_lack_a_detail() -> None:
    body = TechnicalEventBody("reader_restarted", "")
    entry = seal_entry(eddsa_signer(), header(kind=EntryKind.TECHNICAL_EVENT), body)
    assert entry.body() == body
