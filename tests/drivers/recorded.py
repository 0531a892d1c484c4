"""``python -m tests.drivers.recorded CAPABILITY PATH COUNT``: a driver at an input device, until it has told so many
codes or keys; prints them. Run beside umockdev, for which a process of its own is needed.
"""

from __future__ import annotations

import sys

from agent.drivers.facts import CodeScanned, KeyPressed, Status
from agent.drivers.table import open_driver
from tests.drivers.told import Told


def main() -> None:
    capability, path, count = sys.argv[1:]
    told = Told()
    driver = open_driver(capability, "evdev", capability, {"path": path}, told.emit)
    driver.start()
    told.next_status(Status.READY)
    for _ in range(int(count)):
        print(told.next(CodeScanned).data.hex() if capability == "code" else told.next(KeyPressed).key)
    driver.close()


if __name__ == "__main__":
    main()
