"""Head office's books as the page shows them, each sale verified and priced again from the bytes that were signed."""

import time

from sqlalchemy import Connection, select

from contract.errors import ContractError
from contract.ids import receipt_number
from contract.journal import Entry
from contract.postings import member_bonus_account, member_principal_account
from contract.trade import SaleBody
from contract.value import Asset
from demo import cast
from demo.audit import EPOCH, Auditor, Sale
from demo.page_state import (
    AccountState,
    BooksState,
    DocumentState,
    ExceptionState,
    LentState,
    PackState,
    SaleState,
    SumState,
    TerminalState,
)
from demo.site import TILL
from demo.stage import Stage
from hq import books
from hq.db import reading
from hq.documents import stored_documents
from hq.exposure import MONEY, exposure
from hq.lease_book import OUTSTANDING
from hq.lease_book import LeaseState as HeldAs
from hq.tables import leases

MOST = 50


def books_state(stage: Stage, published: frozenset[str]) -> BooksState:
    """Return what head office's database says now. Raises SQLAlchemyError where it cannot be read."""
    auditor = Auditor(stage.office, stage.hq_keys())
    with reading(stage.office) as connection:
        entries = books.entries_of(connection, TILL, EPOCH)
        good = books.verify_chain(connection, TILL, EPOCH).count
        members = books.member_balances(connection)[:MOST]
        stored = _stored(connection, [line.member for line in members])
        return {
            "terminal": _terminal(connection),
            "sales": [_sale(auditor, entry, good) for entry in reversed(entries) if _is_sale(entry)][:MOST],
            "members": [
                {
                    "member": line.member,
                    "name": line.name,
                    "tier": line.tier,
                    "points": line.points,
                    "stored_minor": stored[line.member],
                }
                for line in members
            ],
            "lent": _lent(connection),
            "accounts": _accounts(connection),
            "sums": [SumState(unit=unit, amount=amount) for unit, amount in books.ledger_sums(connection).items()],
            "exceptions": _exceptions(connection),
            "documents": _documents(connection),
            "packs": [
                PackState(name=name, zh=zh, en=en, version=version, published=version == 1 or name in published)
                for name, (zh, en, version) in cast.PACKS.items()
            ],
        }


def _is_sale(entry: Entry) -> bool:
    return entry.header.kind == "sale"


def _terminal(connection: Connection) -> TerminalState:
    state = next(state for state in books.till_states(connection) if state.address == TILL)
    heard_s = -1 if state.last_seen_ms is None else max(0, int(time.time()) - state.last_seen_ms // 1000)
    return {
        "address": str(state.address),
        "epoch": state.epoch,
        "seq": state.upto_seq,
        "acked": state.upto_seq,
        "backlog": max(0, state.told_head_seq - state.upto_seq),
        "heard_s": heard_s,
    }


def _sale(auditor: Auditor, entry: Entry, good: int) -> SaleState:
    """One sale. ``good``: so many entries of the chain verify, from the first on."""
    header = entry.header
    body = entry.body()
    assert isinstance(body, SaleBody)
    try:
        differs = auditor.differs(Sale(entry, body))
    except (ContractError, ValueError) as error:
        differs = str(error)
    return {
        "receipt": receipt_number(header.address, header.epoch, header.seq),
        "seq": header.seq,
        "at": time.strftime("%H:%M:%S", time.localtime(header.wall_ms // 1000)),
        "member": body.member.member if body.member is not None else "",
        "list_minor": body.basket.list_minor,
        "payable_minor": body.payable_minor,
        "points": body.points_earned,
        "pack_version": body.pack.version,
        "verdict": "differs" if differs else "agrees",
        "signed": True,
        "chained": header.seq <= good,
    }


def _stored(connection: Connection, members: list[str]) -> dict[str, int]:
    """Each one's stored value with its bonus, as the member sees it: what is owed is positive."""
    owed = {line.account: -line.balance for line in books.trial_balance(connection)}
    return {
        member: owed.get(member_principal_account(member), 0) + owed.get(member_bonus_account(member), 0)
        for member in members
    }


def _lent(connection: Connection) -> LentState:
    """What the till holds, by head office's books."""
    out = exposure(connection)
    rows = connection.execute(
        select(leases)
        .where(leases.c.address == str(TILL), leases.c.state.in_(OUTSTANDING))
        .order_by(leases.c.asset, leases.c.holder, leases.c.since_ms)
        .limit(MOST)
    ).all()
    return {
        "loss_minor": out.money_minor,
        "leases": [
            {
                "lease": row.lease.hex(),
                "asset": row.asset,
                "holder": row.holder,
                "left": left,
                "money": Asset(row.asset) in MONEY,
                "until": time.strftime("%m-%d %H:%M", time.localtime(row.spend_until_ms // 1000)),
                "suspended": row.state == HeldAs.SUSPENDED.value,
            }
            for row in rows
            if (
                left := row.granted
                - row.drawn
                - row.returned
                + row.granted_bonus
                - row.drawn_bonus
                - row.returned_bonus
            )
        ],
    }


def _accounts(connection: Connection) -> list[AccountState]:
    return [
        {"account": line.account, "unit": line.unit, "amount": line.balance} for line in books.trial_balance(connection)
    ]


def _exceptions(connection: Connection) -> list[ExceptionState]:
    """What is for people to settle, what was refused at the door, and what tills reported, newest first."""
    found = [
        (line.at_ms, line.reason, f"{line.address} #{line.seq}", line.detail)
        for line in books.exception_lines(connection)
    ]
    found += [(item.last_ms, item.reason, item.topic, item.detail) for item in books.refused_bytes(connection)]
    found += [
        (told.wall_ms, told.code, str(told.address), told.detail) for told in books.technical_event_lines(connection)
    ]
    return [
        ExceptionState(at=_clock(at_ms), code=code, subject=subject, detail=detail)
        for at_ms, code, subject, detail in sorted(found, reverse=True)[:MOST]
    ]


def _documents(connection: Connection) -> list[DocumentState]:
    active = {line.kind: line.version for line in books.activation_lines(connection) if line.address == TILL}
    newest: dict[str, int] = {}
    for document in stored_documents(connection):
        if document.published_ms is not None:
            newest[document.kind.value] = max(document.version, newest.get(document.kind.value, 0))
    return [
        {"kind": kind, "hq_version": version, "terminal_version": active.get(kind, 0)}
        for kind, version in sorted(newest.items())
    ]


def _clock(at_ms: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at_ms // 1000))
