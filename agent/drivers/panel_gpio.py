"""The panel of a terminal's case through gpiozero: lamps, a buzzer, the relay of the cash drawer, and contacts.

Every pin is optional. Contacts close to ground unless `active_high` names them: a supply's power-fail line is pulled
low while the supply is going, a case switch closes when the case is open.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Mapping

from agent.drivers.device_thread import DeviceThread
from agent.drivers.facts import Emit, PanelChanged, PanelSignal, Status
from agent.drivers.newest import Newest
from agent.drivers.pins import Pin, Pins, PinsUnusable, pin
from agent.drivers.report import Report
from contract import settings
from contract.making import dataclass

RETRY_S = 1.0
IDLE_S = 1.0
QUEUE_MOST = 16

BOUNCE_S = 0.05
"""For so long a switch may chatter."""

SPIKE_S = 0.003
"""The power-fail line is believed once it has been active for so long: a supply holds for many times that, and what a
motor or a relay beside it does to a wire is over.
"""

BEEPS: dict[str, tuple[float, ...]] = {
    "success": (0.08,),
    "refused": (0.12, 0.08, 0.12, 0.08, 0.12),
    "attention": (0.4,),
}
"""How long the buzzer is on, off, on ... in seconds."""

OUTPUTS = ("ready", "attention", "fault", "buzzer", "drawer")
NAMES = (*OUTPUTS, *PanelSignal)


@dataclass(frozen=True, slots=True)
class Lamps:
    """Which lamps are lit: the till can sell, something should be seen to, something is broken."""

    ready: bool = False
    attention: bool = False
    fault: bool = False


@dataclass(frozen=True, slots=True)
class PanelGpioOptions:
    """Which pins there are, by number (-1: none); `drawer_ms`, how long the drawer's magnet is driven; and those that
    work the other way round: `active_low` outputs and `active_high` contacts.
    """

    pins: Mapping[str, int]
    drawer_ms: int = 120
    active_low: tuple[str, ...] = ()
    active_high: tuple[str, ...] = ()

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> PanelGpioOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        shape = {name: pin() for name in NAMES} | {
            "drawer_ms": settings.whole(20, 500, default=120),
            "active_low": _names(OUTPUTS),
            "active_high": _names(tuple(PanelSignal)),
        }
        read = settings.read(table, settings.Table(shape))
        pins = {name: read.pop(name) for name in NAMES}
        return cls(
            {name: number for name, number in pins.items() if number >= 0},
            read["drawer_ms"],
            tuple(read["active_low"]),
            tuple(read["active_high"]),
        )


def _names(known: tuple[str, ...]) -> settings.Setting:
    words = ", ".join(known)
    return settings.Setting(
        lambda value: isinstance(value, list) and all(isinstance(one, str) and one in known for one in value),
        f"a list of names out of {words}",
        f"由 {words} 中的名称组成的列表",
        [],
    )


class PanelGpio:
    """Emits PanelChanged for each contact that changes; lights, beeps and opens as it is told, never keeping the till
    waiting: a beep or a drawer that would have to queue behind too many is left out.
    """

    def __init__(self, name: str, options: PanelGpioOptions, emit: Emit) -> None:
        self._name = name
        self._options = options
        self._emit = emit
        self._report = Report(name, emit)
        self._contacts: dict[PanelSignal, bool] = {}
        self._listened: dict[PanelSignal, Pin] = {}
        self._told: dict[PanelSignal, bool] = {}
        self._telling = threading.Lock()
        self._lamps: Newest[Lamps] = Newest()
        self._orders: queue.Queue[tuple[str, tuple[float, ...]]] = queue.Queue(QUEUE_MOST)
        self._thread = DeviceThread("panel", self._report, self._serve, RETRY_S)

    def light(self, lamps: Lamps) -> None:
        """Light these lamps and no others."""
        self._lamps.put(lamps)
        self._wake()

    def sound(self, name: str) -> None:
        """Beep: "success", "refused" or "attention"; another name is silent."""
        self._order("buzzer", BEEPS.get(name, ()))

    def open_drawer(self) -> bool:
        """Let the drawer at the relay spring open. False where there is none, or it cannot be reached now."""
        return self._order("drawer", (self._options.drawer_ms / 1000,))

    def start(self) -> None:
        """Begin; the pins may come later."""
        self._thread.start()

    def close(self) -> None:
        """Everything off, and end within a second; may be called again."""
        self._thread.closing.set()
        self._wake()
        self._thread.close()

    def _order(self, output: str, times_s: tuple[float, ...]) -> bool:
        if output not in self._options.pins or not times_s or self._report.status is not Status.READY:
            return False
        try:
            self._orders.put_nowait((output, times_s))
        except queue.Full:
            return False
        return True

    def _wake(self) -> None:
        """Have the thread look at the lamps now."""
        try:
            self._orders.put_nowait(("", ()))
        except queue.Full:
            return

    def _forget_orders(self) -> None:
        """Drop what was asked of pins that went: nobody expects a drawer to open, or a beep, when they are back."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._orders.get_nowait()
        self._wake()

    def _serve(self) -> None:
        pins = None
        try:
            pins = Pins()
            outputs = self._open(pins)
            self._forget_orders()
            self._lamps.again()
            self._report.say(Status.READY)
            self._obey(outputs)
        except PinsUnusable as error:
            error.tell(self._report)
        finally:
            if pins is not None:
                pins.close()

    def _open(self, pins: Pins) -> dict[str, Pin]:
        numbers = self._options.pins
        outputs = {
            name: pins.output(numbers[name], name in self._options.active_low) for name in OUTPUTS if name in numbers
        }
        for signal in PanelSignal:
            if signal in numbers:
                self._listen(pins, signal, numbers[signal])
        return outputs

    def _listen(self, pins: Pins, signal: PanelSignal, number: int) -> None:
        power = signal is PanelSignal.POWER_FAIL
        contact = pins.contact(number, None if power else BOUNCE_S, signal not in self._options.active_high)

        def activated() -> None:
            if power:
                time.sleep(SPIKE_S)
            # Pins that have gone meanwhile are the driver's own thread's to tell.
            with contextlib.suppress(PinsUnusable):
                self._changed(signal, contact.is_active)

        # gpiozero calls these from a thread of its own.
        contact.listen(activated, lambda: self._changed(signal, False))
        self._changed(signal, contact.is_active)
        self._listened[signal] = contact

    def _look(self) -> None:
        """Look whether every contact is as was heard: an edge that was lost is made good for, and pins that have gone
        are noticed. Raises PinsUnusable.
        """
        for signal, contact in self._listened.items():
            active = contact.is_active
            if active != self._contacts[signal] and not self._thread.closing.wait(BOUNCE_S):
                self._changed(signal, contact.is_active)

    def _changed(self, signal: PanelSignal, active: bool) -> None:
        with self._telling:
            self._contacts[signal] = active
        self._tell()

    def _tell(self) -> None:
        """Tell every contact that is not as it was told; one that found the mailbox full is told at the next look."""
        with self._telling:
            for signal, active in self._contacts.items():
                if self._told.get(signal, False) != active and self._emit(PanelChanged(self._name, signal, active)):
                    self._told[signal] = active

    def _obey(self, outputs: Mapping[str, Pin]) -> None:
        while not self._thread.closing.is_set():
            try:
                output, times_s = self._orders.get(timeout=IDLE_S)
            except queue.Empty:
                output, times_s = "", ()
                self._look()
            self._tell()
            lamps = self._lamps.take(0)
            if lamps is not None:
                for name in ("ready", "attention", "fault"):
                    if name in outputs:
                        outputs[name].drive(getattr(lamps, name))
            if output in outputs:
                self._play(outputs[output], times_s)

    def _play(self, output: Pin, times_s: tuple[float, ...]) -> None:
        for number, time_s in enumerate(times_s):
            output.drive(number % 2 == 0)
            if self._thread.closing.wait(time_s):
                break
        output.drive(False)
