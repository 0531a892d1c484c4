"""A till that takes a document into force, as a process of its own: ``activating.py TERMINAL BLOB...`` activates each
signed document in turn and says its kind and version once the store has said that it is durable.
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent.clock import Stamp
from agent.keys import new_transaction_id
from agent.offline_store.store import Store
from contract.documents import open_document
from contract.journal import TimeQuality
from tests.crashes.premises import Premises


def main() -> None:
    premises = Premises(Path(sys.argv[1]))
    identity = premises.identity()
    store = Store(premises.store, identity)
    store.open()
    for blob in sys.argv[2:]:
        opened = open_document(Path(blob).read_bytes(), identity.hq_keys)
        stamp = Stamp(opened.document.issued_ms, TimeQuality.FREE_RUNNING, bytes(16), 0)
        store.activate(opened, new_transaction_id(), stamp)
        print(opened.document.kind, opened.document.version, flush=True)
    store.close()


if __name__ == "__main__":
    main()
