"""The wire as docs/contract tells it: its vectors are what the code makes, and a COSE implementation by others, from
PyPI, verifies every one of them and sees the same bytes inside.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pycose.keys.ec2 import EC2Key
from pycose.keys.okp import OKPKey
from pycose.messages.sign1message import Sign1Message

from contract.bodies import EntryKind
from contract.envelope import ContentType, digest
from tests.contract import vectors
from tests.tidy.tree import ROOT

PATH = ROOT / "docs" / "contract" / "vectors.json"
TOLD: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
NAMES = [vector["name"] for vector in TOLD["signed"]]


def read_by_others(vector: dict[str, Any], data: bytes) -> Any:
    """The envelope as the other implementation reads it, given the public key that should have signed it."""
    _, _, digits = TOLD["keys"][vector["signer"]].partition(":")
    raw = bytes.fromhex(digits)
    # Its own decoder wants the parts as a list and a dict; inside a tag (here one byte) cbor2 gives them unchangeable.
    message: Any = Sign1Message.from_cose_obj(cbor2.loads(data[1:]), True)
    if len(raw) == 32:
        message.key = OKPKey(crv="ED25519", x=raw)
    else:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw).public_numbers()
        message.key = EC2Key(crv="P_256", x=point.x.to_bytes(32, "big"), y=point.y.to_bytes(32, "big"))
    return message


def signed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = TOLD["signed"][NAMES.index(name)]
    return found


def byte_strings(value: object) -> Iterator[bytes]:
    """Every byte string in a decoded value, at whatever depth."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from byte_strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from byte_strings(item)


def test_the_vectors_in_the_documentation_are_what_the_code_makes() -> None:
    assert vectors.document() == TOLD, "run ./dev docs"


def test_there_is_a_vector_of_every_kind_of_entry_and_of_everything_that_is_signed() -> None:
    assert {f"entry: {kind}" for kind in EntryKind} <= set(NAMES)
    assert {vector["content_type"] for vector in TOLD["signed"]} == set(ContentType)


@pytest.mark.parametrize("name", NAMES)
def test_another_implementation_verifies_a_vector_and_reads_the_same_headers(name: str) -> None:
    vector = signed(name)
    data = bytes.fromhex(vector["bytes"])
    message = read_by_others(vector, data)
    assert message.verify_signature()
    protected = cbor2.loads(message.phdr_encoded)
    algorithm = -8 if TOLD["keys"][vector["signer"]].startswith("eddsa") else -7
    assert protected == {1: algorithm, 3: vector["content_type"], 4: bytes.fromhex(vector["kid"])}
    assert message.uhdr == {}
    assert digest(data).hex() == vector["sha256"]
    # Deterministic CBOR (RFC 8949 section 4.2): what another encoder makes of what it read is the same bytes.
    assert cbor2.dumps(cbor2.loads(message.payload), canonical=True) == message.payload


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [-1, -80])
def test_another_implementation_refuses_a_vector_with_one_bit_changed(name: str, place: int) -> None:
    vector = signed(name)
    data = bytearray.fromhex(vector["bytes"])
    data[place] ^= 1
    assert not read_by_others(vector, bytes(data)).verify_signature()


def test_entries_chain_by_the_hash_of_the_signed_bytes_and_a_header_reads_without_the_body() -> None:
    previous = None
    for seq, kind in enumerate(EntryKind, start=1):
        vector = signed(f"entry: {kind}")
        header, body = cbor2.loads(cbor2.loads(bytes.fromhex(vector["bytes"])).value[2])
        assert isinstance(body, bytes)
        assert (header[4], header[6]) == (seq, kind.value)
        assert previous is None or header[5] == previous
        previous = bytes.fromhex(vector["sha256"])


def test_an_entry_that_is_carried_over_holds_the_earlier_one_as_it_was_signed() -> None:
    payload = cbor2.loads(bytes.fromhex(signed("entry: carry_over")["bytes"])).value[2]
    header, body = cbor2.loads(payload)
    embedded = next(item for item in byte_strings(cbor2.loads(body)) if len(item) > 100)
    earlier = read_by_others(signed("entry: carry_over"), embedded)
    assert earlier.verify_signature()
    assert cbor2.loads(earlier.payload)[0][6] == "sale"
    assert cbor2.loads(body)[2] == cbor2.loads(earlier.payload)[0][4]
    assert header[6] == "carry_over"


@pytest.mark.parametrize("name", ["credential", "presentation", "coupon", "slip"])
def test_what_is_scanned_is_a_prefix_and_base32_of_the_signed_bytes(name: str) -> None:
    vector = signed(name)
    digits = vector["text"].partition(":")[2]
    assert base64.b32decode(digits + "=" * (-len(digits) % 8)).hex() == vector["bytes"]


def test_a_journal_in_a_file_is_the_signed_manifest_and_the_entries_it_measures() -> None:
    file = bytes.fromhex(TOLD["files"][0]["bytes"])
    manifest = signed("manifest")
    parts, rest = [], io.BytesIO(file)
    while rest.tell() < len(file):
        parts.append(cbor2.load(rest))
    assert parts[0].hex() == manifest["bytes"]
    assert [part.hex() for part in parts[1:]] == [vector["bytes"] for vector in TOLD["signed"][:3]]
    told = cbor2.loads(cbor2.loads(parts[0][1:])[2])
    behind = file[len(cbor2.dumps(parts[0])) :]
    assert (told[5], told[6], told[7]) == (3, len(behind), hashlib.sha256(behind).digest())


@pytest.mark.parametrize("vector", TOLD["plain"], ids=lambda vector: vector["name"])
def test_what_travels_unsigned_is_deterministic_cbor_too(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["bytes"])
    assert cbor2.dumps(cbor2.loads(data), canonical=True) == data
