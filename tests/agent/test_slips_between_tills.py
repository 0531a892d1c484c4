"""Two tills with stores of their own and no network: value topped up at one is carried on paper to the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.txn.state import SlipTaken
from tests.agent.real_till import RealTill, real_till
from tests.contract.samples import ADDRESS, NEIGHBOUR
from tests.txn.purse import new_signer


@pytest.fixture
def tills(tmp_path: Path) -> Iterator[tuple[RealTill, RealTill]]:
    here, there = new_signer(), new_signer()
    found = (
        real_till(tmp_path / "a1", ADDRESS, here, (NEIGHBOUR, there)),
        real_till(tmp_path / "b1", NEIGHBOUR, there, (ADDRESS, here)),
    )
    yield found
    for one in found:
        one.store.close()


@pytest.mark.row("H11")
def test_cash_is_spendable_at_once_and_a_slip_moves_it_to_the_one_till_it_names(
    tills: tuple[RealTill, RealTill],
) -> None:
    a1, b1 = tills
    a1.tap()
    a1.keys("100", "topup", "cash")
    assert a1.left == 10_000
    a1.tap()
    a1.keys("10", "enter", "stored")
    assert a1.left == 9_000

    code = a1.slip("60")
    assert (a1.left, b1.left) == (3_000, 0)

    b1.scan(code)
    assert isinstance(b1.state.notice, SlipTaken) and (b1.state.notice.amount_minor, b1.left) == (6_000, 6_000)
    b1.scan(code)
    assert (b1.refused, b1.left) == ("slip_taken", 6_000)
    a1.scan(code)
    assert (a1.refused, a1.left) == ("slip_not_ours", 3_000)

    # Each spends what lies with it, to the last fen, and not one more.
    for one in tills:
        one.tap()
        one.keys("100", "enter", "stored", "cash")
        assert one.left == 0
        one.tap()
        one.keys("1", "enter", "stored")
        assert one.refused == "value_none"
        one.keys("cancel")
    spent = [draw.whole for one in tills for draw in one.draws()]
    assert sorted(spent) == [1_000, 3_000, 6_000]
