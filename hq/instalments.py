"""Bonus that a top-up brings in parts: the first came with it, each other is granted by head office on its day, once.

What was promised comes again from the top-up and the pack that it names, as when the entry was judged. Nothing is
granted of what the till recorded otherwise.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Exists, Row, delete, exists, select, update

from contract.bodies import OfficeBody
from contract.calendar import DAY_MINUTES
from contract.envelope import keyring
from contract.errors import ContractError
from contract.ids import parse_address, receipt_number
from contract.journal import EntryHeader, open_entry
from contract.postings import Posting, bonus_cost_account, budget_account, member_bonus_account, taken_account
from contract.trade import TopUpBody
from contract.value import Account, Asset, Lease
from hq.documents import Desk
from hq.facts import keys_of
from hq.granting import look_again
from hq.meaning import CarriedFalsely, Meaning, meaning_of
from hq.own_chain import book_all
from hq.packs import PackShelf
from hq.tables import entries, promised_bonus, refunds
from rules.engine.compiled import Compiled
from rules.engine.topping import top_up
from rules.moments import local_minute_of, zone_of

MOST_LOOKED_AT = 64
"""So many top-ups are looked at in one step."""

MOST_GRANTED = 64
"""So many parts of one top-up are granted in one step."""

DAY_MS = 86_400_000


def grant_instalments(connection: Connection, desk: Desk, shelf: PackShelf, now_ms: int) -> int:
    """Grant what is due of bonus promised in parts; return for how many top-ups something changed."""
    today = now_ms // DAY_MS
    rows = connection.execute(
        select(promised_bonus, entries.c.address, entries.c.epoch, entries.c.sealed)
        .join(entries, entries.c.id == promised_bonus.c.entry_id)
        # East of Greenwich the day has begun already.
        .where(promised_bonus.c.due_day <= today + 1)
        .order_by(promised_bonus.c.due_day, promised_bonus.c.entry_id)
        .limit(MOST_LOOKED_AT)
        .with_for_update(of=promised_bonus)
    ).all()
    bodies: list[OfficeBody] = []
    done = sum(_look_at(connection, shelf, row, bodies, now_ms) for row in rows)
    if bodies:
        book_all(connection, desk, [(body, None) for body in bodies], now_ms)
    return done


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A part of a bonus that is to come: on which local day (since 1970-01-01), how much in minor units, by which
    rule, and whether the till has taken it of that rule's budget.
    """

    day: int
    amount_minor: int
    rule: str
    budgeted: bool


def promised(body: TopUpBody, compiled: Compiled) -> tuple[Part, ...]:
    """The parts of a top-up's bonus that are still to come, by day: of each rule whose first part the till gave and,
    where the rule has a budget, for whose whole bonus the till drew of it.
    """
    given = {effect.rule: effect.bonus_minor for effect in body.effects}
    drawn: dict[str, int] = {}
    for draw in body.draws:
        if draw.account.asset is Asset.BUDGET:
            drawn[draw.account.holder] = drawn.get(draw.account.holder, 0) + draw.amount
    try:
        brought = top_up(body.amount_minor, body.basket, compiled).brought
    except ContractError:
        return ()
    later: list[Part] = []
    for item in brought:
        budgeted = item.rule in compiled.shared.budgets
        if budgeted and drawn.get(item.rule, 0) < item.bonus_minor:
            continue
        if item.instalments and given.get(item.rule) == item.instalments[0][1]:
            later += [Part(day, amount, item.rule, budgeted) for day, amount in item.instalments[1:]]
    return tuple(sorted(later))


def _look_at(
    connection: Connection, shelf: PackShelf, row: Row[*tuple[object, ...]], bodies: list[OfficeBody], now_ms: int
) -> bool:
    """Add what is due of one top-up to ``bodies``; tell whether anything was done."""
    said = row._mapping
    here = promised_bonus.c.entry_id == said["entry_id"]
    read = read_entry(connection, row)
    body = None if read is None else read.body
    known = shelf.find(connection, body.pack.digest) if isinstance(body, TopUpBody) else None
    if read is None or not isinstance(body, TopUpBody) or known is None:
        # Of a pack that is not known here it is looked again tomorrow.
        connection.execute(update(promised_bonus).where(here).values(due_day=now_ms // DAY_MS + 2))
        return False
    today = local_minute_of(now_ms, zone_of(read.header.address.shop, known.compiled.pack)) // DAY_MINUTES
    granted, later = int(said["granted"]), promised(body, known.compiled)
    if connection.scalar(select(_paid_out(read.header.transaction))):
        bodies += _lapsed(read.header, body, later[granted:])
        look_again(connection, {Account(Asset.BUDGET, part.rule) for part in later if part.budgeted}, now_ms)
        later = ()
    due = [part for part in later[granted : granted + MOST_GRANTED] if part.day <= today]
    for number, part in enumerate(due, start=granted + 2):
        bodies.append(_booked(read.header, body, number, part.amount_minor))
    rest = later[granted + len(due) :]
    if rest:
        values = {"granted": granted + len(due), "due_day": rest[0].day}
        connection.execute(update(promised_bonus).where(here).values(**values))
    else:
        connection.execute(delete(promised_bonus).where(here))
    return bool(due) or not rest or rest[0].day != said["due_day"]


def _paid_out(transaction: bytes) -> Exists:
    """Whether a top-up was paid out again: nothing more comes of it."""
    return exists().where(refunds.c.original_transaction == transaction, refunds.c.posted)


def _lapsed(header: EntryHeader, body: TopUpBody, parts: Sequence[Part]) -> list[OfficeBody]:
    """What will not come any more goes back to the budgets that it was taken of."""
    shop, back = header.address.shop, dict[str, int]()
    for part in parts:
        if part.budgeted:
            back[part.rule] = back.get(part.rule, 0) + part.amount_minor
    moved = tuple(
        posting
        for rule, amount in sorted(back.items())
        for posting in (
            Posting(budget_account(rule), body.currency, -amount),
            Posting(taken_account(shop, Asset.BUDGET), body.currency, amount),
        )
    )
    receipt = receipt_number(header.address, header.epoch, header.seq)
    return [OfficeBody("bonus_lapsed", f"{receipt}, paid out again", moved)] if moved else []


def _booked(header: EntryHeader, body: TopUpBody, number: int, amount: int) -> OfficeBody:
    """Part ``number`` of a top-up's bonus comes into the lot that the top-up made, at the cost of its shop."""
    member, shop = body.member.member, header.address.shop
    moved = (
        Posting(bonus_cost_account(shop), body.currency, amount),
        Posting(member_bonus_account(member), body.currency, -amount),
    )
    name = hashlib.sha256(b"tapledger-instalment" + header.transaction + number.to_bytes(4)).digest()[:16]
    part = Lease(name, Account(Asset.STORED, member), 0, 0, amount, lot=header.transaction, issuer=shop)
    receipt = receipt_number(header.address, header.epoch, header.seq)
    return OfficeBody("bonus_instalment", f"{receipt} part {number}, member {member}", moved, born=(part,))


def read_entry(connection: Connection, row: Row[*tuple[object, ...]]) -> Meaning | None:
    """What the entry in ``row`` (``address``, ``epoch``, ``sealed``) says, verified again; None where it is not."""
    said = row._mapping
    keys = keys_of(connection, parse_address(said["address"]))
    try:
        return meaning_of(open_entry(said["sealed"], keyring(keys[said["epoch"]])), keys)
    except (ContractError, CarriedFalsely, KeyError):
        return None
