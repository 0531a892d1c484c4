"""Head office at work: the product's workers on real books, processes that can be slow, die and be started again."""

import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from contract import topics
from contract.errors import ContractError
from contract.messages import read_batch
from hq.db import reading, writing
from hq.restoring import begin_restoration
from hq.worker import Publish, Worker
from tests.fleet.broker import Broker, Connection
from tests.fleet.premises import TENANT, OfficeCut, Premises
from tests.fleet.world import World

MAX_WAITING = 200
MOST_TOGETHER = 8
POLL_MS = 60_000
LEND_MS = 7_000
RESTART_MS = 3_000
SERVICE_MS = 15
MOST_ROUNDS = 12
RESTORING = "SELECT COUNT(*) FROM restorations WHERE closed_ms IS NULL"
LEFT_TO_DO = (
    "SELECT COUNT(*) FROM placements WHERE due_ms <= :now",
    "SELECT COUNT(*) FROM charges WHERE settles",
    "SELECT COUNT(*) FROM coupon_uses WHERE weigh",
    RESTORING,
)
"""What head office's next step has to look at."""


class Office:
    """The books, the workers that serve them, and backups of the books."""

    def __init__(
        self, world: World, broker: Broker, premises: Premises, kind: type[Worker] = Worker, workers: int = 1
    ) -> None:
        self.world = world
        self.broker = broker
        self.premises = premises
        self.kind = kind
        self.service_ms = SERVICE_MS
        self.address = f"{TENANT}/office/hq"
        """Under which head office's own bookings stand."""
        self.lends = True
        self.changed = True
        """Whether the books may have changed since somebody looked."""
        self.restored = 0
        """How often an older backup took the place of the books."""
        self._backups: list[Path] = []
        self._made = 0
        self.clerks = [Clerk(self, f"hq-{number}") for number in range(1, workers + 1)]

    def start(self) -> None:
        """Begin to work."""
        for clerk in self.clerks:
            clerk.start()

    def back_up(self) -> None:
        """Copy the books as they are."""
        self.premises.engine.dispose()
        self._made += 1
        target = self.premises.folder / "disks" / f"backup-{self._made}"
        shutil.copytree(self.premises.database.parent, target, ignore=shutil.ignore_patterns("*-shm"))
        self._backups.append(target)
        self.world.tell("hq", "backs up its books")

    def restore(self) -> None:
        """Lose the books and go on with a backup, and say so, as ``tapledger hq restored`` does."""
        if not self._backups:
            return
        chosen = self.world.chance.randrange(len(self._backups))
        self.world.tell("hq", f"! loses its books; backup {chosen} takes their place")
        for clerk in self.clerks:
            clerk.die("hq restored")
        self.premises.power.statements_to_cut = None
        self.premises.put_books(self._backups[chosen])
        del self._backups[chosen + 1 :]
        with writing(self.premises.engine) as connection:
            begin_restoration(connection, "an older backup", self.world.now_ms)
        self.restored += 1
        self.changed = True

    def come_to_rest(self) -> None:
        """Do what head office would do in its next steps: all that follows from what has arrived."""
        worker = self.kind(self.premises.engine, self.premises.desk)
        for _round in range(MOST_ROUNDS):
            worker.lend(self.world.now_ms)
            with reading(self.premises.engine) as connection:
                if not any(connection.scalar(text(asked), {"now": self.world.now_ms}) for asked in LEFT_TO_DO):
                    break
        self.changed = True

    def cut_after(self, statements: int) -> None:
        """Let whoever works next die after so many statements."""
        self.premises.power.statements_to_cut = statements


def told(topic: str, payload: bytes) -> str:
    """A message in a few words: whose, what kind, and of a batch which entries."""
    words = topic.removeprefix(f"{topics.ROOT}/").split("/")
    if words[-1] != topics.Up.BATCH:
        return f"{words[-1]} of {words[2]}"
    try:
        batch = read_batch(payload)
    except ContractError as error:
        return f"batch of {words[2]}: {error}"
    last = batch.first_seq + len(batch.entries) - 1
    return f"batch of {words[2]}: epoch {batch.epoch} entries {batch.first_seq} to {last}"


@dataclass
class Clerk:
    """One worker process: takes what waits, as its loop does, and answers after its commit."""

    office: Office
    name: str
    _worker: Worker | None = None
    _connection: Connection | None = None
    _queue: deque[tuple[str, bytes]] = field(default_factory=deque)
    _early: tuple[str, bytes] | None = None
    _busy: bool = False
    _life: int = 0

    def start(self) -> None:
        """Come up and connect."""
        self._life += 1
        self._worker = self.office.kind(self.office.premises.engine, self.office.premises.desk)
        self._queue.clear()
        self._busy = False
        life = self._life
        self._connect()
        if self._life != life:
            return
        self._later(POLL_MS, self._poll)
        self._later(self.office.world.chance.randrange(LEND_MS), self._lend)

    def die(self, why: str) -> None:
        """Be killed, with everything not committed or not answered, and come back."""
        if self._worker is None:
            return
        world = self.office.world
        world.tell(self.name, f"! dies: {why}")
        self._worker = None
        self._life += 1
        self.office.premises.power.die(self.office.premises.engine)
        if self._connection is not None:
            self.office.broker.disconnect(self._connection)
            self._connection = None
        world.after(RESTART_MS, self.start)

    def arrived(self, topic: str, payload: bytes) -> None:
        """Queue a message; what does not fit is gone."""
        if self._worker is not None and len(self._queue) < MAX_WAITING:
            self._queue.append((topic, payload))
            self._begin()

    def dropped(self, why: str) -> None:
        """Connect again after a while."""
        self._connection = None
        self._later(self.office.world.chance.randrange(200, 2_000), self._connect)

    def _connect(self) -> None:
        self._connection = self.office.broker.connect(self, "nothing", worker=True)
        if self._connection is None:
            self._later(self.office.world.chance.randrange(500, 2_000), self._connect)
            return
        assert self._worker is not None
        self._worker.announce_again()
        self._announce()

    def _poll(self) -> None:
        self._announce()
        if self._worker is None:
            return
        self._later(POLL_MS, self._poll)

    def _lend(self) -> None:
        """Do the next piece of lending, and tell the terminals."""
        assert self._worker is not None
        if not self.office.lends:
            return
        self.office.changed = True
        try:
            self._worker.lend(self.office.world.now_ms)
        except OfficeCut:
            self.die("lending")
            return
        self._announce()
        if self._worker is None:
            return
        self._later(LEND_MS * len(self.office.clerks), self._lend)

    def _announce(self) -> None:
        if self._worker is None or self._connection is None:
            return
        try:
            found = self._worker.poll()
        except OfficeCut:
            self.die("looking for what was published")
            return
        for publish in found:
            if not self._send(publish):
                return
            self._worker.announced(publish)

    def _begin(self) -> None:
        if not self._busy and self._queue:
            self._busy = True
            self._later(1 + self.office.world.chance.randrange(self.office.service_ms), self._work)

    def _work(self) -> None:
        assert self._worker is not None
        office = self.office
        taken = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_TOGETHER))]
        office.changed = True
        for topic, payload in taken:
            office.world.tell(self.name, f"takes {told(topic, payload)}")
        answers: list[Publish] = []
        try:
            # One with a deliberate mistake makes it in answering them one by one.
            if len(taken) > 1 and self.office.kind is Worker:
                answers, taken = self._worker.together(taken, office.world.now_ms)
            for topic, payload in taken:
                answers += self._answers(topic, payload)
        except OfficeCut:
            self.die("in the middle of a message")
            return
        self._later(office.world.chance.randrange(1, 10), lambda: self._answer(answers))

    def _answers(self, topic: str, payload: bytes) -> list[Publish]:
        """What the product answers. A batch that came before the one it follows is offered again, as its loop does;
        here it goes behind what waits, once, and is then taken as it is.
        """
        worker, now_ms = self._worker, self.office.world.now_ms
        assert worker is not None
        if (topic, payload) == self._early:
            self._early = None
            return worker.handle(topic, payload, now_ms)
        answers = worker.offer(topic, payload, now_ms)
        if answers is None:
            self._early = topic, payload
            self._queue.append((topic, payload))
        return answers or []

    def _answer(self, answers: list[Publish]) -> None:
        self._busy = False
        for publish in answers:
            self._send(publish)
        self._begin()

    def _send(self, publish: Publish) -> bool:
        connection = self._connection
        broker = self.office.broker
        return connection is not None and broker.publish(connection, publish.topic, publish.payload, publish.retain)

    def _later(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Do something later, unless this process has died by then."""
        life = self._life

        def unless_dead() -> None:
            if self._life == life:
                act()

        self.office.world.after(delay_ms, unless_dead)
