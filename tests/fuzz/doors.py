"""Every door through which bytes come in from outside, as one function of bytes each: it takes them, or refuses them by
the one exception of that door. Anything else that leaves is a fault.

What is signed has two doors: as it arrives, and as somebody who holds the key would make it, so that what stands behind
the signature is tried as well.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from agent.clock import Stamp
from agent.sync.conversation import Conversation
from agent.sync.facts import LinkUp, MessageArrived
from agent.sync.parties import Parties
from agent.txn.ndef import payloads
from contract import cbor, documents, messages, settings, texts, topics
from contract.bodies import EntryKind, body_type
from contract.coupons import open_coupon, read_coupon_text
from contract.credentials import open_credential, read_credential_text
from contract.envelope import ContentType, digest, keyring, open_sealed, seal
from contract.errors import ContractError
from contract.export import (
    ExportedEpoch,
    Measure,
    open_manifest,
    read_entries,
    read_manifest,
    seal_manifest,
    write_export,
)
from contract.ids import parse_address
from contract.journal import MAX_PAYLOAD_BYTES, TimeQuality, identity_hash, open_entry, peek_header
from contract.money import parse_amount_minor
from contract.named import parse_json
from contract.presentations import open_presentation, read_presentation_text
from contract.signing import parse_public_key
from contract.slips import open_slip, read_slip_text
from contract.wire import from_wire, pack, unpack
from hq import sources
from hq.errors import OfficeError
from rules.authoring import read_authored, read_authored_basket
from rules.pack import read_pack, write_pack
from tests.contract import vectors
from tests.contract.bodies import LEASE, USES_LEASE
from tests.contract.samples import ADDRESS
from tests.fuzz import card_doors, counter_doors, input_doors, office_doors, reader_doors, store_door
from tests.fuzz.journal import StillJournal
from tests.hq.tills import PACK

_ITEM = '{"sku": "open", "name": "店", "name_en": "Shop", "category": "general", "price_minor": 0}'
_CATALOGUE = f'{{"currency": "CNY", "shop_name": "A", "open_sku": "open", "items": [{_ITEM}]}}'.encode()
_BASKET = b'{"lines": [{"sku": "A", "quantity": 1, "unit_price_minor": 100, "categories": ["general"]}]}'
Refusals = tuple[type[Exception], ...]
HEAVY = 25
"""Behind such a door is a database: an input takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Door:
    """One way in: ``take`` raises one of ``refusals`` or nothing, whatever the bytes; ``seeds`` are bytes it takes."""

    take: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refusals: Refusals = (ContractError,)
    everyday: int = 80
    """With so many inputs the everyday suite tries it."""


def doors() -> dict[str, Door]:
    """All of them by name."""
    found = _envelopes() | _messages() | _contents() | _texts() | _files() | _conversation()
    heavy = {name: Door(*taker, everyday=HEAVY) for name, taker in office_doors.takers().items()}
    devices = card_doors.takers() | input_doors.takers() | reader_doors.takers() | counter_doors.takers()
    counter = {name: Door(*taker) for name, taker in devices.items()}
    return found | heavy | counter | {"store file": Door(store_door.use, store_door.SEEDS, (), HEAVY)}


@cache
def _told() -> dict[str, bytes]:
    """The signed test vectors' bytes by name."""
    return {vector["name"]: bytes.fromhex(vector["bytes"]) for vector in vectors.document()["signed"]}


@cache
def _plain() -> dict[str, bytes]:
    return {vector["name"]: bytes.fromhex(vector["bytes"]) for vector in vectors.document()["plain"]}


def _signed(*names: str) -> tuple[bytes, ...]:
    return tuple(data for name, data in _told().items() if name.startswith(names))


def _envelopes() -> dict[str, Door]:
    believed = keyring(vectors.till().public, vectors.office().public, vectors.phone().public)
    of_office = keyring(vectors.office().public)
    till, phone, office = vectors.till(), vectors.phone(), vectors.office()
    signers = {ContentType.ENTRY: till, ContentType.SLIP: till, ContentType.PRESENTATION: phone}

    def behind(content_type: ContentType, opens: Callable[[bytes], object]) -> Callable[[bytes], object]:
        return lambda payload: opens(seal(signers.get(content_type, office), content_type, payload))

    def entry(data: bytes) -> None:
        open_entry(data, believed).body()
        peek_header(data)

    opened: dict[str, tuple[ContentType, Callable[[bytes], object], tuple[bytes, ...]]] = {
        "entry": (ContentType.ENTRY, entry, _signed("entry")),
        "document": (
            ContentType.DOCUMENT,
            lambda data: documents.open_document(data, of_office),
            _signed("document"),
        ),
        "ack": (ContentType.ACK, lambda data: messages.open_ack(data, of_office, ADDRESS), _signed("ack")),
        "welcome": (
            ContentType.WELCOME,
            lambda data: messages.open_welcome(data, of_office, ADDRESS),
            _signed("welcome"),
        ),
        "credential": (
            ContentType.CREDENTIAL,
            lambda data: open_credential(data, of_office),
            _signed("credential"),
        ),
        "presentation": (
            ContentType.PRESENTATION,
            lambda data: open_presentation(data, of_office),
            _signed("presentation"),
        ),
        "coupon": (ContentType.COUPON, lambda data: open_coupon(data, of_office), _signed("coupon")),
        "slip": (ContentType.SLIP, lambda data: open_slip(data, believed), _signed("slip")),
        "manifest": (
            ContentType.EXPORT,
            lambda data: open_manifest(data, believed),
            (read_manifest(io.BytesIO(_export()).read),),
        ),
    }
    found: dict[str, Door] = {}
    for name, (content_type, opens, seeds) in opened.items():
        found[name] = Door(opens, seeds)
        inside = tuple(_payload(data, content_type) for data in seeds)
        found[f"{name} behind its signature"] = Door(behind(content_type, opens), inside)
    return found


def _payload(data: bytes, content_type: ContentType) -> bytes:
    believed = keyring(vectors.till().public, vectors.office().public, vectors.phone().public)
    return open_sealed(data, content_type, believed, MAX_PAYLOAD_BYTES).payload


def _messages() -> dict[str, Door]:
    plain = _plain()
    return {
        "hello": Door(messages.read_hello, (plain["hello"],)),
        "batch": Door(messages.read_batch, (plain["batch"],)),
        "want": Door(messages.read_want, (plain["want"],)),
        "chunk": Door(messages.read_chunk, (plain["chunk"],)),
        "announcement": Door(messages.read_announcement, (plain["announcement"],)),
        "cbor": Door(lambda data: cbor.decode(data, 4_096), tuple(plain.values())),
    }


def _contents() -> dict[str, Door]:
    def of_body(kind: EntryKind) -> Door:
        payload = _payload(_told()[f"entry: {kind}"], ContentType.ENTRY)
        inside = cbor.decode(payload, MAX_PAYLOAD_BYTES)[1]
        return Door(lambda data: _read_both_ways(body_type(kind), data), (inside,))

    bodies = {f"body of {kind}": of_body(kind) for kind in EntryKind}
    member = documents.MemberRecord("m-0001", "会员一", "gold", ("vip",), (b"\x04\xa1\xb2\xc3",), 120, "13800000001")
    verifier = documents.PinVerifier(bytes(16), 3, 64, bytes(32))
    with_more = replace(member, birthday=618, visits=4, visit_days=(20_000, 20_003), pin=verifier)
    item = documents.CatalogueItem("TEA", "茶", "Tea", "drinks", 1_800, "6901234567892", ("hot",))
    key = documents.TerminalKey(ADDRESS, 1, vectors.till().public.text())
    revoked = documents.RevokedMember("m-0001", 20_000)
    contents: dict[str, tuple[Callable[[bytes], object], tuple[object, ...]]] = {
        "members": (
            documents.read_members,
            (documents.MembersContent((member, with_more)), documents.MembersContent((member,), ("m-0002",))),
        ),
        "cashiers": (
            documents.read_cashiers,
            (documents.CashiersContent((documents.CashierRecord("1001", "收银员一", verifier),)),),
        ),
        "catalogue": (
            documents.read_catalogue,
            (documents.CatalogueContent("CNY", "店", "OPEN", (replace(item, sku="OPEN", barcode=None), item)),),
        ),
        "leases": (documents.read_leases, (documents.LeasesContent(1, (LEASE, USES_LEASE), (bytes(16),)),)),
        "keys": (documents.read_keys, (documents.KeysContent((key, replace(key, epoch=2))),)),
        "revocations": (
            documents.read_revocations,
            (documents.RevocationsContent((revoked,), (b"\x04\xa1\xb2\xc3",), ("T-10-7F3K",)),),
        ),
        "notices": (
            documents.read_notices,
            (documents.NoticesContent((documents.Notice("请核对", "Please check", 1_760_000_000_000),)),),
        ),
    }
    of_documents = {name: Door(read, tuple(pack(seed) for seed in seeds)) for name, (read, seeds) in contents.items()}
    return bodies | of_documents | {"pack": Door(read_pack, (write_pack(read_authored(PACK)),))}


def _read_both_ways(of: type, data: bytes) -> None:
    """Read a record at once and the plain way, which take the same and refuse it in the same words."""
    plainly: object
    try:
        plainly = repr(from_wire(of, cbor.decode(data, MAX_PAYLOAD_BYTES)))
    except ContractError as error:
        plainly = (error.reason, error.path, error.detail)
    try:
        at_once = repr(unpack(of, data, MAX_PAYLOAD_BYTES))
    except ContractError as error:
        assert plainly == (error.reason, error.path, error.detail)
        raise
    assert at_once == plainly


def _texts() -> dict[str, Door]:
    def of_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
        return lambda data: read(data.decode("utf-8", "surrogateescape"))

    shown = {vector["name"]: vector["text"].encode() for vector in vectors.document()["signed"] if "text" in vector}
    return {
        "credential text": Door(of_text(read_credential_text), (shown["credential"],)),
        "presentation text": Door(of_text(read_presentation_text), (shown["presentation"],)),
        "coupon text": Door(of_text(read_coupon_text), (shown["coupon"],)),
        "slip text": Door(of_text(read_slip_text), (shown["slip"],)),
        "text form": Door(of_text(lambda text: texts.read_text_form("TL", text)), (b"TLAA",)),
        "amount": Door(of_text(parse_amount_minor), (b"268.50", b"0")),
        "address": Door(of_text(parse_address), (b"acme/s01/t1",)),
        "public key": Door(of_text(parse_public_key), (vectors.till().public.text().encode(),)),
        "ndef": Door(lambda data: list(payloads(data)), (bytes.fromhex("d1010f5402656e"),)),
        "json": Door(of_text(lambda text: parse_json(text, 10_000)), (b'{"a": [1, "x", true]}',)),
        "authored pack": Door(of_text(read_authored), (PACK.encode(),)),
        "authored basket": Door(of_text(read_authored_basket), (_BASKET,)),
        "toml": Door(settings.parse_toml, (b"[a]\nb = 1\n",), (settings.SettingsError,)),
    }


def _files() -> dict[str, Door]:
    def of_file(read: Callable[[Path], object], suffix: str) -> Callable[[bytes], object]:
        def take(data: bytes) -> None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"handed-in{suffix}"
                path.write_bytes(data)
                read(path)

        return take

    def export(data: bytes) -> None:
        file = io.BytesIO(data)
        manifest = open_manifest(read_manifest(file.read), keyring(vectors.till().public))
        for _entry in read_entries(file.read, manifest):
            pass

    wrong = (OfficeError, settings.SettingsError)
    return {
        "members file": Door(of_file(sources.read_members, ".csv"), (b"member,name,tier\nm-1,A,gold\n",), wrong),
        "cashiers file": Door(of_file(sources.read_cashiers, ".json"), (b'{"cashiers": []}',), wrong),
        "catalogue file": Door(
            of_file(sources.read_catalogue, ".json"),
            (_CATALOGUE,),
            wrong,
        ),
        "enrolment": Door(of_file(sources.read_enrolment, ".toml"), (_enrolment(),), wrong),
        "export": Door(export, (_export(),)),
        "journal on a stick": Door(office_doors.bring_stick, (_export(),), (ContractError, OfficeError), HEAVY),
    }


def _enrolment() -> bytes:
    names = f'tenant = "{ADDRESS.tenant}"\nshop = "{ADDRESS.shop}"\nterminal = "{ADDRESS.terminal}"\nepoch = 1\n'
    return f'{names}journal_public_key = "{vectors.till().public.text()}"\n'.encode()


def _export() -> bytes:
    """A journal in a file: one entry of every kind."""
    sealed = _signed("entry: ")
    measure, sink, head = Measure(), io.BytesIO(), digest(sealed[-1])
    for entry in sealed:
        measure.add(entry)
    start = identity_hash(ADDRESS, 1, vectors.till().public)
    epoch = ExportedEpoch(1, vectors.till().public.text(), 1, len(sealed), start, head, 0)
    manifest = measure.manifest(ADDRESS, 1_760_000_000_000, (epoch,))
    write_export(sink, seal_manifest(vectors.till(), manifest), sealed)
    return sink.getvalue()


def _conversation() -> dict[str, Door]:
    """A terminal in the middle of talking: nothing that arrives may raise, and nothing unsigned may move its cursor."""
    key = vectors.till().public
    parties = Parties(ADDRESS, 1, keyring(vectors.office().public))

    def arriving(topic: str) -> Callable[[bytes], object]:
        def take(data: bytes) -> None:
            journal = StillJournal(identity_hash(ADDRESS, 1, key))
            conversation = Conversation(parties, journal)
            now = Stamp(1_760_000_000_000, TimeQuality.SYNCHRONISED, bytes(16), 1_000)
            conversation.step(LinkUp(), now)
            conversation.step(MessageArrived(topic, data), now)

        return take

    down = {
        "welcome": topics.down(ADDRESS, topics.Down.WELCOME),
        "ack": topics.down(ADDRESS, topics.Down.ACK),
        "chunk": topics.down(ADDRESS, topics.Down.CHUNK),
        "announcement": topics.announce(ADDRESS, "pack"),
    }
    seeds = {**_plain(), "welcome": _told()["welcome"], "ack": _told()["acknowledgement"]}
    found = {f"{name} to a terminal": Door(arriving(topic), (seeds[name],), ()) for name, topic in down.items()}
    found["any topic"] = Door(lambda data: arriving(data.decode("latin-1"))(b"x"), (down["ack"].encode(),), ())
    return found
