"""What tests of head office use: one on a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hq.tills import HeadOffice, head_office


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[HeadOffice]:
    with head_office(tmp_path) as office:
        yield office
