"""How a device fails at its host: the same ways for every peer, switched on and off by hand or by a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Ways in which a device fails at its host."""

    SILENT = "silent"
    """It sends nothing at all, not even an acknowledgement."""
    NO_ANSWER = "no_answer"
    """It acknowledges a command and never answers it."""
    WRONG_CHECKSUM = "wrong_checksum"
    """The data checksum of its answer is wrong."""
    ERROR_FRAME = "error_frame"
    """It answers with the error frame of its protocol."""
    NAD_STATUS = "nad_status"
    """A PN532's status byte has bit 0x80 set, which only a card with a node address should bring about."""
    GARBAGE = "garbage"
    """Other bytes come instead of its answer."""
    HALF_FRAME = "half_frame"
    """Its answer breaks off in the middle."""
    SLOW_BYTES = "slow_bytes"
    """Its answer is right, and comes byte by byte with a gap between."""
    DELAYED = "delayed"
    """Its answer is right, and comes when nobody waits for it any more."""
    DISCONNECT = "disconnect"
    """The cable comes off after so many bytes of its answer."""


GARBAGE = bytes((byte * 89 + 41) & 0xFF for byte in range(40))
_LAST_BYTES_S = 0.02
"""So long the host has for the last bytes before the line hangs up: a hang-up throws away what was not read."""


@dataclass(frozen=True, slots=True)
class Met:
    """One occasion of a fault; `after_bytes` is for Fault.DISCONNECT."""

    fault: Fault
    after_bytes: int = 0


@dataclass(slots=True)
class _Failing:
    met: Met
    command: int | None
    times: int | None


class Faults:
    """The fault of one device, and what it does to bytes on their way to the host. For any thread."""

    def __init__(self, slow_byte_gap_s: float = 0.02, delay_s: float = 0.6) -> None:
        """Work well. `slow_byte_gap_s` is for Fault.SLOW_BYTES, `delay_s` for Fault.DELAYED."""
        self._slow_byte_gap_s = slow_byte_gap_s
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._failing: _Failing | None = None

    def fail(self, fault: Fault, times: int | None = None, command: int | None = None, after_bytes: int = 0) -> None:
        """Fail from now on: at the next `times` occasions (None: until `heal`), at any command or only at `command`."""
        with self._lock:
            self._failing = _Failing(Met(fault, after_bytes), command, times)

    def heal(self) -> None:
        """Work well again."""
        with self._lock:
            self._failing = None

    @property
    def failing(self) -> Fault | None:
        """The fault that the next fitting occasion will meet."""
        with self._lock:
            return None if self._failing is None else self._failing.met.fault

    def meet(self, command: int | None = None, immune: Callable[[Fault], bool] = lambda _fault: False) -> Met | None:
        """Take one occasion of the fault, if it is for this command; None also where `immune` says it cannot be."""
        with self._lock:
            failing = self._failing
            if failing is None or failing.command not in (None, command) or immune(failing.met.fault):
                return None
            if failing.times is not None:
                failing.times -= 1
                if failing.times <= 0:
                    self._failing = None
            return failing.met

    def send(
        self,
        frame: bytes,
        met: Met | None,
        write: Callable[[bytes], object],
        unplug: Callable[[], object],
        spoiled: Mapping[Fault, Callable[[bytes], bytes]] | None = None,
        closing: threading.Event | None = None,
    ) -> None:
        """Put a frame on the line by `write`, as the fault has it. `spoiled` says what a fault of the device's own
        protocol makes of a frame; `closing` cuts the gaps of slow bytes short.
        """
        pause = closing or threading.Event()
        if met is None:
            write(frame)
            return
        match met.fault:
            case Fault.SILENT | Fault.NO_ANSWER:
                return
            case Fault.GARBAGE:
                write(GARBAGE)
            case Fault.HALF_FRAME:
                write(frame[: len(frame) // 2])
            case Fault.DISCONNECT:
                write(frame[: met.after_bytes])
                pause.wait(_LAST_BYTES_S)
                unplug()
            case Fault.DELAYED:
                pause.wait(self._delay_s)
                write(frame)
            case Fault.SLOW_BYTES:
                for byte in frame:
                    write(bytes([byte]))
                    pause.wait(self._slow_byte_gap_s)
            case fault:
                write((spoiled or {}).get(fault, bytes)(frame))
