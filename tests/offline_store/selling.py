"""A till that only sells, as a process of its own: ``selling.py STORE KEY SALES`` prints each sequence once durable.

With 0 sales it sells until it is killed. Each paper comes out and each entry is acknowledged at once.
"""

import itertools
import sys
from pathlib import Path

from contract.signing import SoftwareSigner
from tests.offline_store.counter import identity, opened, sell


def main() -> None:
    path, key, sales = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    store = opened(path, identity(SoftwareSigner(key.read_bytes())))
    for _ in range(sales) if sales else itertools.count():
        entry = sell(store)
        print(entry.header.seq, flush=True)
        store.mark_printed(entry.header.seq)
        store.advance(entry.header.seq, entry.digest, entry.header.wall_ms + entry.header.seq)


if __name__ == "__main__":
    main()
