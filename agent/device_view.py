"""How the devices are, for somebody beside the till: one small file that the running agent keeps and others read.

The file is one line: CRC-32 of the rest in 8 hexadecimal figures, a blank, and JSON {"at": when the agent last wrote
it, "devices": {NAME: {"status", "reason", "next_step", "since"}}}, times in milliseconds since 1970. It is written only
when a status changes, so that no memory card wears out by it; that the agent lives is told by a lock it holds on the
file (fcntl(2), open file description locks), which goes with the process, and which a reader can ask about without
taking it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import struct
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from agent.drivers.facts import DeviceStatus, Emit, Fact, Status
from agent.log import event
from contract.making import dataclass

_MOST_BYTES = 16_384
_FLOCK = "hhqqi4x"
"""struct flock of a 64-bit Linux: type, whence, start, length, process."""
_LATEST_MS = 2**53
_READ_AGAIN = 5
_READ_AGAIN_S = 0.02
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How a device is, and since when (milliseconds since 1970)."""

    status: Status
    reason: str
    next_step: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class DeviceStates:
    """What the agent last wrote, and when; `live`: it runs and holds the devices."""

    live: bool
    at_ms: int
    devices: Mapping[str, DeviceState]


def view_path(store: Path) -> Path:
    """Where the agent with that store keeps the file."""
    return store.with_name(f"{store.name}.devices")


class DeviceView:
    """Keeps the file between `start` and `close`, in a thread of its own: no driver and no sale waits for a disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._states: dict[str, DeviceState] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="device view", daemon=True)

    def start(self) -> None:
        """Begin; a file that cannot be written is logged, and costs nothing else."""
        self._thread.start()

    def close(self) -> None:
        """Let the file go; it stays, as what was last known."""
        self._closing = True
        self._changed.set()
        if self._thread.ident is not None:
            self._thread.join(1.0)

    def passing(self, emit: Emit) -> Emit:
        """An `emit` that also notes how devices are."""

        def noting(fact: Fact) -> bool:
            taken = emit(fact)
            if taken and isinstance(fact, DeviceStatus):
                self._note(fact)
            return taken

        return noting

    def _note(self, told: DeviceStatus) -> None:
        with self._lock:
            self._states[told.device] = DeviceState(told.status, told.reason, told.next_step, _now_ms())
        self._changed.set()

    def _run(self) -> None:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            _log.warning(event("device_view_not_kept", error=error.strerror))
            return
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            self._write(fd)
            while not self._closing:
                self._changed.wait()
                self._changed.clear()
                self._write(fd)
        except OSError as error:
            _log.warning(event("device_view_not_kept", error=error.strerror))
        finally:
            os.close(fd)

    def _write(self, fd: int) -> None:
        with self._lock:
            states = dict(self._states)
        said = {
            name: {"status": one.status, "reason": one.reason, "next_step": one.next_step, "since": one.since_ms}
            for name, one in sorted(states.items())
        }
        line = _line({"at": _now_ms(), "devices": said})
        os.pwrite(fd, line, 0)
        os.ftruncate(fd, len(line))


def read_view(path: Path) -> DeviceStates | None:
    """What the agent keeps at `path`; None where there is nothing that can be read.

    A file that is being written just now is read again. Raises OSError where it is there and may not be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        live = _is_held(fd)
        for _attempt in range(_READ_AGAIN):
            found = states_of(os.pread(fd, _MOST_BYTES, 0), live)
            if found is not None:
                return found
            time.sleep(_READ_AGAIN_S)
        return DeviceStates(True, _now_ms(), {}) if live else None
    finally:
        os.close(fd)


def _is_held(fd: int) -> bool:
    asked = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    return bool(struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK)


def _line(said: object) -> bytes:
    text = json.dumps(said, separators=(",", ":")).encode()
    return b"%08x " % zlib.crc32(text) + text + b"\n"


def states_of(line: bytes, live: bool) -> DeviceStates | None:
    """What the file says, held by a running agent if `live`; None where it is not wholly what an agent wrote."""
    crc, _blank, text = line.rstrip(b"\n").partition(b" ")
    if crc != b"%08x" % zlib.crc32(text):
        return None
    try:
        match json.loads(text):
            case {"at": at, "devices": dict(devices)}:
                return DeviceStates(live, _moment_ms(at), {_word(name): _state(said) for name, said in devices.items()})
    except (ValueError, RecursionError):
        pass
    return None


def _state(said: object) -> DeviceState:
    match said:
        case {"status": str(status), "reason": reason, "next_step": next_step, "since": since}:
            return DeviceState(Status(status), _word(reason), _word(next_step), _moment_ms(since))
    raise ValueError("no state of a device")


def _word(said: object) -> str:
    """A name or code, which is put on a terminal."""
    if isinstance(said, str) and said.isprintable():
        return said
    raise ValueError("no word")


def _moment_ms(said: object) -> int:
    if type(said) is int and 0 <= said <= _LATEST_MS:
        return said
    raise ValueError("no moment")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
