"""Is a sale what the rules make of it? Priced again by the very engine and pack that priced at the till, to the fen.

Pure: the sale, where it was made and the pack go in; what differs comes out, in words for people.
"""

from collections.abc import Iterator

from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import MAX_POINTS, SaleBody
from contract.money import MAX_AMOUNT_MINOR, format_minor
from contract.postings import (
    POINTS,
    cash_account,
    discounts_account,
    member_points_account,
    points_cost_account,
    sales_account,
)
from hq.unsettled import Cause, Finding
from rules.basket import Basket, BasketLine, Customer
from rules.pack import Pack
from rules.postings import sale_postings
from rules.price import Priced, price


def audit_sale(body: SaleBody, address: TerminalAddress, pack: Pack) -> tuple[Finding, ...]:
    """Return everything in which ``body`` differs from what ``pack`` makes of its lines and member."""
    return tuple(_differences(body, address, pack))


def audit_tenders(body: SaleBody) -> tuple[Finding, ...]:
    """Return a finding where what was paid is not what was payable."""
    paid = sum(tender.amount_minor for tender in body.tenders)
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
        (sales_account(address.shop), body.currency),
        (points_cost_account(address.shop), POINTS),
    }
    if body.member is not None:
        own.add((member_points_account(body.member.member), POINTS))
    foreign = [
        f"{posting.account} {posting.amount} {posting.unit}"
        for posting in body.postings
        if (posting.account, posting.unit) not in own
        or abs(posting.amount) > (MAX_POINTS if posting.unit == POINTS else MAX_AMOUNT_MINOR)
    ]
    return (Finding(Cause.POSTINGS_FOREIGN, "; ".join(foreign)),) if foreign else ()


def _differences(body: SaleBody, address: TerminalAddress, pack: Pack) -> Iterator[Finding]:
    if body.currency != pack.currency:
        yield Finding(Cause.CURRENCY_DIFFERS, _versus(body.currency, pack.currency))
        return
    try:
        priced = price(basket_of(body), pack)
    except ContractError as error:
        yield Finding(Cause.UNPRICEABLE, str(error))
        return
    yield from _price_differences(body, priced)
    member = None if body.member is None else body.member.member
    expected = sale_postings(priced, body.currency, address.shop, address.terminal, member)
    if sorted(body.postings, key=repr) != sorted(expected, key=repr):
        told = "; ".join(f"{item.account} {item.amount} {item.unit}" for item in body.postings)
        made = "; ".join(f"{item.account} {item.amount} {item.unit}" for item in expected)
        yield Finding(Cause.POSTINGS_DIFFER, _versus(told, made))


def _price_differences(body: SaleBody, priced: Priced) -> Iterator[Finding]:
    told = tuple(line.payable_minor for line in body.lines)
    if told != priced.payable_by_line:
        yield Finding(Cause.LINES_DIFFER, _versus(_amounts(told), _amounts(priced.payable_by_line)))
    if body.effects != priced.effects:
        told_rules = ", ".join(effect.rule for effect in body.effects) or "no rule"
        made_rules = ", ".join(effect.rule for effect in priced.effects) or "no rule"
        yield Finding(Cause.EFFECTS_DIFFER, _versus(told_rules, made_rules))
    if body.payable_minor != priced.payable_minor:
        yield Finding(
            Cause.PRICE_DIFFERS, _versus(format_minor(body.payable_minor), format_minor(priced.payable_minor))
        )
    # Without a member the rules may give points, but nobody is there to earn them.
    earned = priced.points if body.member is not None else 0
    if body.points_earned != earned:
        yield Finding(Cause.POINTS_DIFFER, _versus(str(body.points_earned), str(earned)))


def basket_of(body: SaleBody) -> Basket:
    """The basket that a sale priced."""
    lines = tuple(BasketLine(line.sku, line.category, line.quantity, line.unit_price_minor) for line in body.lines)
    customer = None if body.member is None else Customer(body.member.tier, body.member.tags)
    return Basket(lines, customer)


def _versus(told: str, expected: str) -> str:
    return f"the till says {told}; by the rules it is {expected}"


def _amounts(amounts: tuple[int, ...]) -> str:
    return ", ".join(format_minor(amount) for amount in amounts)
