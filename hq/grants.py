"""What head office's staff give and take: money paid in, points, uses, budgets, gifts, pools; leases written off.

Each is an entry of head office's own chain. Everything is granted against ``office/granted``, money paid in against
``office/money``.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from contract.bodies import OfficeBody
from contract.ids import TerminalAddress
from contract.postings import (
    POINTS,
    Posting,
    bonus_cost_account,
    granted_account,
    member_bonus_account,
    member_points_account,
    member_principal_account,
    pool_account,
    pool_settlement_account,
    settlement_account,
)
from contract.value import Account, Asset, Lease, ledger_place
from hq.bulk import keep_rows
from hq.documents import Desk
from hq.errors import OfficeError, no_member
from hq.free import free_amount
from hq.granting import currency_of, look_again
from hq.lease_book import OUTSTANDING, LeaseState
from hq.lending import EXPIRED_POINTS
from hq.own_chain import Booking, book, book_all, own_transaction
from hq.own_place import OFFICE_SHOP
from hq.placement import DAY_MS
from hq.points import expire_points
from hq.restoring import open_restoration
from hq.tables import late_terms, leases, members, points_lots, pools, value_terms

MONEY = "office/money"
"""Money that members have paid to head office itself."""
MOST_EXPIRED = 64
WHOLE_BP = 10_000


def pay_in(
    connection: Connection, desk: Desk, member: str, amount: int, bonus: int, transaction: bytes, now_ms: int
) -> Booking:
    """Book money that a member paid to head office as stored value, a lot of its own. The same ``transaction`` again
    books nothing; raises OfficeError where it was for something else.
    """
    require_member(connection, member)
    currency = currency_of(connection)
    account = Account(Asset.STORED, member)
    moved = (
        Posting(MONEY, currency, amount),
        Posting(member_principal_account(member), currency, -amount),
        Posting(bonus_cost_account(OFFICE_SHOP), currency, bonus),
        Posting(member_bonus_account(member), currency, -bonus),
    )
    transaction = own_transaction(connection, desk, transaction, now_ms)
    lot = Lease(transaction, account, amount, 0, bonus, lot=transaction, issuer=OFFICE_SHOP)
    body = OfficeBody("paid_in", f"member {member}", _filled(*moved), born=(lot,))
    return book(connection, desk, body, now_ms, transaction)


def grant(connection: Connection, desk: Desk, account: Account, amount: int, now_ms: int) -> int:
    """Grant points, uses, a budget, gifts; take them back where ``amount`` is negative. Return the entry's row id.

    Raises OfficeError where more would be taken than is free, or for stored value and coupons, which have ways of
    their own.
    """
    if account.asset in (Asset.STORED, Asset.COUPON, Asset.POOL):
        raise OfficeError(
            f"{account.asset} 不能这样发放：储值用 value pay-in，积分池用 value pool，电子券用 coupons issue。",
            f"{account.asset} is not granted like this; money is paid in, pools are bought, coupons are issued.",
        )
    if account.asset in (Asset.POINTS, Asset.USES):
        require_member(connection, account.holder)
    if amount < 0:
        require_known(connection)
        free = free_amount(connection, account, currency_of(connection))
        if -amount > free:
            raise OfficeError(
                f"只有 {max(free, 0)} 没有借出；请先收回借出的（hq leases recall）。",
                f"only {max(free, 0)} of it are free; recall what is lent first (`tapledger hq leases recall`).",
            )
    name, unit = ledger_place(account, currency_of(connection))
    moved = (Posting(name, unit, -amount), Posting(granted_account(account.asset), unit, amount))
    body = OfficeBody(f"{account.asset}_granted", f"{account.holder} {account.name}".strip(), moved)
    entry_id = book(connection, desk, body, now_ms).entry_id
    look_again(connection, (account,), now_ms)
    return entry_id


def buy_pool(
    connection: Connection, desk: Desk, shop: str, points: int, bonus_bp: int, price_minor: int, now_ms: int
) -> int:
    """Book points that a merchant buys in advance, ``bonus_bp`` more of them on top; return how many the pool gains.

    The price is owed by the shop in its settlement account.
    """
    gained = points + points * bonus_bp // WHOLE_BP
    currency = currency_of(connection)
    keep_rows(connection, pools, ("shop", "since_ms"), [(shop, now_ms)])
    moved = (
        Posting(pool_account(shop), POINTS, -gained),
        Posting(granted_account(Asset.POOL), POINTS, gained),
        Posting(settlement_account(shop), currency, -price_minor),
        Posting(pool_settlement_account(shop), currency, price_minor),
    )
    book(connection, desk, OfficeBody("pool_bought", f"shop {shop}", _filled(*moved)), now_ms)
    look_again(connection, (Account(Asset.POOL, shop),), now_ms)
    return gained


def expire_due(connection: Connection, desk: Desk, now_ms: int, after: str = "") -> tuple[int, str]:
    """Let points go whose last day is over, as far as they are not lent or reserved, of some members behind ``after``;
    return how many lost some, and behind whom to go on: nobody's name where all were looked at.

    What is lent of them goes when it has come back.
    """
    today = now_ms // DAY_MS
    due = connection.scalars(
        select(points_lots.c.member)
        .where(points_lots.c.until_day < today, points_lots.c.remaining > 0, points_lots.c.member > after)
        .distinct()
        .order_by(points_lots.c.member)
        .limit(MOST_EXPIRED)
    ).all()
    bodies = []
    for member in due:
        free = free_amount(connection, Account(Asset.POINTS, member), "")
        gone = expire_points(connection, member, max(free, 0), today) if free > 0 else 0
        if gone:
            moved = (Posting(member_points_account(member), POINTS, gone), Posting(EXPIRED_POINTS, POINTS, -gone))
            bodies.append((OfficeBody("points_expired", f"member {member}", moved), None))
    if bodies:
        book_all(connection, desk, bodies, now_ms)
    return len(bodies), due[-1] if len(due) == MOST_EXPIRED else ""


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """What was given up: so many leases, and of each asset how much was left of them."""

    leases: int
    left: dict[Asset, int]


def write_off(
    connection: Connection, desk: Desk, address: TerminalAddress, lease: bytes | None, who: str, now_ms: int
) -> WrittenOff:
    """Give up what is left of a terminal's suspended leases, or of one lease whatever its state: it is free again, and
    whoever draws from it all the same is charged. The decision stands in head office's chain.
    """
    wanted = leases.c.state == LeaseState.SUSPENDED.value if lease is None else leases.c.lease == lease
    rows = connection.execute(
        select(leases)
        .where(leases.c.address == str(address), wanted, leases.c.state.in_(OUTSTANDING))
        .order_by(leases.c.lease)
        .with_for_update()
    ).all()
    left: dict[Asset, int] = {}
    for row in rows:
        whole = row.granted - row.drawn - row.returned + row.granted_bonus - row.drawn_bonus - row.returned_bonus
        left[Asset(row.asset)] = left.get(Asset(row.asset), 0) + whole
    if rows:
        ids = [row.lease for row in rows]
        connection.execute(update(leases).where(leases.c.lease.in_(ids)).values(state=LeaseState.WRITTEN_OFF.value))
        said = ", ".join(f"{amount} {asset}" for asset, amount in sorted(left.items()))
        book(connection, desk, OfficeBody("written_off", f"{address} by {who}: {said}"[:200], ()), now_ms)
        look_again(connection, {Account(Asset(row.asset), row.holder, row.name) for row in rows}, now_ms)
    return WrittenOff(len(rows), left)


def set_bearer(connection: Connection, shop: str, bearer: str) -> None:
    """Say who bears what the tills of ``shop`` spend beyond their leases: the ``shop`` itself or the ``office``."""
    connection.execute(late_terms.delete().where(late_terms.c.shop == shop))
    if bearer == OFFICE_SHOP:
        connection.execute(late_terms.insert().values(shop=shop, bearer=bearer))


def set_term(connection: Connection, name: str, value: int) -> None:
    """Set one of the tenant's terms about value."""
    connection.execute(value_terms.delete().where(value_terms.c.name == name))
    connection.execute(value_terms.insert().values(name=name, value=value))


def require_member(connection: Connection, member: str) -> None:
    """Raise OfficeError unless there is such a member."""
    if connection.scalar(select(members.c.member).where(members.c.member == member)) is None:
        raise no_member(member)


def require_known(connection: Connection) -> None:
    """Raise OfficeError while not every till has told what it holds, after a restoration."""
    if open_restoration(connection) is not None:
        raise OfficeError(
            "这套账是从备份恢复的；要等每台终端都报告所持的额度，hq books 列出还没报告的终端。",
            "these books were restored from a backup; first every till must tell what it holds. `tapledger hq books` "
            "names those that have not.",
        )


def _filled(*postings: Posting) -> tuple[Posting, ...]:
    return tuple(posting for posting in postings if posting.amount)
