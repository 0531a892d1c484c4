"""Whatever was sold under whatever pack: returned in any parts and any order it comes to what was paid, and the member
stands where she stood before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.basket import Basket
from contract.trace import Given
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from rules.exchange import exchange
from rules.grammar.pack import Pack
from rules.grammar.policies import CouponOnReturn
from rules.grammar.rewards import RoundTotal
from rules.grammar.rule import OnReturn
from rules.refund import Refund, Sold, refund
from tests.rules.engine import strategies
from tests.rules.engine.replay import replay


def sell(pack: Pack, basket: Basket) -> tuple[Sold, Compiled]:
    """A sale of ``basket``, and the pack that priced it."""
    compiled = compile_pack(pack)
    priced = price(basket, compiled)
    return Sold(basket, priced.effects, priced.payable_minor), compiled


@st.composite
def parts(draw: st.DrawFn, basket: Basket) -> list[tuple[int, ...]]:
    """Returns that bring back everything, a few units at a time."""
    left = [line.quantity for line in basket.lines]
    returns: list[tuple[int, ...]] = []
    while any(left):
        most = draw(st.sampled_from([1, 3, 999]))
        units = tuple(draw(st.integers(0, min(count, most))) for count in left)
        if len(returns) == 5 or not any(units):
            units = tuple(left)
        returns.append(units)
        left = [count - back for count, back in zip(left, units, strict=True)]
    return returns


@settings(max_examples=70)
@given(strategies.packs(), strategies.baskets(), st.data())
def test_the_parts_of_a_return_sum_to_what_was_paid(pack: Pack, basket: Basket, data: st.DataObject) -> None:
    sold, compiled = sell(pack, basket)
    earlier: list[Refund] = []
    for units in data.draw(parts(basket)):
        earlier.append(refund(sold, compiled, units, earlier))
        paid_out = sum(one.refund_minor for one in earlier)
        assert 0 <= paid_out <= sold.payable_minor
        assert all(one.refund_minor >= one.to_stored_minor >= 0 for one in earlier)
        rest = [line.quantity - sum(one.units[at] for one in earlier) for at, line in enumerate(basket.lines)]
        whole = exchange(sold, compiled, rest, (), earlier)
        assert whole.due_minor == paid_out - sold.payable_minor + whole.priced.payable_minor
    if earlier:
        require_everything_back(sold, compiled, earlier)


def require_everything_back(sold: Sold, compiled: Compiled, returns: list[Refund]) -> None:
    """All is as if nothing had been bought."""
    effects = sold.effects
    assert sum(one.refund_minor for one in returns) == sold.payable_minor
    assert sum(one.points_back for one in returns) == sum(effect.points for effect in effects)
    assert sum(one.points_restored for one in returns) == sum(effect.points_spent for effect in effects)
    assert sum(one.to_stored_minor for one in returns) == sum(effect.stored_minor for effect in effects)
    assert sum(one.bonus_back_minor for one in returns) == sum(effect.bonus_minor for effect in effects)
    for back, given_out in (("coupons_withdrawn", "coupons"), ("counts_withdrawn", "counts"), ("gifts_due", "gifts")):
        came = [item for one in returns for item in getattr(one, back)]
        assert _counted(came) == _counted([item for effect in effects for item in getattr(effect, given_out)])
    codes = Counter(code for one in returns for code in one.codes_restored)
    stays = compiled.pack.policies.coupon_on_return is CouponOnReturn.STAYS_USED
    assert codes == Counter(set() if stays else {code for effect in effects for code in effect.codes})


def _counted(items: list[Given]) -> Counter[str]:
    found = Counter[str]()
    for item in items:
        found[item.name] += item.count
    return found


@settings(max_examples=40)
@given(strategies.packs(), strategies.baskets(), st.data())
def test_what_is_kept_gives_each_unit_back_at_its_own_net_price(
    pack: Pack, basket: Basket, data: st.DataObject
) -> None:
    kept = [
        replace(rule, on_return=OnReturn.KEEP)
        for rule in pack.rules
        if not any(isinstance(effect, RoundTotal) for effect in rule.then)
    ]
    sold, compiled = sell(replace(pack, rules=tuple(kept), tax=None), basket)
    if not basket.lines:
        return
    nets = replay(basket, sold.effects)
    earlier: list[Refund] = []
    for units in data.draw(parts(basket)):
        now = refund(sold, compiled, units, earlier)
        net = 0
        for line, count in enumerate(units):
            end = basket.lines[line].quantity - sum(one.units[line] for one in earlier)
            net += sum(nets[line][end - count : end])
        assert now.refund_minor == net
        earlier.append(now)


@settings(max_examples=40)
@given(strategies.packs(), strategies.baskets())
def test_to_exchange_nothing_for_nothing_changes_nothing(pack: Pack, basket: Basket) -> None:
    sold, compiled = sell(pack, basket)
    same = exchange(sold, compiled, [0] * len(basket.lines), ())
    assert (same.due_minor, same.points, same.points_spent) == (0, 0, 0)
    assert (same.from_stored_minor, same.to_stored_minor, same.bonus_minor) == (0, 0, 0)
    assert (same.codes_restored, same.codes_used) == ((), ())
    assert (same.coupons, same.counts, same.gifts) == (same.coupons_withdrawn, same.counts_withdrawn, same.gifts_due)
    assert same.gifts == same.coupons == same.counts == ()
    assert same.priced.effects == sold.effects
