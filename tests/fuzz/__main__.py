"""``./dev fuzz``: a coverage-guided fuzzer (atheris) at every door in turn, each for an equal part of the time.

Each door runs in a process of its own. What makes one fail is kept in ``.fuzz/`` and named at the end; the same command
with ``--door NAME --input FILE`` shows it again. What is learned of a door is kept there too, so a longer run goes on
where the last one ended.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

KEPT = Path(".fuzz")
MEMORY = Path("/dev/shm")
LEAST_S = 2
MOST_BYTES = 4_096


def main() -> int:
    """Fuzz, and say what was found; the exit status is 1 where anything was."""
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, metavar="N", help="how long in all (default: %(default)s)")
    parser.add_argument("--door", metavar="NAME", help="this door only")
    parser.add_argument("--input", type=Path, metavar="FILE", help="try this file at --door once, without the fuzzer")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    from tests.fuzz.doors import doors

    names = list(doors())
    if arguments.door is not None and arguments.door not in names:
        parser.error(f"there is no door {arguments.door!r}; there are: {', '.join(names)}")
    if arguments.child:
        _fuzz(arguments.door, arguments.seconds)
    if arguments.input is not None:
        return _try_once(parser, arguments.door, arguments.input)
    return _all([arguments.door] if arguments.door else names, arguments.seconds)


def _all(names: list[str], seconds: int) -> int:
    each_s = max(LEAST_S, seconds // len(names))
    failed = []
    for number, name in enumerate(names, start=1):
        began = time.monotonic()
        command = [sys.executable, "-m", "tests.fuzz", "--child", "--door", name, "--seconds", str(each_s)]
        # The fuzzer ends its process without tidying up; what it lays down lies in memory, and goes with this.
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            surroundings = os.environ | {"TMPDIR": folder}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)
        runs = next((line for line in reversed(done.stderr.splitlines()) if "Done" in line), "")
        said = "holds" if done.returncode == 0 else "FAILED"
        print(f"[{number}/{len(names)}] {name}: {said}, {time.monotonic() - began:.0f} s. {runs}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stderr[-4_000:], file=sys.stderr)
    print(f"doors {len(names)}, failed {len(failed)}")
    return 1 if failed else 0


def _try_once(parser: argparse.ArgumentParser, name: str | None, path: Path) -> int:
    from tests.fuzz.doors import doors

    if name is None:
        parser.error("--input needs --door")
    door = doors()[name]
    try:
        door.take(path.read_bytes())
    except door.refusals as error:
        print(f"refused: {error}")
    else:
        print("taken")
    return 0


def _fuzz(name: str, seconds: int) -> None:
    """Run the fuzzer at one door; it ends the process itself."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["contract", "agent", "hq", "rules"]):
        from tests.fuzz.doors import doors
    # What is refused is logged, at each of some thousands of inputs a second.
    logging.disable()
    door = doors()[name]
    corpus = KEPT / name.replace(" ", "_")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(door.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)

    def one(data: bytes) -> None:
        try:
            door.take(data)
        except door.refusals:
            return

    options = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", f"-artifact_prefix={corpus}/", "-timeout=20"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
