"""The pins of the board, through gpiozero: who opens one gets it alone, and a failure is one of ours.

gpiozero numbers pins as the processor does ("BCM"); `pins` options of every driver mean those numbers. The library
chooses the way to them by itself (lgpio on a Raspberry Pi), and the variable GPIOZERO_PIN_FACTORY overrides it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from agent.drivers.facts import Status
from agent.drivers.report import Report
from agent.log import event
from contract import settings

_log = logging.getLogger(__name__)

LAST_PIN = 53
"""The highest number on any Raspberry Pi."""


class PinsUnusable(Exception):
    """The pins cannot be used; `reason` and `next_step` are what is told, `status` how the device stands."""

    def __init__(self, status: Status, reason: str, next_step: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.next_step = next_step

    def tell(self, report: Report) -> None:
        """Report it."""
        report.say(self.status, self.reason, self.next_step)


def pin(default: int | None = -1) -> settings.Setting:
    """The number of a pin; -1 is none. Without a default it must be given."""
    if default is None:
        return settings.whole(0, LAST_PIN)
    return settings.whole(-1, LAST_PIN, default=default)


class Pin:
    """One open pin. Whoever uses it after the board's pins have gone hears PinsUnusable.

    What the libraries below gpiozero raise then has no class in common (lgpio's own error is an Exception and no more),
    and nothing but the library is called here; so whatever it raises means that.
    """

    def __init__(self, device: Any) -> None:
        self._device = device

    @property
    def is_active(self) -> bool:
        """Whether it is active now. Raises PinsUnusable."""
        try:
            return bool(self._device.is_active)
        except Exception as error:
            raise _lost() from error

    def drive(self, active: bool) -> None:
        """Drive it. Raises PinsUnusable."""
        try:
            self._device.value = active
        except Exception as error:
            raise _lost() from error

    def on(self) -> None:
        """Make it active. Raises PinsUnusable."""
        self.drive(True)

    def off(self) -> None:
        """Make it inactive. Raises PinsUnusable."""
        self.drive(False)

    def listen(self, activated: Callable[[], None], deactivated: Callable[[], None] | None = None) -> None:
        """Have these called, by a thread of the library, when it becomes active, and when it no longer is."""
        self._device.when_activated = activated
        if deactivated is not None:
            self._device.when_deactivated = deactivated

    def close(self) -> None:
        """Let it go, as far as it is there."""
        try:
            self._device.close()
        except Exception as error:
            _log.info(event("pin_not_closed", error=type(error).__name__))


def _lost() -> PinsUnusable:
    return PinsUnusable(Status.GONE, "no_pins", "check_board")


class Pins:
    """Opens pins and closes all of them together."""

    def __init__(self) -> None:
        """Raises PinsUnusable where there is no way to any pin."""
        try:
            import gpiozero
        except ImportError as error:
            raise PinsUnusable(Status.CONFIG_ERROR, "library_missing", "install_library") from error
        self._library = gpiozero
        self._opened: list[Pin] = []
        try:
            if gpiozero.Device.pin_factory is None:
                gpiozero.Device.ensure_pin_factory()
        except Exception as error:
            # The library tries one way after the other and tells of the last in whatever class that has.
            raise PinsUnusable(Status.MISSING, "no_pins", "check_board") from error

    def output(self, number: int, active_low: bool = False) -> Pin:
        """A pin that is driven, inactive to begin with. Raises PinsUnusable."""
        return self._open(self._library.DigitalOutputDevice, number, active_high=not active_low)

    def contact(self, number: int, bounce_s: float | None, closes_to_ground: bool = True) -> Pin:
        """A pin that is listened to and pulled away from what makes it active. Raises PinsUnusable."""
        return self._open(self._library.DigitalInputDevice, number, pull_up=closes_to_ground, bounce_time=bounce_s)

    def close(self) -> None:
        """Let all go; may be called again."""
        for one in self._opened:
            one.close()
        self._opened.clear()

    def _open(self, kind: Any, number: int, **how: object) -> Pin:
        try:
            device = kind(number, **how)
        except self._library.PinInvalidPin as error:
            raise PinsUnusable(Status.CONFIG_ERROR, "wrong_pin", "check_config") from error
        except self._library.GPIOPinInUse as error:
            raise PinsUnusable(Status.CONFIG_ERROR, "pin_taken_twice", "check_config") from error
        except Exception as error:
            # A pin that somebody else holds is an error of the library below, of whatever class that has.
            raise PinsUnusable(Status.SELF_CHECK_FAILED, "pin_refused", "check_access") from error
        self._opened.append(Pin(device))
        return self._opened[-1]
