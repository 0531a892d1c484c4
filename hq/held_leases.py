"""Whether a terminal holds the leases that these books say it holds: the digest in its hello against the leases
themselves.

Both follow from the same signed entries, so a difference is a fault of the terminal's store or of these books that no
entry shows. It is put before people once and holds nothing up.
"""

from sqlalchemy import Connection, and_, select

from contract.ids import TerminalAddress
from contract.messages import Hello, leases_digest
from hq.lease_book import LeaseState, Origin
from hq.tables import chains, exceptions, lease_documents, leases
from hq.told_leases import OFFERED
from hq.unsettled import Cause, Finding

LOOK_INTERVAL_MS = 600_000
"""So often a terminal's leases are counted at most: a terminal may hold thousands."""

_HELD = (LeaseState.ACTIVE.value, LeaseState.SUSPENDED.value, LeaseState.WRITTEN_OFF.value)

_TOLD_ALREADY = (
    Cause.LEASES_DIFFER,
    *(Cause.LEASE_UNKNOWN, Cause.LEASE_OVERDRAWN, Cause.LATE_SPEND, Cause.RETURN_DIFFERS, Cause.BORN_DIFFERS),
    *(Cause.SLIP_FORGED, Cause.SLIP_FOREIGN, Cause.SLIP_DOUBLED, Cause.SLIP_DIFFERS, Cause.DOCUMENT_FORGED),
    *(Cause.TRANSACTION_DOUBLED, Cause.POSTINGS_FOREIGN, Cause.FOREIGN_OFFICE),
    *(Cause.UNREADABLE, Cause.JUDGING_FAILED, Cause.CARRIED_UNVERIFIED),
)
"""With one of these an entry had another effect here than at the terminal, and people were told."""


class LeaseReview:
    """Compares, now and then. Belongs to one thread."""

    def __init__(self) -> None:
        self._looked_ms: dict[TerminalAddress, int] = {}

    def doubt(self, connection: Connection, address: TerminalAddress, hello: Hello, now_ms: int) -> Finding | None:
        """What is wrong with the leases of a terminal whose newest epoch these books have up to the very head that
        ``hello`` tells; None where nothing is, where it was told before, or where that cannot be said now. Of an
        earlier epoch it never can: what a copy of the terminal did in it may have been carried over.
        """
        if now_ms - self._looked_ms.get(address, 0) < LOOK_INTERVAL_MS:
            return None
        held = _held(connection, address, hello.epoch)
        if held is None:
            return None
        self._looked_ms[address] = now_ms
        if leases_digest(held) == hello.leases.digest or _is_told(connection, address, hello):
            return None
        said = f"{hello.leases.count} leases, {hello.leases.digest.hex()}"
        return Finding(Cause.LEASES_DIFFER, f"the till holds {said}; by the books {len(held)}")


def _held(connection: Connection, address: TerminalAddress, epoch: int) -> list[tuple[bytes, int, int]] | None:
    """What is left of the terminal's leases; None while a document on its way, or not signed yet, says more of them, or
    while one is written off, of which nobody counts what is drawn.
    """
    offered = and_(lease_documents.c.digest == leases.c.document, lease_documents.c.state == OFFERED)
    rows = connection.execute(
        select(
            leases.c.lease,
            leases.c.state,
            leases.c.origin,
            leases.c.document,
            (leases.c.granted - leases.c.drawn - leases.c.returned).label("left"),
            (leases.c.granted_bonus - leases.c.drawn_bonus - leases.c.returned_bonus).label("left_bonus"),
            lease_documents.c.digest.label("offered"),
        )
        .outerjoin(lease_documents, offered)
        .where(leases.c.address == str(address), leases.c.epoch == epoch, leases.c.state.in_(_HELD))
    ).all()
    held = [row for row in rows if row.left or row.left_bonus]
    for row in held:
        untold = row.origin == Origin.LENT.value and (not row.document or row.offered is not None)
        if untold or row.state == LeaseState.WRITTEN_OFF.value:
            return None
    return [(row.lease, row.left, row.left_bonus) for row in held]


def _is_told(connection: Connection, address: TerminalAddress, hello: Hello) -> bool:
    """Whether people know already, or these books have gone on while they were read."""
    newest = connection.execute(
        select(chains.c.epoch, chains.c.upto_seq)
        .where(chains.c.address == str(address))
        .order_by(chains.c.epoch.desc())
        .limit(1)
    ).one_or_none()
    if newest is None or (newest.epoch, newest.upto_seq) != (hello.epoch, hello.head_seq):
        return True
    told = connection.scalar(
        select(exceptions.c.id)
        .where(
            exceptions.c.address == str(address),
            exceptions.c.epoch == hello.epoch,
            exceptions.c.reason.in_([cause.value for cause in _TOLD_ALREADY]),
        )
        .limit(1)
    )
    return told is not None
