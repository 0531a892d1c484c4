"""Keys of cards come out as NIST's and NXP's own examples have them, in our arithmetic and inside a token."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.drivers.cards.aes_cmac import cmac, subkeys
from agent.drivers.cards.desfire_session import Session, crc32, decrypt, encrypt_block
from agent.drivers.cards.diversify import diversified, tag_password
from agent.drivers.cards.keys import KeysError
from agent.drivers.cards.plan import TokenPlan
from agent.drivers.pkcs11_keys import Pkcs11Keys
from tests.drivers.softhsm import LIBRARY, PIN, token_with

NIST_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
NIST_TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
NXP_KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
NXP_INPUT = bytes.fromhex("04782e21801d80 3042f5 4e585020416275")
NXP_DIVERSIFIED = bytes.fromhex("a8dd63a3b89d54b37ca802473fda9175")


@pytest.mark.parametrize(
    ("size", "mac"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_cmac_is_that_of_sp_800_38b(size: int, mac: str) -> None:
    assert cmac(lambda block: encrypt_block(NIST_KEY, block), NIST_TEXT[:size]).hex() == mac


def test_a_key_is_diversified_as_in_an10922() -> None:
    def encrypt(block: bytes) -> bytes:
        return encrypt_block(NXP_KEY, block)

    first, second = subkeys(encrypt)
    assert first.hex() == "fbc9f75c9413c041dfee452d3f0706d1"
    assert second.hex() == "f793eeb928278083bfdc8a5a7e0e0d25"
    assert diversified(encrypt, NXP_INPUT) == NXP_DIVERSIFIED


@pytest.mark.parametrize("size", [0, 32])
def test_an_input_that_cannot_be_diversified_is_refused(size: int) -> None:
    with pytest.raises(ValueError):
        diversified(lambda block: block, bytes(size))


def test_a_short_input_is_padded_to_two_blocks_and_no_two_cards_share_a_password() -> None:
    def encrypt(block: bytes) -> bytes:
        return encrypt_block(NXP_KEY, block)

    assert diversified(encrypt, b"\x04") != cmac(encrypt, b"\x01\x04")
    one, other = (tag_password(encrypt, bytes([4, 1, 2, 3, 4, 5, last]), b"shop") for last in (6, 7))
    assert one != other and (len(one[0]), len(one[1])) == (4, 2)


def test_a_cards_challenge_is_deciphered_as_in_the_published_trace_of_an_aes_authentication() -> None:
    challenge = bytes.fromhex("b969fdfe56fd91fc9de6f6f213b8fd1e")
    assert decrypt(bytes(16), challenge, bytes(16)).hex() == "c05ddd714fd788a6b7b754f3c4d066e8"


def test_the_checksum_is_crc_32_without_its_last_step() -> None:
    assert crc32(b"123456789") == (0xCBF43926 ^ 0xFFFFFFFF).to_bytes(4, "little")


def test_the_session_key_is_made_of_both_sides_numbers() -> None:
    first, second = bytes(range(16)), bytes(range(16, 32))
    key = first[:4] + second[:4] + first[12:] + second[12:]

    def encrypt(block: bytes) -> bytes:
        return encrypt_block(key, block)

    session = Session.of(first, second)
    session.command(b"\x6f")
    mac = cmac(encrypt, b"\x01\x00", cmac(encrypt, b"\x6f"))[:8]
    assert session.answer(b"\x01" + mac, 0) == b"\x01"


def test_a_token_diversifies_a_key_it_does_not_give_away(tmp_path: Path) -> None:
    with token_with(tmp_path, {"members": NXP_KEY}) as token:
        keys = Pkcs11Keys(token.plan)
        assert diversified(lambda block: keys.encrypt("members", block), NXP_INPUT) == NXP_DIVERSIFIED
        keys.close()
        assert keys.encrypt("members", bytes(16)) == encrypt_block(NXP_KEY, bytes(16))
        with pytest.raises(KeysError) as missing:
            keys.encrypt("nobody", bytes(16))
        assert missing.value.reason == "key_missing"
        with pytest.raises(KeysError) as other:
            Pkcs11Keys(TokenPlan(LIBRARY, "other", str(token.pin_file))).encrypt("members", bytes(16))
        assert other.value.reason == "token_missing"
        # A process is logged in or not as a whole.
        keys.close()
        wrong = Pkcs11Keys(token.plan)
        token.pin_file.write_text("0000")
        for _ in range(3):
            with pytest.raises(KeysError) as refused:
                wrong.encrypt("members", bytes(16))
            assert refused.value.reason == "token_refused"
        token.pin_file.write_text(PIN)
        assert wrong.encrypt("members", bytes(16)) == encrypt_block(NXP_KEY, bytes(16))


@pytest.mark.parametrize(("library", "pin_file"), [("/nowhere/library.so", "pin"), (LIBRARY, "nowhere")])
def test_a_library_or_a_pin_that_is_not_there_is_told(tmp_path: Path, library: str, pin_file: str) -> None:
    (tmp_path / "pin").write_text("1")
    with pytest.raises(KeysError) as error:
        Pkcs11Keys(TokenPlan(library, "cards", str(tmp_path / pin_file))).encrypt("members", bytes(16))
    assert error.value.reason in ("token_missing", "token_refused")
