"""A till that only sells, as a process of its own: ``selling.py STORE KEY SALES`` prints each sequence once durable."""

import sys
from pathlib import Path

from contract.signing import SoftwareSigner
from tests.offline_store.counter import identity, opened, sell


def main() -> None:
    path, key, sales = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    store = opened(path, identity(SoftwareSigner(key.read_bytes())))
    for _ in range(sales):
        print(sell(store).header.seq, flush=True)
    if sales == 0:
        while True:
            print(sell(store).header.seq, flush=True)


if __name__ == "__main__":
    main()
