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
from contract.said import Said
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


def settle_exceptions(office: Office, numbers: Sequence[int], note: str) -> Said:
    """Settle exceptions, with a word on what was found: an entry of head office's own chain says so for each. All or
    none.
    """
    if not note.strip() or len(note) > MOST_NOTE_CHARS or not note.isprintable():
        raise OfficeError(
            f"说明要有 1 到 {MOST_NOTE_CHARS} 个可显示的字符；请重写 --note。",
            f"a note is 1 to {MOST_NOTE_CHARS} characters that can be shown; write --note anew.",
        )
    now_ms = _now_ms()
    with writing(office.engine) as connection:
        done = settle_numbered(connection, numbers, note, now_ms)
        lacking = sorted(set(numbers) - {line.number for line in done})
        if lacking:
            named = ", ".join(str(number) for number in lacking)
            raise OfficeError(
                f"没有待处理的例外 {named}；用 hq exceptions list 查看。",
                f"no exception {named} is open; `tapledger hq exceptions list` shows them.",
            )
        bodies = [
            OfficeBody("exception_settled", f"{line.number} {line.reason} {line.epoch}/{line.seq}: {note}"[:200], ())
            for line in done
        ]
        book_all(connection, office.desk, [(body, None) for body in bodies], now_ms)
    return Said(f"已处理 {len(done)} 条例外", f"{len(done)} settled")


def revoke_terminal(office: Office, written: str) -> Said:
    """Take nothing more from a till; return a sentence about it."""
    address = parse_address(written)
    with writing(office.engine, Turn.DOCUMENTS) as connection:
        done = chains.revoke(connection, address, _now_ms())
        if done:
            # No till is to take a slip of it any more.
            publish_keys(connection, office.desk, _now_ms())
    if not done:
        raise OfficeError(
            f"{address} 没有登记，或早已作废；用 hq books 查看有哪些终端。",
            f"{address} is not enrolled, or was revoked before; `tapledger hq books` lists the tills.",
        )
    return Said(
        f"{address} 已作废：它发来的一律不收；请再用 provision revoke 作废它的证书",
        f"{address} is revoked: nothing it sends is taken any more; withdraw its certificate with "
        "`tapledger provision revoke`",
    )


def say_restored(office: Office) -> Said:
    """Say that these books were restored from a backup; return a sentence about it."""
    with writing(office.engine, Turn.LENDING) as connection:
        begin_restoration(connection, "told by `tapledger hq restored`", _now_ms())
    return Said(
        "在每台终端都报告所持额度之前不再出借；用 hq books 查看还在等谁",
        "nothing is lent until every till has told what it holds; `tapledger hq books` names those awaited",
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
