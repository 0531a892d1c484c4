"""Is a sale what the rules make of it? Priced again by the very engine and pack that priced at the till, to the fen.

Pure: the sale, where it was made and the pack go in; what differs comes out, in words for people.
"""

from collections.abc import Iterator
from itertools import zip_longest

from contract.basket import MAX_POINTS
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.money import MAX_AMOUNT_MINOR, format_minor
from contract.postings import (
    POINTS,
    bonus_cost_account,
    cash_account,
    discounts_account,
    member_bonus_account,
    member_points_account,
    member_principal_account,
    points_cost_account,
    points_taken_account,
    rounding_account,
    sales_account,
    tax_account,
)
from contract.trace import AppliedEffect
from contract.trade import SaleBody
from hq.unsettled import Cause, Finding
from rules.engine.compiled import Compiled
from rules.engine.price import price
from rules.postings import sale_postings
from rules.priced import Priced


def audit_sale(body: SaleBody, address: TerminalAddress, compiled: Compiled) -> tuple[Finding, ...]:
    """Return everything in which ``body`` differs from what the pack makes of its basket, sold at ``address``."""
    return tuple(_differences(body, address, compiled))


def audit_tenders(body: SaleBody) -> tuple[Finding, ...]:
    """Return a finding where what was paid, by tenders and from stored value, is not what was payable."""
    paid = sum(tender.amount_minor for tender in body.tenders) + body.stored_minor
    if paid == body.payable_minor:
        return ()
    return (Finding(Cause.TENDERS_DIFFER, _versus(format_minor(paid), format_minor(body.payable_minor))),)


def foreign_postings(body: SaleBody, address: TerminalAddress) -> tuple[Finding, ...]:
    """Return a finding where a posting touches an account or unit that a sale at this till cannot move, or moves more
    than any sale can. Without a limit, a few postings could overflow a sum.
    """
    own = {
        (cash_account(address.shop, address.terminal), body.currency),
        (discounts_account(address.shop), body.currency),
        (rounding_account(address.shop), body.currency),
        (sales_account(address.shop), body.currency),
        (tax_account(address.shop), body.currency),
        (bonus_cost_account(address.shop), body.currency),
        (points_cost_account(address.shop), POINTS),
        (points_taken_account(address.shop), POINTS),
    }
    if body.member is not None:
        own.add((member_points_account(body.member.member), POINTS))
        own.add((member_principal_account(body.member.member), body.currency))
        own.add((member_bonus_account(body.member.member), body.currency))
    foreign = [
        f"{posting.account} {posting.amount} {posting.unit}"
        for posting in body.postings
        if (posting.account, posting.unit) not in own
        or abs(posting.amount) > (MAX_POINTS if posting.unit == POINTS else MAX_AMOUNT_MINOR)
    ]
    return (Finding(Cause.POSTINGS_FOREIGN, "; ".join(foreign)),) if foreign else ()


def _differences(body: SaleBody, address: TerminalAddress, compiled: Compiled) -> Iterator[Finding]:
    if body.currency != compiled.pack.currency:
        yield Finding(Cause.CURRENCY_DIFFERS, _versus(body.currency, compiled.pack.currency))
        return
    if body.points_scale != compiled.pack.points_scale:
        # The paper shows other points than the member has, though each figure is the one that was reckoned.
        yield Finding(Cause.POINTS_SCALE_DIFFERS, _versus(str(body.points_scale), str(compiled.pack.points_scale)))
    place = (body.basket.shop, body.basket.terminal)
    if place != (address.shop, address.terminal):
        yield Finding(Cause.PLACE_DIFFERS, f"priced as at {place[0]}/{place[1]}; sold at {address}")
    try:
        priced = price(body.basket, compiled)
    except ContractError as error:
        yield Finding(Cause.UNPRICEABLE, str(error))
        return
    yield from _price_differences(body, priced)
    member = None if body.member is None else body.member.member
    expected = sale_postings(priced, body.currency, address.shop, address.terminal, member, body.draws)
    if sorted(body.postings, key=repr) != sorted(expected, key=repr):
        told = "; ".join(f"{item.account} {item.amount} {item.unit}" for item in body.postings)
        made = "; ".join(f"{item.account} {item.amount} {item.unit}" for item in expected)
        yield Finding(Cause.POSTINGS_DIFFER, _versus(told, made))


def _price_differences(body: SaleBody, priced: Priced) -> Iterator[Finding]:
    if body.payable_by_line != priced.payable_by_line:
        yield Finding(Cause.LINES_DIFFER, _versus(_amounts(body.payable_by_line), _amounts(priced.payable_by_line)))
    differing = [pair for pair in zip_longest(body.effects, priced.effects) if pair[0] != pair[1]]
    if differing:
        told, made = (", ".join(_effect(effect) for effect in side) for side in zip(*differing, strict=True))
        yield Finding(Cause.EFFECTS_DIFFER, _versus(told, made))
    told_money = (body.payable_minor, body.rounding_minor, body.stored_minor, body.bonus_minor)
    made_money = (priced.payable_minor, priced.rounding_minor, priced.stored_minor, priced.bonus_minor)
    if told_money != made_money:
        yield Finding(Cause.PRICE_DIFFERS, _versus(_money(told_money), _money(made_money)))
    told_points = (body.points_earned, body.points_spent)
    made_points = (priced.points, priced.points_spent)
    if told_points != made_points:
        yield Finding(Cause.POINTS_DIFFER, _versus(_points(told_points), _points(made_points)))


def _effect(effect: AppliedEffect | None) -> str:
    """One effect in as few words as tell it apart."""
    if effect is None:
        return "nothing"
    given = [*effect.gifts, *effect.coupons, *effect.counts]
    shares = ", ".join(f"line {share.line}: {share.units} x {format_minor(share.off_minor)}" for share in effect.shares)
    parts = [
        f"-{format_minor(effect.off_minor)} of {format_minor(effect.base_minor)} ({shares})" if effect.shares else "",
        f"+{effect.points} points" if effect.points else "",
        f"-{effect.points_spent} points" if effect.points_spent else "",
        f"rounded by {format_minor(effect.rounding_minor)}" if effect.rounding_minor else "",
        *(f"{item.name} x {item.count}" for item in given),
    ]
    return f"{effect.rule}[{effect.part}] {', '.join(part for part in parts if part)}"


def _money(amounts: tuple[int, int, int, int]) -> str:
    """What is payable, and what of it is rounding, stored value and bonus, where there is any."""
    payable, *rest = (format_minor(amount) for amount in amounts)
    named = zip(("rounding", "stored", "bonus"), amounts[1:], rest, strict=True)
    return ", ".join([payable, *(f"{name} {text}" for name, amount, text in named if amount)])


def _points(points: tuple[int, int]) -> str:
    earned, spent = points
    return f"{earned}, {spent} spent" if spent else str(earned)


def _versus(told: str, expected: str) -> str:
    return f"the till says {told}; by the rules it is {expected}"


def _amounts(amounts: tuple[int, ...]) -> str:
    return ", ".join(format_minor(amount) for amount in amounts)
