"""A file system that never says what its one file is, as a process of its own: ``stuck_fs.py MOUNT RELEASED``.

Whoever asks for ``MOUNT/device`` waits in the kernel, and once this process has read the question no signal ends that
wait, SIGKILL neither (Documentation/filesystems/fuse.rst, "Interrupting filesystem operations"): it is in state D of
proc(5), as a process is before a driver of the kernel whose device does not answer. The answer comes when there is a
file RELEASED.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import mfusepy


class Doors:
    """What the kernel asks of it (libfuse's operations): one folder, and what is in it remains a question."""

    use_ns = True

    def __init__(self, released: Path) -> None:
        self._released = released

    def getattr(self, path: str, _handle: int | None = None) -> Mapping[str, int]:
        """What something is: the folder at once, anything else is not there, and that is said late."""
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2, "st_uid": os.getuid()}
        while not self._released.exists():
            time.sleep(0.01)
        raise OSError(errno.ENOENT, path)


if __name__ == "__main__":
    mfusepy.FUSE(Doors(Path(sys.argv[2])), sys.argv[1], foreground=True, fsname="stuck")
