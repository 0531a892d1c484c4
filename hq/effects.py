"""What entries newly in effect do to the books: their postings, and whatever follows from them, all in one go."""

from collections.abc import Sequence

from sqlalchemy import Connection

from contract.bodies import OfficeBody
from contract.postings import Posting
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from hq import lending, settling
from hq.applied import Applied, Applier
from hq.ledger import post
from hq.unsettled import Finding, Place, raise_exceptions

APPLIERS: tuple[Applier, ...] = (lending.apply, settling.apply)
"""Whoever keeps books beside the ledger, in the order they are asked."""


def take_effect(connection: Connection, applied: Sequence[Applied], now_ms: int) -> None:
    """Post what ``applied`` say and what follows from them, and put before people what must be looked at.

    Balances are changed once and in one order for all of them, so that workers wait for each other and never in a
    circle: a transaction calls this once.
    """
    findings: list[tuple[Place, Finding]] = []
    booked: list[tuple[int, Posting]] = []
    for item in applied:
        match item.body:
            case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody() | OfficeBody() as body:
                booked += [(item.entry_id, posting) for posting in body.postings]
    for applier in APPLIERS:
        followed = applier(connection, applied, now_ms)
        findings += followed.findings
        booked += followed.postings
    post(connection, booked)
    raise_exceptions(connection, findings, now_ms)
