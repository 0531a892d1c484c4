"""Is a sale what the rules make of it? Priced again by the very engine and pack that priced at the till, to the fen.

Pure: the sale, where it was made and the pack go in; what differs comes out, in words for people.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest

from contract.basket import Basket
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.money import format_minor
from contract.postings import Posting
from contract.trace import AppliedEffect
from contract.trade import PendingPoints, SaleBody
from contract.value import Account, Asset, Draw
from hq.unsettled import Cause, Finding
from rules.engine.compiled import Compiled
from rules.engine.price import price
from rules.engine.promised import promised
from rules.postings import sale_postings
from rules.priced import Priced
from rules.takings import takings

_FROM_SHARES = frozenset([Asset.BUDGET, Asset.BUDGET_USES, Asset.GIFT, Asset.POOL, Asset.USES])
"""What a sale draws because rules gave of it, and for no other reason."""


def audit_sale(body: SaleBody, address: TerminalAddress, compiled: Compiled) -> tuple[Finding, ...]:
    """Return everything in which ``body`` differs from what the pack makes of its basket, sold at ``address``."""
    return tuple(_differences(body, address, compiled))


def audit_tenders(body: SaleBody) -> tuple[Finding, ...]:
    """Return a finding where what was paid, by tenders and from stored value, is not what was payable."""
    paid = sum(tender.amount_minor for tender in body.tenders) + body.stored_minor
    if paid == body.payable_minor:
        return ()
    return (Finding(Cause.TENDERS_DIFFER, versus(format_minor(paid), format_minor(body.payable_minor))),)


def posting_differences(told: Iterable[Posting], expected: Iterable[Posting]) -> Iterator[Finding]:
    """Yield a finding where the postings are not the expected ones, in whatever order."""
    # The signed bytes and the rules nearly always agree on the order too, and a sorting is spared.
    told, expected = tuple(told), tuple(expected)
    if told != expected and sorted(map(_posting_text, told)) != sorted(map(_posting_text, expected)):
        yield Finding(
            Cause.POSTINGS_DIFFER,
            versus("; ".join(map(_posting_text, told)), "; ".join(map(_posting_text, expected))),
        )


def versus(told: str, expected: str) -> str:
    """A difference in words."""
    return f"the till says {told}; by the rules it is {expected}"


def place_differences(basket: Basket, address: TerminalAddress) -> Iterator[Finding]:
    """Yield a finding where a basket was reckoned as at another till."""
    place = (basket.shop, basket.terminal)
    if place != (address.shop, address.terminal):
        yield Finding(Cause.PLACE_DIFFERS, f"priced as at {place[0]}/{place[1]}; sold at {address}")


def _differences(body: SaleBody, address: TerminalAddress, compiled: Compiled) -> Iterator[Finding]:
    if body.currency != compiled.pack.currency:
        yield Finding(Cause.CURRENCY_DIFFERS, versus(body.currency, compiled.pack.currency))
        return
    if body.points_scale != compiled.pack.points_scale:
        # The paper shows other points than the member has, though each figure is the one that was reckoned.
        yield Finding(Cause.POINTS_SCALE_DIFFERS, versus(str(body.points_scale), str(compiled.pack.points_scale)))
    yield from place_differences(body.basket, address)
    try:
        priced = price(body.basket, compiled)
    except ContractError as error:
        yield Finding(Cause.UNPRICEABLE, str(error))
        return
    yield from _price_differences(body, priced)
    yield from share_differences(body.draws, takings(priced.effects, address.shop, compiled.shared))
    yield from _pending_differences(body, promised(body.basket, priced, compiled))
    member = None if body.member is None else body.member.member
    expected = sale_postings(priced, body.currency, address.shop, address.terminal, member, body.draws)
    yield from posting_differences(body.postings, expected)


def share_differences(draws: Iterable[Draw], expected: Mapping[Account, int]) -> Iterator[Finding]:
    """Yield a finding where an entry drew other amounts of budgets, pools, gifts or uses than its rules gave."""
    drawn: Counter[Account] = Counter()
    for item in draws:
        if item.account.asset in _FROM_SHARES:
            drawn[item.account] += item.amount
    if drawn != expected:
        yield Finding(Cause.DRAWS_DIFFER, versus(_shares_text(drawn), _shares_text(expected)))


def _shares_text(amounts: Mapping[Account, int]) -> str:
    said = (f"{amount} of {account.asset} {account.holder}" for account, amount in sorted(amounts.items()) if amount)
    return "; ".join(said) or "nothing drawn"


def _pending_differences(body: SaleBody, expected: tuple[PendingPoints, ...]) -> Iterator[Finding]:
    if body.pending != expected:
        told, made = (
            ", ".join(f"{item.points} of {item.pool}" for item in side) or "none" for side in (body.pending, expected)
        )
        yield Finding(Cause.POINTS_DIFFER, versus(f"points to come: {told}", made))


def _price_differences(body: SaleBody, priced: Priced) -> Iterator[Finding]:
    if body.payable_by_line != priced.payable_by_line:
        yield Finding(Cause.LINES_DIFFER, versus(_amounts(body.payable_by_line), _amounts(priced.payable_by_line)))
    differing = [pair for pair in zip_longest(body.effects, priced.effects) if pair[0] != pair[1]]
    if differing:
        told, made = (", ".join(_effect(effect) for effect in side) for side in zip(*differing, strict=True))
        yield Finding(Cause.EFFECTS_DIFFER, versus(told, made))
    told_money = (body.payable_minor, body.rounding_minor, body.stored_minor, body.bonus_minor)
    made_money = (priced.payable_minor, priced.rounding_minor, priced.stored_minor, priced.bonus_minor)
    if told_money != made_money:
        yield Finding(Cause.PRICE_DIFFERS, versus(_money(told_money), _money(made_money)))
    told_points = (body.points_earned, body.points_spent)
    made_points = (priced.points, priced.points_spent)
    if told_points != made_points:
        yield Finding(Cause.POINTS_DIFFER, versus(_points(told_points), _points(made_points)))


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


def _posting_text(posting: Posting) -> str:
    return f"{posting.account} {posting.amount} {posting.unit}"


def _amounts(amounts: tuple[int, ...]) -> str:
    return ", ".join(format_minor(amount) for amount in amounts)
