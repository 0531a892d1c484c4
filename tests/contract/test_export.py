"""A journal in a file: what was written is read again, and whatever else is refused with the place."""

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.bodies import CancelBody, EntryKind
from contract.envelope import keyring
from contract.errors import ContractError, Reason
from contract.export import (
    ExportedEntry,
    ExportedEpoch,
    ExportManifest,
    Measure,
    open_manifest,
    peek_manifest,
    read_entries,
    read_manifest,
    seal_manifest,
    write_export,
)
from contract.journal import seal_entry
from tests.contract.samples import ADDRESS, eddsa_signer, es256_signer, header

SIGNER = eddsa_signer()
KEY = SIGNER.public.text()


def _entries(count: int) -> list[bytes]:
    body = CancelBody("1001", 1, 100)
    return [seal_entry(SIGNER, header(seq, kind=EntryKind.CANCEL), body).sealed for seq in range(1, count + 1)]


ENTRIES = _entries(5)
EPOCHS = (
    ExportedEpoch(1, KEY, 4, 8, bytes(32), bytes(32), 3, missing=(5, 7)),
    ExportedEpoch(3, KEY, 1, 2, bytes(32), bytes(32), 0),
)


def _manifest(entries: list[bytes]) -> ExportManifest:
    measure = Measure()
    for sealed in entries:
        measure.add(sealed)
    return measure.manifest(ADDRESS, 1_760_000_000_000, EPOCHS)


def _file() -> bytes:
    sink = io.BytesIO()
    write_export(sink, seal_manifest(SIGNER, _manifest(ENTRIES)), ENTRIES)
    return sink.getvalue()


FILE = _file()


def _read(data: bytes) -> list[ExportedEntry]:
    read = io.BytesIO(data).read
    manifest = open_manifest(read_manifest(read), keyring(SIGNER.public))
    return list(read_entries(read, manifest))


def test_what_was_written_is_read_again_each_entry_at_its_place() -> None:
    assert _read(FILE) == [
        ExportedEntry(epoch, seq, sealed)
        for (epoch, seq), sealed in zip([(1, 4), (1, 6), (1, 8), (3, 1), (3, 2)], ENTRIES, strict=True)
    ]


def test_a_reader_may_be_handed_its_bytes_one_at_a_time() -> None:
    source = io.BytesIO(FILE)
    manifest = open_manifest(read_manifest(lambda _most: source.read(1)), keyring(SIGNER.public))
    assert len(list(read_entries(lambda _most: source.read(1), manifest))) == 5


def test_whose_export_it_is_can_be_read_before_anybody_is_believed() -> None:
    sealed = read_manifest(io.BytesIO(FILE).read)
    assert peek_manifest(sealed).address == ADDRESS
    assert peek_manifest(sealed).epochs[0].public_key() == SIGNER.public


def test_another_signature_than_the_terminals_is_refused() -> None:
    other = es256_signer()
    with pytest.raises(ContractError) as refused:
        open_manifest(read_manifest(io.BytesIO(FILE).read), keyring(other.public))
    assert refused.value.reason is Reason.UNKNOWN_KEY


@given(st.integers(0, len(FILE) - 1))
@settings(max_examples=200)
def test_a_file_cut_off_anywhere_is_refused(size: int) -> None:
    with pytest.raises(ContractError):
        _read(FILE[:size])


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_no_byte_of_the_file_can_be_changed(place: int, by: int) -> None:
    changed = bytearray(FILE)
    changed[place] ^= by
    with pytest.raises(ContractError):
        _read(bytes(changed))


@given(st.binary(max_size=400))
@settings(max_examples=200)
def test_any_bytes_are_refused_and_nothing_else_is_raised(data: bytes) -> None:
    for garbage in (data, FILE + data + b"\0"):
        with pytest.raises(ContractError):
            _read(garbage)


@given(st.permutations(range(5)))
@settings(max_examples=30)
def test_entries_in_another_order_or_doubled_are_refused(order: list[int]) -> None:
    sink = io.BytesIO()
    shuffled = [ENTRIES[index] for index in order]
    if shuffled == ENTRIES:
        shuffled = [ENTRIES[0], *ENTRIES[:4]]
    write_export(sink, seal_manifest(SIGNER, _manifest(ENTRIES)), shuffled)
    with pytest.raises(ContractError):
        _read(sink.getvalue())


def test_a_manifest_whose_parts_do_not_fit_is_neither_made_nor_read() -> None:
    good = _manifest(ENTRIES)
    first, second = EPOCHS
    for wrong, path in (
        (replace(good, count=6), "count"),
        (replace(good, epochs=(second, first)), "epochs[1].epoch"),
        (replace(good, epochs=(first, first)), "epochs[1].epoch"),
        (replace(good, epochs=(replace(first, missing=(7, 5)), second)), "epochs[0].missing"),
        (replace(good, epochs=(replace(first, missing=(9,)), second)), "epochs[0].missing"),
        (replace(good, epochs=(replace(first, last_seq=2, missing=()), second)), "epochs[0].missing"),
        (replace(good, grammar=2), "grammar"),
    ):
        with pytest.raises(ContractError) as refused:
            seal_manifest(SIGNER, wrong)
        assert refused.value.path == path
    with pytest.raises(ContractError) as refused:
        seal_manifest(SIGNER, replace(good, epochs=(replace(first, key="eddsa:00"), second)))
    assert refused.value.reason is Reason.BAD_KEY


def test_a_long_entry_is_not_read_beyond_what_an_entry_can_be() -> None:
    manifest = _manifest(ENTRIES)
    with pytest.raises(ContractError) as refused:
        list(read_entries(io.BytesIO(b"\x59\xff\xff" + bytes(65_535)).read, manifest))
    assert (refused.value.reason, refused.value.path) == (Reason.TOO_LARGE, "epoch 1 entry 4")
