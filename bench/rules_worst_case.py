"""The worst baskets a pack can make: 200 rules that all match, 12 overlapping exclusive groups, a group of 5,000,
1,000 lines, 200 rules over 1,000 lines, and 150 rules beside 24 competing ones over 1,000 lines.

Each is priced beside an ordinary 10-line basket under 10 rules in the same run. The limits are bounds of the engine's
own making: at most 256 combinations are tried where rules compete, and fewer of a large basket, at most 200 effects
apply, and a basket has at most 1,000 lines. The last case is all of them at once, and so the worst there is.
"""

import sys
import time

from bench._figures import asked_samples, beside, median, say_step
from bench._rule_packs import basket, pack_of, sealed
from contract.basket import Basket
from rules.engine.compiled import Compiled, compile_pack
from rules.engine.price import price
from rules.grammar.money import Amount, Percent, Scope
from rules.grammar.pack import Group, Pack
from rules.grammar.rule import Lane, Rule
from rules.grammar.select import Select


def main() -> int:
    """Measure and print; status 1 where a limit is not met."""
    samples = asked_samples(__doc__ or "", 5)
    ordinary = _seconds(basket(), compile_pack(pack_of(10)), samples * 20)
    print(f"an ordinary basket: {ordinary * 1e3:.3f} ms")
    over = 0
    for what, bought, compiled, most in _cases():
        say_step(what)
        took = _seconds(bought, compiled, samples)
        exact = "every combination tried" if price(bought, compiled).exact else "bounded search"
        print(f"{what}: {took * 1e3:.1f} ms, {len(price(bought, compiled).effects)} effects, {exact}")
        beside(what, took / ordinary, most, "ordinary baskets", "at most")
        over += took / ordinary > most
    return 1 if over else 0


def _cases() -> list[tuple[str, Basket, Compiled, float]]:
    all_match, groups = compile_pack(sealed(_all_match(200))), compile_pack(sealed(_ring(), _RING_GROUPS))
    all_at_once = compile_pack(sealed((*_all_match(150), *_ring()), _RING_GROUPS))
    return [
        ("200 rules that all match, 10 lines", basket(), all_match, 100.0),
        ("12 overlapping exclusive groups, 10 lines", basket(), groups, 1_000.0),
        ("5,000 rules in one group, all able, 10 lines", basket(), compile_pack(_one_group()), 2_000.0),
        ("1,000 lines, 10 rules", basket(1_000), compile_pack(pack_of(10)), 200.0),
        ("1,000 lines, 200 rules that all match", basket(1_000), all_match, 10_000.0),
        ("all at once, 100 lines", basket(100), all_at_once, 5_000.0),
        ("all at once, 1,000 lines", basket(1_000), all_at_once, 20_000.0),
    ]


def _all_match(count: int) -> tuple[Rule, ...]:
    """Half take something off the basket, half off one category's lines."""
    return tuple(
        Rule(f"all-{number:03d}", "全", "All", Lane.BASKET, (Amount(10, Scope.BASKET),))
        if number % 2
        else Rule(
            f"all-{number:03d}",
            "全",
            "All",
            Lane.LINE,
            (Percent(50, Scope.LINE, Select(categories=(f"cat-{number // 2 % 10}",))),),
        )
        for number in range(count)
    )


_RING_GROUPS = tuple(Group(f"group-{number:02d}") for number in range(12))


def _ring() -> tuple[Rule, ...]:
    """24 rules, each in two of 12 groups that overlap in a ring."""
    return tuple(
        Rule(
            f"ring-{number:02d}",
            "环",
            "Ring",
            Lane.LINE,
            (Percent(100 + 37 * (number * 7 % 24), Scope.BASKET, Select(categories=(f"cat-{number % 10}",))),),
            groups=(f"group-{number // 2:02d}", f"group-{(number // 2 + 1) % 12:02d}"),
        )
        for number in range(24)
    )


def _one_group() -> Pack:
    """5,000 rules that exclude each other, each of which could act."""
    rules = tuple(
        Rule(f"one-{number:04d}", "一", "One", Lane.BASKET, (Amount(1 + number, Scope.BASKET),), groups=("one",))
        for number in range(5_000)
    )
    return sealed(rules, (Group("one"),))


def _seconds(bought: Basket, compiled: Compiled, rounds: int) -> float:
    samples = []
    for _round in range(rounds):
        start = time.perf_counter()
        price(bought, compiled)
        samples.append(time.perf_counter() - start)
    return median(samples)


if __name__ == "__main__":
    sys.exit(main())
