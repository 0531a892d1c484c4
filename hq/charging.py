"""What was spent beyond leases, settled between shops, and taken back where the lease is told of later after all.

Each is an entry of head office's own chain: which entry it is about, what of whose account, and what follows for
whoever bears it, so that rows and accounts come again from signed entries alone.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, func, select, update

from contract.bodies import OfficeBody
from contract.ids import parse_address
from contract.postings import Posting
from contract.value import Account, Asset, Draw, bonus_place, ledger_place
from hq.documents import Desk
from hq.lease_book import OUTSTANDING, LeaseBook
from hq.own_chain import book_all, merged
from hq.settlement.movements import LATE_SPEND, LATE_SPEND_BACK, TOLD_LATE, Beyond, beyond_postings, reissued_postings
from hq.settlement.terms import OFFICE, Terms
from hq.shop_terms import load_terms
from hq.tables import charges, leases
from hq.unsettled import Cause, Place, settle

MOST_CHARGED = 64
"""So many charges are settled, or taken back, in one step."""

_Charged = Row[*tuple[object, ...]]


def settle_charges(connection: Connection, desk: Desk, now_ms: int) -> int:
    """Let those who bear what was spent beyond leases pay for it; return how many charges there were."""
    rows = connection.execute(
        select(charges).where(charges.c.settles).order_by(charges.c.id).limit(MOST_CHARGED).with_for_update()
    ).all()
    if not rows:
        return 0
    terms = load_terms(connection, desk.tenant)
    bodies = [(body, None) for row in rows if (body := _paid(row, terms)).postings]
    book_all(connection, desk, bodies, now_ms)
    connection.execute(update(charges).where(charges.c.id.in_([row.id for row in rows])).values(settles=False))
    return len(rows)


def draw_told_late(connection: Connection, desk: Desk, now_ms: int) -> int:
    """Draw from leases that were not known when they were drawn from and are now, and take back what was charged for
    it; return how many draws that were.

    It happens where an entry that created a lease could not be judged when it came, or was carried over after the
    entry that spent it.
    """
    alike = (charges.c.address == leases.c.address) & (charges.c.epoch == leases.c.epoch)
    for name in ("lease", "asset", "holder", "name"):
        alike &= charges.c[name] == leases.c[name]
    rows = connection.execute(
        select(charges)
        .join(leases, alike)
        .where(charges.c.waits, ~charges.c.settles, leases.c.state.in_(OUTSTANDING))
        .order_by(charges.c.id)
        .limit(MOST_CHARGED)
        .with_for_update(of=charges)
    ).all()
    if not rows:
        return 0
    book = LeaseBook(connection, [row.lease for row in rows])
    terms = load_terms(connection, desk.tenant)
    bodies = []
    for row in rows:
        body, rest = _drawn(row, book, terms)
        bodies += [(body, None)] if body.postings else []
        connection.execute(
            update(charges).where(charges.c.id == row.id).values(waits=False, amount=rest[0], bonus=rest[1])
        )
    book.write(connection)
    book_all(connection, desk, bodies, now_ms)
    _settle_covered(connection, rows, now_ms)
    return len(rows)


def _paid(row: _Charged, terms: Terms) -> OfficeBody:
    said = row._mapping
    amounts = said["amount"], said["bonus"]
    action = LATE_SPEND if max(amounts) > 0 else LATE_SPEND_BACK
    principal, bonus = (abs(part) for part in amounts)
    draw = Draw(said["lease"], _account(row), principal, bonus, said["lot"], said["issuer"])
    moved = beyond_postings(beyond_of(row, *amounts), said["wall_ms"], said["currency"], terms)
    return OfficeBody(action, place_said(row), moved, (draw,))


def _drawn(row: _Charged, book: LeaseBook, terms: Terms) -> tuple[OfficeBody, tuple[int, int]]:
    """The entry that draws what the lease holds of what was charged, and what is left of the charge."""
    said = row._mapping
    count = book.find(said["lease"])
    left, left_bonus = (0, 0) if count is None else count.left
    amount, bonus = min(said["amount"], left), min(said["bonus"], left_bonus)
    rest = said["amount"] - amount, said["bonus"] - bonus
    if count is None or not (amount or bonus):
        return OfficeBody(TOLD_LATE, place_said(row), ()), rest
    count.take(amount, bonus)
    account, currency = count.lease.account, said["currency"]
    parts = [(ledger_place(account, currency), amount)]
    if account.asset is Asset.STORED:
        parts.append((bonus_place(account, currency), bonus))
    moved = [
        posting
        for (place, unit), part in parts
        for posting in (Posting(place, unit, part), Posting(said["bearer"], unit, -part))
    ]
    if account.asset is Asset.STORED:
        moved += beyond_postings(beyond_of(row, -amount, -bonus), said["wall_ms"], currency, terms)
        # The draw settled by whoever gave that bonus as far as was known; the lease says who did.
        moved += reissued_postings(beyond_of(row, amount, bonus), count.lease.issuer, said["wall_ms"], currency, terms)
    draw = Draw(count.lease.lease, account, amount, bonus, count.lease.lot, count.lease.issuer)
    return OfficeBody(TOLD_LATE, place_said(row), merged(moved), (draw,)), rest


def _settle_covered(connection: Connection, rows: Sequence[_Charged], now_ms: int) -> None:
    """What people were told of entries that nothing is charged for any more is settled."""
    for row in rows:
        said = row._mapping
        still = connection.scalar(
            select(func.count()).where(
                charges.c.entry_id == said["entry_id"], (charges.c.amount != 0) | (charges.c.bonus != 0)
            )
        )
        if not still:
            place = Place(parse_address(said["address"]), said["epoch"], said["seq"])
            settle(connection, place, (Cause.LEASE_UNKNOWN,), now_ms)


def beyond_of(row: _Charged, amount: int, bonus: int) -> Beyond:
    """So much of the charge in ``row`` as what its bearer pays, or has back."""
    said = row._mapping
    bearer = said["bearer"].split("/")
    spender = parse_address(said["address"]).shop
    return Beyond(bearer[1] if bearer[0] == "shop" else OFFICE, spender, said["issuer"], amount, bonus)


def _account(row: _Charged) -> Account:
    said = row._mapping
    return Account(Asset(said["asset"]), said["holder"], said["name"])


def place_said(row: _Charged) -> str:
    """Of which entry and lease the charge in ``row`` is, in words."""
    said = row._mapping
    return f"{said['address']} epoch {said['epoch']} seq {said['seq']}: {said['lease'].hex()}"
