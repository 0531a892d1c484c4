"""A small colour screen on the board's SPI lines, through luma.lcd, which sends only the parts that changed.

The library wants its pins by the interface of RPi.GPIO, which newer boards no longer have; they are given to it through
gpiozero, as all pins of this program.
"""

from __future__ import annotations

import atexit
import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from agent.drivers.display import Display, fitted
from agent.drivers.facts import Emit, Status
from agent.drivers.pins import Pins, PinsUnusable, pin
from agent.drivers.report import Report
from contract import settings

if TYPE_CHECKING:
    from PIL.Image import Image

Controller = Literal["ili9341", "ili9486", "ili9488"]
SIZES: dict[str, tuple[int, int, int]] = {
    "ili9341": (320, 240, 0),
    "ili9486": (320, 480, 1),
    "ili9488": (480, 320, 0),
}
"""Width and height of a controller's screen as the library knows it, and by how many quarters that is turned to lie."""

SPEEDS_MHZ = (4, 8, 16, 20, 24, 28, 32, 36, 40, 44, 48, 50, 52)
RESET_S, RELEASE_S = 0.02, 0.15
"""For so long the reset line is held, and so long the controller starts (ILI9486 data sheet, 13.2: 120 ms)."""

Line = Callable[[Any], tuple[Any, Any]]
"""Gives a way to write bytes, as spidev's, and a way to drive pins, as RPi.GPIO's, from pins."""


@dataclass(frozen=True, slots=True)
class DisplayLumaOptions:
    """Which `controller` the screen has, on which SPI `bus` and chip select `select`, at what `mhz`; the numbers of its
    pins `dc`, `reset` and `light` (-1: none); how often it is turned by a quarter (`rotate`), and whether blue and red
    change places (`bgr`).
    """

    controller: Controller
    bus: int = 0
    select: int = 0
    mhz: int = 32
    dc: int = 24
    reset: int = 25
    light: int = -1
    rotate: int = 0
    bgr: bool = False

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> DisplayLumaOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        shape = {
            "controller": settings.choice(tuple(SIZES)),
            "bus": settings.whole(0, 6, default=0),
            "select": settings.whole(0, 2, default=0),
            "mhz": settings.Setting(
                lambda value: value in SPEEDS_MHZ,
                f"one of {', '.join(map(str, SPEEDS_MHZ))}",
                f"{'、'.join(map(str, SPEEDS_MHZ))} 之一",
                32,
            ),
            "dc": pin(24),
            "reset": pin(25),
            "light": pin(),
            "rotate": settings.whole(0, 3, default=0),
            "bgr": settings.flag(False),
        }
        return cls(**settings.read(table, settings.Table(shape)))


class DisplayLuma(Display):
    """Shows the newest picture, as large as the screen lets it be."""

    def __init__(self, name: str, options: DisplayLumaOptions, emit: Emit, line: Line | None = None) -> None:
        report = Report(name, emit)
        super().__init__(f"luma {options.controller}", report, lambda: _opened(options, report, line or _kernels_line))


class LumaScreen:
    """An open screen. luma compares each picture with the one before, in 16 fields."""

    def __init__(self, device: Any, pins: Pins) -> None:
        self._device = device
        self._pins = pins

    def draw(self, image: Image) -> None:
        """Send what changed. Raises OSError where the line to the screen is gone, or the pins beside it."""
        try:
            self._device.display(fitted(image, self._device.width, self._device.height))
        except PinsUnusable as error:
            raise _pins_gone() from error

    def close(self) -> None:
        """Dark, and the pins free. Raises OSError as `draw` does."""
        try:
            self._device.cleanup()
        except PinsUnusable as error:
            raise _pins_gone() from error
        finally:
            self._pins.close()


def _pins_gone() -> OSError:
    return OSError(errno.ENODEV, "the pins have gone")


def _opened(options: DisplayLumaOptions, report: Report, line: Line) -> LumaScreen | None:
    pins = None
    try:
        from luma.core.error import Error
        from luma.core.framebuffer import diff_to_previous
        from luma.core.interface.serial import spi
        from luma.lcd import device as devices

        pins = Pins()
        spidev, gpio = line(pins)
    except ImportError:
        report.say(Status.CONFIG_ERROR, "library_missing", "install_library")
    except PinsUnusable as error:
        error.tell(report)
    else:
        try:
            serial = spi(
                spi=spidev,
                gpio=gpio,
                port=options.bus,
                device=options.select,
                bus_speed_hz=options.mhz * 1_000_000,
                gpio_DC=options.dc,
                gpio_RST=options.reset if options.reset >= 0 else None,
                reset_hold_time=RESET_S,
                reset_release_time=RELEASE_S,
            )
            width, height, lying = SIZES[options.controller]
            screen = getattr(devices, options.controller)(
                serial,
                width=width,
                height=height,
                rotate=(options.rotate + lying) % 4,
                bgr=options.bgr,
                framebuffer=diff_to_previous(num_segments=16),
                gpio=gpio,
                gpio_LIGHT=options.light if options.light >= 0 else None,
                active_low=False,
            )
            return LumaScreen(screen, pins)
        except PinsUnusable as error:
            error.tell(report)
        except (Error, OSError) as error:
            report.say_refused(error if isinstance(error, OSError) else FileNotFoundError())
        finally:
            atexit.unregister(_LumasHook())
    if pins is not None:
        pins.close()
    return None


class _LumasHook:
    """Equals what luma leaves behind for the end of the program with every screen it makes, also with one that could
    not be opened. That would hold some 300 kB of pictures for each, for ever; our screens are closed by their driver.
    """

    def __eq__(self, other: object) -> bool:
        return getattr(other, "__module__", "") == "luma.core.device"

    def __hash__(self) -> int:
        return 0

    def __call__(self) -> None:
        """Nothing; that it could be called is what makes it a hook."""


def _kernels_line(pins: Pins) -> tuple[Any, Any]:
    import spidev

    return spidev.SpiDev(), PinsAsRpiGpio(pins)


class PinsAsRpiGpio:
    """The few calls of RPi.GPIO that luma makes, on pins of ours."""

    LOW, HIGH, OUT = 0, 1, 0

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._outputs: dict[int, Any] = {}

    def setup(self, number: int | None, _direction: int) -> None:
        """Take a pin for output; None is none. Raises PinsUnusable."""
        if number is not None and number not in self._outputs:
            self._outputs[number] = self._pins.output(number)

    def output(self, number: int | None, level: int) -> None:
        """Drive it."""
        if number is not None:
            self._outputs[number].drive(bool(level))

    def cleanup(self, _numbers: object = None) -> None:
        """The pins are let go with the screen."""
