"""A device's own process that does nothing but grow: by so many MiB a beat, and idle or not, as its arguments say."""

from __future__ import annotations

import os
import sys

from agent.drivers.own_process import OwnProcess


def main(mebibytes: int, idle: bool) -> None:
    process = OwnProcess()
    process.begin()
    process.say({"t": "refused", "reason": "removed", "pid": os.getpid()})
    process.say({"t": "ready"})
    held = []
    while not process.closing.wait(0.02):
        held.append(b"x" * (mebibytes << 20))
        process.say({"t": "beat", "idle": idle})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "idle")
