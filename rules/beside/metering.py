"""Time metering: what a stay costs, and how long it was although the till restarted or its clock was set.

Units of time that have started are charged. How long a stay was comes from readings of the terminal's clocks: within
one boot only the monotonic clock counts, and the wall clock bridges from one boot to the next, bounded and never
backwards.
"""

from enum import StrEnum

from contract import wire
from contract.calendar import DAY_MINUTES
from contract.errors import ContractError, Reason
from contract.journal import TimeQuality
from contract.making import dataclass
from contract.money import AMOUNT_MINOR, MAX_AMOUNT_MINOR
from rules.beside.bounds import require_kept

MAX_MINUTES = 366 * DAY_MINUTES
"""The longest stay that a tariff may charge by the minute."""

MAX_MS = 2**53
MS_A_MINUTE = 60_000

_STAY = wire.whole(0, MAX_MS // MS_A_MINUTE)
_BRIDGE = wire.whole(0, 7 * DAY_MINUTES)
_MS = wire.whole(0, MAX_MS)


class FreeMinutes(StrEnum):
    """What the free minutes mean: ``within``, a stay of at most so many costs nothing and a longer one is charged
    from its start; ``taken_off``, they are taken off every stay.
    """

    WITHIN = "within"
    TAKEN_OFF = "taken_off"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A stay longer than ``after_minutes`` is a forgotten tap-out: it costs ``fee_minor``, or, where none is given,
    what a stay of exactly ``after_minutes`` costs.
    """

    after_minutes: int = wire.at(1, wire.whole(1, MAX_MINUTES))
    fee_minor: int | None = wire.maybe(2, AMOUNT_MINOR)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What time costs. The first period costs ``first_minor`` as soon as the stay begins; each further unit that has
    started costs ``unit_minor``.

    ``day_cap_minor`` is the most that each 24 hours, counted from where charging begins, may cost; a unit belongs to
    the 24 hours it starts in. ``bridge_minutes`` is the longest gap between two boots that the wall clock is believed
    for.
    """

    first_minutes: int = wire.at(1, wire.whole(0, DAY_MINUTES))
    first_minor: int = wire.at(2, AMOUNT_MINOR)
    unit_minutes: int = wire.at(3, wire.whole(1, DAY_MINUTES))
    unit_minor: int = wire.at(4, AMOUNT_MINOR)
    forgotten: Forgotten = wire.at(5, wire.record(Forgotten))
    bridge_minutes: int = wire.at(6, _BRIDGE)
    free_minutes: int = wire.maybe(7, wire.whole(0, DAY_MINUTES), 0)
    free: FreeMinutes = wire.maybe(8, wire.choice(FreeMinutes), FreeMinutes.WITHIN)
    day_cap_minor: int | None = wire.maybe(9, AMOUNT_MINOR)


class StepKind(StrEnum):
    """What one line of the reckoning is about."""

    FREE = "free"
    FIRST = "first"
    UNITS = "units"
    DAY_CAP = "day_cap"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Step:
    """One line for the receipt: ``count`` times ``minutes`` at ``each_minor``; the amounts of all steps sum to the
    whole. What the daily cap takes off is negative, and its count is the days it acted on.
    """

    kind: StepKind
    count: int
    minutes: int
    each_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Metered:
    """What a stay comes to: further units charged, the amount in minor units, the steps to it, and whether the
    tap-out was forgotten.
    """

    units: int
    amount_minor: int
    steps: tuple[Step, ...]
    forgotten: bool


def metered(tariff: Tariff, minutes: int) -> Metered:
    """Return what a stay of so many whole minutes costs. Raises ContractError for a tariff without sense or minutes
    below 0.
    """
    require_tariff(tariff)
    forgotten = _STAY.read(minutes, "minutes") > tariff.forgotten.after_minutes
    if not forgotten:
        return _reckoned(tariff, minutes, ())
    fee_minor, most = tariff.forgotten.fee_minor, tariff.forgotten.after_minutes
    if fee_minor is not None:
        return Metered(0, fee_minor, (Step(StepKind.FORGOTTEN, 1, most, fee_minor, fee_minor),), True)
    return _reckoned(tariff, most, (Step(StepKind.FORGOTTEN, 1, most, 0, 0),))


def require_tariff(tariff: Tariff) -> None:
    """Raise ContractError, with the path to the field, for a tariff that breaks its limits, whose free minutes leave
    nothing to charge, or whose longest stay would cost more than the largest amount.
    """
    require_kept(tariff, "tariff")
    most = tariff.forgotten.after_minutes
    if tariff.free_minutes >= most:
        raise ContractError(Reason.OUT_OF_RANGE, "tariff.free_minutes", "must be below forgotten.after_minutes")
    if _reckoned(tariff, most, ()).amount_minor > MAX_AMOUNT_MINOR:
        raise ContractError(
            Reason.OUT_OF_RANGE, "tariff.forgotten.after_minutes", "would cost above the largest amount"
        )


def _reckoned(tariff: Tariff, minutes: int, before: tuple[Step, ...]) -> Metered:
    """What so many minutes cost by the minute, the steps of ``before`` first."""
    steps = list(before)
    free_minutes = min(tariff.free_minutes, minutes)
    taken_off = tariff.free is FreeMinutes.TAKEN_OFF
    if tariff.free_minutes and (taken_off or minutes <= tariff.free_minutes):
        steps.append(Step(StepKind.FREE, 1, free_minutes, 0, 0))
        minutes -= free_minutes
        if not minutes:
            return Metered(0, 0, tuple(steps), bool(before))
    units = _started(tariff, minutes)
    if tariff.first_minutes or tariff.first_minor:
        steps.append(Step(StepKind.FIRST, 1, tariff.first_minutes, tariff.first_minor, tariff.first_minor))
    if units:
        steps.append(Step(StepKind.UNITS, units, tariff.unit_minutes, tariff.unit_minor, units * tariff.unit_minor))
    steps += _capped(tariff, minutes)
    return Metered(units, sum(step.amount_minor for step in steps), tuple(steps), bool(before))


def _started(tariff: Tariff, minutes: int) -> int:
    """Further units that have started after so many minutes: one that would start this very minute has not."""
    return -(-max(minutes - tariff.first_minutes, 0) // tariff.unit_minutes)


def _capped(tariff: Tariff, minutes: int) -> list[Step]:
    """What the daily cap takes off, if anything."""
    cap_minor = tariff.day_cap_minor
    if cap_minor is None:
        return []
    over: list[int] = []
    charge_minor = tariff.first_minor
    for day_starts in range(0, max(minutes, 1), DAY_MINUTES):
        day_ends = min(day_starts + DAY_MINUTES, minutes)
        charge_minor += (_started(tariff, day_ends) - _started(tariff, day_starts)) * tariff.unit_minor
        over.append(max(charge_minor - cap_minor, 0))
        charge_minor = 0
    days = sum(1 for off in over if off)
    return [Step(StepKind.DAY_CAP, days, DAY_MINUTES, cap_minor, -sum(over))] if days else []


class Certainty(StrEnum):
    """How the time of a session is known: ``measured`` by the monotonic clock alone; ``bridged`` between boots by a
    wall clock that was sound on both sides; ``doubtful`` where that clock was doubtful, went backwards, or leapt
    further than is believed, so that a person should look.
    """

    MEASURED = "measured"
    BRIDGED = "bridged"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a terminal's clocks, as an entry's header holds it: milliseconds since the boot that ``boot_id``
    names, Unix milliseconds, and how good those are. A ``boot_id`` of zeros names no boot.
    """

    boot_id: bytes = wire.at(1, wire.octets(16))
    monotonic_ms: int = wire.at(2, _MS)
    wall_ms: int = wire.at(3, _MS)
    quality: TimeQuality = wire.at(4, wire.choice(TimeQuality))


@dataclass(frozen=True, slots=True)
class Session:
    """A stay under way: its first and its last reading, the time between them, how much of it the wall clock bridged,
    and how certain it is. As a record it outlives the power, and a slip may carry it to another terminal.
    """

    began: Reading = wire.at(1, wire.record(Reading))
    last: Reading = wire.at(2, wire.record(Reading))
    elapsed_ms: int = wire.at(3, _MS)
    bridged_ms: int = wire.at(4, _MS)
    certainty: Certainty = wire.at(5, wire.choice(Certainty))

    @property
    def minutes(self) -> int:
        """Whole minutes that have passed: a minute that has only begun is the customer's."""
        return self.elapsed_ms // MS_A_MINUTE


def begun(reading: Reading) -> Session:
    """Return the session that begins with this reading. Raises ContractError for a reading out of range."""
    require_kept(reading, "reading")
    return Session(reading, reading, 0, 0, Certainty.MEASURED)


def advanced(session: Session, reading: Reading, bridge_minutes: int) -> Session:
    """Return ``session`` up to ``reading``; readings come in the order they were taken.

    Within a boot the monotonic clock alone counts, so setting the wall clock changes nothing; a reading earlier than
    the last of its boot changes nothing either. In another boot, or on another terminal, the wall clock's difference
    counts, from 0 to ``bridge_minutes``. A reading of the very boot the session began in is exact, whatever was
    bridged between. Raises ContractError for a reading or bridge out of range.
    """
    require_kept(reading, "reading")
    bridge_ms = _BRIDGE.read(bridge_minutes, "bridge_minutes") * MS_A_MINUTE
    if _same_boot(session.last, reading) and reading.monotonic_ms < session.last.monotonic_ms:
        return session
    since_began_ms = reading.monotonic_ms - session.began.monotonic_ms
    if _same_boot(session.began, reading) and since_began_ms >= 0:
        return Session(session.began, reading, since_began_ms, 0, Certainty.MEASURED)
    bridged_ms, certainty = session.bridged_ms, session.certainty
    if _same_boot(session.last, reading):
        passed_ms = reading.monotonic_ms - session.last.monotonic_ms
    else:
        gap_ms = reading.wall_ms - session.last.wall_ms
        passed_ms = min(max(gap_ms, 0), bridge_ms)
        bridged_ms += passed_ms
        doubtful = TimeQuality.DOUBTFUL in (session.last.quality, reading.quality) or passed_ms != gap_ms
        certainty = Certainty.DOUBTFUL if doubtful or certainty is Certainty.DOUBTFUL else Certainty.BRIDGED
    elapsed_ms = min(session.elapsed_ms + passed_ms, MAX_MS)
    return Session(session.began, reading, elapsed_ms, min(bridged_ms, MAX_MS), certainty)


def _same_boot(one: Reading, other: Reading) -> bool:
    return one.boot_id == other.boot_id and any(one.boot_id)
