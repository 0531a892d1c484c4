"""A member's points through sales, returns and cancellations: each sale priced by our engine, each return computed from
its trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from conformance.cases import Cancel, LedgerCase, Refund, Sale
from conformance.goods import rounding_of
from conformance.outcome import NotExpressibleError, Outcome
from conformance.profiles import Profile
from conformance.reading import CaseError
from contract.basket import MAX_POINTS, Basket, BasketLine, Customer
from contract.errors import ContractError
from rules import refund as returning
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from rules.grammar.effects import Effect
from rules.grammar.pack import GoldenBasket, Pack
from rules.grammar.policies import PointsOnReturn
from rules.grammar.rewards import CostPoints, PointsBonus, PointsPerMoney, PointsPerUnit
from rules.grammar.rule import Lane, Rule
from rules.pack import GRAMMAR, read_pack, write_pack

FINE_POINTS = 10_000
"""How many of our smallest units make a point where a case does not round points to whole ones."""
MOST_POINTS = MAX_POINTS // 4
"""The most one effect gives: together they stay below what a sale may earn."""
POLICIES = {"prorate": PointsOnReturn.PRORATE, "recompute_on_remaining": PointsOnReturn.RECOMPUTE}


@dataclass(slots=True)
class _Book:
    """One sale and its returns so far. A working record of :func:`balance_after`."""

    pack: Pack
    sold: returning.Sold
    earlier: list[returning.Refund] = field(default_factory=list)

    def left(self) -> list[int]:
        """The units of each line that have not come back."""
        kept = [line.quantity for line in self.sold.basket.lines]
        for found in self.earlier:
            kept = [count - gone for count, gone in zip(kept, found.units, strict=True)]
        return kept

    def compiled(self, policy: PointsOnReturn) -> Compiled:
        """The sale's pack, with this answer to what a return takes back."""
        return compile_pack(replace(self.pack, policies=replace(self.pack.policies, points_on_return=policy)))


def balance_after(body: LedgerCase, profile: Profile, scale: int) -> Outcome:
    """Return the balance after all events. Raises CaseError for an event of no known sale, or a return of more than was
    sold; NotExpressibleError where a sale spends points that are not there.
    """
    units = (
        1
        if any(isinstance(event, Sale) and event.round not in (None, "none") for event in body.events)
        else (FINE_POINTS)
    )
    balance = _whole(body.customer.points, units)
    books: dict[str, _Book] = {}
    for event in body.events:
        try:
            if isinstance(event, Sale):
                book, moved = _sell(event, body, profile, scale, units, balance)
                books[event.id] = book
            elif event.of not in books:
                raise CaseError("events", f"no sale {event.of!r} before this")
            else:
                moved = _give_back(event, books[event.of], profile, balance)
        except ContractError as error:
            raise NotExpressibleError(f"beyond what a till takes ({error})") from error
        balance += moved
    return Outcome(points_balance=Fraction(balance, units))


def _sell(sale: Sale, body: LedgerCase, profile: Profile, scale: int, units: int, balance: int) -> tuple[_Book, int]:
    """Price a sale. Returns its book, and by how much it moves the balance."""
    returned = [event.amount for event in body.events if isinstance(event, Refund) and event.of == sale.id]
    lines = _lines(sale, returned)
    by_unit = len(lines) == 1 and lines[0].quantity == sale.units
    earned = _effects(sale, scale, units, by_unit)
    rules = [_rule(f"earn-{place}", len(earned) - place, effect) for place, effect in enumerate(earned)]
    if sale.spend:
        rules.append(_rule("spend", 0, CostPoints(_whole(sale.spend, units))))
    pack = Pack(GRAMMAR, "CNY", tuple(rules), (GoldenBasket(Basket(()), 0),), profile.policies, points_scale=units)
    pack = read_pack(write_pack(pack))
    basket = Basket(lines, Customer("member", points=balance))
    priced = price(basket, compile_pack(pack))
    if priced.points_spent != _whole(sale.spend, units):
        raise NotExpressibleError("more points spent than there are")
    book = _Book(pack, returning.Sold(basket, priced.effects, priced.payable_minor))
    return book, priced.points - priced.points_spent


def _give_back(event: Refund | Cancel, book: _Book, profile: Profile, balance: int) -> int:
    """Take goods of a sale back. Returns by how much that moves the balance."""
    left = book.left()
    policy = profile.policies.points_on_return
    if isinstance(event, Cancel):
        units = left
    else:
        policy = policy if event.policy is None else POLICIES[event.policy]
        units = _units_worth(event.amount, book.sold.basket.lines, left)
    if not any(units):
        return 0
    found = returning.refund(book.sold, book.compiled(policy), units, book.earlier, balance)
    book.earlier.append(found)
    return found.points_restored - found.points_back


def _lines(sale: Sale, returned: Sequence[int]) -> tuple[BasketLine, ...]:
    """Goods worth a sale, so that each of its returns is whole units of them: the units of the case where they come
    out even, else one line for each return and one for what stays.
    """
    if sum(returned) > sale.amount:
        raise CaseError("events", f"more comes back than {sale.id!r} sold")
    if sale.units and not sale.amount % sale.units:
        each = sale.amount // sale.units
        if each and not any(amount % each for amount in returned):
            return (BasketLine("goods", sale.units, each),)
    rest = sale.amount - sum(returned)
    parts = [*(amount for amount in returned if amount), *([rest] if rest or not sum(returned) else [])]
    return tuple([BasketLine(f"goods-{place}", 1, amount) for place, amount in enumerate(parts)])


def _units_worth(amount: int, lines: Sequence[BasketLine], left: Sequence[int]) -> list[int]:
    """The units of goods still sold that are worth ``amount``: of the one line, or the first line that is."""
    units = [0] * len(lines)
    if len(lines) == 1 and lines[0].unit_price_minor:
        units[0] = amount // lines[0].unit_price_minor
        return units
    for place, line in enumerate(lines):
        if left[place] and line.unit_price_minor == amount:
            units[place] = left[place]
            break
    return units


def _effects(sale: Sale, scale: int, units: int, by_unit: bool) -> list[Effect]:
    """What a sale earns. Points by the unit are given once where the goods are not the units of the case."""
    found: list[Effect] = []
    if sale.earn_rate_per_money:
        each = sale.earn_rate_per_money * units / scale
        rounding = None if sale.round is None else rounding_of(sale.round)
        found.append(
            PointsPerMoney(
                each.numerator, each.denominator, proportional=True, rounding=rounding, cap_points=MOST_POINTS
            )
        )
    if by_unit and sale.earn_per_unit:
        found.append(PointsPerUnit(_whole(sale.earn_per_unit, units), cap_points=MOST_POINTS))
    once = sale.earn_fixed + (Fraction(0) if by_unit else sale.earn_per_unit * sale.units)
    if once:
        found.append(PointsBonus(_whole(once, units)))
    return found


def _rule(name: str, priority: int, effect: Effect) -> Rule:
    return Rule(name, name, name, Lane.POINTS, (effect,), priority=priority)


def _whole(points: Fraction, units: int) -> int:
    found = points * units
    if found.denominator != 1:
        raise NotExpressibleError("points finer than a ten-thousandth")
    return found.numerator
