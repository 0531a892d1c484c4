"""Whatever a shop calls its token and keys, and whatever lies in the PIN's file: a key that is there, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drivers.cards.keys import KeysError
from agent.drivers.pkcs11_keys import Pkcs11Keys
from tests.drivers.softhsm import LABEL, Token, token_with

NAME, KEY, BLOCK = "店 master-1", bytes(range(16)), bytes(16)
HOSTILE = ("", "x" * 64, "' OR 1=1", "a\x00b", "\x1b[2J", "%s%n", "钥匙" * 16, "\ud800", "../../etc/passwd", NAME + " ")


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    with token_with(tmp_path_factory.mktemp("token"), {NAME: KEY}) as token:
        yield token


def outcome(token: Token, name: str, label: str = LABEL) -> bytes | str:
    with closing(Pkcs11Keys(replace(token.plan, token=label))) as keys:
        try:
            return keys.encrypt(name, BLOCK)
        except KeysError as refused:
            return str(refused)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(HOSTILE) | st.text(max_size=64))
def test_any_name_of_a_key_is_one_that_is_there_or_refused(token: Token, name: str) -> None:
    assert (len(outcome(token, name)) == len(BLOCK)) == (name == NAME)
    assert isinstance(outcome(token, NAME), bytes)


@settings(max_examples=60, deadline=None)
@given(label=st.sampled_from(HOSTILE) | st.text(max_size=32))
def test_any_name_of_a_token_is_one_that_is_there_or_refused(token: Token, label: str) -> None:
    assert isinstance(outcome(token, NAME, label), bytes) == (label == LABEL)


@settings(max_examples=60, deadline=None)
@given(written=st.binary(max_size=300) | st.sampled_from([b"", b"\x00", b"2468\x00", b"\xff\xfe", b"9" * 300]))
def test_whatever_lies_in_the_file_of_the_pin_is_refused_unless_it_is_the_pin(token: Token, written: bytes) -> None:
    true = token.pin_file.read_bytes()
    token.pin_file.write_bytes(written)
    try:
        assert isinstance(outcome(token, NAME), bytes) == (written.strip() == true.strip())
    finally:
        token.pin_file.write_bytes(true)
    assert isinstance(outcome(token, NAME), bytes)
