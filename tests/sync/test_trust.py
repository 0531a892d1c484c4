"""Which documents are believed: the attacks by name."""

from dataclasses import replace

import pytest

from agent.sync.trust import Distrust, judge
from contract import cbor, envelope, wire
from contract.documents import DocumentKind, OpenedDocument, seal_document
from contract.envelope import ContentType, keyring, seal
from contract.messages import HeldDocument
from tests.contract.samples import ADDRESS, eddsa_signer, es256_signer
from tests.sync.office import NOON_MS, document

SIGNER = eddsa_signer()
BELIEVED = keyring(SIGNER.public)
ACTIVE = (HeldDocument(DocumentKind.PACK, 5, bytes(32)), HeldDocument(DocumentKind.MEMBERS, 90, bytes(32)))


def judged(sealed: bytes, now_ms: int = NOON_MS) -> OpenedDocument | Distrust:
    return judge(sealed, BELIEVED, ADDRESS, ACTIVE, now_ms)


def test_a_newer_document_of_our_head_office_for_us_is_believed() -> None:
    sealed = seal_document(SIGNER, document(6))
    assert judged(sealed) == OpenedDocument(document(6), envelope.digest(sealed), sealed)
    assert isinstance(judged(seal_document(SIGNER, replace(document(6), shop=ADDRESS.shop))), OpenedDocument)
    assert isinstance(judged(seal_document(SIGNER, document(1, kind=DocumentKind.CATALOGUE))), OpenedDocument)


@pytest.mark.parametrize("signer", [eddsa_signer(), es256_signer()])
def test_a_key_that_is_not_pinned_is_not_believed(signer: object) -> None:
    assert judged(seal_document(signer, document(6))) == Distrust("unknown_key")  # type: ignore[arg-type]


def test_a_tampered_document_is_not_believed() -> None:
    sealed = seal_document(SIGNER, document(6, b"ten percent off"))
    assert judged(sealed.replace(b"ten", b"six")) == Distrust("bad_signature")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"version": 4}, "older_version"),
        ({"version": 5}, "older_version"),
        ({"version": 5, "content": b"other"}, "older_version"),
        ({"tenant": "other"}, "foreign_origin"),
        ({"shop": "s02"}, "foreign_origin"),
        ({"accept_until_ms": NOON_MS - 1}, "expired"),
        ({"grammar": 2}, "newer_grammar"),
    ],
)
def test_what_is_old_foreign_expired_or_not_understood_is_not_believed(changed: dict[str, object], reason: str) -> None:
    found = replace(document(6), **changed)  # type: ignore[arg-type]
    told = judged(seal_document(SIGNER, found))
    assert isinstance(told, Distrust)
    assert told.reason == reason


def test_the_last_moment_of_acceptance_is_still_in_time() -> None:
    sealed = seal_document(SIGNER, document(6))
    last_ms = document(6).accept_until_ms
    assert isinstance(judged(sealed, last_ms), OpenedDocument)
    assert judged(sealed, last_ms + 1) == Distrust("expired", last_ms)


def test_a_document_with_a_field_nobody_knows_is_not_believed() -> None:
    plain = {**wire.to_wire(document(6)), 99: b"new"}
    assert judged(seal(SIGNER, ContentType.DOCUMENT, cbor.encode(plain))) == Distrust("unknown_field")


def test_a_document_without_a_field_is_not_believed() -> None:
    plain = {key: value for key, value in wire.to_wire(document(6)).items() if key != 7}
    assert judged(seal(SIGNER, ContentType.DOCUMENT, cbor.encode(plain))) == Distrust("missing_field")


def test_another_kind_of_envelope_of_our_head_office_is_no_document() -> None:
    sealed = seal(SIGNER, ContentType.CREDENTIAL, wire.pack(document(6)))
    assert judged(sealed) == Distrust("wrong_content_type")


@pytest.mark.parametrize("sealed", [b"", b"\xd2", b"nothing at all", bytes(100_000)])
def test_bytes_that_are_no_envelope_are_not_believed(sealed: bytes) -> None:
    assert judged(sealed) == Distrust("not_an_envelope")
