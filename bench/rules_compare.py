"""``rules compare`` at work: baskets per second under two packs of 500 rules, on one core and on two.

Each basket is a line of a file: it is read, checked, priced under both packs, once more without floors where it has
any, and counted. The limits: on one core at most four times what pricing the same baskets twice takes by itself; two
cores at least 1.5 times as fast as one, where this machine has two.
"""

import json
import os
import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench._figures import asked_samples, beside, median, say_step
from bench._rule_packs import basket, pack_of, sealed
from contract.basket import Basket
from contract.named import write_named
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from rules.grammar.money import Percent
from rules.grammar.rule import Rule
from tapledger.rules_compare import compare_file, cores

RULES = 500
BASKETS = 4_000
MOST_TIMES_PRICING = 4.0
LEAST_TIMES_ON_TWO = 1.5


def main() -> int:
    """Measure and print; status 1 where a limit is not met."""
    samples = asked_samples(__doc__ or "", 3)
    say_step(f"two packs of {RULES} rules, {BASKETS} baskets")
    old = compile_pack(pack_of(RULES))
    new = compile_pack(sealed([_dearer(rule) for rule in old.pack.rules]))
    baskets = _baskets()
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name:
        file = Path(name) / "baskets.jsonl"
        file.write_text("".join(json.dumps(write_named(one)) + "\n" for one in baskets), encoding="utf-8")
        runs = {jobs: [_compare_s(file, old, new, jobs) for _sample in range(samples)] for jobs in (1, 2)}
    alone = median([_price_s(baskets, old, new) for _sample in range(samples)])
    seconds = {jobs: median([taken for taken, _cpu in measured]) for jobs, measured in runs.items()}
    for jobs, taken in seconds.items():
        cpu_s = median([cpu for _taken, cpu in runs[jobs]])
        print(f"{jobs} core{'s' if jobs > 1 else ''}: {BASKETS / taken:.0f} baskets/s, {cpu_s:.1f} s of processor time")
    print(f"pricing alone, under both packs: {BASKETS / alone:.0f} baskets/s")
    on_one, on_two = seconds[1] / alone, seconds[1] / seconds[2]
    beside("compare on one core", on_one, MOST_TIMES_PRICING, "times pricing alone", "at most")
    beside("two cores", on_two, LEAST_TIMES_ON_TWO, "times one", "at least, with two cores free")
    return 1 if on_one > MOST_TIMES_PRICING or (cores() > 1 and on_two < LEAST_TIMES_ON_TWO) else 0


def _dearer(rule: Rule) -> Rule:
    """The rule with half of what it takes off, where that is a percentage."""
    then = tuple(
        replace(effect, rate_bp=effect.rate_bp // 2) if isinstance(effect, Percent) else effect for effect in rule.then
    )
    return replace(rule, then=then)


def _baskets() -> list[Basket]:
    """Baskets of one to ten lines, some with a floor, some of customers who are no members."""
    drawn = random.Random(1)
    found = []
    for _number in range(BASKETS):
        whole = basket()
        lines = [
            replace(
                line, quantity=drawn.randint(1, 3), floor_minor=drawn.choice((0, 0, line.unit_price_minor * 9 // 10))
            )
            for line in drawn.sample(whole.lines, drawn.randint(1, len(whole.lines)))
        ]
        found.append(replace(whole, lines=tuple(lines), customer=drawn.choice((whole.customer, None))))
    return found


def _compare_s(file: Path, old: Compiled, new: Compiled, jobs: int) -> tuple[float, float]:
    """How many seconds it takes, and how many of processor time in all processes: where the cores were free for it,
    they are as many times the seconds as there are cores.
    """
    start, before = time.perf_counter(), os.times()
    compare_file(str(file), old, new, jobs, lambda _baskets, _bytes: None)
    after = os.times()
    return time.perf_counter() - start, sum(after[:4]) - sum(before[:4])


def _price_s(baskets: list[Basket], old: Compiled, new: Compiled) -> float:
    start = time.perf_counter()
    for one in baskets:
        price(one, old)
        price(one, new)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
