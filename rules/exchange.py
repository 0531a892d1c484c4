"""Exchange: goods of a sale given back and others taken, under the rules and facts the sale was made by."""

from collections.abc import Sequence
from dataclasses import replace

from contract.basket import BasketLine
from contract.making import dataclass
from contract.trace import Given
from rules.engine.compiled import Compiled
from rules.engine.price import price
from rules.grammar.policies import CouponOnReturn
from rules.priced import Priced
from rules.refund import Refund, Sold, codes_in_use, counted, given_with, kept_after, kept_lines, more_than, standing


@dataclass(frozen=True, slots=True)
class Exchange:
    """The sale priced anew with other goods, and what changes by that.

    ``due_minor`` is still to pay, of which ``from_stored_minor`` from stored value; or to be paid out where it is
    negative, of which ``to_stored_minor`` goes back into stored value. ``points`` and ``points_spent`` are what changes
    for the member, ``points_debt`` how many of the points taken are more than the balance held. ``bonus_minor`` goes
    into stored value, or is taken out where it is negative. Codes in ``codes_restored`` may be used again, those in
    ``codes_used`` are used from now on; ``coupons``, ``counts`` and ``gifts`` are given with the new goods, while
    ``coupons_withdrawn``, ``counts_withdrawn`` and ``gifts_due`` go back.
    """

    priced: Priced
    due_minor: int
    from_stored_minor: int
    to_stored_minor: int
    points: int
    points_debt: int
    points_spent: int
    bonus_minor: int
    codes_restored: tuple[str, ...]
    codes_used: tuple[str, ...]
    coupons: tuple[Given, ...]
    counts: tuple[Given, ...]
    gifts: tuple[Given, ...]
    coupons_withdrawn: tuple[Given, ...]
    counts_withdrawn: tuple[Given, ...]
    gifts_due: tuple[Given, ...]


def exchange(
    sold: Sold,
    compiled: Compiled,
    units: Sequence[int],
    lines: Sequence[BasketLine],
    earlier: Sequence[Refund] = (),
    balance: int | None = None,
) -> Exchange:
    """Return what it means to give back ``units`` of each line and take ``lines`` instead. ``earlier`` are the returns
    before, ``balance`` the member's points now, where known. Raises ContractError as :func:`rules.refund.refund` and
    :func:`rules.engine.price.price` do.
    """
    before = kept_after(sold, [found.units for found in earlier])
    after = kept_after(sold, [*(found.units for found in earlier), tuple(units)])
    priced = price(replace(sold.basket, lines=(*kept_lines(sold, after), *lines)), compiled)
    # What counts is what the customer still has in the sale, which may be less than the goods that stay are worth now.
    stood = standing(sold, compiled, [line.quantity for line in sold.basket.lines])
    due_minor = priced.payable_minor - stood.value_minor + sum(found.refund_minor for found in earlier)
    stored_minor = priced.stored_minor - stood.stored_minor + sum(found.to_stored_minor for found in earlier)
    points = priced.points - stood.points + sum(found.points_back for found in earlier)
    stays = compiled.pack.policies.coupon_on_return is CouponOnReturn.STAYS_USED
    used = frozenset(code for effect in priced.effects for code in effect.codes)
    was_used = codes_in_use(sold, [line.quantity for line in sold.basket.lines] if stays else before)
    coupons = [effect.coupons for effect in sold.effects], [effect.coupons for effect in priced.effects]
    counts = [effect.counts for effect in sold.effects], [effect.counts for effect in priced.effects]
    gifts = [effect.gifts for effect in sold.effects], [effect.gifts for effect in priced.effects]
    (coupons_gone, coupons_new), (counts_gone, counts_new), (gifts_gone, gifts_new) = (
        (more_than(given_with(sold, before, old), counted(new)), more_than(counted(new), given_with(sold, before, old)))
        for old, new in (coupons, counts, gifts)
    )
    return Exchange(
        priced=priced,
        due_minor=due_minor,
        from_stored_minor=max(0, min(due_minor, stored_minor)),
        to_stored_minor=max(0, min(-due_minor, -stored_minor)),
        points=points,
        points_debt=0 if balance is None else max(0, -points - max(0, balance)),
        points_spent=priced.points_spent - stood.points_spent + sum(found.points_restored for found in earlier),
        bonus_minor=priced.bonus_minor - stood.bonus_minor + sum(found.bonus_back_minor for found in earlier),
        codes_restored=() if stays else tuple(sorted(was_used - used)),
        codes_used=tuple(sorted(used - was_used)),
        coupons=coupons_new,
        counts=counts_new,
        gifts=gifts_new,
        coupons_withdrawn=coupons_gone,
        counts_withdrawn=counts_gone,
        gifts_due=gifts_gone,
    )
