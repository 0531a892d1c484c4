"""``python -m tests.drivers.recorded CAPABILITY PATH COUNT``: a driver at an input device, until it has told so many
codes, keys or doings of a finger; prints them. Run beside umockdev, for which a process of its own is needed.
"""

from __future__ import annotations

import sys

from agent.drivers.facts import CodeScanned, KeyPressed, Status, Touched
from agent.drivers.table import open_driver
from tests.drivers.told import Told


def main() -> None:
    capability, path, count = sys.argv[1:]
    told = Told()
    # What is played has no times of its own: whatever is read together would be taken for chatter.
    options = {"path": path, "bounce_ms": 0} if capability == "touch" else {"path": path}
    driver = open_driver(capability, "evdev", capability, options, told.emit)
    driver.start()
    told.next_status(Status.READY)
    for _ in range(int(count)):
        print(_next(told, capability), flush=True)
    driver.close()


def _next(told: Told, capability: str) -> str:
    if capability == "code":
        return told.next(CodeScanned).data.hex()
    if capability == "keypad":
        return told.next(KeyPressed).key
    touched = told.next(Touched)
    return f"{touched.finger}:{touched.x_permyriad}:{touched.y_permyriad}"


if __name__ == "__main__":
    main()
