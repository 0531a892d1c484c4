"""A signature stands for exactly the bytes received: no bit of an envelope can change without a named refusal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import cbor
from contract.envelope import ContentType, digest, keyring, open_sealed, peek, seal
from contract.errors import ContractError, Reason
from contract.signing import Algorithm, PublicKey, SoftwareSigner, parse_public_key
from tests.contract.samples import eddsa_signer, es256_signer

PAYLOAD = b"two sales and a cancelled one"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

both_algorithms = pytest.mark.parametrize("make", [eddsa_signer, es256_signer])


def refusal(data: bytes, *believed: PublicKey, kind: ContentType = ContentType.ENTRY, most: int = 1_000) -> Reason:
    with pytest.raises(ContractError) as caught:
        open_sealed(data, kind, keyring(*believed), most)
    return caught.value.reason


@both_algorithms
def test_what_was_sealed_opens_with_the_hash_of_the_bytes_received(make: Callable[[], SoftwareSigner]) -> None:
    signer = make()
    sealed = seal(signer, ContentType.ENTRY, PAYLOAD)
    opened = open_sealed(sealed, ContentType.ENTRY, keyring(signer.public), len(PAYLOAD))
    assert (opened.payload, opened.kid, opened.digest) == (PAYLOAD, signer.public.kid, digest(sealed))
    assert peek(sealed, len(PAYLOAD)) == PAYLOAD


@both_algorithms
def test_one_bit_flipped_anywhere_is_refused_by_name(make: Callable[[], SoftwareSigner]) -> None:
    signer = make()
    sealed = seal(signer, ContentType.ENTRY, PAYLOAD)
    named = {Reason.NOT_AN_ENVELOPE, Reason.WRONG_CONTENT_TYPE, Reason.UNKNOWN_KEY, Reason.BAD_SIGNATURE}
    for position in range(len(sealed)):
        for bit in range(8):
            damaged = bytearray(sealed)
            damaged[position] ^= 1 << bit
            assert refusal(bytes(damaged), signer.public) in named, f"byte {position}, bit {bit}"


@both_algorithms
def test_every_cut_off_envelope_is_refused(make: Callable[[], SoftwareSigner]) -> None:
    signer = make()
    sealed = seal(signer, ContentType.ENTRY, PAYLOAD)
    for length in range(len(sealed)):
        assert refusal(sealed[:length], signer.public) is Reason.NOT_AN_ENVELOPE
    assert refusal(sealed + b"\x00", signer.public) is Reason.NOT_AN_ENVELOPE


def test_an_envelope_of_one_kind_is_not_taken_for_another() -> None:
    signer = eddsa_signer()
    sealed = seal(signer, ContentType.ACK, PAYLOAD)
    assert refusal(sealed, signer.public, kind=ContentType.WELCOME) is Reason.WRONG_CONTENT_TYPE


def test_a_key_nobody_believes_is_named_as_such() -> None:
    stranger, known = eddsa_signer(), eddsa_signer()
    assert refusal(seal(stranger, ContentType.ENTRY, PAYLOAD), known.public) is Reason.UNKNOWN_KEY
    assert refusal(seal(stranger, ContentType.ENTRY, PAYLOAD)) is Reason.UNKNOWN_KEY


def test_a_stranger_naming_a_believed_key_is_caught_by_the_signature() -> None:
    stranger, known = eddsa_signer(), eddsa_signer()

    class Impostor:
        public = known.public

        def sign(self, message: bytes) -> bytes:
            return stranger.sign(message)

    assert refusal(seal(Impostor(), ContentType.ENTRY, PAYLOAD), known.public) is Reason.BAD_SIGNATURE


def test_a_key_is_never_used_with_the_other_algorithm() -> None:
    signer = es256_signer()
    protected = cbor.encode({1: int(Algorithm.EDDSA), 3: int(ContentType.ENTRY), 4: signer.public.kid})
    sealed = b"\xd2" + cbor.encode([protected, {}, PAYLOAD, bytes(64)])
    assert refusal(sealed, signer.public) is Reason.UNKNOWN_KEY


def test_headers_outside_the_signature_are_refused() -> None:
    signer = eddsa_signer()
    protected, _nothing, payload, signature = cbor.decode(seal(signer, ContentType.ENTRY, PAYLOAD)[1:], 1_000)
    assert refusal(b"\xd2" + cbor.encode([protected, {4: b"x"}, payload, signature]), signer.public) is (
        Reason.NOT_AN_ENVELOPE
    )


def test_a_payload_above_its_limit_is_refused_before_anything_is_decoded() -> None:
    signer = eddsa_signer()
    assert refusal(seal(signer, ContentType.ENTRY, bytes(5_000)), signer.public) is Reason.TOO_LARGE


def test_a_p256_signature_has_one_form_so_that_a_signed_entry_has_one_hash() -> None:
    signer = es256_signer()
    for number in range(20):
        message = f"message {number}".encode()
        signature = signer.sign(message)
        assert signer.public.verify(message, signature)
        mirrored = (P256_ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
        assert not signer.public.verify(message, signature[:32] + mirrored)


@both_algorithms
@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), b"\xff" * 64, bytes(65)])
def test_a_malformed_signature_is_false_and_raises_nothing(
    make: Callable[[], SoftwareSigner], signature: bytes
) -> None:
    assert not make().public.verify(PAYLOAD, signature)


@given(st.binary(max_size=150))
def test_no_bytes_raise_anything_but_contract_error(data: bytes) -> None:
    signer = eddsa_signer()
    with pytest.raises(ContractError):
        open_sealed(data, ContentType.ENTRY, keyring(signer.public), 1_000)
    with pytest.raises(ContractError):
        open_sealed(b"\xd2" + data, ContentType.ENTRY, keyring(signer.public), 1_000)


@both_algorithms
def test_a_public_key_reads_back_from_its_text(make: Callable[[], SoftwareSigner]) -> None:
    public = make().public
    assert parse_public_key(public.text()) == public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "eddsa",
        "eddsa:",
        "eddsa:zz",
        "eddsa:" + "0" * 63,
        "rsa:" + "0" * 64,
        "es256:" + "f" * 66,
        "eddsa:" + "00 " * 32,
        "es256:" + "0" * 64,
    ],
)
def test_anything_else_is_no_public_key(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_public_key(text)
    assert caught.value.reason is Reason.BAD_KEY


@pytest.mark.parametrize("pem", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_anything_else_is_no_private_key(pem: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        SoftwareSigner(pem)
    assert caught.value.reason is Reason.BAD_KEY
