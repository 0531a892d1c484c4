"""Leases documents: what is lent to a terminal, told in a chain of signed deltas of its own.

At most one document is on its way to a terminal at a time. The next one builds on what the terminal says it has, with a
version above whatever it told.
"""

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from contract import cbor, wire
from contract.bodies import MAX_EMBEDDED_BYTES
from contract.documents import GRAMMAR, MOST_LEASES, Document, DocumentKind, LeasesContent, open_document, seal_document
from contract.envelope import keyring
from contract.ids import TerminalAddress, parse_address
from contract.value import Account, Lease
from hq.documents import DAY_MS, MOST_FORGOTTEN, Desk
from hq.lease_book import LeaseCount, LeaseState, Origin, counted, write_new
from hq.restoring import latest_restoration, newest_version
from hq.tables import lease_documents, leases, terminals, told_documents
from hq.told_leases import ACTIVE, OFFERED, replace_offer

_LIVE = (LeaseState.ACTIVE.value, LeaseState.SUSPENDED.value)
_TO_BE_TOLD = and_(
    leases.c.origin == Origin.LENT.value,
    leases.c.state.in_(_LIVE),
    or_(leases.c.document.is_(None), leases.c.document == b""),
)
_TO_BE_ASKED = and_(leases.c.state.in_(_LIVE), leases.c.recalled_ms.is_not(None), leases.c.recall_document.is_(None))


def lend(
    connection: Connection, address: TerminalAddress, epoch: int, parts: Sequence[Lease], now_ms: int
) -> tuple[LeaseCount, ...]:
    """Write down new leases of one account to ``address``; ``parts`` come without ids. The caller has made sure that
    they are free.

    From now on they are lent, though the terminal is told in the next document.
    """
    made = []
    before = 0
    if parts:
        account = parts[0].account
        # Ids are told apart by how many leases of the account there were: two may be made in one millisecond.
        before = (
            connection.scalar(
                select(func.count()).where(leases.c.asset == account.asset.value, leases.c.holder == account.holder)
            )
            or 0
        )
    for number, part in enumerate(parts, start=before):
        lease = Lease(
            _lease_id(address, epoch, part.account, part.lot, now_ms, number),
            part.account,
            part.amount,
            part.spend_until_ms,
            part.bonus_minor,
            part.lot,
            part.issuer,
            part.order,
        )
        made.append(LeaseCount(lease, str(address), epoch, Origin.LENT, LeaseState.ACTIVE, now_ms))
    write_new(connection, made)
    return tuple(made)


def recall(connection: Connection, lease: bytes, now_ms: int) -> None:
    """Ask a lease back in the next document to its terminal."""
    connection.execute(
        update(leases)
        .where(leases.c.lease == lease, leases.c.recalled_ms.is_(None))
        .values(recalled_ms=now_ms, waits=True)
    )


def offer_waiting(connection: Connection, desk: Desk, most: int, now_ms: int) -> int:
    """Sign a document for each terminal, at most ``most``, that has something to be told and none on its way."""
    newest = (
        select(terminals.c.address, func.max(terminals.c.epoch).label("epoch")).group_by(terminals.c.address).subquery()
    )
    rows = connection.execute(
        select(leases.c.address, leases.c.epoch)
        .join(newest, and_(leases.c.address == newest.c.address, leases.c.epoch == newest.c.epoch))
        .where(
            leases.c.waits,
            or_(_TO_BE_TOLD, _TO_BE_ASKED),
            leases.c.address.not_in(select(lease_documents.c.address).where(lease_documents.c.state == OFFERED)),
        )
        .distinct()
        .order_by(leases.c.address)
        .limit(most)
    ).all()
    for row in rows:
        _offer_next(connection, desk, parse_address(row.address), row.epoch, now_ms)
    return len(rows)


def offer_barrier(connection: Connection, desk: Desk, address: TerminalAddress, epoch: int, now_ms: int) -> None:
    """Sign a document that lends nothing: once it is active nothing signed before it can become so."""
    offered = connection.scalar(
        select(lease_documents.c.digest).where(
            lease_documents.c.address == str(address), lease_documents.c.state == OFFERED
        )
    )
    if offered is not None:
        replace_offer(connection, offered)
    _sign(connection, desk, address, LeasesContent(epoch, ()), now_ms)


def _offer_next(connection: Connection, desk: Desk, address: TerminalAddress, epoch: int, now_ms: int) -> None:
    here = (leases.c.address == str(address), leases.c.epoch == epoch)
    order = (leases.c.since_ms, leases.c.lease)
    granted = [
        counted(row).lease
        for row in connection.execute(select(leases).where(*here, _TO_BE_TOLD).order_by(*order).limit(MOST_LEASES))
    ]
    asked = connection.scalars(
        select(leases.c.lease).where(*here, _TO_BE_ASKED).order_by(*order).limit(MOST_LEASES)
    ).all()
    while True:
        content = LeasesContent(epoch, tuple(granted), tuple(asked))
        # With room for the document around it: a terminal's journal must hold all of it.
        if len(wire.pack(content)) <= MAX_EMBEDDED_BYTES - 512:
            break
        granted = granted[: len(granted) // 2]
    digest = _sign(connection, desk, address, content, now_ms)
    told = [lease.lease for lease in granted]
    for ids, column in ((told, "document"), (list(asked), "recall_document")):
        if ids:
            connection.execute(update(leases).where(leases.c.lease.in_(ids)).values({column: digest}))
    connection.execute(
        update(leases).where(leases.c.lease.in_([*told, *asked]), ~_TO_BE_TOLD, ~_TO_BE_ASKED).values(waits=False)
    )


def _sign(connection: Connection, desk: Desk, address: TerminalAddress, content: LeasesContent, now_ms: int) -> bytes:
    told = connection.execute(
        select(told_documents.c.version, told_documents.c.digest).where(
            told_documents.c.address == str(address), told_documents.c.kind == DocumentKind.LEASES.value
        )
    ).one_or_none()
    base = told.digest if told is not None else _active(connection, address)
    newest = newest_version(connection, address, DocumentKind.LEASES.value)
    if told is not None and told.version <= newest + MOST_FORGOTTEN:
        newest = max(newest, told.version)
    document = Document(
        grammar=GRAMMAR,
        kind=DocumentKind.LEASES,
        tenant=desk.tenant,
        version=newest + 1,
        issued_ms=now_ms,
        accept_until_ms=now_ms + desk.accept_days * DAY_MS,
        content=wire.pack(content),
        shop=address.shop,
        terminal=address.terminal,
        base=base,
    )
    opened = open_document(seal_document(desk.signer, document), keyring(desk.signer.public))
    connection.execute(
        insert(lease_documents).values(
            digest=opened.digest,
            address=str(address),
            epoch=content.epoch,
            version=document.version,
            base=base,
            sealed=opened.sealed,
            issued_ms=now_ms,
            restoration=latest_restoration(connection),
            state=OFFERED,
        )
    )
    return opened.digest


def _active(connection: Connection, address: TerminalAddress) -> bytes | None:
    return connection.scalar(
        select(lease_documents.c.digest).where(
            lease_documents.c.address == str(address), lease_documents.c.state == ACTIVE
        )
    )


def _lease_id(
    address: TerminalAddress, epoch: int, account: Account, lot: bytes | None, now_ms: int, number: int
) -> bytes:
    """An id that no two leases share: of whom, what, when and which of those made then."""
    named = ["tapledger-lent", str(address), epoch, wire.to_wire(account), lot or b"", now_ms, number]
    return hashlib.sha256(cbor.encode(named)).digest()[:16]
