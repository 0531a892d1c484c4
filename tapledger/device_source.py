"""Where ``tapledger devices`` learns how the devices are: from the running till, or by opening them itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.config import AgentConfig, DeviceConfig
from agent.device_view import DeviceState, read_view, view_path
from agent.drivers.facts import DeviceStatus, Emit, Fact, Status
from agent.drivers.table import close_together, open_driver
from contract.settings import SettingsError

AGENT_LOOK_S = 1.0
"""How often is looked whether the till has been started or stopped meanwhile."""


class Devices:
    """How every configured device is, whoever holds it. The till goes first: once it runs, nothing is held here."""

    def __init__(self, config: AgentConfig) -> None:
        self._config = config
        self._path = view_path(config.store)
        self._own: OwnDevices | None = None
        self._looked_s = float("-inf")
        self.live = False
        """Whether the till runs, and what is shown is its own word."""
        self.left_at_ms: int | None = None
        """When the till that was watched last wrote, where it has ended since."""

    def close(self) -> None:
        """Let go of whatever is held; may be called again."""
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def states(self) -> Mapping[str, DeviceState]:
        """How those devices are of which anything is known. Raises OSError where the till's word cannot be read."""
        if self._own is None or time.monotonic() - self._looked_s >= AGENT_LOOK_S:
            self._looked_s = time.monotonic()
            seen = read_view(self._path)
            if seen is not None and seen.live:
                self.close()
                self.live, self.left_at_ms = True, None
                return seen.devices
            if self.live and seen is not None:
                # What one has been watching is not suddenly opened by somebody else: the till may be restarting.
                self.left_at_ms = seen.at_ms
                return seen.devices
            if self._own is None:
                self._own = OwnDevices(self._config.devices)
        return self._own.states()


class OwnDevices:
    """Every configured device, opened here."""

    def __init__(self, devices: tuple[DeviceConfig, ...]) -> None:
        self._states: dict[str, DeviceState] = {}
        self._lock = threading.Lock()
        self._drivers: list[Any] = []
        for device in devices:
            driver = opened(device, self._hear)
            if driver is not None:
                self._drivers.append(driver)
                driver.start()

    def states(self) -> Mapping[str, DeviceState]:
        """How those are that have reported."""
        with self._lock:
            return dict(self._states)

    def close(self) -> None:
        """Let them go."""
        close_together(self._drivers)

    def _hear(self, fact: Fact) -> bool:
        if isinstance(fact, DeviceStatus):
            state = DeviceState(fact.status, fact.reason, fact.next_step, time.time_ns() // 1_000_000)
            with self._lock:
                self._states[fact.device] = state
        return True


def opened(device: DeviceConfig, emit: Emit) -> Any:
    """The driver of a device, not yet started; None for one that is switched off or set up wrongly, which is told."""
    if not device.enabled:
        emit(DeviceStatus(device.name, Status.DISABLED, "switched_off", "check_config"))
        return None
    try:
        return open_driver(device.capability, device.technology, device.name, device.options, emit)
    except SettingsError:
        emit(DeviceStatus(device.name, Status.CONFIG_ERROR, "wrong_options", "check_config"))
        return None


def till_runs(store: Path) -> bool:
    """Whether the till with that store runs and holds the devices."""
    seen = read_view(view_path(store))
    return seen is not None and seen.live
