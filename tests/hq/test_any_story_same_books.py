"""Whatever tills tell, in whatever order, by whatever clocks: the books come out the same whether batches are taken one
by one or many with one commit, and in whichever database.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, delete, func, select, text

from contract import topics, wire
from contract.documents import DocumentKind
from contract.journal import Entry
from contract.messages import Batch
from contract.topics import Up
from contract.trace import RuleTimes
from contract.trade import PackRef
from contract.value import Account, Asset, floor_draw
from hq.db import open_database, writing
from hq.documents import Desk
from hq.grants import grant, pay_in
from hq.tables import METADATA
from hq.worker import Worker
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.fuzz.office_books import NOW_MS as OFFICE_MS
from tests.fuzz.office_books import opened, require_right
from tests.fuzz.office_doors import MOST_BOOKED, bent, chained
from tests.fuzz.tape import Tape
from tests.hq.borrowers import DAY_MS, require_sound
from tests.hq.test_rules_undone import TODAY, WELCOME, Limited
from tests.hq.test_together import C1, as_message, books_of
from tests.hq.tills import A1, B1, GOLD_AT_TILL, NOW_MS, HeadOffice, Till
from tests.hq.trades import sale_body
from tests.txn.desk import promising

STEPS = 40
ODD_MS = (0, 0, 0, DAY_MS, -DAY_MS, -20 * DAY_MS, 5 * DAY_MS, 8 * 3_600_000, 25_000 * DAY_MS)
"""How far tills' clocks are off. Days more than a month back are forgotten, the sooner the more commits there are."""
FLOOR = {"medium": "card", "assurance": "claimed", "floor_day_minor": 3_000, "stored_day_minor": 5_000}
OFFICES_OWN = {"untold_counts"}
"""What is told next to tills is a list of what changed, which is as long as the commits are many."""

Message = tuple[str, bytes]


class Story(Limited):
    """Three tills that sell by limited rules, on the floor limit, and take back what any of them sold."""

    def __init__(self, hq: HeadOffice, random: Random) -> None:
        super().__init__(hq)
        authored = json.dumps(promising(WELCOME, TODAY, zones=["Asia/Shanghai"], spending=[FLOOR]))
        signed = hq.sign_pack(authored)
        hq.publish(DocumentKind.PACK)
        self.ref, self.pack = PackRef(signed.version, signed.digest), read_authored(authored)
        self.compiled, self.random = compile_pack(self.pack), random
        self.tills = [hq.enrolled(address) for address in (A1, B1, C1)]
        with writing(hq.engine) as connection:
            pay_in(connection, hq.desk, "m1", 20_000, 500, b"p" * 16, NOW_MS)
            grant(connection, hq.desk, Account(Asset.USES, "m1", "WASH"), 20, NOW_MS)

    def on_floor(self, till: Till, amount: int, wall_ms: int) -> Entry:
        till.wall_ms = wall_ms
        transaction = f"f {till.address.terminal} {len(till.entries)}".encode().ljust(16, b"\0")
        draws = (floor_draw(transaction, Account(Asset.STORED, "m1"), amount),)
        address = till.address
        body = sale_body(address.shop, draws, self.pack, self.ref, address.terminal, NOW_MS, GOLD_AT_TILL)
        return till.sell(body, transaction)

    def messages(self) -> list[Message]:
        """What the tills send, each in order, of a story that nobody has heard of yet."""
        told: list[Message] = []
        sent = dict.fromkeys(self.tills, 0)
        sold: list[Entry] = []
        for _step in range(STEPS):
            till, wall_ms = self.random.choice(self.tills), NOW_MS + self.random.choice(ODD_MS)
            match self.random.choice(("sale", "sale", "floor", "floor", "return")):
                case "sale":
                    sold.append(self.sells(till, wall_ms))
                case "floor":
                    self.on_floor(till, self.random.choice((100, 1_500, 3_000)), wall_ms)
                case "return" if sold:
                    said = self.random.choice((None, [RuleTimes("welcome", 3)], []))
                    self.takes_back(till, self.random.choice(sold), said)
            if self.random.random() < 0.6:
                told += self._rest(till, sent)
        return told + [message for till in self.tills for message in self._rest(till, sent)]

    def _rest(self, till: Till, sent: dict[Till, int]) -> Iterable[Message]:
        fresh, sent[till] = till.entries[sent[till] :], len(till.entries)
        return [as_message(till.batch(*fresh), till)] if fresh else []


def _books(story: Story, engine: Engine, messages: list[Message], size: int) -> dict[str, object]:
    """Tell the story to a head office, ``size`` messages at a time; make sure that it is sound, and stays so when it
    lends.
    """
    worker = Worker(engine, story.hq.desk)
    hq = HeadOffice(engine, story.hq.desk, worker, story.hq.pack, story.hq.ref)
    for first in range(0, len(messages), size):
        answers, left = worker.together(messages[first : first + size], NOW_MS)
        assert answers and not left
    found = {name: rows for name, rows in books_of(hq.engine).items() if name not in OFFICES_OWN}
    for step in range(4):
        worker.lend(NOW_MS + step * 2_000)
        require_sound(hq)
    return dict(found)


def _copied(source: Engine, copy: Engine) -> None:
    """Have all that ``source`` holds in ``copy`` too, which holds nothing, and number on from there."""
    with source.connect() as before, writing(copy) as after:
        for table in METADATA.sorted_tables:
            rows = [dict(row._mapping) for row in before.execute(select(table))]
            if rows:
                after.execute(table.insert(), rows)
            if "id" in table.c:
                fresh = (before.scalar(select(func.max(table.c.id))) or 0) + 1
                after.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {fresh}, false)"))


@pytest.fixture
def empty(prepared: Engine) -> Iterator[Engine]:
    """A database of PostgreSQL's that holds nothing yet."""
    yield prepared
    with writing(prepared) as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(delete(table))


def _tell(hq: HeadOffice, folder: Path, empty: Engine, seed: int) -> None:
    story = Story(hq, Random(seed))
    messages = story.messages()
    _copied(hq.engine, empty)
    hq.engine.dispose()
    shutil.copy(folder / "hq.db", folder / "other.db")
    one_by_one = _books(story, hq.engine, messages, 1)
    other = open_database(f"sqlite:///{folder}/other.db")
    try:
        assert _books(story, other, messages, story.random.choice((2, 5, 64))) == one_by_one
    finally:
        other.dispose()
    assert _books(story, empty, messages, story.random.choice((1, 3, 64))) == one_by_one


def bent_bookings(random: Random) -> list[Message]:
    """What two tills book that have gone mad, or whose keys are somebody else's: every kind of entry, signed and
    chained, with places in its body, its transaction and its time changed; in parts, as they come.
    """
    tape = Tape(bytes([random.randrange(256) if random.random() < 0.7 else random.randrange(8) for _ in range(400)]))
    waiting: list[list[Message]] = []
    for address in (ADDRESS, NEIGHBOUR):
        chain = chained(address, [bent(tape) for _ in range(1 + tape.pick(MOST_BOOKED))], tape)
        parts, told = iter(chain), 0
        waiting.append([])
        while part := tuple(islice(parts, random.randint(1, 3))):
            waiting[-1].append((topics.up(address, Up.BATCH), wire.pack(Batch(1, 1, told + 1, part))))
            told += len(part)
    found = []
    while left := [queue for queue in waiting if queue]:
        found.append(random.choice(left).pop(0))
    return found


def _booked(engine: Engine, desk: Desk, messages: list[Message], together: bool) -> dict[str, object]:
    """Give bent bookings to a head office; make sure that its books are right, and stay so when it lends."""
    worker = Worker(engine, desk)
    if together:
        for topic, payload in worker.together(messages, OFFICE_MS)[1]:
            worker.handle(topic, payload, OFFICE_MS)
    else:
        for topic, payload in messages:
            worker.handle(topic, payload, OFFICE_MS)
    require_right(engine)
    worker.lend(OFFICE_MS + 60_000)
    worker.review_returns(OFFICE_MS + 60_000)
    require_right(engine)
    return {name: rows for name, rows in books_of(engine).items() if name not in OFFICES_OWN}


def _bend(folder: Path, empty: Engine, seed: int) -> None:
    messages, office = bent_bookings(Random(seed)), opened()
    found = []
    for together in (False, True):
        office.copy_to(folder / f"{together}.db")
        engine = open_database(f"sqlite:///{folder}/{together}.db")
        try:
            if together:
                _copied(engine, empty)
            found.append(_booked(engine, office.desk, messages, together))
        finally:
            engine.dispose()
    assert found[0] == found[1] == _booked(empty, office.desk, messages, together=True)


@pytest.mark.parametrize("seed", range(8))
def test_bent_bookings_come_to_the_same_books(tmp_path: Path, empty: Engine, seed: int) -> None:
    _bend(tmp_path, empty, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1_000, 1_200))
def test_many_bent_bookings_come_to_the_same_books(tmp_path: Path, empty: Engine, seed: int) -> None:
    _bend(tmp_path, empty, seed)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(4))
def test_any_story_comes_to_the_same_books(hq: HeadOffice, tmp_path: Path, empty: Engine, seed: int) -> None:
    _tell(hq, tmp_path, empty, seed)


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(1_000, 1_200))
def test_many_stories_come_to_the_same_books(hq: HeadOffice, tmp_path: Path, empty: Engine, seed: int) -> None:
    _tell(hq, tmp_path, empty, seed)
