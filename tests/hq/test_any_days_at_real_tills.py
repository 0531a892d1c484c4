"""Whatever two real tills do offline, and however head office is put back: what it books is what they signed, nothing
is told to people but what they must settle, and what is taken back leaves nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from contract.value import Account, Asset, ledger_place
from hq.books import exception_lines, ledger_sums
from hq.db import reading
from hq.ledger import balance
from hq.periods import open_entries, settle_entries
from hq.settlement.plain import plain_report
from hq.tables import charges, rule_counts
from tests.hq.any_days import Days
from tests.hq.borrowers import require_sound
from tests.hq.tills import NOW_MS, TENANT, HeadOffice
from tests.hq.trading import quiet

SHOPS = ("shop-a", "shop-b")
FOR_PEOPLE = {"floor_borne", "epoch_began", "beyond_limit", "bonus_spent", "points_debt", "points_short"}
"""What tills that cannot hear of each other bring about, and no fault of the books."""


def on_floor(days: Days) -> int:
    """What the member owes of what tills gave on the floor limit."""
    with reading(days.hq.engine) as connection:
        return int(connection.scalar(select(func.sum(charges.c.on_floor))) or 0)


def require_right(days: Days) -> None:
    """Raise AssertionError unless head office's books are right by themselves and against each other."""
    with reading(days.hq.engine) as connection:
        told = [line for line in exception_lines(connection) if line.reason not in FOR_PEOPLE]
        assert told == []
        assert set(ledger_sums(connection).values()) == {0}
        allowed = 0
        for row in connection.execute(select(charges).where(charges.c.on_floor.is_not(None))):
            assert 0 <= row.on_floor <= row.amount, row
            allowed += row.amount
        borne = [balance(connection, f"shop/{shop}/beyond_leases", "CNY") for shop in SHOPS]
        assert sum(borne) + balance(connection, "office/beyond_leases", "CNY") >= allowed
        report = plain_report(settle_entries(connection, TENANT, open_entries(connection, quiet), NOW_MS))
        net = {row["shop"]: row["net_minor"] for row in report["shops"] if row["shop"] in SHOPS}
        assert net == {shop: balance(connection, f"shop/{shop}/settlement", "CNY") for shop in net}
        assert (connection.scalar(select(func.min(rule_counts.c.times))) or 0) >= 0
    require_sound(days.hq, may_owe={ledger_place(Account(Asset.POINTS, "m-1"), "CNY")})


def live(hq: HeadOffice, folder: Path, seed: int) -> None:
    days = Days(hq, folder, seed)
    try:
        days.pass_by(14, lambda: require_right(days))
        days.take_all_back()
        days.meet(2)
        require_right(days)
        days.pay_everything()
        require_right(days)
        assert on_floor(days) == 0
    except AssertionError as error:
        error.add_note("\n".join(map(str, [days.rules, *days.said[-40:]])))
        raise
    finally:
        days.close()
        days.hq.engine.dispose()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(5))
def test_any_days_leave_right_books(hq: HeadOffice, tmp_path: Path, seed: int) -> None:
    live(hq, tmp_path, seed)


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(1_000, 1_200))
def test_many_days_leave_right_books(hq: HeadOffice, tmp_path: Path, seed: int) -> None:
    live(hq, tmp_path, seed)
