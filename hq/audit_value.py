"""Is a return, a top-up or a redemption what the rules make of it? Reckoned again by the very engine and pack of the
till, to the fen.

Pure: the entry, what it refers to and the pack go in; what differs comes out, in words for people.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.money import format_minor
from contract.trace import Given, RuleTimes
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Account, Asset, Draw
from hq.audit import place_differences, posting_differences, share_differences, versus
from hq.unsettled import Cause, Finding
from rules.engine.compiled import Compiled
from rules.engine.redeeming import Redeemable, redeemable
from rules.engine.topping import at_once, in_all, top_up
from rules.going_back import going_back, points_of_top_up, tax_back_minor
from rules.postings import redemption_postings, refund_postings, top_up_postings, top_up_refund_postings
from rules.refund import Refund, Sold, refund, sold_of
from rules.takings import takings
from rules.undone import rules_undone, top_up_undone


@dataclass(frozen=True, slots=True)
class Origin:
    """The sale or top-up that a return refers to as it is in the books: its signed bytes' SHA-256, what it says, the
    pack that priced it (None where head office has it not), and the returns before this one.
    """

    digest: bytes
    sale: SaleBody | TopUpBody
    compiled: Compiled | None
    earlier: tuple[Refund, ...] = ()


def audit_refund(body: RefundBody, address: TerminalAddress, origin: Origin | None) -> tuple[Finding, ...]:
    """Return everything in which a return at ``address`` differs from what the trace of its sale makes of it."""
    return tuple(_refund_differences(body, address, origin))


def audit_top_up(body: TopUpBody, address: TerminalAddress, compiled: Compiled | None) -> tuple[Finding, ...]:
    """Return everything in which a top-up at ``address`` differs from what the pack brings."""
    return tuple(_top_up_differences(body, address, compiled))


def audit_redemption(body: RedemptionBody, address: TerminalAddress, compiled: Compiled | None) -> tuple[Finding, ...]:
    """Return everything in which a redemption at ``address`` differs from what its draws say."""
    return tuple(_redemption_differences(body, address, compiled))


def returned_as(body: RefundBody) -> Refund:
    """What a return gave and took, as the next return of the same sale must know it."""
    return refund_of(
        body.units,
        (body.refund_minor, body.to_stored_minor, body.points_back, body.points_restored, body.bonus_back_minor),
    )


def refund_of(units: Sequence[int], amounts: tuple[int, int, int, int, int]) -> Refund:
    """A return of ``units`` by its amounts: paid out, of which into stored value; points taken and given again; bonus
    taken back.
    """
    refund_minor, to_stored_minor, points_back, points_restored, bonus_back_minor = amounts
    return Refund(
        units=tuple(units),
        refund_minor=refund_minor,
        to_stored_minor=to_stored_minor,
        points_back=points_back,
        points_debt=0,
        points_restored=points_restored,
        bonus_back_minor=bonus_back_minor,
    )


def _refund_differences(body: RefundBody, address: TerminalAddress, origin: Origin | None) -> Iterator[Finding]:
    paid = sum(tender.amount_minor for tender in body.tenders) + body.to_stored_minor
    if paid != body.refund_minor:
        yield Finding(Cause.TENDERS_DIFFER, versus(format_minor(paid), format_minor(body.refund_minor)))
    if origin is None or origin.digest != body.original.digest:
        known = "another sale under that transaction" if origin else "no such sale yet"
        yield Finding(Cause.ORIGINAL_UNKNOWN, f"{body.original.transaction.hex()}: head office has {known}")
        return
    if body.currency != origin.sale.currency:
        yield Finding(Cause.CURRENCY_DIFFERS, versus(body.currency, origin.sale.currency))
        return
    if _who(body) != _who(origin.sale):
        yield Finding(Cause.REFUND_DIFFERS, f"of member {_who(body)}; {_who(origin.sale)} bought")
    if isinstance(origin.sale, TopUpBody):
        yield from _paid_out_differences(body, address, origin.sale, origin.earlier)
        if body.rules_undone and origin.compiled is not None:
            undone = top_up_undone(origin.sale, origin.compiled, body.refund_minor, origin.earlier)
            yield from _compared(Cause.REFUND_DIFFERS, _undone_text(body.rules_undone), _undone_text(undone))
        return
    if origin.compiled is None:
        yield Finding(Cause.PACK_UNKNOWN, f"of the sale: {origin.sale.pack.digest.hex()}")
        return
    sold = sold_of(origin.sale)
    try:
        expected = refund(sold, origin.compiled, body.units, origin.earlier)
    except ContractError as error:
        yield Finding(Cause.RETURNED_TWICE if origin.earlier else Cause.REFUND_DIFFERS, str(error))
        return
    # Of one cause people are told what comes first: where value went weighs more than how much it was.
    yield from _draw_differences(body, origin, sold, (origin.sale, origin.compiled))
    yield from _compared(Cause.REFUND_DIFFERS, _refund_text(body), _refund_text(expected))
    undone = rules_undone(sold, origin.compiled, body.units, origin.earlier)
    yield from _compared(Cause.REFUND_DIFFERS, _undone_text(body.rules_undone), _undone_text(undone))
    tax_minor = tax_back_minor(origin.sale, returned_as(body), origin.earlier)
    where = (body.currency, address.shop, address.terminal, _who(body))
    try:
        made = refund_postings(returned_as(body), *where, body.returned, tax_minor)
    except ContractError as error:
        yield Finding(Cause.POSTINGS_DIFFER, str(error))
        return
    yield from posting_differences(body.postings, made)


def _who(body: SaleBody | RefundBody | TopUpBody) -> str | None:
    return None if body.member is None else body.member.member


def _paid_out_differences(
    body: RefundBody, address: TerminalAddress, top_up_body: TopUpBody, earlier: Sequence[Refund]
) -> Iterator[Finding]:
    """Of a top-up is paid out what is left of its principal in hand, never more than was paid in; the bonus beside it
    and the points that came with it are taken back.
    """
    before = sum(one.refund_minor for one in earlier)
    if before + body.refund_minor > top_up_body.amount_minor:
        told = f"{format_minor(before + body.refund_minor)} paid out, {format_minor(top_up_body.amount_minor)} paid in"
        yield Finding(Cause.RETURNED_TWICE, told)
        return
    own = [item for item in body.draws if item.account.asset is Asset.STORED]
    points = [item for item in body.draws if item.account.asset is Asset.POINTS]
    taken = (sum(item.amount for item in own), sum(item.bonus_minor for item in own))
    right = all(item.lot == body.original.transaction for item in own) and len(own) + len(points) == len(body.draws)
    right = right and taken == (body.refund_minor, body.bonus_back_minor) and not (body.returned or body.born)
    expected = points_of_top_up(top_up_body, body.refund_minor, earlier)
    right = right and (body.points_back, body.points_restored, body.to_stored_minor) == (expected, 0, 0)
    if not right or sum(item.amount for item in points) > body.points_back:
        told = f"{_refund_text(body)}, takes out {_lots_text(body.draws)}"
        yield Finding(Cause.REFUND_DIFFERS, f"of a top-up: {told}; {expected} points go with it")
    where = (body.currency, address.shop, address.terminal, top_up_body.member.member)
    made = top_up_refund_postings(*where, body.refund_minor, body.bonus_back_minor, body.points_back)
    yield from posting_differences(body.postings, made)


def _draw_differences(
    body: RefundBody, origin: Origin, sold: Sold, priced: tuple[SaleBody, Compiled]
) -> Iterator[Finding]:
    """What goes back must be what the sale drew, lot by lot, principal and bonus as they were; what is taken out of
    leases again the sale's own bonus and points, no more than are to be taken out.
    """
    try:
        sale, compiled = priced
        expected = going_back(sold, compiled, sale.draws, returned_as(body), origin.earlier)
    except ContractError as error:
        yield Finding(Cause.REFUND_DIFFERS, f"back to where it was drawn: {error}")
        return
    yield from _compared(Cause.REFUND_DIFFERS, _lots_text(body.returned), _lots_text(expected))
    bonus = [draw for draw in body.draws if draw.account.asset is Asset.STORED]
    points = [draw for draw in body.draws if draw.account.asset is Asset.POINTS]
    own = len(bonus) + len(points) == len(body.draws)
    own = own and all(not draw.amount and draw.lot == body.original.transaction for draw in bonus)
    own = own and sum(draw.bonus_minor for draw in bonus) <= body.bonus_back_minor
    if not own or sum(draw.amount for draw in points) > body.points_back:
        yield Finding(Cause.REFUND_DIFFERS, f"takes out {_lots_text(body.draws)}; the sale brought less")


def _undone_text(undone: Sequence[RuleTimes]) -> str:
    return ", ".join(f"{item.rule} {item.times} times" for item in undone) or "no rule is undone"


def _lots_text(draws: Sequence[Draw]) -> str:
    """What is drawn of which lots, in words that are the same in whatever order and parts."""
    sums: dict[str, list[int]] = {}
    for item in draws:
        lot = "none" if item.lot is None else item.lot.hex()
        parts = sums.setdefault(f"{item.account.asset} of {item.account.holder}, lot {lot} by {item.issuer}", [0, 0])
        parts[0] += item.amount
        parts[1] += item.bonus_minor
    return "; ".join(
        f"{format_minor(amount)} and {format_minor(bonus)} bonus to {named}"
        for named, (amount, bonus) in sorted(sums.items())
    )


def _top_up_differences(body: TopUpBody, address: TerminalAddress, compiled: Compiled | None) -> Iterator[Finding]:
    paid = sum(tender.amount_minor for tender in body.tenders)
    if paid != body.amount_minor:
        yield Finding(Cause.TENDERS_DIFFER, versus(format_minor(paid), format_minor(body.amount_minor)))
    yield from place_differences(body.basket, address)
    where = (body.currency, address.shop, address.terminal, body.member.member)
    made = top_up_postings(*where, body.amount_minor, body.bonus_minor, body.points, body.draws)
    yield from posting_differences(body.postings, made)
    if compiled is None:
        return
    if body.currency != compiled.pack.currency:
        yield Finding(Cause.CURRENCY_DIFFERS, versus(body.currency, compiled.pack.currency))
        return
    try:
        brought = top_up(body.amount_minor, body.basket, compiled).brought
    except ContractError as error:
        yield Finding(Cause.UNPRICEABLE, str(error))
        return
    told = "; ".join(
        _brought_text(item.rule, item.bonus_minor, item.points, item.coupons, item.counts) for item in body.effects
    )
    expected = "; ".join(
        _brought_text(item.rule, at_once(item).bonus_minor, item.points, item.coupons, item.counts) for item in brought
    )
    yield from _compared(Cause.TOP_UP_DIFFERS, told, expected)
    yield from share_differences(body.draws, takings(map(in_all, brought), address.shop, compiled.shared))
    sums = (sum(item.bonus_minor for item in body.effects), sum(item.points for item in body.effects))
    if sums != (body.bonus_minor, body.points):
        yield Finding(Cause.TOP_UP_DIFFERS, versus(_sums_text(body.bonus_minor, body.points), _sums_text(*sums)))


def _redemption_differences(
    body: RedemptionBody, address: TerminalAddress, compiled: Compiled | None
) -> Iterator[Finding]:
    made = redemption_postings(body.draws, body.currency, address.shop)
    yield from posting_differences(body.postings, made)
    if compiled is None:
        return
    if body.rule is None or body.basket is None:
        if body.given or body.rule is not None:
            yield Finding(Cause.REDEMPTION_DIFFERS, "handed out by no rule, or nothing says what the rule looked at")
        return
    yield from place_differences(body.basket, address)
    try:
        found = redeemable(body.rule, body.basket, body.member.member, compiled)
    except ContractError as error:
        yield Finding(Cause.UNPRICEABLE, str(error))
        return
    match found:
        case Redeemable():
            given = "; ".join(f"{item.name} x {item.count}" for item in body.given)
            expected = "; ".join(f"{item.name} x {item.count}" for item in found.applied.gifts)
            yield from _compared(Cause.REDEMPTION_DIFFERS, given, expected)
            yield from _compared(Cause.REDEMPTION_DIFFERS, _taken_text(_drawn(body.draws)), _taken_text(found.takes))
        case None:
            yield Finding(Cause.REDEMPTION_DIFFERS, f"the pack has no rule {body.rule} to redeem by")
        case _:
            yield Finding(Cause.REDEMPTION_DIFFERS, f"rule {body.rule} does not apply: {found.why}")


def _drawn(draws: Sequence[Draw]) -> dict[Account, int]:
    sums: dict[Account, int] = {}
    for item in draws:
        sums[item.account] = sums.get(item.account, 0) + item.whole
    return sums


def _taken_text(amounts: Mapping[Account, int]) -> str:
    """What is taken of which accounts, in words that are the same in whatever order."""
    return "; ".join(
        f"{amount} of {account.asset} {account.holder} {account.name}".rstrip()
        for account, amount in sorted(amounts.items())
    )


def _compared(cause: Cause, told: str, expected: str) -> Iterator[Finding]:
    if told != expected:
        yield Finding(cause, versus(told or "nothing", expected or "nothing"))


def _refund_text(found: RefundBody | Refund) -> str:
    """What a return gives and takes, in as few words as tell it apart."""
    parts = [
        f"refund {format_minor(found.refund_minor)}",
        f"{format_minor(found.to_stored_minor)} of it to stored value" if found.to_stored_minor else "",
        f"-{found.points_back} points" if found.points_back else "",
        f"+{found.points_restored} points" if found.points_restored else "",
        f"-{format_minor(found.bonus_back_minor)} bonus" if found.bonus_back_minor else "",
        f"codes {' '.join(sorted(found.codes_restored))}" if found.codes_restored else "",
        *(f"{item.name} x {item.count}" for item in (*found.coupons_withdrawn, *found.counts_withdrawn)),
        *(f"gift {item.name} x {item.count}" for item in found.gifts_due),
    ]
    return ", ".join(part for part in parts if part)


def _brought_text(
    rule: str, bonus_minor: int, points: int, coupons: tuple[Given, ...], counts: tuple[Given, ...]
) -> str:
    given = ", ".join(f"{item.name} x {item.count}" for item in (*coupons, *counts))
    return f"{rule}: {_sums_text(bonus_minor, points)}{', ' if given else ''}{given}"


def _sums_text(bonus_minor: int, points: int) -> str:
    return f"bonus {format_minor(bonus_minor)}, {points} points"
