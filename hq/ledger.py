"""The ledger's one way in: postings and the balances they make, in the same transaction.

In every unit the sum over all accounts is 0, always, because whatever is posted balances. ``differences`` proves that
the balances are the sums of the postings.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from contract.postings import Posting
from hq.bulk import Rows, added, write_together
from hq.tables import balances, postings


@dataclass(frozen=True, slots=True)
class Difference:
    """An account whose balance is not the sum of its postings."""

    account: str
    unit: str
    balance: int
    postings: int


def post(connection: Connection, booked: Sequence[tuple[int, Posting]]) -> None:
    """Write postings, each with the row id of the entry it is traced to, and add them to the balances.

    A transaction calls this once, or after it locked what no other writes: balances are locked in one order within a
    call.
    """
    rows = [(entry_id, item.account, item.unit, item.amount) for entry_id, item in booked]
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for _, item in booked:
        moved[item.account, item.unit] += item.amount
    changed = [(account, unit, amount) for (account, unit), amount in sorted(moved.items())]
    booked_rows = Rows(postings, ("entry_id", "account", "unit", "amount"), rows)
    write_together(connection, (booked_rows, added(balances, ("account", "unit", "amount"), changed)))


def balance(connection: Connection, account: str, unit: str) -> int:
    """What ``account`` stands at in ``unit``, debit positive."""
    found = connection.scalar(select(balances.c.amount).where(balances.c.account == account, balances.c.unit == unit))
    return found or 0


def differences(connection: Connection) -> tuple[Difference, ...]:
    """Accounts whose balance is not the sum of their postings: none, ever."""
    summed = {
        (row.account, row.unit): int(row.total)
        for row in connection.execute(
            select(postings.c.account, postings.c.unit, func.sum(postings.c.amount).label("total")).group_by(
                postings.c.account, postings.c.unit
            )
        )
    }
    held = {(row.account, row.unit): row.amount for row in connection.execute(select(balances))}
    return tuple(
        Difference(account, unit, held.get((account, unit), 0), summed.get((account, unit), 0))
        for account, unit in sorted(summed.keys() | held.keys())
        if held.get((account, unit), 0) != summed.get((account, unit), 0)
    )
