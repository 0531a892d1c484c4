"""What head office answers: one message in, publications out. It knows the database and no network.

Whatever arrives, nothing is raised but what the database itself raises; what cannot be read is kept and named. Answers
are signed after the transaction they speak of has committed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Engine, func, select

from contract import topics, wire
from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.messages import Announcement, read_hello, read_want, seal_ack, seal_welcome
from contract.topics import Down, Up
from hq.blobs import BlobShelf
from hq.bulletins import follow_keys
from hq.chains import newest_of
from hq.db import Turn, insisting, reading, writing
from hq.deltas import counts_wait, tell_counts
from hq.documents import Desk, announcements, leases_offered, renew
from hq.granting import step
from hq.grants import expire_due
from hq.greeting import Greeter, NotWelcome
from hq.ingest import BatchEarly, BatchRefused, Offer, take, take_together
from hq.instalments import grant_instalments
from hq.owed_points import give_owed
from hq.packs import PackShelf
from hq.people import enrolled
from hq.tables import documents, terminals
from hq.unsettled import Cause, keep_refused
from hq.waiting import judge_waiting, review_returns

MOST_EXPIRY_ROUNDS = 100

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
        self._greeter = Greeter(desk.policy)
        self._announced: dict[str, bytes] = {}
        self._mark: tuple[object, ...] = ()
        self._leases_ms = 0
        self._told_tills: tuple[object, ...] = ()
        self._reviewed_to = 0
        self._expired_to = ""

    def handle(self, topic: str, payload: bytes, now_ms: int) -> list[Publish]:
        """Answer one message that arrived on ``topic``. Raises only what the database raises."""
        return self._answer(topic, payload, now_ms, patient=False) or []

    def offer(self, topic: str, payload: bytes, now_ms: int) -> list[Publish] | None:
        """Answer one message, or return None where it is a batch that begins beyond what head office has: what is
        missing may be in another worker's hands, so it is offered again a moment later. Raises only what the database
        raises.
        """
        return self._answer(topic, payload, now_ms, patient=True)

    def together(
        self, messages: Sequence[tuple[str, bytes]], now_ms: int
    ) -> tuple[list[Publish], list[tuple[str, bytes]]]:
        """Take those of ``messages``, each a topic and its payload, that are batches and the next of their chains, with
        one commit for all of them. Return the answers, and the messages that are left to be answered one by one, in
        order. Raises only what the database raises.
        """
        offers = [_offered(topic, payload) for topic, payload in messages]
        outcomes = iter(take_together(self._engine, [offer for offer in offers if offer], self._packs, now_ms))
        answers: list[Publish] = []
        left: list[tuple[str, bytes]] = []
        for message, offer in zip(messages, offers, strict=True):
            ack = next(outcomes) if offer is not None else None
            if ack is None:
                left.append(message)
            else:
                answers.append(Publish(topics.down(ack.address, Down.ACK), seal_ack(self._desk.signer, ack)))
        return answers, left

    def _answer(self, topic: str, payload: bytes, now_ms: int, patient: bool) -> list[Publish] | None:
        try:
            address, kind = topics.read_up(topic)
        except ContractError as error:
            return self._refuse(topic, payload, error.reason, str(error), now_ms)
        match kind:
            case Up.HELLO:
                return self._hello(address, topic, payload, now_ms)
            case Up.BATCH:
                return self._batch(address, payload, now_ms, patient)
            case Up.WANT:
                return self._want(address, topic, payload, now_ms)

    def poll(self) -> list[Publish]:
        """Return announcements of what was published, or of tills enrolled, by anyone: all that :meth:`announced` was
        not yet told of.
        """
        with reading(self._engine) as connection:
            mark = _mark(connection)
            offered = leases_offered(connection, self._leases_ms)
            found = [_announce(address, announcement) for address, announcement, _ in offered]
            if mark != self._mark:
                found += [
                    _announce(address, announcement)
                    for address in enrolled(connection)
                    for announcement in announcements(connection, address)
                ]
        fresh = [publish for publish in found if self._announced.get(publish.topic) != publish.payload]
        if not fresh:
            self._mark = mark
            self._leases_ms = max((issued_ms for *_, issued_ms in offered), default=self._leases_ms)
        return fresh

    def lend(self, now_ms: int) -> None:
        """Write down who was heard, do the next piece of lending, and tell tills whose slips to believe where a till
        has begun an epoch or was revoked, and how often limited rules have acted meanwhile; the next :meth:`poll`
        announces it.
        """
        self.note_heard()
        insisting(lambda: self._lend(now_ms))
        with reading(self._engine) as connection:
            tills, counted = _tills(connection), counts_wait(connection, now_ms)
        if counted:
            with writing(self._engine, Turn.DOCUMENTS) as connection:
                tell_counts(connection, self._desk, now_ms)
        if tills != self._told_tills:
            with writing(self._engine, Turn.DOCUMENTS) as connection:
                follow_keys(connection, self._desk, now_ms)
            self._told_tills = tills

    def _lend(self, now_ms: int) -> None:
        with writing(self._engine, Turn.LENDING) as connection:
            give_owed(connection, self._desk, self._packs, now_ms)
            step(connection, self._desk, now_ms)

    def note_heard(self) -> None:
        """Write down which tills said hello since this was last done. What is lost where it is not done is when they
        were last heard, and how far they said their journals go; they say it again.
        """
        if not self._greeter.has_heard:
            return
        with writing(self._engine) as connection:
            self._greeter.write_heard(connection)
        self._greeter.forget_heard()

    def announced(self, publish: Publish) -> None:
        """Take note that the connection took an announcement."""
        self._announced[publish.topic] = publish.payload

    def announce_again(self) -> None:
        """Let the next :meth:`poll` announce everything: the broker may have forgotten what it retained."""
        self._announced.clear()
        self._mark = ()
        self._leases_ms = 0

    def renew(self, now_ms: int) -> None:
        """Sign and publish anew what tills would soon no longer accept, let points expire, and grant the bonus that is
        due today; the next :meth:`poll` announces it. What could not be judged because of a fault that is over by now
        is judged.
        """
        self.judge_waiting(now_ms)
        with writing(self._engine, Turn.DOCUMENTS) as connection:
            renewed = renew(connection, self._desk, now_ms)
        for stored in renewed:
            _LOG.info("event=document_renewed kind=%s version=%d", stored.kind, stored.version)
        for _round in range(MOST_EXPIRY_ROUNDS):
            self._expired_to = insisting(partial(self._expire_some, now_ms))
            if not self._expired_to:
                break
        for _round in range(MOST_EXPIRY_ROUNDS):
            if not insisting(partial(self._grant_some, now_ms)):
                break

    def _expire_some(self, now_ms: int) -> str:
        with writing(self._engine, Turn.LENDING) as connection:
            return expire_due(connection, self._desk, now_ms, self._expired_to)[1]

    def _grant_some(self, now_ms: int) -> int:
        with writing(self._engine, Turn.LENDING) as connection:
            return grant_instalments(connection, self._desk, self._packs, now_ms)

    def review_returns(self, now_ms: int) -> int:
        """Look again at returns whose sale was not known when they came; return how many are done."""
        with writing(self._engine, Turn.WAITING) as connection:
            done, self._reviewed_to = review_returns(connection, self._packs, self._reviewed_to, now_ms)
        return done

    def judge_waiting(self, now_ms: int) -> int:
        """Judge again what could not be judged before, such as entries of a newer grammar; return how many are done."""
        done = 0
        after_id: int | None = 0
        while after_id is not None:
            # Entries that come meanwhile touch the same accounts, in another order.
            settled, after_id = insisting(partial(self._judge_some, after_id, now_ms))
            done += settled
        return done

    def _judge_some(self, after_id: int, now_ms: int) -> tuple[int, int | None]:
        with writing(self._engine, Turn.WAITING) as connection:
            return judge_waiting(connection, self._packs, after_id, now_ms)

    def _hello(self, address: TerminalAddress, topic: str, payload: bytes, now_ms: int) -> list[Publish]:
        try:
            hello = read_hello(payload)
        except ContractError as error:
            return self._refuse(topic, payload, error.reason, str(error), now_ms)
        with writing(self._engine) as connection:
            answer = self._greeter.greet(connection, address, hello, now_ms)
        if isinstance(answer, NotWelcome):
            return self._refuse(topic, payload, answer.reason, answer.detail, now_ms)
        sealed = seal_welcome(self._desk.signer, answer.welcome)
        return [
            Publish(topics.down(address, Down.WELCOME), sealed),
            *(_announce(address, announcement) for announcement in answer.lacking),
        ]

    def _batch(self, address: TerminalAddress, payload: bytes, now_ms: int, patient: bool) -> list[Publish] | None:
        outcome = take(self._engine, address, payload, self._packs, now_ms, patient)
        match outcome:
            case BatchEarly():
                return None
            case BatchRefused():
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
            found = self._blobs.chunk(connection, address, want) if newest_of(connection, address) else None
        if found is None:
            detail = f"no published document for {address} has chunk {want.index} of {want.digest.hex()}"
            return self._refuse(topic, payload, Cause.UNKNOWN_BLOB, detail, now_ms)
        return [Publish(topics.down(address, Down.CHUNK), wire.pack(found))]

    def _refuse(self, topic: str, payload: bytes, reason: str, detail: str, now_ms: int) -> list[Publish]:
        _LOG.warning("event=message_refused topic=%r reason=%s", topic[:160], reason)
        with writing(self._engine) as connection:
            keep_refused(connection, topic, payload, reason, detail, now_ms)
        return []


def _offered(topic: str, payload: bytes) -> Offer | None:
    """A batch, where the message is one."""
    try:
        address, kind = topics.read_up(topic)
    except ContractError:
        return None
    return Offer(address, payload) if kind is Up.BATCH else None


def _announce(address: TerminalAddress, announcement: Announcement) -> Publish:
    return Publish(topics.announce(address, announcement.kind), wire.pack(announcement), retain=True)


def _mark(connection: Connection) -> tuple[object, ...]:
    """What changes whenever a document is published or a till is enrolled."""
    published = connection.execute(
        select(func.count(documents.c.published_ms), func.max(documents.c.published_ms))
    ).one()
    return (*published, *_tills(connection))


def _tills(connection: Connection) -> tuple[object, ...]:
    """What changes whenever a till is enrolled, begins an epoch or is revoked."""
    counted = (func.count(), func.max(terminals.c.enrolled_ms), func.count(terminals.c.revoked_ms))
    return tuple(connection.execute(select(*counted).select_from(terminals)).one())
