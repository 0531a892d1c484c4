"""``./dev vm-devices [ARG...]``: makes the image if it is not there, starts the machine, runs its tests with these
arguments for pytest, and ends with their exit status. Everything it did lies in a folder it names at the end.
"""

import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.vm.image import ImageError, cached, make
from tests.vm.machine import MachineError, run

TREE = Path(__file__).resolve().parents[2]
LIMIT_S = 540
TELL_S = 10


def main() -> int:
    """The command; returns its exit status."""
    folder = Path(tempfile.mkdtemp(prefix="tapledger-vm-"))
    results = folder / "results"
    results.mkdir()
    (results / "arguments").write_text(shlex.join(sys.argv[1:]) + "\n")
    image = cached()
    try:
        if not image.is_made():
            with _telling("making the image, once (some minutes)"):
                make(image)
        with _telling("the virtual machine") as told:
            status = run(image, TREE, results, folder / "console", LIMIT_S, told)
    except (ImageError, MachineError) as error:
        print(f"vm-devices: {error}", file=sys.stderr)
        return 1
    print(f"vm-devices: exit status {status}; console and pictures are in {folder}")
    return status


@contextmanager
def _telling(what: str) -> Iterator[Callable[[str], None]]:
    """Say that ``what`` goes on, and for how long already, until it is done; lines given are said as they come."""
    begun = time.monotonic()
    over = threading.Event()

    def tell() -> None:
        while not over.wait(TELL_S):
            print(f"... {what}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

    print(f"... {what}", file=sys.stderr, flush=True)
    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield lambda line: print(f"    {line}", flush=True)
    finally:
        over.set()
        teller.join()


if __name__ == "__main__":
    sys.exit(main())
