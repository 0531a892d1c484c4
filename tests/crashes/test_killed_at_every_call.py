"""The process is killed as it enters any call that writes or syncs, from the key that closes a sale to the mark that
its paper is out. Then it is started again.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tests.crashes.interruptions import come_back, sell_and_be_struck
from tests.crashes.promises import papers_tell_the_truth, read_books
from tests.crashes.strikes import kill
from tests.crashes.till_process import Till

MOST_CALLS = 60
"""No call is made so often in one sale."""


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "write", "sendto"])
def test_whichever_call_of_a_sale_it_is_killed_at_the_sale_is_whole_or_not_there_and_its_paper_comes(
    till: Till, call: str, tmp_path: Path
) -> None:
    till.start()
    sold = 0
    for nth in count(1):
        assert nth < MOST_CALLS
        till.sign_in()
        before = read_books(till.premises)
        if not sell_and_be_struck(till, tmp_path / f"{nth}.trace", kill(call, nth)):
            break
        sold += len(come_back(till, before).sales) - len(before.sales)
    last = read_books(till.premises)
    assert len(last.sales) == sold + 1
    papers_tell_the_truth(till.counter.printer.roll, last)
    # A sale is several pages of the log and one sync of it; then words go to the glass, bytes to the paper and the log.
    assert nth > {"pwrite64": 6, "fdatasync": 1, "write": 2, "sendto": 1}[call]
