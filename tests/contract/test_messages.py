"""Messages outlive the program that reads them: what a later head office adds to a list leaves the rest readable."""

from __future__ import annotations

import cbor2
import pytest

from contract import envelope, wire
from contract.documents import DocumentKind
from contract.envelope import ContentType, keyring
from contract.errors import ContractError, Reason
from contract.messages import (
    GRAMMAR,
    Announcement,
    HeldDocument,
    Hello,
    LeasesHeld,
    Welcome,
    digest_after,
    leases_digest,
    open_welcome,
    read_announcement,
    read_hello,
    seal_welcome,
)
from tests.contract.samples import ADDRESS, eddsa_signer

TODAY = Announcement(DocumentKind.PACK, 7, bytes(32), 1_000)
TOMORROW = Announcement("planograms", 1, b"\1" * 32, 2_000)


def test_todays_reader_survives_tomorrows_list_of_documents() -> None:
    signer = eddsa_signer()
    said = Welcome(GRAMMAR, ADDRESS, 1, 0, bytes(32), 1_760_000_000_000, (TODAY, TOMORROW), 1)
    read = open_welcome(seal_welcome(signer, said), keyring(signer.public), ADDRESS)
    assert read == said
    assert [item.kind for item in read.documents] == ["pack", "planograms"]
    assert read_announcement(wire.pack(TOMORROW)) == TOMORROW


def test_head_office_reads_the_hello_of_a_till_that_holds_a_kind_it_does_not_know() -> None:
    held = (HeldDocument("planograms", 1, bytes(32)), HeldDocument(DocumentKind.PACK, 2, bytes(32)))
    hello = Hello(GRAMMAR, 1, 0, bytes(32), 0, 0, held, LeasesHeld(0, leases_digest(())))
    assert read_hello(wire.pack(hello)) == hello


def test_a_kind_known_today_is_written_as_its_plain_name() -> None:
    assert cbor2.loads(wire.pack(TODAY))[1] == "pack"


@pytest.mark.parametrize("kind", ["", "Pack", "pa/ck", "pack\n", "x" * 25, 7, None])
def test_what_is_no_name_of_a_kind_is_refused(kind: object) -> None:
    plain = {**cbor2.loads(wire.pack(TODAY)), 1: kind}
    with pytest.raises(ContractError) as caught:
        read_announcement(cbor2.dumps(plain, canonical=True))
    assert caught.value.reason in (Reason.BAD_ID, Reason.OUT_OF_RANGE, Reason.WRONG_TYPE)


def test_a_welcome_under_another_name_of_message_is_refused() -> None:
    signer = eddsa_signer()
    said = Welcome(GRAMMAR, ADDRESS, 1, 0, bytes(32), 1, (TODAY,), 1)
    with pytest.raises(ContractError):
        open_welcome(envelope.seal(signer, ContentType.ACK, wire.pack(said)), keyring(signer.public), ADDRESS)


def test_the_digest_of_leases_is_kept_up_without_reading_them_all() -> None:
    one, two, less = (bytes(16), 500, 100), (bytes(15) + b"\x01", 7, 0), (bytes(16), 20, 4)
    both = leases_digest([one, two])
    assert leases_digest([two, one]) == both
    assert digest_after(both, [one], [less]) == leases_digest([two, less])
    assert digest_after(leases_digest([one]), [one], []) == leases_digest([]) == bytes(32)
