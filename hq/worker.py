"""What head office answers: one message in, publications out. It knows the database and no network.

Whatever arrives, nothing is raised but what the database itself raises; what cannot be read is kept and named. Answers
are signed after the transaction they speak of has committed.
"""

import logging
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select, update

from contract import topics, wire
from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import identity_hash
from contract.messages import (
    GRAMMAR,
    Ack,
    Announcement,
    Hello,
    Welcome,
    read_hello,
    read_want,
    seal_ack,
    seal_welcome,
)
from contract.topics import Down, Up
from hq.db import Turn, reading, writing
from hq.documents import BlobShelf, Desk, announcements, renew
from hq.ingest import take_batch
from hq.judgement import judge_waiting
from hq.packs import PackShelf
from hq.people import enrolled, is_enrolled, newest_epoch, terminal_key
from hq.tables import chains, documents, entries, terminals
from hq.unsettled import Cause, Finding, Place, keep_refused, raise_exceptions

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Publish:
    """A message to send, at least once; a retained one the broker keeps for whoever subscribes later."""

    topic: str
    payload: bytes
    retain: bool = False


class Worker:
    """Answers tills and announces documents. Belongs to one thread."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine = engine
        self._desk = desk
        self._packs = PackShelf(keyring(desk.signer.public))
        self._blobs = BlobShelf()
        self._announced: dict[str, bytes] = {}
        self._mark: tuple[object, ...] = ()

    def handle(self, topic: str, payload: bytes, now_ms: int) -> list[Publish]:
        """Answer one message that arrived on ``topic``. Raises only what the database raises."""
        try:
            address, kind = topics.read_up(topic)
        except ContractError as error:
            return self._refuse(topic, payload, error.reason, str(error), now_ms)
        match kind:
            case Up.HELLO:
                return self._hello(address, topic, payload, now_ms)
            case Up.BATCH:
                return self._batch(address, payload, now_ms)
            case Up.WANT:
                return self._want(address, topic, payload, now_ms)

    def poll(self) -> list[Publish]:
        """Return announcements of what was published, or of tills enrolled, by anyone: all that :meth:`announced` was
        not yet told of.
        """
        with reading(self._engine) as connection:
            mark = _mark(connection)
            if mark == self._mark:
                return []
            found = [
                _announce(address, announcement)
                for address in enrolled(connection)
                for announcement in announcements(connection, address)
            ]
        fresh = [publish for publish in found if self._announced.get(publish.topic) != publish.payload]
        if not fresh:
            self._mark = mark
        return fresh

    def announced(self, publish: Publish) -> None:
        """Take note that the connection took an announcement."""
        self._announced[publish.topic] = publish.payload

    def announce_again(self) -> None:
        """Let the next :meth:`poll` announce everything: the broker may have forgotten what it retained."""
        self._announced.clear()
        self._mark = ()

    def renew(self, now_ms: int) -> None:
        """Sign and publish anew what tills would soon no longer accept; the next :meth:`poll` announces it."""
        with writing(self._engine, Turn.DOCUMENTS) as connection:
            renewed = renew(connection, self._desk, now_ms)
        for stored in renewed:
            _LOG.info("event=document_renewed kind=%s version=%d", stored.kind, stored.version)

    def judge_waiting(self, now_ms: int) -> int:
        """Judge again what could not be judged before, such as entries of a newer grammar; return how many are done."""
        with writing(self._engine) as connection:
            return judge_waiting(connection, self._packs, now_ms)

    def _hello(self, address: TerminalAddress, topic: str, payload: bytes, now_ms: int) -> list[Publish]:
        try:
            hello = read_hello(payload)
        except ContractError as error:
            return self._refuse(topic, payload, error.reason, str(error), now_ms)
        with writing(self._engine) as connection:
            welcome = _welcome(connection, address, hello, now_ms)
            newest = announcements(connection, address)
        if welcome is None:
            detail = f"{address} epoch {hello.epoch} is not enrolled"
            return self._refuse(topic, payload, Cause.UNKNOWN_TERMINAL, detail, now_ms)
        held = {(document.kind, document.version, document.digest) for document in hello.documents}
        lacking = [item for item in newest if (item.kind, item.version, item.digest) not in held]
        sealed = seal_welcome(self._desk.signer, welcome)
        return [
            Publish(topics.down(address, Down.WELCOME), sealed),
            *(_announce(address, announcement) for announcement in lacking),
        ]

    def _batch(self, address: TerminalAddress, payload: bytes, now_ms: int) -> list[Publish]:
        with writing(self._engine) as connection:
            outcome = take_batch(connection, address, payload, self._packs, now_ms)
        if not isinstance(outcome, Ack):
            _LOG.warning("event=batch_refused address=%s reason=%s", address, outcome.reason)
            return []
        for refused in outcome.refused:
            _LOG.warning("event=entry_refused address=%s seq=%d reason=%s", address, refused.seq, refused.reason)
        return [Publish(topics.down(address, Down.ACK), seal_ack(self._desk.signer, outcome))]

    def _want(self, address: TerminalAddress, topic: str, payload: bytes, now_ms: int) -> list[Publish]:
        try:
            want = read_want(payload)
        except ContractError as error:
            return self._refuse(topic, payload, error.reason, str(error), now_ms)
        with reading(self._engine) as connection:
            found = self._blobs.chunk(connection, address, want) if is_enrolled(connection, address) else None
        if found is None:
            detail = f"no published document for {address} has chunk {want.index} of {want.digest.hex()}"
            return self._refuse(topic, payload, Cause.UNKNOWN_BLOB, detail, now_ms)
        return [Publish(topics.down(address, Down.CHUNK), wire.pack(found))]

    def _refuse(self, topic: str, payload: bytes, reason: str, detail: str, now_ms: int) -> list[Publish]:
        _LOG.warning("event=message_refused topic=%r reason=%s", topic[:160], reason)
        with writing(self._engine) as connection:
            keep_refused(connection, topic, payload, reason, detail, now_ms)
        return []


def _welcome(connection: Connection, address: TerminalAddress, hello: Hello, now_ms: int) -> Welcome | None:
    key = terminal_key(connection, address, hello.epoch)
    if key is None:
        return None
    here = (chains.c.address == str(address), chains.c.epoch == hello.epoch)
    connection.execute(update(chains).where(*here).values(told_head_seq=hello.head_seq, last_seen_ms=now_ms))
    row = connection.execute(select(chains.c.upto_seq, chains.c.head_hash).where(*here)).one()
    first = identity_hash(address, hello.epoch, key)
    findings = _doubts(connection, address, hello, row.upto_seq, first)
    place = Place(address, hello.epoch, hello.head_seq)
    raise_exceptions(connection, [(place, finding) for finding in findings], now_ms)
    newest = announcements(connection, address)
    last = newest_epoch(connection, address) or hello.epoch
    return Welcome(GRAMMAR, address, hello.epoch, row.upto_seq, row.head_hash, now_ms, newest, last)


def _doubts(
    connection: Connection, address: TerminalAddress, hello: Hello, upto_seq: int, first: bytes
) -> list[Finding]:
    """What is wrong where a till says that its journal ends inside what head office has already."""
    if hello.head_seq > upto_seq:
        return []
    stored = first
    if hello.head_seq:
        stored = connection.execute(
            select(entries.c.digest).where(
                entries.c.address == str(address), entries.c.epoch == hello.epoch, entries.c.seq == hello.head_seq
            )
        ).scalar_one()
    if stored != hello.head_hash:
        detail = f"head office has {stored.hex()} there, the till says {hello.head_hash.hex()}"
        return [Finding(Cause.HEAD_DIFFERS, detail)]
    if hello.head_seq < upto_seq:
        return [Finding(Cause.JOURNAL_BEHIND, f"head office has entries up to {upto_seq} of this journal")]
    return []


def _announce(address: TerminalAddress, announcement: Announcement) -> Publish:
    return Publish(topics.announce(address, announcement.kind), wire.pack(announcement), retain=True)


def _mark(connection: Connection) -> tuple[object, ...]:
    """What changes whenever a document is published or a till is enrolled."""
    published = connection.execute(
        select(func.count(documents.c.published_ms), func.max(documents.c.published_ms))
    ).one()
    tills = connection.execute(select(func.count(), func.max(terminals.c.enrolled_ms)).select_from(terminals)).one()
    return (*published, *tills)
