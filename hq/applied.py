"""What an entry that is in effect hands on to whoever keeps books beside the ledger: leases, settlement."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from contract.bodies import Body
from contract.journal import EntryHeader
from contract.making import dataclass
from contract.postings import Posting
from hq.unsettled import Finding, Place


@dataclass(frozen=True, slots=True)
class Applied:
    """An entry newly in effect: each transaction once, ever, whatever is sent again or carried over.

    ``entry_id`` is the row that brought it; ``header`` and ``body`` are those of the entry itself, of a carried one
    the original's.
    """

    entry_id: int
    header: EntryHeader
    body: Body


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows from entries: what people must look at, and postings beside their own, each with the row it is
    traced to.
    """

    findings: tuple[tuple[Place, Finding], ...] = ()
    postings: tuple[tuple[int, Posting], ...] = ()


Applier = Callable[[Connection, Sequence[Applied], int], Consequences]
"""Takes the connection, entries newly in effect in the order of their chain, and the instant (Unix milliseconds).

It writes what it keeps itself and returns its postings: all postings of a transaction are written together, so that
two workers change balances in the same order. Whatever it raises undoes the entries at hand, which are then judged one
by one.
"""
