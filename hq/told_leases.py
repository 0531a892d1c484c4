"""Leases documents as terminals' journals tell of them: one became active, or head office had forgotten it.

A terminal journals the whole document, so that a head office restored from an older backup learns from the chain what
it has lent: a document that head office's own key signed is honoured and recorded again.
"""

from sqlalchemy import Connection, select, update

from contract import wire
from contract.bodies import MAX_EMBEDDED_BYTES, Body, DocumentChangeBody
from contract.documents import Document, DocumentKind, LeasesContent, OpenedDocument, open_document
from contract.envelope import digest, keyring, peek
from contract.errors import ContractError
from contract.signing import PublicKey, parse_public_key
from hq.applied import Applied
from hq.lease_book import LeaseCount, Origin
from hq.own_place import own_address
from hq.tables import lease_documents, leases, terminals
from hq.taking import Taking
from hq.unsettled import Cause

OFFERED, ACTIVE, REPLACED = "offered", "active", "replaced"


def told_lease_ids(body: Body) -> set[bytes]:
    """The leases that a document in an entry grants, read without believing it."""
    if not isinstance(body, DocumentChangeBody) or body.kind != DocumentKind.LEASES.value or body.sealed is None:
        return set()
    try:
        document = wire.unpack(Document, peek(body.sealed, MAX_EMBEDDED_BYTES), MAX_EMBEDDED_BYTES)
        content = wire.unpack(LeasesContent, document.content, MAX_EMBEDDED_BYTES)
    except ContractError:
        return set()
    return {lease.lease for lease in content.granted}


def take_document(connection: Connection, taking: Taking, item: Applied, body: DocumentChangeBody) -> None:
    """A leases document became active at a terminal; one that head office has forgotten is recorded again."""
    address = str(item.header.address)
    epoch = connection.scalar(
        select(lease_documents.c.epoch).where(
            lease_documents.c.address == address, lease_documents.c.digest == body.digest
        )
    )
    if epoch is None:
        opened = _own(connection, item, body)
        if opened is None:
            taking.find(item, Cause.DOCUMENT_FORGED, f"leases {body.version}, {body.digest.hex()}")
            return
        epoch = _honour(connection, taking, item, opened)
        taking.forgotten = f"{address} has leases {body.version}, which these books do not know"
    if item.header.epoch < epoch:
        # A copy of the terminal that is still in an epoch which has ended: what it takes was lent to the other, which
        # is still to be told.
        return
    here = lease_documents.c.address == address
    connection.execute(
        update(lease_documents)
        .where(here, lease_documents.c.state == ACTIVE, lease_documents.c.digest != body.digest)
        .values(state=REPLACED, sealed=b"")
    )
    connection.execute(update(lease_documents).where(lease_documents.c.digest == body.digest).values(state=ACTIVE))
    # Whatever else was on its way builds on another document and cannot be laid on this one any more.
    passed = connection.scalars(
        select(lease_documents.c.digest).where(
            here, lease_documents.c.state == OFFERED, lease_documents.c.base.is_distinct_from(body.digest)
        )
    ).all()
    for offered in passed:
        replace_offer(connection, offered)


def replace_offer(connection: Connection, offered: bytes) -> None:
    """A document on its way will not be laid: what it said is said again in the next."""
    connection.execute(update(lease_documents).where(lease_documents.c.digest == offered).values(state=REPLACED))
    connection.execute(update(leases).where(leases.c.document == offered).values(document=b"", waits=True))
    connection.execute(
        update(leases).where(leases.c.recall_document == offered).values(recall_document=None, waits=True)
    )


def _own(connection: Connection, item: Applied, body: DocumentChangeBody) -> OpenedDocument | None:
    if body.sealed is None or digest(body.sealed) != body.digest:
        return None
    try:
        opened = open_document(body.sealed, keyring(*own_keys(connection, item.header.address.tenant)))
    except ContractError:
        return None
    document = opened.document
    fits = document.kind is DocumentKind.LEASES and document.covers(item.header.address)
    return opened if fits and document.terminal is not None else None


def own_keys(connection: Connection, tenant: str) -> tuple[PublicKey, ...]:
    """The keys head office has signed with, as far as these books know."""
    texts = connection.scalars(select(terminals.c.public_key).where(terminals.c.address == own_address(tenant)))
    return tuple({text: parse_public_key(text) for text in texts}.values())


def _honour(connection: Connection, taking: Taking, item: Applied, opened: OpenedDocument) -> int:
    """Record a document of ours again, as one on its way; return the epoch it lends to."""
    document = opened.document
    content = wire.unpack(LeasesContent, document.content, MAX_EMBEDDED_BYTES)
    address = str(item.header.address)
    connection.execute(
        lease_documents.insert().values(
            digest=opened.digest,
            address=address,
            epoch=content.epoch,
            version=document.version,
            base=document.base,
            sealed=opened.sealed,
            issued_ms=document.issued_ms,
            restoration=0,
            state=OFFERED,
        )
    )
    state = taking.epoch_state(address, content.epoch)
    for lease in content.granted:
        if taking.leases.find(lease.lease) is None:
            count = LeaseCount(lease, address, content.epoch, Origin.LENT, state, taking.now_ms, document=opened.digest)
            taking.leases.add(count)
    return content.epoch
