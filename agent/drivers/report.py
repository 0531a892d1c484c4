"""Tells the till how one device is doing, once for each change."""

from __future__ import annotations

import errno

from agent.drivers.facts import DeviceStatus, Emit, Status

_IN_USE = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)


class Report:
    """The last thing told about a device. Not for two threads at once."""

    def __init__(self, device: str, emit: Emit) -> None:
        self._device = device
        self._emit = emit
        self._told: DeviceStatus | None = None
        self._wanted: DeviceStatus | None = None

    @property
    def status(self) -> Status | None:
        """What the till knows, or None before the first report."""
        return self._told.status if self._told else None

    def say(self, status: Status, reason: str = "", next_step: str = "") -> None:
        """Tell the till unless it knows. A report that found the mailbox full is left to `again`."""
        self._wanted = DeviceStatus(self._device, status, reason, next_step)
        self.again()

    def again(self) -> bool:
        """Tell what the mailbox had no room for, if there is anything; whether the till knows now."""
        if self._wanted is not None and self._wanted != self._told and self._emit(self._wanted):
            self._told = self._wanted
        return self._wanted == self._told

    def say_lost(self) -> None:
        """Tell that the device is not there: gone if it once was, missing if it never was."""
        if self._told is None or self._told.status is Status.MISSING:
            self.say(Status.MISSING, "not_found", "check_cable")
        else:
            self.say(Status.GONE, "unplugged", "check_cable")

    def say_refused(self, error: OSError) -> None:
        """Tell why a device could not be opened, by the kernel's word for it."""
        if isinstance(error, PermissionError):
            self.say(Status.CONFIG_ERROR, "no_permission", "check_access")
        elif error.errno in _IN_USE:
            self.say(Status.SELF_CHECK_FAILED, "in_use", "close_other_program")
        else:
            self.say_lost()
