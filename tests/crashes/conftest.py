"""A till that may be killed, a counter that outlives it, and the disk image it starts from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crashes.premises import Premises, bear
from tests.crashes.till_process import Counter, Till


@pytest.fixture(scope="session")
def born(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """A terminal's disk before its first sale; to be copied."""
    return bear(tmp_path_factory.mktemp("born"))


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    """A counter with nobody at it."""
    counter = Counter(tmp_path)
    counter.start()
    yield counter
    counter.close()


@pytest.fixture
def till(tmp_path: Path, born: Premises, counter: Counter) -> Iterator[Till]:
    """A till that has not been started."""
    premises = born.copied(tmp_path / "a1")
    premises.write_config(counter.device_table())
    till = Till(premises, counter)
    yield till
    till.end()
