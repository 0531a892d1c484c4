"""The identity: read as provisioning wrote it, or refused with what is wrong and what to do."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.keys import Identity, KeyFileError, load_identity, new_transaction_id
from contract.ids import TerminalAddress, parse_address
from provisioning.birth import check_address, ensure_terminal
from provisioning.headquarters import ensure_head_office, read_document_public

ADDRESS = parse_address("acme/s01/t1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The identity folder of a terminal just born."""
    now = datetime.now(UTC)
    ensure_head_office(tmp_path, "hq-1", now)
    return ensure_terminal(tmp_path, check_address("acme", "s01", "t1"), tmp_path / "t1", now).identity_folder


def test_a_terminal_just_born_has_an_identity_that_signs_and_believes_its_head_office(
    folder: Path, tmp_path: Path
) -> None:
    identity = load_identity(folder, ADDRESS, 1)
    assert (identity.address, identity.epoch, len(identity.device_key)) == (ADDRESS, 1, 32)
    assert identity.signer.public.verify(b"sale", identity.signer.sign(b"sale"))
    believed = read_document_public(tmp_path)
    assert identity.hq_keys == {believed.kid: believed}


def test_several_head_office_keys_are_believed_one_a_line(folder: Path) -> None:
    pinned = folder / "hq.pub"
    other = load_identity(folder, ADDRESS, 1).signer.public
    pinned.write_text(f"{pinned.read_text()}\n{other.text()}\n")
    assert len(load_identity(folder, ADDRESS, 1).hq_keys) == 2


@pytest.mark.parametrize("name", ["ca.pem", "client.pem", "client.key", "journal.key", "device.key", "hq.pub"])
@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_or_empty_file_is_named(folder: Path, name: str, content: bytes | None) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(KeyFileError) as refused:
        load_identity(folder, ADDRESS, 1)
    assert str(folder / name) in refused.value.cause
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("client.pem", lambda data: b"-----BEGIN nothing"),
        ("journal.key", lambda data: data[:40]),
        ("device.key", lambda data: data[:31]),
        ("hq.pub", lambda data: data + b"rsa:00\n"),
        ("hq.pub", lambda data: b"\xff\xfe"),
        ("hq.pub", lambda data: b"\n\n"),
        ("hq.pub", lambda data: data * 2_000),
    ],
)
def test_a_damaged_file_is_named(folder: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(KeyFileError, match=name):
        load_identity(folder, ADDRESS, 1)


def test_the_identity_of_another_terminal_is_refused(folder: Path) -> None:
    with pytest.raises(KeyFileError, match="names acme/s01/t1 instead of acme/s01/t2"):
        load_identity(folder, TerminalAddress("acme", "s01", "t2"), 1)


def test_transaction_ids_do_not_repeat() -> None:
    ids = {new_transaction_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert {len(name) for name in ids} == {16}


def test_an_identity_is_a_value(folder: Path) -> None:
    identity = load_identity(folder, ADDRESS, 1)
    assert isinstance(identity, Identity)
    with pytest.raises(AttributeError):
        identity.epoch = 2  # type: ignore[misc]
