"""Fleets with one deliberate mistake each: what the simulation must find, or it would find nothing else either.

Each is a class that takes the place of a part of the product, and does what somebody in a hurry might have written.
Each names the promises it breaks: that some other one is broken, or that the class itself raises, finds nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, select

from agent.txn.effects import Commit
from contract import envelope, topics
from contract.bodies import EntryKind
from contract.envelope import keyring
from contract.ids import TerminalAddress
from contract.messages import (
    GRAMMAR,
    Ack,
    Hello,
    open_ack,
    open_welcome,
    read_batch,
    read_hello,
    seal_ack,
    seal_welcome,
)
from contract.postings import Posting
from contract.topics import Down, Up
from hq.db import writing
from hq.judgement import Judged
from hq.ledger import post
from hq.tables import entries, postings, transactions
from hq.worker import Publish, Worker
from tests.fleet.broken_counter import of_counter
from tests.fleet.broken_value import of_value
from tests.fleet.disk import Disk
from tests.fleet.faults import (
    ALL,
    FORKED,
    SURVIVED,
    books_are_restored,
    broker_restarts,
    messages_suffer,
)
from tests.fleet.members import Cashier
from tests.fleet.mistake import ACKED, ARRIVES, ONCE, RECEIPT, STAYS, Mistake
from tests.fleet.run import Cast
from tests.fleet.terminal import Running, Unit


class BelievesTheBroker(Unit):
    """Takes the broker's yes for head office's."""

    def publish(self, topic: str, payload: bytes) -> bool:
        taken = super().publish(topic, payload)
        if taken and topic.endswith(Up.BATCH) and self.running is not None:
            batch = read_batch(payload)
            last = batch.first_seq + len(batch.entries) - 1
            self.running.store.advance(last, envelope.digest(batch.entries[-1]))
        return taken


class NeverGoesBack(Unit):
    """Does not send again what head office has lost."""

    def arrived(self, topic: str, payload: bytes) -> None:
        if topic.endswith(Down.WELCOME) and self.running is not None:
            welcome = open_welcome(payload, self.identity.hq_keys, self.identity.address)
            if welcome.upto_seq < self.running.store.acked().seq:
                return
        super().arrived(topic, payload)


class LazyDisk(Disk):
    """Commits without a sync, as with synchronous=NORMAL."""

    syncs = False


class SyncsLater(Unit):
    """Says "done" before the disk does."""

    disk_kind = LazyDisk


class PrintsFirst(Cashier):
    """Hands out the paper, then commits."""

    def book(self, running: Running, commit: Commit) -> bool:
        if commit.owes_receipt:
            self.unit.hand_paper(running.store.head().seq + 1, commit.transaction)
        return self.committed(running, commit) is not None


class AnswersFirst(Worker):
    """Acknowledges a batch, and writes it into the books with the next message."""

    _waiting: tuple[str, bytes, int] | None = None

    def _answer(self, topic: str, payload: bytes, now_ms: int, patient: bool) -> list[Publish] | None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            super()._answer(*waiting, patient=False)
        address, kind = topics.read_up(topic)
        if kind is not Up.BATCH:
            return super()._answer(topic, payload, now_ms, patient)
        self._waiting = topic, payload, now_ms
        return [_acknowledged(self, address, payload, now_ms)]


class AcknowledgesGaps(Worker):
    """Acknowledges the last entry of a batch, whether what comes before it is there or not."""

    def _answer(self, topic: str, payload: bytes, now_ms: int, patient: bool) -> list[Publish] | None:
        address, kind = topics.read_up(topic)
        found = super()._answer(topic, payload, now_ms, patient=False)
        return [_acknowledged(self, address, payload, now_ms)] if kind is Up.BATCH and found else found


class ComparesNoHashes(Worker):
    """Takes an entry in a place it has for the one it has, and believes every hello."""

    def _answer(self, topic: str, payload: bytes, now_ms: int, patient: bool) -> list[Publish] | None:
        address, kind = topics.read_up(topic)
        found = super()._answer(topic, payload, now_ms, patient) or []
        if kind is Up.HELLO:
            return [_welcomed(self, publish, address, read_hello(payload)) for publish in found]
        if kind is not Up.BATCH or not found:
            return found
        batch = read_batch(payload)
        last = batch.first_seq + len(batch.entries) - 1
        ack = open_ack(found[0].payload, keyring(self._desk.signer.public), address)
        return [_acknowledged(self, address, payload, now_ms)] if last <= ack.upto_seq else found


class PostsWhatIsCarried(Worker):
    """Takes what is carried over for something new, and posts it in the name of the entry that carries it."""

    def _answer(self, topic: str, payload: bytes, now_ms: int, patient: bool) -> list[Publish] | None:
        found = super()._answer(topic, payload, now_ms, patient)
        if found and topics.read_up(topic)[1] is Up.BATCH:
            with writing(self._engine) as connection:
                for entry in _those_in_books(connection, payload):
                    if entry.kind == EntryKind.CARRY_OVER and entry.judged == Judged.LINKED:
                        original = (transactions.c.transaction_id == entry.transaction_id,)
                        known = connection.scalar(select(transactions.c.entry_id).where(*original))
                        _post_again(connection, known, entry.id)
        return found


class PostsAgain(Worker):
    """Posts an entry each time it comes."""

    def _answer(self, topic: str, payload: bytes, now_ms: int, patient: bool) -> list[Publish] | None:
        known = []
        if topics.read_up(topic)[1] is Up.BATCH:
            with writing(self._engine) as connection:
                known = [entry.id for entry in _those_in_books(connection, payload)]
        found = super()._answer(topic, payload, now_ms, patient)
        with writing(self._engine) as connection:
            for entry_id in known:
                _post_again(connection, entry_id, entry_id)
        return found


def _those_in_books(connection: Connection, payload: bytes) -> Sequence[Row[*tuple[Any, ...]]]:
    """What head office has of a batch."""
    digests = [envelope.digest(sealed) for sealed in read_batch(payload).entries]
    columns = (entries.c.id, entries.c.kind, entries.c.judged, entries.c.transaction_id)
    return connection.execute(select(*columns).where(entries.c.digest.in_(digests))).all()


def _post_again(connection: Connection, posted_by: int | None, entry_id: int) -> None:
    """Write what one entry posted once more, for another or for itself: the books add up as before."""
    columns = (postings.c.account, postings.c.unit, postings.c.amount)
    there = connection.execute(select(*columns).where(postings.c.entry_id == posted_by)).all()
    post(connection, [(entry_id, Posting(*row)) for row in there])


def _acknowledged(worker: Worker, address: TerminalAddress, payload: bytes, now_ms: int) -> Publish:
    """An acknowledgement of a whole batch, whatever became of it."""
    batch = read_batch(payload)
    last = batch.first_seq + len(batch.entries) - 1
    ack = Ack(GRAMMAR, address, batch.epoch, last, envelope.digest(batch.entries[-1]), now_ms, ())
    return Publish(topics.down(address, Down.ACK), seal_ack(worker._desk.signer, ack))


def _welcomed(worker: Worker, publish: Publish, address: TerminalAddress, hello: Hello) -> Publish:
    """The same welcome, agreeing with a terminal that has less than head office, whatever it has."""
    if not publish.topic.endswith(Down.WELCOME):
        return publish
    welcome = open_welcome(publish.payload, keyring(worker._desk.signer.public), address)
    if hello.head_seq > welcome.upto_seq:
        return publish
    agreed = replace(welcome, upto_seq=hello.head_seq, head_hash=hello.head_hash)
    return Publish(publish.topic, seal_welcome(worker._desk.signer, agreed))


def mistakes() -> tuple[Mistake, ...]:
    """All of them."""
    return (*_of_tills(), *of_value(), *of_counter(), *_of_head_office())


def _of_tills() -> tuple[Mistake, ...]:
    return (
        Mistake("the broker's answer counts as head office's", Cast(unit=BelievesTheBroker, faults=SURVIVED), (ACKED,)),
        Mistake(
            "what head office lost is not sent again",
            Cast(unit=NeverGoesBack, faults=(books_are_restored,)),
            (ARRIVES,),
        ),
        Mistake("a commit is not synced", Cast(unit=SyncsLater, faults=SURVIVED), (STAYS, RECEIPT)),
        Mistake("the paper comes before the commit", Cast(cashier=PrintsFirst, faults=SURVIVED), (RECEIPT,)),
    )


def _of_head_office() -> tuple[Mistake, ...]:
    lost = (messages_suffer, broker_restarts)
    return (
        Mistake(
            "what is carried over is posted again", Cast(worker=PostsWhatIsCarried, faults=ALL), (ONCE,), first_seed=20
        ),
        Mistake("head office answers before it commits", Cast(worker=AnswersFirst, faults=SURVIVED), (ACKED,)),
        Mistake("head office acknowledges over a gap", Cast(worker=AcknowledgesGaps, faults=lost), (ACKED,)),
        Mistake("head office compares no hashes", Cast(worker=ComparesNoHashes, faults=FORKED), (ACKED,)),
        Mistake("head office posts an entry each time it comes", Cast(worker=PostsAgain, faults=lost), (ONCE,)),
    )
