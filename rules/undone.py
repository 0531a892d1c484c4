"""Which applications of limited rules a return undoes, so that they count no more.

An application counts as long as any goods that took part in it are kept, and one that looked at no goods in particular
(points, a gift, bonus) as long as any goods are. So nobody gets a limited advantage again who still has some of it.
Reckoned from the entry of the sale alone, at the till and again at head office.
"""

from collections.abc import Mapping, Sequence

from contract.trace import AppliedEffect, RuleTimes, times_acted
from contract.trade import TopUpBody
from rules.engine.compiled import Compiled
from rules.refund import Refund, Sold, kept_after


def rules_undone(
    sold: Sold, compiled: Compiled, units: Sequence[int], earlier: Sequence[Refund] = ()
) -> tuple[RuleTimes, ...]:
    """Return the applications that the return of ``units`` of each line undoes, after ``earlier`` returns; by rule.

    Units of a line come back from its last. Raises ContractError(OUT_OF_RANGE) where more comes back than is there.
    """
    counted = tuple(effect for effect in sold.effects if effect.rule in compiled.shared.limited)
    if not counted:
        return ()
    returns = [one.units for one in earlier]
    before, after = kept_after(sold, returns), kept_after(sold, [*returns, units])
    return _fewer(_standing(counted, before), _standing(counted, after))


def top_up_undone(
    body: TopUpBody, compiled: Compiled, refund_minor: int, earlier: Sequence[Refund] = ()
) -> tuple[RuleTimes, ...]:
    """Return the same where ``refund_minor`` of a top-up's principal is paid out: all of it undoes what the rules
    brought with it, and less does not.
    """
    before = sum(one.refund_minor for one in earlier)
    if not before < body.amount_minor <= before + refund_minor:
        return ()
    return _fewer(times_acted(effect for effect in body.effects if effect.rule in compiled.shared.limited), {})


def _standing(effects: Sequence[AppliedEffect], kept: Sequence[int]) -> dict[str, int]:
    """How often each rule has acted on goods of which some are kept."""
    left = any(kept)

    def stands(effect: AppliedEffect) -> bool:
        own = (share for share in effect.shares if share.line < len(kept))
        return any(share.unit < kept[share.line] for share in own) if effect.shares else left

    return times_acted(effect for effect in effects if stands(effect))


def _fewer(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[RuleTimes, ...]:
    gone = {rule: times - after.get(rule, 0) for rule, times in before.items()}
    return tuple(RuleTimes(rule, times) for rule, times in sorted(gone.items()) if times)
