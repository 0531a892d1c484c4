"""What one signed entry moves between shops, the pool and head office, and the postings that say the same."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from contract.bodies import Body, OfficeBody
from contract.postings import (
    COUPONS,
    PIECES,
    POINTS,
    USES,
    Posting,
    bonus_cost_account,
    pool_settlement_account,
    settlement_account,
)
from contract.trade import RefundBody, SaleBody, TopUpBody
from contract.value import Asset, Draw
from hq.settlement.terms import OFFICE, WHOLE_BP, SettlementClass, ShopTerms, Terms
from rules.postings import merged
from rules.rounding import Rounding, divide
from rules.shares import split

POOL = "@pool"
"""The pool that members' money lies in, as one who pays and is paid. No shop can have this name."""

_COUNTED = frozenset([POINTS, USES, COUPONS, PIECES])


class Kind(StrEnum):
    """What a movement is for: money that members paid in or spent, bonus money spent, the fee of a franchise, points
    that a merchant bought of head office, what was spent beyond leases and is paid back by whoever bears it.
    """

    PRINCIPAL = "principal"
    BONUS = "bonus"
    FEE = "fee"
    POINTS = "points"
    LATE = "late"


LATE_SPEND, LATE_SPEND_BACK, TOLD_LATE = "late_spend", "late_spend_back", "lease_told_late"
FLOOR_COVERED = "floor_covered"
"""What head office books of what was spent beyond leases: that its bearer pays it, that it is not so, that a lease told
of later held it after all, and that the member's own money pays what was spent on a floor limit. The draws of such an
entry settled where they were made.
"""
_LATE = (LATE_SPEND, LATE_SPEND_BACK, TOLD_LATE, FLOOR_COVERED)


@dataclass(frozen=True, slots=True)
class Beyond:
    """What was spent at ``spender`` beyond leases, or is on a slip that it let out: ``bearer`` pays ``principal_minor``
    to the pool, and ``bonus_minor`` to those who bore that bonus, which ``issuer`` gave. Parties are shops or office.
    """

    bearer: str
    spender: str
    issuer: str | None
    principal_minor: int
    bonus_minor: int


@dataclass(frozen=True, slots=True, order=True)
class Movement:
    """``payer`` owes ``payee`` so much more, in minor units; less where it is negative, as after a refund."""

    payer: str
    payee: str
    kind: Kind
    amount_minor: int


def movements(shop: str, wall_ms: int, body: Body, terms: Terms) -> tuple[Movement, ...]:
    """Return what an entry of ``shop``, made at ``wall_ms``, moves. Most entries move nothing."""
    match body:
        case SaleBody():
            found = _spent(shop, wall_ms, body.draws, 1, terms)
        case RefundBody():
            # What is paid out of a top-up the pool gives back to the shop that paid it in.
            paid_out = Movement(POOL, shop, Kind.PRINCIPAL, sum(item.amount for item in _stored(body.draws)))
            found = chain(_spent(shop, wall_ms, body.returned, -1, terms), (paid_out,))
        case TopUpBody():
            found = iter((Movement(shop, POOL, Kind.PRINCIPAL, body.amount_minor),))
        case OfficeBody():
            found = _of_office(shop, wall_ms, body, terms)
        case _:
            return ()
    return tuple(movement for movement in found if movement.amount_minor and movement.payer != movement.payee)


def currency_of(body: Body) -> str:
    """The currency of an entry's money; empty where it moves none."""
    match body:
        case SaleBody() | RefundBody() | TopUpBody():
            return body.currency
        case OfficeBody():
            return next((posting.unit for posting in body.postings if posting.unit not in _COUNTED), "")
    return ""


def settlement_postings(shop: str, wall_ms: int, body: Body, terms: Terms) -> tuple[Posting, ...]:
    """Return the postings of an entry's movements: each shop's settlement account against the pool's account with it,
    and the cost of bonus money moved from the shop that issued it to whoever else bears it. They sum to zero.

    ``shop`` and ``wall_ms`` are those of the entry as it was first signed, also where a later epoch carried it over.
    """
    found: list[Posting] = []
    currency = currency_of(body)
    for movement in movements(shop, wall_ms, body, terms):
        if movement.kind is Kind.LATE:
            # Head office booked both sides itself.
            continue
        # What a shop pays for points stands in the entry's own postings; what head office is paid does not.
        payer = POOL if movement.kind is Kind.POINTS else movement.payer
        for party, amount in ((payer, -movement.amount_minor), (movement.payee, movement.amount_minor)):
            if party != POOL:
                found.append(Posting(settlement_account(party), currency, amount))
                found.append(Posting(pool_settlement_account(party), currency, -amount))
    sign = -1 if isinstance(body, RefundBody) else 1
    for item in _stored(_draws_of(body)):
        issuer = item.issuer or OFFICE
        for bearer, amount in _bearers(issuer, shop, sign * item.bonus_minor, terms.of(issuer, wall_ms)):
            found.append(Posting(bonus_cost_account(bearer), currency, amount))
            found.append(Posting(bonus_cost_account(issuer), currency, -amount))
    return merged(found)


def beyond_postings(beyond: Beyond, wall_ms: int, currency: str, terms: Terms) -> tuple[Posting, ...]:
    """Return the postings by which what was spent beyond leases is paid back, all of it by way of the pool: what the
    members' accounts gained by the charge the pool has again. They sum to zero.
    """
    issuer = beyond.issuer or OFFICE
    paid = [(beyond.bearer, -beyond.principal_minor - beyond.bonus_minor)]
    found: list[Posting] = []
    for bearer, amount in _bearers(issuer, beyond.spender, beyond.bonus_minor, terms.of(issuer, wall_ms)):
        paid.append((bearer, amount))
        found.append(Posting(bonus_cost_account(bearer), currency, -amount))
        found.append(Posting(bonus_cost_account(issuer), currency, amount))
    for party, amount in paid:
        found.append(Posting(settlement_account(party), currency, amount))
        found.append(Posting(pool_settlement_account(party), currency, -amount))
    return merged(found)


def reissued_postings(
    beyond: Beyond, issuer: str | None, wall_ms: int, currency: str, terms: Terms
) -> tuple[Posting, ...]:
    """Return the postings by which bonus money that settled as if ``beyond.issuer`` had given it settles as given by
    ``issuer``. They sum to zero, and are none where both are the same.
    """
    found: list[Posting] = []
    for sign, giver in ((-1, beyond.issuer or OFFICE), (1, issuer or OFFICE)):
        for bearer, amount in _bearers(giver, beyond.spender, sign * beyond.bonus_minor, terms.of(giver, wall_ms)):
            found.append(Posting(settlement_account(bearer), currency, -amount))
            found.append(Posting(pool_settlement_account(bearer), currency, amount))
            found.append(Posting(bonus_cost_account(bearer), currency, amount))
            found.append(Posting(bonus_cost_account(giver), currency, -amount))
    return merged(found)


def owed_again(body: Body) -> tuple[int, int]:
    """By how much principal and bonus members are owed again because of ``body``, which its postings do not say: the
    charge stands beside the entry that spent it.
    """
    if not isinstance(body, OfficeBody) or body.action not in (LATE_SPEND, LATE_SPEND_BACK):
        return 0, 0
    sign = 1 if body.action == LATE_SPEND else -1
    stored = _stored(body.draws)
    return sign * sum(item.amount for item in stored), sign * sum(item.bonus_minor for item in stored)


def _spent(shop: str, wall_ms: int, draws: Iterable[Draw], sign: int, terms: Terms) -> Iterator[Movement]:
    """What the pool and the bearers of bonus money owe ``shop`` for what was drawn there, or have back."""
    stored = _stored(draws)
    principal = sign * sum(item.amount for item in stored)
    yield Movement(POOL, shop, Kind.PRINCIPAL, principal)
    yield Movement(shop, OFFICE, Kind.FEE, _fee_minor(principal, terms.of(shop, wall_ms)))
    for item in stored:
        issuer = item.issuer or OFFICE
        for bearer, amount in _bearers(issuer, shop, sign * item.bonus_minor, terms.of(issuer, wall_ms)):
            yield Movement(bearer, shop, Kind.BONUS, amount)


def _of_office(shop: str, wall_ms: int, body: OfficeBody, terms: Terms) -> Iterator[Movement]:
    """Value that head office created was paid in by the issuer of its lot; what it drew was spent at the office; what
    it booked to a shop's settlement account the shop owes for points, or for what was spent beyond leases.
    """
    late = body.action in _LATE
    for posting in body.postings:
        kind, _, rest = posting.account.partition("/")
        if kind == "shop" and rest.endswith("/settlement") and posting.unit not in _COUNTED:
            payee, what = (POOL, Kind.LATE) if late else (OFFICE, Kind.POINTS)
            yield Movement(rest.removesuffix("/settlement"), payee, what, -posting.amount)
    if late:
        return
    for lease in body.born:
        if lease.account.asset is Asset.STORED:
            yield Movement(lease.issuer or OFFICE, POOL, Kind.PRINCIPAL, lease.amount)
    yield from _spent(shop, wall_ms, body.draws, 1, terms)


def _bearers(issuer: str, spender: str, bonus_minor: int, terms: ShopTerms) -> tuple[tuple[str, int], ...]:
    """Who bears how much of ``bonus_minor`` by the issuer's terms; the parts sum to it."""
    shares = (terms.bonus.issuer, terms.bonus.spender, terms.bonus.office)
    return tuple(zip((issuer, spender, OFFICE), split(bonus_minor, shares), strict=True))


def _fee_minor(principal: int, terms: ShopTerms) -> int:
    """What a franchise owes head office of the principal spent there: rounded for each entry, half away from zero, so
    that a refund of all of it takes all of it back.
    """
    if terms.settles is SettlementClass.DIRECT:
        return 0
    return divide(principal * (WHOLE_BP - terms.rate_bp), WHOLE_BP, Rounding.HALF_UP)


def _draws_of(body: Body) -> tuple[Draw, ...]:
    match body:
        case OfficeBody() if body.action in _LATE:
            return ()
        case SaleBody() | OfficeBody():
            return body.draws
        case RefundBody():
            return body.returned
    return ()


def _stored(draws: Iterable[Draw]) -> list[Draw]:
    return [item for item in draws if item.account.asset is Asset.STORED]
