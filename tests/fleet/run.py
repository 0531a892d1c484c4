"""Plays stories: one of a seed, some hundreds in the everyday suite, fresh ones for as long as somebody wants.

.venv/bin/python -m tests.fleet.run --seed 4711      tells one story again
.venv/bin/python -m tests.fleet.run --seconds 60     plays fresh ones and ends with ``seeds N, violations N``

A story that breaks a promise is told with its end, and its seed once more as the last line of that. All seeds that did
are repeated before the last line of all.
"""

import argparse
import itertools
import os
import sys
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass

from hq.worker import Worker
from tests.fleet.broker import Broker
from tests.fleet.ending import Ending
from tests.fleet.faults import ALL, Fault, Fleet, heal, plan
from tests.fleet.invariants import Witness
from tests.fleet.members import Cashier, Town
from tests.fleet.office import Office
from tests.fleet.premises import Premises, addresses, premises
from tests.fleet.terminal import Site, Unit
from tests.fleet.web import WebShop
from tests.fleet.world import Broken, Violation, World

HEALING_MS = 400_000
FOUND_OUT_MS = 22_000
"""Every terminal has said hello by then."""
ARRIVED_MS = 3_000
"""What was said last has arrived by then."""
PROGRESS_S = 10
TAIL_LINES = 60


@dataclass(frozen=True, slots=True)
class Cast:
    """What the fleet is built of: the product, unless a broken variant takes a part's place."""

    unit: type[Unit] = Unit
    worker: type[Worker] = Worker
    cashier: type[Cashier] = Cashier
    faults: tuple[Fault, ...] = ALL
    slip_shares: tuple[float, ...] = (0.0, 0.1, 0.4)
    """How often somebody carries value to another terminal: one of these is drawn."""
    copied_share: float = 0.15
    """In how many stories people show coupons again that were used."""
    coupon_shares: tuple[float, ...] = (0.1, 0.6)
    redeemed_shares: tuple[float, ...] = (0.1, 0.4)
    """How often somebody buys with a coupon, and asks for what value is good for without buying: one of each is
    drawn.
    """
    proof_shares: tuple[float, ...] = (0.0, 0.0, 0.5)
    """How often a member's card proves its key, and so has a floor limit: one of these is drawn."""
    closing_ms: tuple[int, ...] = (10_000, 20_000, 50_000)
    """How long shops are open: one of these is drawn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a story ended."""

    seed: int
    violation: Violation | None
    story: tuple[str, ...]
    entries: int

    def verdict(self) -> str:
        """Its seed, and which promise was not kept, on one line."""
        if self.violation is None:
            return f"seed {self.seed}: all promises kept"
        words = [line.strip() for line in str(self.violation).splitlines()]
        return f"seed {self.seed}: {words[0]}" + (f" ... {words[-1]}" if len(words) > 1 else "")

    def tail(self) -> str:
        """The end of the story, for people: what shows the violation, and the seed as its last line."""
        shown = self.story[-TAIL_LINES:]
        return "\n".join([f"seed {self.seed}: {self.violation or 'all promises kept'}", *shown, self.verdict()])


def play(seed: int, house: Premises, cast: Cast | None = None) -> Outcome:
    """Tell the story of ``seed`` from its beginning to its end, or to the first promise that is not kept."""
    cast = cast or Cast()
    world = World(seed)
    chance = world.chance
    present = addresses(chance.choice((1, 2, 2, 3)))
    disks = house.fresh(present)
    broker = Broker(world)
    site = Site(world, broker, disks)
    office = Office(world, broker, house, cast.worker, workers=chance.choice((1, 2, 2, 3)))
    units = [cast.unit(site, house.identities[address], house.store_of(address)) for address in present]
    closing_ms = world.now_ms + chance.choice(cast.closing_ms)
    town = _town(world, house, cast, units, closing_ms)

    def hire(unit: Unit) -> None:
        cast.cashier(unit, town, chance.choice((1_000, 2_500, 6_000))).begin()

    fleet = Fleet(world, units, office, hire)
    witness = Witness(world, units, office)
    ending = Ending(witness)
    world.watch = witness.look
    violation: Violation | None = None
    try:
        office.start()
        for unit in units:
            unit.switch_on()
            hire(unit)
        if chance.random() < 0.6:
            WebShop(office, town, chance.choice((2_000, 6_000))).begin()
        plan(fleet, cast.faults, closing_ms)
        world.run(closing_ms)
        _bring_home(fleet, ending)
        ending.look()
    except Broken as broken:
        violation = broken.violation
    except Exception:
        violation = Violation("nothing is raised past a door", traceback.format_exc())
    finally:
        witness.close()
        for unit in units:
            unit.put_away()
    return Outcome(seed, violation, tuple(world.story), len(witness.committed))


def _town(world: World, house: Premises, cast: Cast, units: list[Unit], closing_ms: int) -> Town:
    """Draw what is among people, and which terminals give back what they hold when a shift is closed."""
    chance = world.chance
    town = Town(
        closing_ms,
        tuple(unit.identity.address for unit in units),
        slip_share=chance.choice(cast.slip_shares),
        top_up_share=chance.choice((0.1, 0.3)),
        issued=house.coupons,
        coupons=dict(chance.sample(sorted(house.coupons.items()), chance.choice((1, 2, 7)))),
        coupon_share=chance.choice(cast.coupon_shares),
        redeemed_share=chance.choice(cast.redeemed_shares),
        copied=chance.random() < cast.copied_share,
        proof_share=chance.choice(cast.proof_shares),
    )
    for unit in units:
        unit.returns_leases = chance.random() < 0.3
    return town


def _bring_home(fleet: Fleet, ending: Ending) -> None:
    """Heal everything and wait until all that was committed has arrived. Raises Broken where that never is."""
    world = fleet.world
    heal(fleet)
    world.run(world.now_ms + FOUND_OUT_MS)
    # Lending makes entries for ever, where two units of one name are both alive.
    fleet.office.lends = False
    for afterwards_ms in (FOUND_OUT_MS, ARRIVED_MS, 0):
        if not world.run(world.now_ms + HEALING_MS, ending.settled):
            raise Broken(Violation("everything reaches head office in the end", ending.unsettled()))
        world.run(world.now_ms + afterwards_ms)
    fleet.office.come_to_rest()
    world.watch()


def play_all(seeds: Iterable[int], seconds: float = float("inf"), cast: Cast | None = None) -> int:
    """Play the stories of ``seeds``, for at most so long; print what was broken, and return how often."""
    played = 0
    broken: list[str] = []
    with premises() as house:
        begun = told = time.monotonic()
        for seed in seeds:
            outcome = play(seed, house, cast)
            played += 1
            if outcome.violation is not None:
                broken.append(outcome.verdict())
                print(outcome.tail(), flush=True)
            now = time.monotonic()
            if now - told >= PROGRESS_S:
                told = now
                print(f"{now - begun:.0f} s: seeds {played}, violations {len(broken)}", flush=True)
            if now - begun >= seconds:
                break
    print("\n".join([*broken, f"seeds {played}, violations {len(broken)}"]), flush=True)
    return len(broken)


def main(words: list[str] | None = None) -> int:
    """Be the command."""
    parser = argparse.ArgumentParser(prog="./dev soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to play fresh stories (default 60)")
    parser.add_argument("--seed", type=int, help="tell the story of this seed again, whole")
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FIRST", "COUNT"), help="play these, however long")
    options = parser.parse_args(words)
    if options.seed is not None:
        with premises() as house:
            outcome = play(options.seed, house)
        print("\n".join([*outcome.story, *str(outcome.violation or "").splitlines(), outcome.verdict()]))
        return 0 if outcome.violation is None else 1
    if options.seeds is not None:
        first, count = options.seeds
        return 1 if play_all(range(first, first + count)) else 0
    first = int.from_bytes(os.urandom(5))
    print(f"first seed {first}", flush=True)
    return 1 if play_all(itertools.count(first), options.seconds) else 0


if __name__ == "__main__":
    sys.exit(main())
