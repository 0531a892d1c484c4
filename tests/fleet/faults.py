"""What goes wrong: each fault is a function that happens at its time, and a plan draws which happen when.

Every story has its own few kinds of fault, so that one kind does not always hide another, and some have none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.fleet.office import SERVICE_MS, Office
from tests.fleet.terminal import Unit
from tests.fleet.world import World

DAY_MS = 86_400_000
FIRST_1970_MS = -1_800_000_000_000
IN_2099_MS = 2_300_000_000_000


@dataclass
class Fleet:
    """Everything that can have a fault."""

    world: World
    units: list[Unit]
    office: Office
    hire: Callable[[Unit], None]
    """Puts a cashier to a terminal."""
    healed: bool = False

    def later(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Let a fault go on or end after a while, unless everything is healed by then."""

        def unless_healed() -> None:
            if not self.healed:
                act()

        self.world.after(delay_ms, unless_healed)

    def unit(self) -> Unit:
        """Any terminal."""
        return self.world.chance.choice(self.units)


def power_fails_at_a_write(fleet: Fleet) -> None:
    """At one of the next writes of a terminal."""
    fleet.unit().disk.writes_to_cut = fleet.world.chance.randrange(12)


def power_fails_between(fleet: Fleet) -> None:
    """While a terminal does nothing."""
    fleet.unit().pull_the_plug()


def terminal_restarts(fleet: Fleet) -> None:
    """In order, as for an update."""
    unit = fleet.unit()
    unit.switch_off()
    fleet.later(3_000, unit.switch_on)


def disk_fills(fleet: Fleet) -> None:
    """Down to the reserve, or altogether, for a while."""
    unit = fleet.unit()
    altogether = fleet.world.often(0.5)
    fleet.world.tell(unit.label, f"! has no room on its disk{'' if altogether else ' but the reserve'}")
    unit.disk.free_bytes = 0
    if altogether:
        unit.disk.writes_to_full = fleet.world.chance.randrange(8)

    def room_again() -> None:
        unit.disk.free_bytes, unit.disk.writes_to_full = 2**40, None

    fleet.later(fleet.world.chance.randrange(5_000, 40_000), room_again)


def cable_is_cut(fleet: Fleet) -> None:
    """Between a terminal and the broker."""
    fleet.unit().cut_cable(fleet.world.chance.randrange(5_000, 90_000))


def clock_jumps(fleet: Fleet) -> None:
    """By hours or days, to 1970 or to 2099, and nothing disciplines it any more."""
    unit = fleet.unit()
    far = fleet.world.chance.choice((FIRST_1970_MS, IN_2099_MS, -DAY_MS, DAY_MS, 400 * DAY_MS, -7_200_000, 7_200_000))
    unit.hands.off_ms, unit.hands.disciplined, unit.clock_jumped = far, False, True
    fleet.world.tell(unit.label, f"! has a clock that is off by {far // 1000} s")

    def right_again() -> None:
        unit.hands.off_ms, unit.hands.disciplined = 0, True

    fleet.later(fleet.world.chance.randrange(5_000, 60_000), right_again)


def broker_restarts(fleet: Fleet) -> None:
    """And has forgotten everything."""
    fleet.office.broker.restart(fleet.world.chance.randrange(100, 15_000), fleet.world.often(0.7))


def messages_suffer(fleet: Fleet) -> None:
    """Lost, doubled, late and out of order for a while."""
    chance, weather = fleet.world.chance, fleet.office.broker.weather
    weather.loss, weather.doubling = chance.choice((0.0, 0.05, 0.3)), chance.choice((0.0, 0.1, 0.4))
    weather.slow_share, weather.slow_ms = chance.choice((0.0, 0.2, 0.6)), chance.choice((500, 8_000, 40_000))
    fleet.world.tell(
        "broker", f"! loses {weather.loss:.0%}, doubles {weather.doubling:.0%}, delays to {weather.slow_ms}"
    )

    def calm() -> None:
        weather.loss = weather.doubling = weather.slow_share = 0.0

    fleet.later(chance.randrange(10_000, 60_000), calm)


def office_is_slow(fleet: Fleet) -> None:
    """So that terminals say everything again before they are answered."""
    office = fleet.office
    office.service_ms = fleet.world.chance.choice((500, 4_000, 12_000))
    fleet.world.tell("hq", f"! takes up to {office.service_ms} ms for a message")

    def quick_again() -> None:
        office.service_ms = SERVICE_MS

    fleet.later(fleet.world.chance.randrange(5_000, 40_000), quick_again)


def worker_dies_at_work(fleet: Fleet) -> None:
    """At one of the next statements of head office, or before one of its commits."""
    fleet.office.cut_after(fleet.world.chance.randrange(120))


def worker_dies_idle(fleet: Fleet) -> None:
    """With what it had in its queue, and what it had committed but not answered."""
    fleet.world.chance.choice(fleet.office.clerks).die("killed")


def books_are_restored(fleet: Fleet) -> None:
    """Head office goes on with an older backup."""
    fleet.office.back_up()
    fleet.later(fleet.world.chance.randrange(5_000, 60_000), fleet.office.restore)


def disk_is_restored(fleet: Fleet) -> None:
    """An older image of its own disk is put into a terminal."""
    unit = fleet.unit()
    if unit.spoiled:
        return
    image = unit.image()
    fleet.world.tell(unit.label, f"its disk is copied, journal of {len(image.rows)} entries")

    def restore() -> None:
        if unit.spoiled:
            return
        fleet.world.tell(unit.label, f"! the copy of {len(image.rows)} entries is put back, over {len(unit.rows)}")
        unit.put_image(image)

    fleet.later(fleet.world.chance.randrange(4_000, 40_000), restore)


def disk_is_cloned(fleet: Fleet) -> None:
    """A second terminal runs from a copy of a disk, under the same name."""
    unit = fleet.unit()
    if any(other.label == f"{unit.label}+" for other in fleet.units):
        return
    if unit.spoiled:
        return
    image = unit.image()
    twin = unit.twin(image, f"{unit.label}+")
    fleet.world.tell(unit.label, f"! its disk, {len(image.rows)} entries, is copied into {twin.label}")
    fleet.units.append(twin)
    fleet.hire(twin)
    twin.switch_on()


def file_is_damaged(fleet: Fleet) -> None:
    """While a terminal has no power: its newest entry, and perhaps a page of the file beside it."""
    unit = fleet.unit()
    if not unit.spoiled and unit.lives == 1:
        unit.spoil_file(structure=fleet.world.often(0.6))


Fault = Callable[[Fleet], None]

SURVIVED: tuple[Fault, ...] = (
    power_fails_at_a_write,
    power_fails_between,
    terminal_restarts,
    disk_fills,
    cable_is_cut,
    clock_jumps,
    broker_restarts,
    messages_suffer,
    office_is_slow,
    worker_dies_at_work,
    worker_dies_idle,
    books_are_restored,
)
"""Faults after which nothing may be missing and nothing doubled."""

FORKED: tuple[Fault, ...] = (disk_is_restored, disk_is_cloned, file_is_damaged)
"""Faults after which one terminal has two chains; what was not yet sent when a disk was overwritten is gone with it."""

ALL = SURVIVED + FORKED


def plan(fleet: Fleet, kinds: tuple[Fault, ...], until_ms: int) -> None:
    """Draw which faults happen, and when; all of them where there are only two."""
    chance, world = fleet.world.chance, fleet.world
    chosen = [kind for kind in kinds if len(kinds) <= 2 or chance.random() < 0.4]
    for kind in chosen:
        times = chance.choice((1, 1, 2, 4)) if kind in SURVIVED else 1
        for _ in range(times):
            fleet.later(chance.randrange(until_ms - world.now_ms), partial(kind, fleet))


def heal(fleet: Fleet) -> None:
    """Let everything be as it should: what had no power has it, what was full has room."""
    fleet.healed = True
    weather = fleet.office.broker.weather
    weather.loss = weather.doubling = weather.slow_share = 0.0
    fleet.office.service_ms = SERVICE_MS
    fleet.office.premises.power.statements_to_cut = None
    for unit in fleet.units:
        unit.disk.free_bytes, unit.disk.writes_to_full, unit.disk.writes_to_cut = 2**40, None, None
        unit.hands.off_ms, unit.hands.disciplined = 0, True
        unit.switch_on()
    fleet.world.tell("world", "all faults are healed")
