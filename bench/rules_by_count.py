"""Pricing a 10-line basket, with the trace that is journalled, against 20 to 10,000 rules of which 10 can match.

The limit: from 100 to 10,000 rules the time grows at most 1.5 times when the extra rules cannot match. The list of
verdicts, which asks every rule of the shop, is timed apart, beside a yardstick in the same run: a bare loop that looks
at each rule's conditions and notes a reason, nothing else.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

from bench._figures import asked_samples, beside, median, say_step
from bench._rule_packs import LINES, LIVE, basket, pack_of
from contract.basket import Basket
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.conditions import check_all
from rules.engine.price import opened, price
from rules.engine.verdicts import Judge

COUNTS = (20, 100, 500, 2_000, 10_000)
MOST_GROWTH = 1.5
ROUNDS = 200


def main() -> int:
    """Measure and print; status 1 where pricing grows more than the limit."""
    samples = asked_samples(__doc__ or "", 25)
    bought = basket()
    packs = {}
    for count in COUNTS:
        say_step(f"a pack of {count} rules")
        packs[count] = compile_pack(pack_of(count))
    # The packs take turns, so that what else this machine does falls on all of them alike.
    times: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _sample in range(samples):
        for count in COUNTS:
            times[count].append(_seconds(partial(price, bought, packs[count]), ROUNDS))
    seconds = {count: median(found) for count, found in times.items()}
    for count in COUNTS:
        applied = len(price(bought, packs[count]).effects)
        print(
            f"{count} rules, {LINES} lines: {1 / seconds[count]:,.0f} baskets/s ({seconds[count] * 1e6:.0f} µs each), "
            f"{applied} of {LIVE} that can match applied"
        )
    # Each round is a ratio of its own: a processor that changes its pace between rounds changes none of them.
    growth = median([large / small for large, small in zip(times[10_000], times[100], strict=True)])
    for count in COUNTS:
        _verdicts(count, bought, packs[count])
    beside("growth from 100 to 10,000 rules", growth, MOST_GROWTH, "times", "at most")
    return 0 if growth <= MOST_GROWTH else 1


def _verdicts(count: int, bought: Basket, compiled: Compiled) -> None:
    """The full list of verdicts, beside a bare look at each rule's conditions."""
    rounds = max(1, 2_000 // count)
    judge = Judge(compiled)
    judged = _seconds(lambda: judge.judge(bought), rounds)
    looked = _seconds(lambda: _bare_look(bought, compiled), rounds)
    print(
        f"{count} rules, a verdict for each: {1 / judged:,.0f} baskets/s; "
        f"bare look at each rule's conditions {1 / looked:,.0f}; ratio {judged / looked:.2f}"
    )


def _bare_look(bought: Basket, compiled: Compiled) -> list[object]:
    view = opened(bought, compiled)
    return [check_all(rule.when, view) for rule in compiled.rules]


def _seconds(act: Callable[[], object], rounds: int) -> float:
    start = time.perf_counter()
    for _round in range(rounds):
        act()
    return (time.perf_counter() - start) / rounds


if __name__ == "__main__":
    sys.exit(main())
