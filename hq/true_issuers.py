"""Whose bonus money was spent, where what a till said of it is not so.

An entry says by itself who issued what it draws, and shops settle by that; head office knows better where it lent that
lease. What differs is kept beside the entry once, when it takes effect, so that a report made anew is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from contract.bodies import Body
from contract.trade import RefundBody, SaleBody
from contract.value import Draw
from hq.bulk import insert_rows
from hq.tables import true_issuers

Issuers = Mapping[int, str | None]
"""By the place of a draw among its entry's: who issued it. Draws that say so themselves are not in it."""


def keep_issuers(connection: Connection, found: Sequence[tuple[int, int, str | None]]) -> None:
    """Keep (row of the entry, place of the draw, issuer) for each draw that says another."""
    insert_rows(connection, true_issuers, ("entry_id", "number", "issuer"), found)


def issuers_of(connection: Connection, entry_ids: Sequence[int]) -> dict[int, dict[int, str | None]]:
    """What was kept of the entries in these rows."""
    found: dict[int, dict[int, str | None]] = {}
    if entry_ids:
        for row in connection.execute(select(true_issuers).where(true_issuers.c.entry_id.in_(entry_ids))):
            found.setdefault(row.entry_id, {})[row.number] = row.issuer
    return found


def as_issued(body: Body, issuers: Issuers) -> Body:
    """``body`` with the issuers that are so, to be settled by."""
    if not issuers:
        return body
    if isinstance(body, SaleBody):
        return replace(body, draws=_as_issued(body.draws, issuers))
    if isinstance(body, RefundBody):
        return replace(body, returned=_as_issued(body.returned, issuers))
    return body


def _as_issued(draws: Sequence[Draw], issuers: Issuers) -> tuple[Draw, ...]:
    return tuple(replace(item, issuer=issuers.get(number, item.issuer)) for number, item in enumerate(draws))
