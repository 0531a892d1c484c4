"""The step that lends: a bounded piece of work, done again and again by whichever worker has the turn.

It ages leases, looks again at accounts of which something changed, lends by habit what is free, asks back, and signs
what terminals are to be told. While a restoration is open it does nothing but find out what is lent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, Subquery, delete, func, select, tuple_, update

from contract.ids import TerminalAddress, parse_address
from contract.postings import member_uses_account
from contract.value import Account, Asset, DrawOrder, Lease
from hq.accounted import free_accounted
from hq.bulk import keep_rows
from hq.charging import draw_told_late, settle_charges
from hq.coupon_charges import weigh_coupons
from hq.documents import Desk, overtake
from hq.floor_cover import cover_floor
from hq.free import FreeLot, free_amount, free_lots, lendable_points
from hq.lease_book import LeaseState, Origin
from hq.lease_offers import lend, offer_barrier, offer_waiting, recall
from hq.own_chain import ensure_own_chain
from hq.own_place import own_address
from hq.placement import DAY_MS, WHOLE_MEMBER, Holding, LendingPolicy, Visit, even, habitual, moves
from hq.restoring import close_restoration, open_restoration, strangers_holding
from hq.slips_ahead import charge_untold
from hq.tables import (
    balances,
    catalogue_heads,
    chains,
    habits,
    hold_parts,
    holds,
    lease_documents,
    leases,
    placements,
    terminals,
)
from hq.told_leases import ACTIVE, OFFERED

MOST_ACCOUNTS = 64
"""So many accounts are looked at in one step."""
MOST_TERMINALS = 32
"""So many terminals are told something in one step."""
MOST_AGED = 256
MOST_AT_ONCE = 1_000
HEARD_MS = 5_000
"""Whom a worker heard it writes down once a second."""

_HABITUAL = (Asset.STORED, Asset.POINTS, Asset.USES)
"""What belongs to a member, and goes where that member buys."""


def step(connection: Connection, desk: Desk, now_ms: int) -> int:
    """Do the next piece of work; return how much there was. The transaction is one of ``hq.db.Turn.LENDING``."""
    ensure_own_chain(connection, desk, now_ms)
    settle_charges(connection, desk, now_ms)
    draw_told_late(connection, desk, now_ms)
    weigh_coupons(connection, desk, now_ms)
    restoration = open_restoration(connection)
    if restoration is not None:
        return _find_out(connection, desk, restoration, now_ms)
    _age(connection, desk.policy, now_ms)
    charge_untold(connection, desk, now_ms)
    free_accounted(connection, now_ms)
    placed = _place_due(connection, desk, now_ms)
    return placed + offer_waiting(connection, desk, MOST_TERMINALS, now_ms)


def lend_from(
    connection: Connection, address: TerminalAddress, account: Account, amount: int, policy: LendingPolicy, now_ms: int
) -> int:
    """Lend up to ``amount`` of an account to a terminal (of stored value principal and bonus together), never more than
    is free; return how much it became.
    """
    epoch = newest_epoch_of(connection, address)
    until_ms = now_ms + policy.lease_ms
    if epoch is None or open_restoration(connection) is not None:
        return 0
    if account.asset is Asset.STORED:
        parts = _slices(account, list(free_lots(connection, account.holder)), amount, until_ms)
    else:
        if account.asset is Asset.POINTS:
            free = lendable_points(connection, account.holder, until_ms // DAY_MS)
        else:
            free = free_amount(connection, account, currency_of(connection))
        lends = min(amount, max(free, 0))
        parts = [Lease(b"", account, lends, until_ms)] if lends else []
    made = lend(connection, address, epoch, parts, now_ms)
    return sum(count.lease.amount + count.lease.bonus_minor for count in made)


def newest_epoch_of(connection: Connection, address: TerminalAddress) -> int | None:
    """The newest epoch of a terminal, None for one that may not speak."""
    row = connection.execute(
        select(terminals.c.epoch, terminals.c.revoked_ms)
        .where(terminals.c.address == str(address))
        .order_by(terminals.c.epoch.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None or row.revoked_ms is not None else row.epoch


def currency_of(connection: Connection) -> str:
    """The tenant's currency."""
    return connection.scalar(select(catalogue_heads.c.currency)) or "CNY"


def look_again(connection: Connection, accounts: Iterable[Account], now_ms: int) -> None:
    """Have the next step look at who should hold how much of these accounts."""
    due = [(account.asset.value, account.holder, account.name, now_ms) for account in sorted(accounts)]
    keep_rows(connection, placements, ("asset", "holder", "name", "due_ms"), due)


def look_again_for(connection: Connection, address: TerminalAddress, now_ms: int) -> None:
    """Have a coming step look at whatever this terminal might hold: it was not heard of for so long that others were
    lent what it would have been.
    """
    here = str(address)
    # Until then it is written down that the terminal was heard, by whichever worker.
    due_ms = now_ms + HEARD_MS
    members = connection.scalars(select(habits.c.member).where(habits.c.address == here)).all()
    shared = connection.execute(
        select(leases.c.asset, leases.c.holder, leases.c.name)
        .where(leases.c.address == here, leases.c.asset.not_in([asset.value for asset in _HABITUAL]))
        .distinct()
    ).all()
    due = [(WHOLE_MEMBER, member, "", due_ms) for member in sorted(members)]
    due += [(*row, due_ms) for row in sorted(shared)]
    for first in range(0, len(due), MOST_AT_ONCE):
        keep_rows(connection, placements, ("asset", "holder", "name", "due_ms"), due[first : first + MOST_AT_ONCE])


def _slices(account: Account, free: list[FreeLot], amount: int, until_ms: int) -> list[Lease]:
    """``amount`` out of lots, oldest first, each with the bonus that belongs to it; it is taken out of ``free``."""
    parts = []
    for place, lot in enumerate(free):
        whole = min(amount, lot.whole)
        if whole:
            bonus = lot.bonus * whole // lot.whole
            # A lot whose bonus is all that rounds up may hold less principal than the rest.
            principal = min(whole - bonus, lot.principal)
            parts.append(
                Lease(b"", account, principal, until_ms, whole - principal, lot.lot, lot.issuer, DrawOrder.PRO_RATA)
            )
            amount -= whole
            free[place] = replace(lot, principal=lot.principal - principal, bonus=lot.bonus - whole + principal)
    return parts


def _age(connection: Connection, policy: LendingPolicy, now_ms: int) -> None:
    """Suspend what is past its time, close what nobody was ever told of, ask back what will soon be past its time."""
    over = (leases.c.state == LeaseState.ACTIVE.value, leases.c.spend_until_ms < now_ms)
    gone = connection.execute(
        update(leases)
        .where(*over, leases.c.origin == Origin.LENT.value, leases.c.document.is_(None))
        .values(state=LeaseState.CLOSED.value, returned=leases.c.granted, returned_bonus=leases.c.granted_bonus)
        .returning(leases.c.asset, leases.c.holder, leases.c.name)
    ).all()
    look_again(connection, {Account(Asset(row.asset), row.holder, row.name) for row in gone}, now_ms)
    connection.execute(update(leases).where(*over).values(state=LeaseState.SUSPENDED.value))
    ending = connection.execute(
        select(leases.c.lease, leases.c.asset, leases.c.holder, leases.c.name)
        .where(
            leases.c.state == LeaseState.ACTIVE.value,
            leases.c.recalled_ms.is_(None),
            leases.c.spend_until_ms < now_ms + policy.lease_ms // 3,
            # One that was just lent for so short is left alone.
            leases.c.since_ms < now_ms - policy.lease_ms // 3,
        )
        .limit(MOST_AGED)
    ).all()
    for row in ending:
        recall(connection, row.lease, now_ms)
    look_again(connection, {Account(Asset(row.asset), row.holder, row.name) for row in ending}, now_ms)
    late = connection.execute(
        select(holds.c.hold, holds.c.asset, holds.c.member)
        .where(holds.c.state == "open", holds.c.until_ms < now_ms)
        .limit(MOST_AGED)
        # One that is being captured at this moment is not over.
        .with_for_update(skip_locked=True)
    ).all()
    if late:
        ids = [row.hold for row in late]
        connection.execute(delete(hold_parts).where(hold_parts.c.hold.in_(ids)))
        connection.execute(update(holds).where(holds.c.hold.in_(ids), holds.c.state == "open").values(state="expired"))
        look_again(connection, {Account(Asset(row.asset), row.member) for row in late}, now_ms)


def _place_due(connection: Connection, desk: Desk, now_ms: int) -> int:
    rows = connection.execute(
        select(placements).where(placements.c.due_ms <= now_ms).order_by(placements.c.due_ms).limit(MOST_ACCOUNTS)
    ).all()
    if not rows:
        return 0
    accounts = sorted(
        {Account(Asset(row.asset), row.holder, row.name) for row in rows if row.asset != WHOLE_MEMBER}
        | {account for row in rows if row.asset == WHOLE_MEMBER for account in _all_of(connection, row.holder)}
    )
    keys = [(row.asset, row.holder, row.name) for row in rows]
    connection.execute(
        delete(placements).where(tuple_(placements.c.asset, placements.c.holder, placements.c.name).in_(keys))
    )
    members = [account.holder for account in accounts if account.asset in _HABITUAL]
    # Before it is lent: what a shop let a member spend on its floor limit the member's money pays first.
    paying = cover_floor(connection, desk, {item.holder for item in accounts if item.asset is Asset.STORED}, now_ms)
    visits = _visits(connection, members)
    shared = any(account.asset not in _HABITUAL for account in accounts)
    asked = None if shared else {visit.address for found in visits.values() for visit in found}
    tills = _open_tills(connection, desk.policy, asked, now_ms)
    for account in accounts:
        if account.asset is Asset.STORED and account.holder in paying:
            continue
        _place(connection, desk.policy, account, visits.get(account.holder, []), tills, now_ms)
    return len(rows)


def _all_of(connection: Connection, member: str) -> list[Account]:
    """Everything of a member that is lent by habit."""
    # Databases order by different rules, but a z behind the longest name comes last by all; what else lies between
    # is left out here.
    before = member_uses_account(member, "")
    asked = select(balances.c.account).where(balances.c.account.between(before, before + "z" * 33))
    cards = [name.removeprefix(before) for name in connection.scalars(asked) if name.startswith(before)]
    return [
        Account(Asset.STORED, member),
        Account(Asset.POINTS, member),
        *(Account(Asset.USES, member, card) for card in cards),
    ]


def _place(
    connection: Connection,
    policy: LendingPolicy,
    account: Account,
    visits: Sequence[Visit],
    tills: Mapping[TerminalAddress, int],
    now_ms: int,
) -> None:
    """Lend what is free of an account to whoever should hold more of it; ``tills`` are those that may, by their newest
    epoch.
    """
    if not _is_placed(policy, account.asset):
        return
    until_ms = now_ms + policy.lease_ms
    lots: list[FreeLot] = []
    if account.asset is Asset.STORED:
        lots = list(free_lots(connection, account.holder))
        free = sum(lot.whole for lot in lots)
    elif account.asset is Asset.POINTS:
        free = lendable_points(connection, account.holder, until_ms // DAY_MS)
    else:
        free = free_amount(connection, account, currency_of(connection))
    held = _held(connection, account)
    total = max(0, free) + sum(holding.amount for holding in held)
    if account.asset in _HABITUAL:
        most = policy.most_points if account.asset is Asset.POINTS else policy.most_minor
        wanted = habitual(total, visits, most, policy, now_ms)
    else:
        shop = account.holder if account.asset is Asset.POOL else None
        wanted = even(total, [till for till in tills if shop in (None, till.shop)], policy)
    found = moves({address: amount for address, amount in wanted.items() if address in tills}, held, free)
    for address, amount in found.more.items():
        stored = account.asset is Asset.STORED
        parts = _slices(account, lots, amount, until_ms) if stored else [Lease(b"", account, amount, until_ms)]
        lend(connection, address, tills[address], parts, now_ms)
    for address in found.back:
        for lease in connection.scalars(
            select(leases.c.lease).where(
                *_of(account), leases.c.address == str(address), leases.c.state == LeaseState.ACTIVE.value
            )
        ).all():
            recall(connection, lease, now_ms)


def _is_placed(policy: LendingPolicy, asset: Asset) -> bool:
    """Whether head office lends such value by itself. A coupon is lent by being issued."""
    match asset:
        case Asset.STORED:
            return True
        case Asset.POINTS:
            return policy.lend_points
        case Asset.USES:
            return policy.lend_uses
        case Asset.COUPON:
            return False
    return policy.shared_bp > 0


def _of(account: Account) -> tuple[ColumnElement[bool], ...]:
    return (
        leases.c.asset == account.asset.value,
        leases.c.holder == account.holder,
        leases.c.name == account.name,
    )


def _held(connection: Connection, account: Account) -> list[Holding]:
    """What terminals can spend of an account now. What was asked back counts no more; it will come."""
    left = (
        leases.c.granted - leases.c.drawn - leases.c.returned
        + leases.c.granted_bonus - leases.c.drawn_bonus - leases.c.returned_bonus
    )  # fmt: skip
    rows = connection.execute(
        select(leases.c.address, func.sum(left).label("amount"))
        .where(*_of(account), leases.c.state == LeaseState.ACTIVE.value, leases.c.recalled_ms.is_(None))
        .group_by(leases.c.address)
        .order_by(leases.c.address)
    )
    return [Holding(parse_address(row.address), int(row.amount)) for row in rows]


def _visits(connection: Connection, members: Sequence[str]) -> dict[str, list[Visit]]:
    found: dict[str, list[Visit]] = {}
    if members:
        rows = connection.execute(
            select(habits).where(habits.c.member.in_(sorted(set(members)))).order_by(habits.c.member, habits.c.address)
        )
        for row in rows:
            found.setdefault(row.member, []).append(Visit(parse_address(row.address), row.times, row.last_ms))
    return found


def _open_tills(
    connection: Connection, policy: LendingPolicy, asked: set[TerminalAddress] | None, now_ms: int
) -> dict[TerminalAddress, int]:
    """Tills that may speak and have been heard of lately, each with its newest epoch; among ``asked``, or all."""
    newest = _newest_epochs()
    wanted = select(terminals.c.address, terminals.c.epoch)
    if asked is not None:
        wanted = wanted.where(terminals.c.address.in_(sorted(str(address) for address in asked)))
    rows = connection.execute(
        wanted.join(newest, (terminals.c.address == newest.c.address) & (terminals.c.epoch == newest.c.epoch))
        .join(chains, (terminals.c.address == chains.c.address) & (terminals.c.epoch == chains.c.epoch))
        .where(
            terminals.c.revoked_ms.is_(None),
            chains.c.last_seen_ms >= now_ms - policy.seen_days * DAY_MS,
            terminals.c.address.not_like("%/office/%"),
        )
        .order_by(terminals.c.address)
    )
    return {parse_address(row.address): row.epoch for row in rows}


def _newest_epochs() -> Subquery:
    return (
        select(terminals.c.address, func.max(terminals.c.epoch).label("epoch")).group_by(terminals.c.address).subquery()
    )


def _find_out(connection: Connection, desk: Desk, restoration: int, now_ms: int) -> int:
    """Have every till activate a leases document of now; begin to lend again when all have."""
    overtake(connection, desk, now_ms)
    newest = _newest_epochs()
    proven = select(lease_documents.c.address).where(
        lease_documents.c.restoration == restoration, lease_documents.c.state == ACTIVE
    )
    rows = connection.execute(
        select(terminals.c.address, terminals.c.epoch)
        .join(newest, (terminals.c.address == newest.c.address) & (terminals.c.epoch == newest.c.epoch))
        .where(
            terminals.c.revoked_ms.is_(None),
            terminals.c.address != own_address(desk.tenant),
            terminals.c.address.not_in(proven),
        )
        .order_by(terminals.c.address)
    ).all()
    if not rows:
        if strangers_holding(connection):
            return 0
        close_restoration(connection, now_ms)
        return 1
    asked = set(
        connection.scalars(
            select(lease_documents.c.address).where(
                lease_documents.c.restoration == restoration, lease_documents.c.state == OFFERED
            )
        )
    )
    lacking = [row for row in rows if row.address not in asked][:MOST_TERMINALS]
    for row in lacking:
        offer_barrier(connection, desk, parse_address(row.address), row.epoch, now_ms)
    return len(lacking)
