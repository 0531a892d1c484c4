"""A member's credential is proof without asking anybody, and small enough for a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.credentials import (
    GRAMMAR,
    PREFIX,
    MemberCredential,
    credential_text,
    open_credential,
    read_credential_text,
    seal_credential,
)
from contract.envelope import keyring
from contract.errors import ContractError, Reason
from contract.signing import SoftwareSigner
from tests.contract.samples import eddsa_signer, es256_signer

ORDINARY = MemberCredential(GRAMMAR, "acme", "m-00000042", "gold", ("birthday-05",), 20_819)
NTAG213_BYTES = 144


@pytest.mark.parametrize("make", [eddsa_signer, es256_signer])
@pytest.mark.parametrize("card", [None, bytes.fromhex("04a1b2c3d4e5f6")])
def test_an_ordinary_credential_fits_the_smallest_card(make: Callable[[], SoftwareSigner], card: bytes | None) -> None:
    signer, told = make(), replace(ORDINARY, card=card)
    sealed = seal_credential(signer, told)
    assert len(sealed) <= NTAG213_BYTES
    assert open_credential(sealed, keyring(signer.public)) == told


def test_a_credential_of_a_later_grammar_is_refused_as_such() -> None:
    signer = eddsa_signer()
    with pytest.raises(ContractError) as caught:
        open_credential(seal_credential(signer, replace(ORDINARY, grammar=2)), keyring(signer.public))
    assert caught.value.reason is Reason.NEWER_GRAMMAR


def test_its_text_reads_back_and_stays_in_the_alphabet_of_a_dense_qr_code() -> None:
    sealed = seal_credential(eddsa_signer(), ORDINARY)
    text = credential_text(sealed)
    assert read_credential_text(text) == sealed
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def test_a_credential_signed_by_a_stranger_or_changed_in_one_character_is_refused() -> None:
    signer = eddsa_signer()
    text = credential_text(seal_credential(signer, ORDINARY))
    with pytest.raises(ContractError) as caught:
        open_credential(read_credential_text(text), keyring(eddsa_signer().public))
    assert caught.value.reason is Reason.UNKNOWN_KEY
    for position in range(len(PREFIX), len(text)):
        other = "A" if text[position] != "A" else "B"
        with pytest.raises(ContractError):
            open_credential(
                read_credential_text(text[:position] + other + text[position + 1 :]), keyring(signer.public)
            )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.BAD_TEXT_FORM),
        ("6901234567892", Reason.BAD_TEXT_FORM),
        (PREFIX + "A", Reason.BAD_TEXT_FORM),
        (PREFIX + "aaaaaaaa", Reason.BAD_TEXT_FORM),
        (PREFIX + "AAAAAAA1", Reason.BAD_TEXT_FORM),
        (PREFIX + "AB======", Reason.BAD_TEXT_FORM),
        (PREFIX + "AB", Reason.BAD_TEXT_FORM),
        (PREFIX + "会员", Reason.BAD_TEXT_FORM),
        (PREFIX + "A" * 4_000, Reason.TOO_LARGE),
    ],
)
def test_text_in_any_other_form_is_refused(text: str, reason: Reason) -> None:
    with pytest.raises(ContractError) as caught:
        read_credential_text(text)
    assert caught.value.reason is reason


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_contract_error(text: str) -> None:
    for candidate in (text, PREFIX + text):
        try:
            assert credential_text(read_credential_text(candidate)) == candidate
        except ContractError:
            continue
