"""What people do about journals and exceptions: bring in a file, settle what was looked into, revoke a till, say that
the books were restored.

Every call raises OSError, ContractError or OfficeError with the reason where it is refused.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from contract.bodies import OfficeBody
from contract.envelope import keyring
from contract.ids import parse_address
from hq import books, chains
from hq.bulletins import publish_keys
from hq.db import Turn, reading, writing
from hq.errors import OfficeError
from hq.ledger_text import exceptions_text
from hq.office import Office
from hq.own_chain import book_all
from hq.packs import PackShelf
from hq.restoring import begin_restoration
from hq.stick import Brought, bring_in
from hq.unsettled import settle_numbered

MOST_NOTE_CHARS = 120


def bring_in_file(office: Office, path: Path) -> Brought:
    """Bring in a journal that a till exported."""
    return bring_in(office.engine, PackShelf(keyring(office.desk.signer.public)), path, _now_ms())


def list_exceptions(office: Office, settled: bool) -> str:
    """The exceptions that wait for people as text, with ``settled`` also those that do not any more."""
    with reading(office.engine) as connection:
        lines = books.exception_lines(connection)
    return exceptions_text([line for line in lines if settled or line.settled_ms is None])


def settle_exceptions(office: Office, numbers: Sequence[int], note: str) -> str:
    """Settle exceptions, with a word on what was found: an entry of head office's own chain says so for each. All or
    none.
    """
    if not note.strip() or len(note) > MOST_NOTE_CHARS or not note.isprintable():
        raise OfficeError(f"a note is 1 to {MOST_NOTE_CHARS} characters that can be shown.")
    now_ms = _now_ms()
    with writing(office.engine) as connection:
        done = settle_numbered(connection, numbers, note, now_ms)
        lacking = sorted(set(numbers) - {line.number for line in done})
        if lacking:
            named = ", ".join(str(number) for number in lacking)
            raise OfficeError(f"no exception {named} is open; `tapledger hq exceptions list` shows them.")
        bodies = [
            OfficeBody("exception_settled", f"{line.number} {line.reason} {line.epoch}/{line.seq}: {note}"[:200], ())
            for line in done
        ]
        book_all(connection, office.desk, [(body, None) for body in bodies], now_ms)
    return f"{len(done)} settled"


def revoke_terminal(office: Office, written: str) -> str:
    """Take nothing more from a till; return a sentence about it."""
    address = parse_address(written)
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        done = chains.revoke(connection, address, _now_ms())
        if done:
            # No till is to take a slip of it any more.
            publish_keys(connection, office.desk, _now_ms())
    if not done:
        raise OfficeError(f"{address} is not enrolled, or was revoked before.")
    return f"{address} is revoked: nothing it sends is taken any more"


def say_restored(office: Office) -> str:
    """Say that these books were restored from a backup; return a sentence about it."""
    with writing(office.engine, Turn.LENDING) as connection:
        begin_restoration(connection, "told by `tapledger hq restored`", _now_ms())
    return "nothing is lent until every till has told what it holds"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
