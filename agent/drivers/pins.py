"""The pins of the board, through gpiozero: who opens one gets it alone, and a failure is one of ours.

gpiozero numbers pins as the processor does ("BCM"); `pins` options of every driver mean those numbers. The library
chooses the way to them by itself (lgpio on a Raspberry Pi), and the variable GPIOZERO_PIN_FACTORY overrides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.drivers.facts import Status
from agent.drivers.report import Report
from contract import settings

if TYPE_CHECKING:
    import gpiozero

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


class Pins:
    """Opens pins and closes all of them together."""

    def __init__(self) -> None:
        """Raises PinsUnusable where there is no way to any pin."""
        try:
            import gpiozero
        except ImportError as error:
            raise PinsUnusable(Status.CONFIG_ERROR, "library_missing", "install_library") from error
        self._library = gpiozero
        self._opened: list[gpiozero.GPIODevice] = []
        try:
            if gpiozero.Device.pin_factory is None:
                gpiozero.Device.ensure_pin_factory()
        except Exception as error:
            # The library tries one way after the other and tells of the last in whatever class that has.
            raise PinsUnusable(Status.MISSING, "no_pins", "check_board") from error

    def output(self, number: int, active_low: bool = False) -> Any:
        """A pin that is driven, inactive to begin with. Raises PinsUnusable."""
        return self._open(self._library.DigitalOutputDevice, number, active_high=not active_low)

    def contact(self, number: int, bounce_s: float | None, closes_to_ground: bool = True) -> Any:
        """A pin that is listened to and pulled away from what makes it active. Raises PinsUnusable."""
        return self._open(self._library.DigitalInputDevice, number, pull_up=closes_to_ground, bounce_time=bounce_s)

    def close(self) -> None:
        """Let all go; may be called again."""
        for device in self._opened:
            device.close()
        self._opened.clear()

    def _open(self, kind: Any, number: int, **how: object) -> Any:
        try:
            device = kind(number, **how)
        except self._library.PinInvalidPin as error:
            raise PinsUnusable(Status.CONFIG_ERROR, "wrong_pin", "check_config") from error
        except self._library.GPIOPinInUse as error:
            raise PinsUnusable(Status.CONFIG_ERROR, "pin_taken_twice", "check_config") from error
        except (self._library.GPIOZeroError, OSError) as error:
            # lgpio's own error is an OSError in nothing but its parents.
            raise PinsUnusable(Status.SELF_CHECK_FAILED, "pin_refused", "check_access") from error
        self._opened.append(device)
        return device
