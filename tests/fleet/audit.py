"""Whether what head office keeps beside its postings adds up to them, and to what the terminals themselves hold.

Read in plain SQL, like everything the witness reads, and once, at the end of a story: by then everything has arrived.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator

from contract.ids import TerminalAddress
from tests.fleet.truth import Truth

SUMS = "SELECT account, unit, SUM(amount) FROM postings GROUP BY account, unit HAVING SUM(amount) <> 0"
BALANCES = "SELECT account, unit, amount FROM balances WHERE amount <> 0"
LOTS = "SELECT member, SUM(principal), SUM(bonus) FROM lots GROUP BY member"
LEASES = """
    SELECT lease, granted, granted_bonus, drawn + beyond, drawn_bonus + beyond_bonus, returned, returned_bonus, state
    FROM leases
"""
OUTSTANDING = """
    SELECT holder, SUM(granted - drawn - returned), SUM(granted_bonus - drawn_bonus - returned_bonus)
    FROM leases WHERE asset = 'stored' AND state IN ('active', 'suspended', 'transit') AND NOT (
        state = 'suspended' AND EXISTS (
            SELECT 1 FROM epoch_starts s
            WHERE s.address = leases.address AND s.previous_epoch = leases.epoch AND s.due_ms IS NOT NULL
        )
    )
    GROUP BY holder
"""
"""What is lent. Where an epoch has ended, what is left of its leases may have been freed and lent again by books that
were restored since; restored books free it again when they next look, and lend nothing of it before.
"""


def ledger_differences(books: sqlite3.Connection) -> Iterator[str]:
    """The balances are what the postings add up to, and all of them together are 0."""
    postings = {(account, unit): amount for account, unit, amount in books.execute(SUMS)}
    balances = {(account, unit): amount for account, unit, amount in books.execute(BALANCES)}
    for place in sorted(postings.keys() | balances.keys()):
        if postings.get(place, 0) != balances.get(place, 0):
            yield f"{place[0]} is kept as {balances.get(place, 0)}, its postings are {postings.get(place, 0)}"
    totals: Counter[str] = Counter()
    for (_account, unit), amount in postings.items():
        totals[unit] += amount
    yield from (f"the ledger's sum is {total} {unit}" for unit, total in totals.items() if total)


def lot_differences(books: sqlite3.Connection, truth: Truth, returned: Collection[bytes]) -> Iterator[str]:
    """The lots of a member are the member's balance, and hold at least what is lent of it, unless a lease of theirs is
    among those ``returned`` by an entry that is nowhere any more.
    """
    postings = {(account, unit): amount for account, unit, amount in books.execute(SUMS)}
    lots = {member: (principal, bonus) for member, principal, bonus in books.execute(LOTS)}
    lent = {member: (amount, bonus) for member, amount, bonus in books.execute(OUTSTANDING)}
    lent_twice = {holder for lease, holder in books.execute("SELECT lease, holder FROM leases") if lease in returned}
    members = {account.split("/")[1] for account, _unit in postings if account.endswith(("/principal", "/bonus"))}
    for member in sorted(members | lots.keys() | lent.keys()):
        owed = tuple(-postings.get((f"member/{member}/{part}", "CNY"), 0) for part in ("principal", "bonus"))
        there, out = lots.get(member, (0, 0)), lent.get(member, (0, 0))
        if there != owed:
            yield f"{member} is owed {owed}, the lots hold {there}"
        # Money that was paid in at head office itself and is lost with its books was perhaps lent before.
        if f"member/{member}/principal" in truth.excused or member in lent_twice:
            continue
        if out[0] > max(0, owed[0]) or out[1] > max(0, owed[1]):
            yield f"{member} is owed {owed}, and {out} is lent"


def points_differences(books: sqlite3.Connection) -> Iterator[str]:
    """What head office owes a member in points lies in lots, less what the member owes because it was spent by then."""
    postings = {account: amount for account, unit, amount in books.execute(SUMS) if unit == "points"}
    lots = dict(books.execute("SELECT member, SUM(remaining) FROM points_lots GROUP BY member"))
    debts = dict(books.execute("SELECT member, SUM(points) FROM points_debts GROUP BY member"))
    members = {account.split("/")[1] for account in postings if account.startswith("member/")}
    for member in sorted(members | lots.keys() | debts.keys()):
        owed, there = -postings.get(f"member/{member}/points", 0), lots.get(member, 0) - debts.get(member, 0)
        if owed != there:
            yield f"{member} is owed {owed} points, the lots hold {there}"


def pool_differences(books: sqlite3.Connection) -> Iterator[str]:
    """The pool has the principal that members are owed, but for what was charged and is not paid back yet."""
    money = {account: amount for account, unit, amount in books.execute(SUMS) if unit == "CNY"}
    if "office/slips_ahead" in money:
        return
    has = sum(amount for account, amount in money.items() if account.startswith("pool/settlement/"))
    owed = -sum(amount for account, amount in money.items() if account.endswith("/principal"))
    (unpaid,) = books.execute("SELECT COALESCE(SUM(amount), 0) FROM charges WHERE settles").fetchone()
    if has + unpaid != owed:
        yield f"the pool has {has}, {unpaid} is not paid back yet, and members are owed {owed}"


def refund_differences(books: sqlite3.Connection, refunds: dict[bytes, tuple[int, ...]]) -> Iterator[str]:
    """Each of ``refunds`` is in the books, posted, once and as it was made; and no other."""
    rows = books.execute(
        "SELECT e.transaction_id, r.units FROM refunds r JOIN entries e ON e.id = r.entry_id WHERE r.posted"
    ).fetchall()
    found = {transaction: tuple(json.loads(units)) for transaction, units in rows}
    if len(found) != len(rows):
        yield f"{len(rows) - len(found)} of {len(rows)} refunds are there twice"
    for transaction in sorted(found.keys() | refunds.keys()):
        if found.get(transaction) != refunds.get(transaction):
            said = f"{found.get(transaction)}, and was {refunds.get(transaction)}"
            yield f"the refund {transaction.hex()[:6]} is kept as {said}"


def lease_differences(books: sqlite3.Connection, truth: Truth, forked: set[TerminalAddress]) -> Iterator[str]:
    """Head office has of each lease what was granted, drawn and returned wherever it was held; what a disk that is
    ``forked`` held, and gave away, is told in two ways.
    """
    for lease, granted, granted_bonus, drawn, drawn_bonus, returned, returned_bonus, state in books.execute(LEASES):
        lent = truth.leases.get(lease)
        if lent is None or forked & {lent.holder, truth.given.get(lease)}:
            continue
        told = (granted, granted_bonus, drawn + returned, drawn_bonus + returned_bonus)
        true = (lent.amount, lent.bonus_minor, lent.taken, lent.bonus_taken_minor)
        if told != true and state != "written_off":
            yield f"lease {lease.hex()[:8]} ({state}) is kept as {told}, and was {true}"
