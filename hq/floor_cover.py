"""What members spent on shops' floor limits is paid by their own money as soon as it is free: by an entry of head
office's own chain for each, lots first in first out. Until then the shop bears it, and people are told.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, Row, select, update

from contract.bodies import OfficeBody
from contract.ids import parse_address
from contract.money import format_minor
from contract.postings import Posting
from contract.value import MOST_DRAWS, Account, Asset, Draw, bonus_place, ledger_place
from hq.bulk import keep_rows
from hq.charging import beyond_of, place_said
from hq.documents import Desk
from hq.free import FreeLot, free_lots
from hq.own_chain import book_all, merged
from hq.settlement.movements import FLOOR_COVERED, beyond_postings
from hq.settlement.terms import Terms
from hq.shop_terms import load_terms
from hq.tables import charges, exceptions, placements
from hq.unsettled import Cause, Finding, Place, raise_exceptions, settle

MOST_COVERED = 128
"""So many sales are looked at in one step."""

_Charged = Row[*tuple[object, ...]]


def cover_floor(connection: Connection, desk: Desk, members: Collection[str], now_ms: int) -> frozenset[str]:
    """Let the free money of ``members`` pay what they spent on floor limits; return who is to be looked at again, and
    lent nothing before.
    """
    owed = _owed(members)
    owing = connection.execute(select(charges.c.holder, charges.c.settles).where(*owed).distinct()).all()
    if not owing:
        return frozenset()
    free = {holder: list(free_lots(connection, holder)) for holder in sorted({row.holder for row in owing})}
    rows = connection.execute(
        select(charges)
        # Whoever has nothing stands in nobody's way: what such a member owes is looked at once, to tell of it.
        .where(*owed, ~charges.c.settles, charges.c.holder.in_(_with_any(free)) | ~_is_told())
        .order_by(charges.c.id)
        .limit(MOST_COVERED)
        .with_for_update(of=charges)
    ).all()
    terms = load_terms(connection, desk.tenant)
    bodies: list[tuple[OfficeBody, None]] = []
    left = set[str]()
    for row in rows:
        draws = _draws(row, free[row.holder])
        if draws:
            bodies.append((_covered(row, draws, terms), None))
        covered = sum(item.whole for item in draws)
        left |= {row.holder} if covered < row.on_floor else set()
        _note(connection, row, covered, now_ms)
    if bodies:
        book_all(connection, desk, bodies, now_ms)
    # What is not settled between shops yet waits for that, and what there was no room for, for the next step.
    again = {row.holder for row in owing if row.settles or len(rows) == MOST_COVERED}
    again |= left.intersection(_with_any(free))
    due = [(Asset.STORED.value, member, "", now_ms) for member in sorted(again)]
    keep_rows(connection, placements, ("asset", "holder", "name", "due_ms"), due)
    return frozenset(again)


def _owed(members: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        charges.c.holder.in_(sorted(members)),
        charges.c.asset == Asset.STORED.value,
        charges.c.on_floor.is_not(None),
        charges.c.on_floor > 0,
    )


def _is_told() -> ColumnElement[bool]:
    """Whether people were told that a charge is borne."""
    c = exceptions.c
    here = (c.address == charges.c.address, c.epoch == charges.c.epoch, c.seq == charges.c.seq)
    return select(c.id).where(*here, c.reason == Cause.FLOOR_BORNE.value).exists()


def _with_any(free: Mapping[str, list[FreeLot]]) -> list[str]:
    return [holder for holder, lots in free.items() if any(lot.whole for lot in lots)]


def _draws(row: _Charged, free: list[FreeLot]) -> tuple[Draw, ...]:
    """What ``free`` pays of a charge, oldest first, each lot with the bonus that belongs to it; it is taken out."""
    said = row._mapping
    account, left, found = Account(Asset.STORED, said["holder"]), int(said["on_floor"]), list[Draw]()
    for place, lot in enumerate(free):
        whole = min(left, lot.whole)
        if not whole or len(found) == MOST_DRAWS:
            continue
        bonus = lot.bonus * whole // lot.whole
        # A lot whose bonus is all that rounds up may hold less principal than the rest.
        principal = min(whole - bonus, lot.principal)
        found.append(Draw(said["lease"], account, principal, whole - principal, lot.lot, lot.issuer))
        free[place] = replace(lot, principal=lot.principal - principal, bonus=lot.bonus - whole + principal)
        left -= whole
    return tuple(found)


def _covered(row: _Charged, draws: tuple[Draw, ...], terms: Terms) -> OfficeBody:
    """The entry by which a member's lots pay, the bearer has it back, and the lots' bonus is borne as ever."""
    said = row._mapping
    moved: list[Posting] = []
    for item in draws:
        for (place, unit), part in (
            (ledger_place(item.account, said["currency"]), item.amount),
            (bonus_place(item.account, said["currency"]), item.bonus_minor),
        ):
            moved += [Posting(place, unit, part), Posting(said["bearer"], unit, -part)]
        back = replace(beyond_of(row, -item.amount, -item.bonus_minor), issuer=item.issuer)
        moved += beyond_postings(back, said["wall_ms"], said["currency"], terms)
    return OfficeBody(FLOOR_COVERED, place_said(row), merged(moved), draws)


def _note(connection: Connection, row: _Charged, covered: int, now_ms: int) -> None:
    """Write down what is still borne; tell people of it once, and that it is not so any more."""
    said = row._mapping
    left = said["on_floor"] - covered
    if covered:
        values = {"amount": said["amount"] - covered, "on_floor": left}
        connection.execute(update(charges).where(charges.c.id == said["id"]).values(**values))
    place = Place(parse_address(said["address"]), said["epoch"], said["seq"])
    if left:
        detail = f"{format_minor(left)} that {said['holder']} spent on the floor limit is borne by {said['bearer']}"
        raise_exceptions(connection, [(place, Finding(Cause.FLOOR_BORNE, detail))], now_ms)
    else:
        settle(connection, place, (Cause.FLOOR_BORNE,), now_ms)
