"""A card tops up in one shop and pays in another, both offline: what was lent there, to the last fen, and no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.documents import DocumentKind
from contract.refusals import RefusalCode
from hq.books import exception_lines, ledger_sums
from hq.db import reading
from hq.ledger import balance
from tests.hq.borrowers import require_sound
from tests.hq.on_the_line import Line, meet
from tests.hq.test_value_from_tills import two_tills
from tests.hq.tills import HeadOffice
from tests.txn.desk import NOTHING_OFF


@pytest.mark.row("W19")
def test_topped_up_in_one_shop_the_other_lets_spend_what_it_was_lent_and_no_more(
    hq: HeadOffice, tmp_path: Path
) -> None:
    a1, b1 = two_tills(hq, tmp_path, json.dumps(NOTHING_OFF))
    hq.publish(DocumentKind.PACK)
    lines = Line(hq, a1), Line(hq, b1)
    # The member buys in both shops, and tops up in the first.
    b1.tap()
    b1.keys("1", "enter", "cash")
    a1.tap()
    a1.keys("100", "topup", "cash")
    assert (a1.left, b1.left) == (10_000, 0)
    passed_ms = meet(hq, *lines)
    assert 0 < b1.left < 10_000 and a1.left + b1.left <= 10_000
    at_a, at_b = a1.left, b1.left

    # Both are offline. To the last fen of what lies here, the rest in cash, and then nothing.
    b1.tap()
    b1.keys("12.34", "enter", "stored")
    assert b1.left == at_b - 1_234
    b1.tap()
    b1.keys("100", "enter", "stored", "cash")
    assert b1.left == 0
    b1.tap()
    b1.keys("0.01", "enter", "stored")
    assert b1.refused == RefusalCode.VALUE_NONE
    assert b1.state.refusal is not None and b1.state.refusal.text.next_en == "Take cash, or try again when online"
    b1.keys("cash")
    a1.tap()
    a1.keys("100", "enter", "stored", "cash")
    assert (a1.left, b1.left) == (0, 0)
    for till, lent in ((a1, at_a), (b1, at_b)):
        assert sum(draw.whole for draw in till.draws()) == lent

    meet(hq, *lines, began_ms=passed_ms, turns=3)
    with reading(hq.engine) as connection:
        assert [(line.address, line.reason, line.detail) for line in exception_lines(connection)] == []
        assert set(ledger_sums(connection).values()) == {0}
        # Value is owed to the member, so it stands below 0; above, the member would owe.
        assert balance(connection, "member/m-1/principal", "CNY") == at_a + at_b - 10_000 <= 0
    require_sound(hq)
    for till in (a1, b1):
        till.store.close()
