"""A device's own process that is ready, tells who it is, and asks the kernel for a file: that may take for ever."""

from __future__ import annotations

import contextlib
import os
import sys

from agent.drivers.own_process import OwnProcess


def main(path: str) -> None:
    process = OwnProcess()
    process.begin()
    process.say({"t": "ready"})
    process.say({"t": "refused", "reason": "removed", "pid": os.getpid()})
    with contextlib.suppress(OSError):
        os.stat(path)
    while not process.closing.wait(0.05):
        process.beat(idle=True)


if __name__ == "__main__":
    main(sys.argv[1])
