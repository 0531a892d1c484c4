"""Head office's program: configuration, database, worker, connection; stopped in reverse on SIGTERM or SIGINT."""

import logging
import signal
import sys
import threading
import time
from pathlib import Path

from hq.config import read_config
from hq.db import migrate, open_database
from hq.documents import Desk
from hq.identity import check_certificates, load_signer
from hq.link import Link
from hq.loop import WorkLoop
from hq.worker import Worker

READY = "hq ready"
"""Printed once on stdout, when tills can be answered."""

_WATCH_INTERVAL_S = 0.1
_LOG = logging.getLogger(__name__)


def run(config_path: Path, worker: str | None = None) -> int:
    """Run head office until it is told to stop, as the worker that the configuration names or as ``worker``; return the
    exit status.

    Raises OSError, SettingsError or OfficeError where it cannot start.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # Alembic tells each start that nothing is to be done.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = read_config(config_path, worker)
    signer = load_signer(config)
    check_certificates(config.broker)
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda _number, _frame: stop.set())
    engine = open_database(config.database)
    try:
        migrate(engine)
        answering = Worker(engine, Desk(signer, config.tenant, config.accept_days, config.lending))
        answering.judge_waiting(time.time_ns() // 1_000_000)
        loop = WorkLoop(answering)
        link = Link(config.broker, loop.arrived)
        loop.start(link)
        link.start()
        try:
            return watch(link, loop, stop)
        finally:
            link.close()
            loop.close()
    finally:
        engine.dispose()


def watch(link: Link, loop: WorkLoop, stop: threading.Event) -> int:
    """Say once that head office is ready, then wait for the word to stop and return 0.

    Where one of the two threads ends by itself, return 1 at once: whoever started this program starts it again, and
    nobody takes a program that answers no till for one that does.
    """
    said = False
    while not stop.wait(_WATCH_INTERVAL_S):
        if not said and link.connections:
            print(READY, flush=True)
            said = True
        if not link.is_alive() or not loop.is_alive():
            _LOG.critical("event=thread_ended link_alive=%s loop_alive=%s", link.is_alive(), loop.is_alive())
            return 1
    return 0
