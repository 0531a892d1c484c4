"""Which driver serves which device: an explicit table, imported on use.

A terminal without libnfc or without a printer library starts all the same: a driver's module is imported when the
configuration names it, and its device library when the device is first opened. No code ever comes from elsewhere.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

from agent.drivers.facts import Emit
from contract import settings

DRIVERS: dict[tuple[str, str], str] = {
    ("card", "libnfc"): "agent.drivers.card_libnfc:CardLibnfc",
    ("card", "pcsc"): "agent.drivers.card_pcsc:CardPcsc",
    ("code", "serial"): "agent.drivers.code_serial:CodeSerial",
    ("code", "evdev"): "agent.drivers.code_evdev:CodeEvdev",
    ("keypad", "serial"): "agent.drivers.keypad_serial:KeypadSerial",
    ("keypad", "evdev"): "agent.drivers.keypad_evdev:KeypadEvdev",
    ("keypad", "gpio"): "agent.drivers.keypad_gpio:KeypadGpio",
    ("touch", "evdev"): "agent.drivers.touch_evdev:TouchEvdev",
    ("printer", "escpos"): "agent.drivers.printer_escpos:PrinterEscpos",
    ("pole", "serial"): "agent.drivers.pole_serial:PoleSerial",
    ("panel", "gpio"): "agent.drivers.panel_gpio:PanelGpio",
    ("glass", "socket"): "agent.drivers.glass_socket:GlassSocket",
    ("glass", "luma"): "agent.drivers.display_luma:DisplayLuma",
    ("glass", "framebuffer"): "agent.drivers.display_framebuffer:DisplayFramebuffer",
}
"""(capability, technology) to "module:Class". Beside the class stands "ClassOptions" with its `from_table`."""


class Driver(Protocol):
    """What every driver can do."""

    def start(self) -> None:
        """Begin; the device may come later."""

    def close(self) -> None:
        """End within a second; may be called again."""


def open_driver(capability: str, technology: str, name: str, options: Mapping[str, object], emit: Emit) -> Driver:
    """Make the driver of a device, not yet started.

    `name` is the device's name in the configuration and `options` its table without the key `technology`. Raises
    SettingsError when there is no such driver or the options are wrong.
    """
    checked = check_options(capability, technology, options)
    return cast(Driver, _lookup(capability, technology)(name, checked, emit))


def close_together(drivers: Iterable[Driver]) -> None:
    """Close drivers side by side, so that several whose devices hang take no longer than one."""
    closing = [threading.Thread(target=driver.close, daemon=True) for driver in drivers]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join()


def check_options(capability: str, technology: str, options: Mapping[str, object]) -> object:
    """The checked options of a device. Raises SettingsError that names every mistake."""
    return _lookup(capability, technology, "Options").from_table(dict(options))


def technologies(capability: str) -> tuple[str, ...]:
    """The technologies by which a capability can be served; empty when there is no such capability."""
    return tuple(known for of, known in DRIVERS if of == capability)


def _lookup(capability: str, technology: str, suffix: str = "") -> Any:
    try:
        module, _, name = DRIVERS[capability, technology].partition(":")
    except KeyError:
        raise settings.SettingsError((_no_driver(capability, technology),)) from None
    return getattr(importlib.import_module(module), name + suffix)


def _no_driver(capability: str, technology: str) -> settings.Problem:
    known = ", ".join(technologies(capability))
    return settings.Problem(
        "technology",
        f'there is no driver "{technology}" for "{capability}"',
        f"“{capability}” 没有名为 “{technology}” 的驱动",
        f"Known are {known}." if known else f'"{capability}" is no kind of device.',
        f"可用的有 {known}。" if known else f"没有 “{capability}” 这种设备。",
    )
