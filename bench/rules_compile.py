"""A pack of 10,000 rules arriving at a terminal: reading, compiling, its size, and the memory it takes.

The limits stand in the same run: reading beside a bare decoding of the same CBOR by the library, compiling beside
reading, memory beside the size of the pack on the wire.
"""

import sys
import time
import tracemalloc

import cbor2

from bench._figures import asked_samples, beside, median, say_step
from bench._rule_packs import pack_of
from rules.engine.compiled import compile_pack
from rules.pack import read_pack, write_pack

RULES = 10_000
MOST_TIMES_DECODING = 60.0
MOST_TIMES_READING = 2.0
MOST_TIMES_SIZE = 60.0


def main() -> int:
    """Measure and print; status 1 where a limit is not met."""
    samples = asked_samples(__doc__ or "", 3)
    say_step(f"a pack of {RULES} rules")
    content = write_pack(pack_of(RULES))
    decoding, reading, compiling = [], [], []
    for _sample in range(samples):
        decoding.append(_since(time.perf_counter(), cbor2.loads(content)))
        start = time.perf_counter()
        pack = read_pack(content)
        reading.append(time.perf_counter() - start)
        start = time.perf_counter()
        compiled = compile_pack(pack)
        compiling.append(time.perf_counter() - start)
    index = len(compiled.index_bytes())
    say_step("once more, counting memory")
    tracemalloc.start()
    kept = compile_pack(read_pack(content))
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{len(kept.rules)} rules: {len(content) / 1e6:.2f} MB on the wire, index {index / 1e6:.2f} MB")
    print(f"read {median(reading) * 1e3:.0f} ms, compiled {median(compiling) * 1e3:.0f} ms")
    print(f"memory {held / 1e6:.1f} MB held, {most / 1e6:.1f} MB at most while reading and compiling")
    figures = (
        ("reading and checking", median(reading) / median(decoding), MOST_TIMES_DECODING, "times bare decoding"),
        ("compiling", median(compiling) / median(reading), MOST_TIMES_READING, "times reading"),
        ("memory held", held / len(content), MOST_TIMES_SIZE, "times the size on the wire"),
    )
    for what, figure, limit, unit in figures:
        beside(what, figure, limit, unit, "at most")
    return 1 if any(figure > limit for _what, figure, limit, _unit in figures) else 0


def _since(start: float, _done: object) -> float:
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
