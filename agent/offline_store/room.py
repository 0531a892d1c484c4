"""The reserve of the disk that no sale and no document may use."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.offline_store.faults import StoreCause, StoreError

RESERVE_BYTES = 32 * 1024 * 1024


def free_bytes(path: Path) -> int:
    """Return the room left on the file system of ``path``. Raises OSError."""
    found = os.statvfs(path.parent)
    return found.f_bavail * found.f_frsize


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the disk no sale and no document may use, so that a full terminal can still cancel, report and be
    brought home.
    """

    reserve_bytes: int = RESERVE_BYTES
    free_bytes: Callable[[Path], int] = free_bytes

    def free(self, path: Path) -> int:
        """Return the room left on the file system of ``path``, in bytes. Raises StoreError, IO."""
        try:
            return self.free_bytes(path)
        except OSError as error:
            raise StoreError(StoreCause.IO, f"{path}: {error.strerror}") from error
