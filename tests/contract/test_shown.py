"""What is shown to a scanner proves itself without a network: coupons, slips, and a phone's own presentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.coupons import Coupon, coupon_text, open_coupon, read_coupon_text, seal_coupon
from contract.credentials import MemberCredential, read_credential_text, seal_credential
from contract.envelope import keyring
from contract.errors import ContractError, Reason
from contract.presentations import (
    FRESH_MS,
    Shown,
    open_presentation,
    presentation_text,
    read_presentation_text,
    seal_presentation,
)
from contract.signing import Signer
from contract.slips import open_slip, read_slip_text, slip_text
from tests.contract.bodies import slip
from tests.contract.samples import ADDRESS, NEIGHBOUR, eddsa_signer, es256_signer

OFFICE = eddsa_signer()
PHONE = es256_signer()
CREDENTIAL = MemberCredential(1, "acme", "m-0001", "gold", (), 20_819, phone_key=PHONE.public.raw)
COUPON = Coupon(1, "acme", "T-10-7F3K", 1_760_000_000_000, 1_760_600_000_000, "m-0001", ("s01",))
SHOWN_MS = 1_760_000_000_000
Reader = Callable[[str], bytes]


def shown(credential: MemberCredential = CREDENTIAL, phone: Signer = PHONE) -> bytes:
    return seal_presentation(phone, Shown(seal_credential(OFFICE, credential), SHOWN_MS, bytes(16)))


def test_a_presentation_is_believed_by_head_offices_signature_and_the_phones() -> None:
    found = open_presentation(shown(), keyring(OFFICE.public))
    assert (found.credential, found.shown_ms, found.nonce) == (CREDENTIAL, SHOWN_MS, bytes(16))


def test_a_presentation_is_fresh_for_a_minute_around_the_phones_time() -> None:
    found = open_presentation(shown(), keyring(OFFICE.public))
    assert found.fresh(SHOWN_MS - FRESH_MS)
    assert found.fresh(SHOWN_MS + FRESH_MS)
    assert not found.fresh(SHOWN_MS + FRESH_MS + 1)
    assert not found.fresh(SHOWN_MS - FRESH_MS - 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (shown(phone=es256_signer()), Reason.UNKNOWN_KEY),
        (shown(replace(CREDENTIAL, phone_key=None)), Reason.UNKNOWN_KEY),
        (shown(replace(CREDENTIAL, phone_key=b"\x02" + b"\xff" * 32)), Reason.UNKNOWN_KEY),
        (shown()[:-1] + bytes([shown()[-1] ^ 1]), Reason.BAD_SIGNATURE),
        (seal_credential(OFFICE, CREDENTIAL), Reason.UNKNOWN_FIELD),
        (b"", Reason.NOT_AN_ENVELOPE),
    ],
)
def test_another_phone_no_phone_or_a_changed_byte_is_refused(data: bytes, reason: Reason) -> None:
    with pytest.raises(ContractError) as caught:
        open_presentation(data, keyring(OFFICE.public))
    assert caught.value.reason in (reason, Reason.WRONG_TYPE)


def test_a_credential_that_a_stranger_signed_is_refused_whatever_the_phone_signed() -> None:
    with pytest.raises(ContractError) as caught:
        open_presentation(shown(), keyring(eddsa_signer().public))
    assert caught.value.reason is Reason.UNKNOWN_KEY


def test_a_coupon_says_what_it_is_good_for_and_only_head_office_can_say_it() -> None:
    sealed = seal_coupon(OFFICE, COUPON)
    assert open_coupon(sealed, keyring(OFFICE.public)) == COUPON
    with pytest.raises(ContractError) as caught:
        open_coupon(sealed, keyring(eddsa_signer().public))
    assert caught.value.reason is Reason.UNKNOWN_KEY
    with pytest.raises(ContractError) as caught:
        open_coupon(seal_coupon(OFFICE, replace(COUPON, grammar=2)), keyring(OFFICE.public))
    assert caught.value.reason is Reason.NEWER_GRAMMAR


def test_a_slip_is_believed_by_the_key_of_the_terminal_it_left() -> None:
    till = eddsa_signer()
    found = open_slip(slip(till), keyring(till.public, OFFICE.public))
    assert (found.giver, found.addressee, found.value.amount) == (ADDRESS, NEIGHBOUR, 5_000)
    with pytest.raises(ContractError) as caught:
        open_slip(slip(till), keyring(OFFICE.public))
    assert caught.value.reason is Reason.UNKNOWN_KEY


def test_what_is_signed_as_one_thing_is_never_taken_for_another() -> None:
    coupon = seal_coupon(OFFICE, COUPON)
    for opens in (open_slip, open_presentation):
        with pytest.raises(ContractError):
            opens(coupon, keyring(OFFICE.public))


READERS: list[tuple[Callable[[bytes], str], Reader]] = [
    (coupon_text, read_coupon_text),
    (slip_text, read_slip_text),
    (presentation_text, read_presentation_text),
]


@pytest.mark.parametrize(("write", "read"), READERS)
@given(data=st.binary(min_size=1, max_size=512))
def test_the_text_of_a_code_reads_back(write: Callable[[bytes], str], read: Reader, data: bytes) -> None:
    assert read(write(data)) == data


@given(text=st.text(max_size=80) | st.from_regex(r"TL[CKPS]1:[A-Z2-7=]{0,40}", fullmatch=True))
def test_any_other_text_is_refused_by_name_or_reads_back_to_itself(text: str) -> None:
    for write, read in READERS:
        try:
            data = read(text)
        except ContractError as error:
            assert error.reason in (Reason.BAD_TEXT_FORM, Reason.TOO_LARGE)
        else:
            assert write(data) == text
    with pytest.raises(ContractError):
        read_credential_text(text + "!")
