"""The test vectors of docs/contract/vectors.json: everything that is signed or sent, made with keys that everybody
knows. ``./dev docs`` writes them; whoever speaks this wire in another language starts from them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from itertools import islice
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contract import wire
from contract.bodies import EntryKind
from contract.coupons import Coupon, coupon_text, seal_coupon
from contract.credentials import MemberCredential, credential_text, seal_credential
from contract.documents import Document, DocumentKind, LeasesContent, seal_document
from contract.envelope import ContentType, digest, keyring
from contract.export import ExportedEpoch, ExportManifest, Measure, seal_manifest, write_export
from contract.ids import TerminalAddress
from contract.journal import identity_hash, seal_entry
from contract.messages import (
    Ack,
    Announcement,
    Batch,
    Chunk,
    EarlierEpoch,
    HeldDocument,
    Hello,
    LeasesHeld,
    Range,
    RefusedEntry,
    Want,
    Welcome,
    leases_digest,
    seal_ack,
    seal_welcome,
)
from contract.presentations import Shown, presentation_text, seal_presentation
from contract.signing import Signer, SoftwareSigner
from contract.slips import open_slip, slip_text
from tests.contract.bodies import LEASE, every_body, sale_on_floor, slip
from tests.contract.samples import ADDRESS, header

TILL_SEED = bytes(range(32))
OFFICE_SEED = bytes(range(32, 64))
PHONE_NUMBER = 0x0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20
Vector = dict[str, Any]


def till() -> SoftwareSigner:
    """The terminal's journal key: Ed25519, the seed being the bytes 0 to 31."""
    return _ed25519(TILL_SEED)


def office() -> SoftwareSigner:
    """Head office's key: Ed25519, the seed being the bytes 32 to 63."""
    return _ed25519(OFFICE_SEED)


def phone() -> SoftwareSigner:
    """A phone's key: P-256, the private number being the bytes 1 to 32."""
    key = ec.derive_private_key(PHONE_NUMBER, ec.SECP256R1())
    return SoftwareSigner(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def document() -> dict[str, Any]:
    """The whole file."""
    keys = {"till": till(), "office": office(), "phone": phone()}
    return {
        "keys": {name: signer.public.text() for name, signer in keys.items()},
        "signed": [*_entries(), *_told(), *_shown(), _manifest()],
        "plain": list(_messages()),
        "files": [{"name": "journal", "bytes": _exported()[1].hex()}],
    }


def _ed25519(seed: bytes) -> SoftwareSigner:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return SoftwareSigner(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _entries() -> Iterator[Vector]:
    """A chain with one entry of every kind, and one sale more."""
    signer = till()
    previous = identity_hash(ADDRESS, 1, signer.public)
    for seq, (kind, body) in enumerate(every_body(signer).items(), start=1):
        entry = seal_entry(signer, header(seq, previous, kind), body)
        record = {"header": _plain(entry.header), "body": _plain(body)}
        yield _signed(f"entry: {kind}", "till", signer, ContentType.ENTRY, entry.sealed, record)
        previous = entry.digest
    # A sale paid beyond what was lent to the till.
    last = header(len(EntryKind) + 1, previous)
    on_floor = seal_entry(signer, last, sale_on_floor(last.transaction))
    record = {"header": _plain(on_floor.header), "body": _plain(on_floor.body())}
    yield _signed("entry: sale on the floor limit", "till", signer, ContentType.ENTRY, on_floor.sealed, record)


def _told() -> Iterator[Vector]:
    """What head office signs for a terminal."""
    signer = office()
    refused = (RefusedEntry(5, "broken_chain"),)
    ack = Ack(1, ADDRESS, 1, 4, bytes(32), 1_760_000_001_000, refused, (RefusedEntry(3, "newer_grammar"),))
    yield _signed("acknowledgement", "office", signer, ContentType.ACK, seal_ack(signer, ack), _plain(ack))
    lending = wire.pack(LeasesContent(1, (LEASE,), ((9).to_bytes(16, "big"),)))
    made = Document(
        1, DocumentKind.LEASES, "acme", 7, 1_760_000_000_000, 1_760_600_000_000, lending, "s01", "t1", bytes(32)
    )
    sealed = seal_document(signer, made)
    yield _signed("document: leases", "office", signer, ContentType.DOCUMENT, sealed, _plain(made))
    announced = Announcement("leases", 7, digest(sealed), len(sealed), bytes(32))
    welcome = Welcome(1, ADDRESS, 1, 4, bytes(32), 1_760_000_001_000, (announced,), 2, (Range(1, 3, 9),))
    yield _signed("welcome", "office", signer, ContentType.WELCOME, seal_welcome(signer, welcome), _plain(welcome))


def _shown() -> Iterator[Vector]:
    """What a member or a cashier shows to a scanner."""
    signer = office()
    told = MemberCredential(1, "acme", "m-0001", "gold", ("birthday-05",), 20_819, issued_day=20_454)
    sealed = seal_credential(signer, told)
    yield _text("credential", "office", signer, ContentType.CREDENTIAL, sealed, told, credential_text(sealed))
    for_phone = replace(told, limit_minor=20_000, phone_key=phone().public.raw)
    shown = Shown(seal_credential(signer, for_phone), 1_760_000_000_000, bytes(range(16)))
    sealed = seal_presentation(phone(), shown)
    yield _text("presentation", "phone", phone(), ContentType.PRESENTATION, sealed, shown, presentation_text(sealed))
    coupon = Coupon(1, "acme", "T-10-7F3K", 1_760_000_000_000, 1_760_600_000_000, "m-0001", ("s01", "s02"))
    sealed = seal_coupon(signer, coupon)
    yield _text("coupon", "office", signer, ContentType.COUPON, sealed, coupon, coupon_text(sealed))
    sealed = slip(till())
    carried = open_slip(sealed, keyring(till().public))
    yield _text("slip", "till", till(), ContentType.SLIP, sealed, carried, slip_text(sealed))


def _exported() -> tuple[ExportManifest, bytes]:
    """The manifest of a journal in a file, and the whole file: the first three entries of the chain."""
    entries = [bytes.fromhex(vector["bytes"]) for vector in islice(_entries(), 3)]
    measure = Measure()
    for sealed in entries:
        measure.add(sealed)
    public = till().public
    before, head = identity_hash(ADDRESS, 1, public), digest(entries[-1])
    manifest = measure.manifest(
        ADDRESS, 1_760_000_000_000, (ExportedEpoch(1, public.text(), 1, len(entries), before, head, 2),)
    )
    file = io.BytesIO()
    write_export(file, seal_manifest(till(), manifest), entries)
    return manifest, file.getvalue()


def _manifest() -> Vector:
    manifest, _file = _exported()
    sealed = seal_manifest(till(), manifest)
    return _signed("manifest", "till", till(), ContentType.EXPORT, sealed, _plain(manifest))


def _messages() -> Iterator[Vector]:
    """What travels unsigned: nothing in it is believed but where to look."""
    held = LeasesHeld(1, leases_digest([(LEASE.lease, LEASE.amount, LEASE.bonus_minor)]))
    documents = (HeldDocument("pack", 3, bytes(32)),)
    earlier = (EarlierEpoch(1, 43, bytes(32)),)
    messages: dict[str, Any] = {
        "hello": Hello(1, 2, 5, bytes(32), 4, 1_760_000_000_000, documents, held, earlier),
        "batch": Batch(1, 2, 5, (bytes.fromhex("d284"),)),
        "want": Want(bytes(32), 3),
        "chunk": Chunk(bytes(32), 0, 1, b"a part of a blob"),
        "announcement": Announcement("members", 12, bytes(32), 80_000),
    }
    for name, message in messages.items():
        yield {"name": name, "record": _plain(message), "bytes": wire.pack(message).hex()}


def _signed(name: str, who: str, signer: Signer, of: ContentType, sealed: bytes, record: Any) -> Vector:
    found = {"name": name, "signer": who, "kid": signer.public.kid.hex(), "content_type": int(of)}
    return found | {"record": record, "bytes": sealed.hex(), "sha256": digest(sealed).hex()}


def _text(name: str, who: str, signer: Signer, of: ContentType, sealed: bytes, record: Any, text: str) -> Vector:
    return _signed(name, who, signer, of, sealed, _plain(record)) | {"text": text}


def _plain(value: Any) -> Any:
    """A record as JSON by the names of its fields, bytes in hexadecimal, what has its default left out."""
    if is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, TerminalAddress):
            return str(value)
        optional = {part.name: part.default for part in wire.layout(type(value)) if part.optional}
        named = ((item.name, getattr(value, item.name)) for item in fields(value))
        return {name: _plain(found) for name, found in named if name not in optional or found != optional[name]}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return value.hex() if isinstance(value, bytes) else value
