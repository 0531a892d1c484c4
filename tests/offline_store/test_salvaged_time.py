"""A store that is brought back begins with a time that can be believed, whatever single entries say."""

from pathlib import Path

import pytest

from agent.clock import Stamp
from agent.keys import new_transaction_id
from agent.offline_store.recovery import recover
from contract.bodies import CancelBody, EntryKind
from contract.journal import TimeQuality
from tests.offline_store.counter import NOON_MS, identity, opened

FAR_MS = 4_070_000_000_000
"""In the year 2098."""

FREE, SYNCHRONISED = TimeQuality.FREE_RUNNING, TimeQuality.SYNCHRONISED


@pytest.mark.parametrize(
    "said",
    [
        ((FAR_MS, FREE), (NOON_MS, SYNCHRONISED)),
        ((NOON_MS, SYNCHRONISED), (FAR_MS, FREE)),
        ((FAR_MS, SYNCHRONISED), (NOON_MS, SYNCHRONISED)),
    ],
    ids=["a crystal's once", "a crystal's last", "one taken back"],
)
def test_a_time_that_only_a_crystal_said_or_a_later_entry_took_back_does_not_become_the_tills(
    tmp_path: Path, said: tuple[tuple[int, TimeQuality], ...]
) -> None:
    who, path = identity(), tmp_path / "till.db"
    store = opened(path, who)
    for wall_ms, quality in said:
        at = Stamp(wall_ms, quality, bytes(16), 5)
        store.append(EntryKind.CANCEL, new_transaction_id(), at, CancelBody("1001", 1, 1))
    store.close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(bytes(3_996))
    recover(path, who, new_transaction_id(), Stamp(7, FREE, bytes(16), 7))
    store = opened(path, who)
    first = store.entry(1).header
    assert (first.wall_ms, first.time_quality) == (NOON_MS, TimeQuality.DOUBTFUL)
    assert store.believed_time_ms() == NOON_MS
    store.close()
