"""The reserve of the disk that no sale and no document may use."""

import os
import time
from collections.abc import Callable
from dataclasses import field
from pathlib import Path

from agent.offline_store.faults import StoreCause, StoreError
from contract.making import dataclass

RESERVE_BYTES = 32 * 1024 * 1024

PLENTY_BYTES = 16 * RESERVE_BYTES
"""With so much free the disk does not become full within ``ASKED_AGAIN_S``."""
ASKED_AGAIN_S = 1.0
"""So long what was plenty counts as plenty."""


def free_bytes(path: Path) -> int:
    """Return the room left on the file system of ``path``. Raises OSError."""
    found = os.statvfs(path.parent)
    return found.f_bavail * found.f_frsize


class LatelyFree:
    """The room left on the file system of one path, as ``ask`` tells it: asked anew each time where there is little,
    and else once in ``ASKED_AGAIN_S`` of ``clock`` (seconds), so that whoever sells fast does not ask for every sale.
    """

    def __init__(self, ask: Callable[[Path], int] = free_bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._free = 0
        self._until_s = 0.0

    def __call__(self, path: Path) -> int:
        """Return the room left, in bytes. Raises OSError."""
        now_s = self._clock()
        if now_s >= self._until_s:
            self._free = self._ask(path)
            self._until_s = now_s + ASKED_AGAIN_S if self._free >= PLENTY_BYTES else now_s
        return self._free


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the disk no sale and no document may use, so that a full terminal can still cancel, report and be
    brought home.
    """

    reserve_bytes: int = RESERVE_BYTES
    free_bytes: Callable[[Path], int] = field(default_factory=LatelyFree)

    def free(self, path: Path) -> int:
        """Return the room left on the file system of ``path``, in bytes. Raises StoreError, IO."""
        try:
            return self.free_bytes(path)
        except OSError as error:
            raise StoreError(StoreCause.IO, f"{path}: {error.strerror}") from error
