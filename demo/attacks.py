"""The story's sixth chapter: what an attacker with the broker, or with a terminal's certificate, can try, and what
comes of it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contract import messages, wire
from contract.bodies import EntryKind, TechnicalEventBody
from contract.documents import open_document, seal_document
from contract.journal import GRAMMAR, EntryHeader, TimeQuality, identity_hash, seal_entry
from contract.messages import Ack, Batch, seal_ack
from contract.signing import SoftwareSigner
from contract.topics import ROOT, Down, Up, down, terminal_subscription, up
from demo import ears
from demo.audit import Auditor
from demo.mqtt_client import MqttClient
from demo.rogue import LyingBroker
from demo.site import OTHER_TILL, OUTSIDER, TILL
from demo.stage import Stage

NOT_AUTHORISED = 135
"""The reason code by which an MQTT 5 broker refuses a publish (section 3.4.2.1)."""

Expect = Callable[[str, Callable[[], bool], Callable[[], object]], None]
"""Takes a statement, what must come to hold, and what to show as seen."""


def forge_packs(stage: Stage, auditor: Auditor, expect: Expect) -> None:
    """A lying broker offers the till a tampered pack, an older one and one signed by another key."""
    genuine, first = auditor.pack_blob(2), auditor.pack_blob(1)
    flipped = bytearray(genuine)
    flipped[len(flipped) // 2] ^= 0x01
    document = open_document(genuine, stage.hq_keys()).document
    foreign = seal_document(_stranger(), replace(document, version=9))
    client = MqttClient(stage.broker_address, stage.site.keys / "hq" / "workers" / OUTSIDER)
    liar = LyingBroker(client)
    client.open(f"{ROOT}/+/+/+/up/+", liar.answer)
    try:
        for name, version, blob, reason in (
            ("a tampered pack", 7, bytes(flipped), "bad_signature"),
            ("an older pack, replayed as new", 8, first, "older_version"),
            ("a pack signed by the wrong key", 9, foreign, "unknown_key"),
        ):
            liar.offer(TILL, version, blob)
            expect(
                f"{name} is refused: {reason}",
                partial(_told, auditor, f"document_refused pack {version}: {reason}"),
                lambda: auditor.events(TILL)[-1:],
            )
    finally:
        client.close()


def forge_acknowledgement(stage: Stage, auditor: Auditor, expect: Expect) -> None:
    """A lying broker tells the till that head office has everything, signed by nobody the till believes."""
    head = auditor.chain(TILL)
    forged = Ack(messages.GRAMMAR, TILL, 1, head.count + 100, bytes(32), 2**42, ())
    with ears.listening(stage) as client:
        client.publish(down(TILL, Down.ACK), seal_ack(_stranger(), forged))
    expect(
        "a forged acknowledgement is refused: unknown_key",
        partial(_told, auditor, "message_refused ack: unknown_key"),
        lambda: auditor.events(TILL)[-1:],
    )


def misuse_terminal(stage: Stage, auditor: Auditor, expect: Expect) -> None:
    """A terminal's certificate in the wrong hands: an entry with one bit flipped, then another terminal's topic."""
    home = stage.site.terminal(OTHER_TILL) / "identity"
    sealed = _first_entry((home / "journal.key").read_bytes())
    flipped = bytearray(sealed)
    flipped[-70] ^= 0x01
    client = MqttClient(stage.broker_address, home)
    client.open(terminal_subscription(OTHER_TILL))
    try:
        client.publish(up(OTHER_TILL, Up.BATCH), _batch(bytes(flipped)))
        expect(
            "an entry with one bit flipped is refused: bad_signature",
            lambda: "bad_signature" in auditor.quarantined() and auditor.acknowledged(OTHER_TILL) == 0,
            auditor.quarantined,
        )
        before = auditor.acknowledged(TILL)
        code = client.publish(up(TILL, Up.BATCH), _batch(sealed))
        expect(
            "a publish into another terminal's topic is refused: not authorised",
            lambda: code == NOT_AUTHORISED and auditor.acknowledged(TILL) >= before,
            lambda: f"reason code {code}",
        )
        client.publish(up(OTHER_TILL, Up.BATCH), _batch(sealed))
        expect(
            "the same entry, unharmed, is accepted",
            lambda: auditor.acknowledged(OTHER_TILL) == 1,
            lambda: auditor.acknowledged(OTHER_TILL),
        )
    finally:
        client.close()


def _told(auditor: Auditor, event: str) -> bool:
    """Whether the till journalled this technical event, and head office has it."""
    return event in auditor.events(TILL)


def _batch(sealed: bytes) -> bytes:
    return wire.pack(Batch(1, 1, 1, (sealed,)))


def _first_entry(journal_key: bytes) -> bytes:
    signer = SoftwareSigner(journal_key)
    header = EntryHeader(
        grammar=GRAMMAR,
        address=OTHER_TILL,
        epoch=1,
        seq=1,
        previous=identity_hash(OTHER_TILL, 1, signer.public),
        kind=EntryKind.TECHNICAL_EVENT,
        transaction=bytes(range(16)),
        wall_ms=0,
        time_quality=TimeQuality.DOUBTFUL,
        boot_id=bytes(16),
        monotonic_ms=0,
    )
    return seal_entry(signer, header, TechnicalEventBody("self_test", "")).sealed


def _stranger() -> SoftwareSigner:
    key = Ed25519PrivateKey.generate()
    return SoftwareSigner(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
