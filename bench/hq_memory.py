"""Does a worker of head office grow with what it takes in? One worker on PostgreSQL, fed for many minutes. The database
does not wait for its disk: this is about memory, and so more sales are taken in the same time.

Sixteen tills sell to one member; a process of its own makes and signs their batches while the worker takes them in.
``--minutes M`` says for how long (1,000,000 sales take about a quarter of an hour of an idle machine), ``--samples N``
for how many seconds instead, which shows no more than that it can be measured. The worker's
resident memory is read once it is warm, after each sixteenth of the time, and at the end; the limit is what it had when
it was warm, and a tenth more is too much.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.queues import Queue

from bench._figures import beside, say_step
from bench._journal import Journal
from contract import topics
from contract.ids import TerminalAddress
from contract.topics import Up
from hq.db import writing
from hq.people import enrol
from hq.worker import Publish
from tests.hq.tills import NOW_MS, TENANT, head_office
from tests.postgres import cluster

TILLS = 16
AHEAD = 64
"""So many batches are made ahead at most."""

WARM_S = 20
PARTS = 16
MOST_GROWTH_PERCENT = 10

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MIB = 1024 * 1024

_Handle = Callable[[str, bytes, int], list[Publish]]


def main() -> int:
    """Measure and print; status 1 where the worker grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5, metavar="M", help="how long (default: %(default)s)")
    parser.add_argument("--samples", type=int, metavar="N", help="how many seconds, instead of minutes")
    asked = parser.parse_args()
    for_s = max(1.0, asked.minutes * 60 if asked.samples is None else asked.samples)
    with cluster() as postgres, head_office(postgres.new()) as office:
        journals = [Journal(office, TerminalAddress(TENANT, "shop-a", f"m{number}")) for number in range(TILLS)]
        with writing(office.engine) as connection:
            for journal in journals:
                enrol(connection, journal.enrolment, TENANT, NOW_MS)
        context = multiprocessing.get_context("fork")
        made: Queue[tuple[str, bytes]] = context.Queue(AHEAD)
        maker = context.Process(target=_make, args=(journals, made), daemon=True)
        maker.start()
        try:
            return _watch(office.worker.handle, made, journals[0].per_batch, for_s)
        finally:
            maker.kill()
            maker.join()


def _watch(handle: _Handle, made: "Queue[tuple[str, bytes]]", per_batch: int, for_s: float) -> int:
    """Take in what is made for so many seconds; say how memory goes, and return the status."""
    warming_s = min(WARM_S, for_s)
    say_step(f"warming up for {warming_s:.0f} s")
    count = _taken(handle, made, warming_s) * per_batch
    warm = _resident_bytes()
    say_step(f"{count} sales: {warm / _MIB:.1f} MiB")
    began, busy_s = time.perf_counter(), time.process_time()
    counted = count
    for part in range(1, PARTS + 1):
        count += _taken(handle, made, for_s / PARTS) * per_batch
        say_step(f"{part}/{PARTS}, {count} sales: {_resident_bytes() / _MIB:.1f} MiB")
    took_s, busy_s = time.perf_counter() - began, time.process_time() - busy_s
    pace, busy = (count - counted) / took_s, busy_s / took_s
    print(f"{pace:.0f} sales/s, the worker's process busy {busy:.2f} of the time")
    last = _resident_bytes()
    beside(f"memory after {count} sales", last / _MIB, warm / _MIB, "MiB", "once it was warm")
    return 0 if last * 100 <= warm * (100 + MOST_GROWTH_PERCENT) else 1


def _taken(handle: _Handle, made: "Queue[tuple[str, bytes]]", for_s: float) -> int:
    """Take batches in for so long; how many."""
    until_s = time.perf_counter() + for_s
    count = 0
    while time.perf_counter() < until_s:
        (answer,) = handle(*made.get(), NOW_MS)
        assert answer.payload
        count += 1
    return count


def _make(journals: Sequence[Journal], made: "Queue[tuple[str, bytes]]") -> None:
    """Make batches, a till's after another's, for as long as somebody takes them."""
    sources = [(topics.up(journal.address, Up.BATCH), journal.batches()) for journal in journals]
    while True:
        for topic, batches in sources:
            made.put((topic, next(batches)))


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as told:
        return int(told.read().split()[1]) * _PAGE_BYTES


if __name__ == "__main__":
    sys.exit(main())
