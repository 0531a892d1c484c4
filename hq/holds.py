"""Reservations for spending elsewhere than at a till: reserve, then capture or release, each safe to repeat.

What is reserved is taken out of what may be lent, so that no till can spend it too. A capture is an entry of head
office's own chain. The same key of the same client is the same reservation, however often it is asked for.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, insert, select, update

from contract.bodies import OfficeBody
from contract.postings import (
    POINTS,
    Posting,
    member_bonus_account,
    member_points_account,
    member_principal_account,
    points_taken_account,
    sales_account,
)
from contract.value import MOST_DRAWS, Account, Asset, Draw
from hq.bulk import insert_rows
from hq.documents import Desk
from hq.free import free_lots, lendable_points
from hq.granting import currency_of, look_again
from hq.own_chain import book, own_transaction
from hq.own_place import OFFICE_SHOP
from hq.placement import DAY_MS
from hq.restoring import open_restoration
from hq.tables import hold_parts, holds, lots, members

SHORTEST_S, LONGEST_S = 10, 24 * 60 * 60
"""A reservation stands for so long, between these."""


class HoldState(StrEnum):
    """Where a reservation stands."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldRefusal(StrEnum):
    """Why something asked about a reservation is not done. Stable."""

    KEY_REUSED = "key_reused"
    MEMBER_UNKNOWN = "member_unknown"
    NOT_ENOUGH = "not_enough"
    HOLD_UNKNOWN = "hold_unknown"
    HOLD_OVER = "hold_over"
    HOLD_CAPTURED = "hold_captured"
    ABOVE_HOLD = "above_hold"
    BOOKS_RESTORED = "books_restored"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks to reserve: so much of a member's stored value (minor units) or points, for so long."""

    client: str
    key: str
    member: str
    asset: Asset
    amount: int
    seconds: int

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was asked, by which a repeated key is told from a reused one."""
        said = f"{self.member} {self.asset.value} {self.amount} {self.seconds}"
        return hashlib.sha256(said.encode()).digest()

    @property
    def hold(self) -> bytes:
        """The id of the reservation: the same for the same client and key."""
        return hashlib.sha256(f"tapledger-hold {self.client} {self.key}".encode()).digest()[:16]


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation as it stands: ``amount`` was reserved, ``taken`` of it is spent."""

    hold: bytes
    member: str
    asset: Asset
    amount: int
    taken: int
    state: HoldState
    until_ms: int


def reserve(connection: Connection, asked: Asked, now_ms: int) -> Hold | HoldRefusal:
    """Reserve what is free; the same key again returns the reservation there is, in whatever state."""
    row = connection.execute(
        select(holds).where(holds.c.client == asked.client, holds.c.key == asked.key)
    ).one_or_none()
    if row is not None:
        return _hold(row, now_ms) if row.asked == asked.digest else HoldRefusal.KEY_REUSED
    if open_restoration(connection) is not None:
        return HoldRefusal.BOOKS_RESTORED
    if connection.scalar(select(members.c.member).where(members.c.member == asked.member)) is None:
        return HoldRefusal.MEMBER_UNKNOWN
    until_ms = now_ms + asked.seconds * 1_000
    parts = _parts(connection, asked, until_ms)
    if sum(part.whole for part in parts) < asked.amount:
        return HoldRefusal.NOT_ENOUGH
    connection.execute(
        insert(holds).values(
            hold=asked.hold,
            client=asked.client,
            key=asked.key,
            asked=asked.digest,
            member=asked.member,
            asset=asked.asset.value,
            amount=asked.amount,
            taken=0,
            state=HoldState.OPEN.value,
            made_ms=now_ms,
            until_ms=until_ms,
            entry_id=None,
        )
    )
    columns = ("hold", "part", "asset", "holder", "name", "lot", "amount", "bonus")
    rows = [
        (asked.hold, number, asked.asset.value, asked.member, "", part.lot, part.amount, part.bonus_minor)
        for number, part in enumerate(parts)
    ]
    insert_rows(connection, hold_parts, columns, rows)
    return Hold(asked.hold, asked.member, asked.asset, asked.amount, 0, HoldState.OPEN, until_ms)


def capture(
    connection: Connection, desk: Desk, client: str, hold: bytes, amount: int, now_ms: int
) -> Hold | HoldRefusal:
    """Spend ``amount`` of a reservation and let go of the rest. The same again is the same capture."""
    row = _locked(connection, client, hold)
    if row is None:
        return HoldRefusal.HOLD_UNKNOWN
    found = _hold(row, now_ms)
    if found.state is HoldState.CAPTURED:
        return found if found.taken == amount else HoldRefusal.HOLD_CAPTURED
    if found.state is not HoldState.OPEN:
        return HoldRefusal.HOLD_OVER
    if amount > found.amount:
        return HoldRefusal.ABOVE_HOLD
    draws = _taken(_drawn_parts(connection, found), amount)
    connection.execute(delete(hold_parts).where(hold_parts.c.hold == hold))
    booked = book(
        connection, desk, _body(connection, found, draws), now_ms, own_transaction(connection, desk, hold, now_ms)
    )
    connection.execute(
        update(holds)
        .where(holds.c.hold == hold)
        .values(state=HoldState.CAPTURED.value, taken=amount, entry_id=booked.entry_id)
    )
    return Hold(hold, found.member, found.asset, found.amount, amount, HoldState.CAPTURED, found.until_ms)


def release(connection: Connection, client: str, hold: bytes, now_ms: int) -> Hold | HoldRefusal:
    """Let go of a reservation. One that is over stays over; one that was captured is not undone."""
    row = _locked(connection, client, hold)
    if row is None:
        return HoldRefusal.HOLD_UNKNOWN
    found = _hold(row, now_ms)
    if found.state is HoldState.CAPTURED:
        return HoldRefusal.HOLD_CAPTURED
    if found.state is HoldState.OPEN:
        connection.execute(delete(hold_parts).where(hold_parts.c.hold == hold))
        connection.execute(update(holds).where(holds.c.hold == hold).values(state=HoldState.RELEASED.value))
        look_again(connection, {Account(found.asset, found.member)}, now_ms)
        return Hold(hold, found.member, found.asset, found.amount, 0, HoldState.RELEASED, found.until_ms)
    return found


def find_hold(connection: Connection, client: str, hold: bytes, now_ms: int) -> Hold | HoldRefusal:
    """A client's reservation as it stands."""
    row = connection.execute(select(holds).where(holds.c.client == client, holds.c.hold == hold)).one_or_none()
    return HoldRefusal.HOLD_UNKNOWN if row is None else _hold(row, now_ms)


def _locked(connection: Connection, client: str, hold: bytes) -> Row[*tuple[object, ...]] | None:
    return connection.execute(
        select(holds).where(holds.c.client == client, holds.c.hold == hold).with_for_update()
    ).one_or_none()


def _hold(row: Row[*tuple[object, ...]], now_ms: int) -> Hold:
    plain = row._mapping
    state = HoldState(plain["state"])
    if state is HoldState.OPEN and plain["until_ms"] < now_ms:
        state = HoldState.EXPIRED
    return Hold(
        plain["hold"],
        plain["member"],
        Asset(plain["asset"]),
        plain["amount"],
        plain["taken"],
        state,
        plain["until_ms"],
    )


def _parts(connection: Connection, asked: Asked, until_ms: int) -> list[Draw]:
    """``amount`` out of what is free; less where less is."""
    account = Account(asked.asset, asked.member)
    if asked.asset is Asset.POINTS:
        free = lendable_points(connection, asked.member, until_ms // DAY_MS)
        return [Draw(asked.hold, account, min(free, asked.amount))]
    left, parts = asked.amount, []
    for lot in free_lots(connection, asked.member)[:MOST_DRAWS]:
        whole = min(left, lot.whole)
        if whole:
            bonus = lot.bonus * whole // lot.whole
            principal = min(whole - bonus, lot.principal)
            parts.append(Draw(asked.hold, account, principal, whole - principal, lot.lot, lot.issuer))
            left -= whole
    return parts


def _drawn_parts(connection: Connection, found: Hold) -> list[Draw]:
    rows = connection.execute(
        select(hold_parts, lots.c.issuer)
        .outerjoin(lots, lots.c.lot == hold_parts.c.lot)
        .where(hold_parts.c.hold == found.hold)
        .order_by(hold_parts.c.part)
    )
    account = Account(found.asset, found.member)
    return [Draw(found.hold, account, row.amount, row.bonus, row.lot, row.issuer) for row in rows]


def _taken(parts: Iterable[Draw], amount: int) -> tuple[Draw, ...]:
    """``amount`` of the parts reserved, in their order, each with its share of bonus."""
    taken = []
    for part in parts:
        whole = min(amount, part.whole)
        if whole:
            bonus = part.bonus_minor * whole // part.whole
            principal = min(whole - bonus, part.amount)
            taken.append(Draw(part.lease, part.account, principal, whole - principal, part.lot, part.issuer))
            amount -= whole
    return tuple(taken)


def _body(connection: Connection, found: Hold, draws: tuple[Draw, ...]) -> OfficeBody:
    principal, bonus = sum(draw.amount for draw in draws), sum(draw.bonus_minor for draw in draws)
    moved: tuple[Posting, ...]
    if found.asset is Asset.POINTS:
        moved = (
            Posting(member_points_account(found.member), POINTS, principal),
            Posting(points_taken_account(OFFICE_SHOP), POINTS, -principal),
        )
    else:
        currency = currency_of(connection)
        moved = (
            Posting(member_principal_account(found.member), currency, principal),
            Posting(member_bonus_account(found.member), currency, bonus),
            Posting(sales_account(OFFICE_SHOP), currency, -principal - bonus),
        )
    told = tuple(posting for posting in moved if posting.amount)
    return OfficeBody("web_spend", f"member {found.member}", told, draws)
