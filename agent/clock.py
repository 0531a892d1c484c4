"""The terminal's clock: wall time that never falls below the last signed time seen, and a monotonic one beside it.

A till without network has no better time than its own crystal, and a wrong clock must not make an expired thing valid
again. So head office's signed times are a floor that goes on with the time since, and each stamp says how far it can be
believed. A signed time that is far ahead of a disciplined clock is head office's mistake and raises nothing.
"""

import ctypes
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from contract.journal import TimeQuality
from contract.making import dataclass

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_TIMEX_BYTES = 512  # Room for struct timex of adjtimex(2), 208 bytes where a long has 64 bits; all zero only reads.
FAR_AHEAD_MS = 86_400_000
"""A signed time this far ahead of a clock that something disciplines is not believed."""

NEAR_MS = 5_000
"""So far below the floor the machine's own time is raised without being called doubtful: messages take time."""

JUMP_MS = 10_000
"""A clock that moved so much more or less than the time that passed was set by somebody or something."""

ASKED_AGAIN_MS = 1_000
"""So long it is believed what the kernel said of its clock, unless somebody sets the clock before that."""

_TIME_ERROR = 5  # What adjtimex(2) returns while nothing disciplines the clock.


@dataclass(frozen=True, slots=True)
class Stamp:
    """One moment: Unix milliseconds with their quality, and milliseconds since the boot named by ``boot_id``."""

    wall_ms: int
    quality: TimeQuality
    boot_id: bytes
    monotonic_ms: int


class Clock(Protocol):
    """Where time comes from."""

    def stamp(self) -> Stamp:
        """Return this moment."""
        ...

    def monotonic_ms(self) -> int:
        """Return milliseconds since the boot; they never go back."""
        ...


def boottime_ns() -> int:
    """Nanoseconds since the boot, time asleep included (CLOCK_BOOTTIME, clock_gettime(2))."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def kernel_says_synchronised() -> bool:
    """Tell whether the kernel believes its clock is disciplined, by NTP or otherwise (adjtimex(2), read only)."""
    try:
        state = _kernel_clock()()
    except (OSError, AttributeError):
        return False
    return 0 <= int(state) < _TIME_ERROR


@cache
def _kernel_clock() -> Callable[[], int]:
    """What asks the C library of this process for the state of the clock; every stamp asks, so it is made once. What is
    written into its room leaves the modes zero, so that it goes on only reading.
    """
    return partial(ctypes.CDLL(None).adjtimex, ctypes.create_string_buffer(_TIMEX_BYTES))


def read_boot_id(path: Path = BOOT_ID) -> bytes:
    """Return the 16 bytes that name this boot; all zero where the kernel does not say."""
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip().replace("-", ""))[:16].rjust(16, b"\0")
    except (OSError, ValueError):
        return bytes(16)


@dataclass(frozen=True, slots=True)
class Sources:
    """What a :class:`SystemClock` reads: nanoseconds of Unix time and since the boot; is time disciplined."""

    wall_ns: Callable[[], int] = time.time_ns
    boottime_ns: Callable[[], int] = boottime_ns
    synchronised: Callable[[], bool] = kernel_says_synchronised


@dataclass(frozen=True, slots=True)
class Jump:
    """The machine's clock was set: it would have said ``from_ms`` and says ``to_ms``, in Unix milliseconds."""

    from_ms: int
    to_ms: int


class SystemClock:
    """The machine's clock, held above ``floor_ms``, the last signed time known at the start (0: none), and above
    ``kept_ms``, a time that was believed then without a signature, until better is known.
    """

    def __init__(
        self, floor_ms: int, sources: Sources | None = None, boot_id: bytes | None = None, kept_ms: int = 0
    ) -> None:
        self._sources = sources or Sources()
        self._boot_id = read_boot_id() if boot_id is None else boot_id
        self._floor_at_boot_ms = floor_ms - self.monotonic_ms()
        """The floor less the time since the boot: what it is now is this plus the time since the boot now."""
        self._kept_at_boot_ms = kept_ms - self.monotonic_ms()
        self._own_at_boot_ms = self._own_ms() - self.monotonic_ms()
        self._asked: tuple[int, int, bool] | None = None
        """When it was asked last whether the clock is disciplined, since the boot and by that clock, and the answer."""

    def believes(self, signed_ms: int) -> bool:
        """Tell whether a signed time can be: not where it is a day ahead of a clock that something disciplines."""
        return not self._sources.synchronised() or signed_ms <= self._own_ms() + FAR_AHEAD_MS

    def raise_floor(self, signed_ms: int) -> bool:
        """Note a signed time: from now on no stamp is earlier than it and the time since.

        A time below the floor changes nothing; but what no signature said is given up once a signed time and a clock
        that something disciplines agree to a day. Returns False, and changes nothing, where the time is not believed.
        """
        if not self.believes(signed_ms):
            return False
        if self._sources.synchronised() and signed_ms >= self._own_ms() - FAR_AHEAD_MS:
            self._kept_at_boot_ms = self._floor_at_boot_ms
        self._floor_at_boot_ms = max(self._floor_at_boot_ms, signed_ms - self.monotonic_ms())
        return True

    def stamp(self) -> Stamp:
        """Return this moment; DOUBTFUL where the floor stands for an own time that is well below it."""
        own_ms, monotonic_ms = self._own_ms(), self.monotonic_ms()
        floor_ms = max(self._floor_at_boot_ms, self._kept_at_boot_ms) + monotonic_ms
        if own_ms < floor_ms - NEAR_MS:
            quality = TimeQuality.DOUBTFUL
        elif self._is_disciplined(own_ms, monotonic_ms):
            quality = TimeQuality.SYNCHRONISED
        else:
            quality = TimeQuality.FREE_RUNNING
        return Stamp(max(own_ms, floor_ms), quality, self._boot_id, monotonic_ms)

    def _is_disciplined(self, own_ms: int, monotonic_ms: int) -> bool:
        """What the kernel says of its clock; whoever sells fast does not ask it for every stamp."""
        if self._asked is not None:
            asked_at_ms, own_then_ms, answer = self._asked
            passed_ms = monotonic_ms - asked_at_ms
            # Both clocks are cut to whole milliseconds; a clock that differs by more was set.
            if passed_ms < ASKED_AGAIN_MS and -2 < own_ms - own_then_ms - passed_ms < 2:
                return answer
        answer = self._sources.synchronised()
        self._asked = monotonic_ms, own_ms, answer
        return answer

    def jump(self) -> Jump | None:
        """Tell whether the machine's own clock was set since this was asked last."""
        own_ms = self._own_ms()
        before_ms, self._own_at_boot_ms = self._own_at_boot_ms, own_ms - self.monotonic_ms()
        moved_ms = self._own_at_boot_ms - before_ms
        return None if abs(moved_ms) < JUMP_MS else Jump(max(0, own_ms - moved_ms), max(0, own_ms))

    def monotonic_ms(self) -> int:
        """Return milliseconds since the boot, time asleep included."""
        return self._sources.boottime_ns() // 1_000_000

    def _own_ms(self) -> int:
        return self._sources.wall_ns() // 1_000_000
