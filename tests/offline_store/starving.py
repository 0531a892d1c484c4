"""A till whose log may not grow any further for a while: ``starving.py STORE`` prints what it met as JSON."""

import json
import resource
import sys
from pathlib import Path

from agent.offline_store.store import StoreError
from tests.offline_store.counter import identity, opened, sell


def main() -> None:
    path = Path(sys.argv[1])
    store = opened(path, identity())
    for _ in range(5):
        sell(store)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    full = path.with_name(f"{path.name}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, hard))
    refused = ""
    try:
        sell(store)
    except StoreError as error:
        refused = error.cause
    read = {
        "head": store.head().seq,
        "sales": store.totals().sales,
        "entry": store.entry(5).header.seq,
        "unprinted": [place.seq for place in store.unprinted()],
    }
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    after = sell(store).header.seq
    store.close()
    print(json.dumps({"refused": refused, "read_meanwhile": read, "after": after}))


if __name__ == "__main__":
    main()
