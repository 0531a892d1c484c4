"""Many rows at once are written and asked alike in both databases, whatever stands in them."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hq.bulk import Rows, added, kept, known_keys, write_together
from hq.db import writing
from hq.tables import balances, habits, members, placements, points_debts, transactions
from tests.hq.tills import HeadOffice

ODD = ('"', "\\", "a,b", "{}", "NULL", "商品", "'; --", " ")


def test_rows_of_several_tables_are_written_with_one_call(hq: HeadOffice) -> None:
    owed = Rows(points_debts, ("member", "source", "since_day", "points"), [("m1", bytes([0, 92, 34, 255]), 3, 7)])
    bought = ("member", "address", "last_ms", "times")
    due = [("points", "m1", "", 5), ("points", "m1", "", 9)]
    for last_ms, times in ((10, 2), (4, 3)):
        habit = added(habits, bought, [("m1", "acme/s/t", last_ms, times)], last=("last_ms",))
        with writing(hq.engine) as connection:
            placed = kept(placements, ("asset", "holder", "name", "due_ms"), due)
            write_together(connection, (owed, Rows(members, ("member",), ()), habit, placed))
        owed = Rows(points_debts, owed.columns, ())
    assert hq.look(lambda connection: connection.execute(select(points_debts)).all()) == [
        ("m1", bytes([0, 92, 34, 255]), 3, 7)
    ]
    assert hq.look(lambda connection: connection.execute(select(habits)).all()) == [("m1", "acme/s/t", 5, 4)]
    assert hq.look(lambda connection: connection.scalars(select(placements.c.due_ms)).all()) == [5]


def test_of_rows_written_together_none_is_kept_where_one_is_refused(hq: HeadOffice) -> None:
    debt = Rows(points_debts, ("member", "source", "since_day", "points"), [("m1", b"x", 3, 7)])
    twice = Rows(transactions, ("transaction_id", "entry_id", "digest"), [(b"t", 1, b"d"), (b"t", 1, b"d")])
    with pytest.raises(IntegrityError), writing(hq.engine) as connection:
        write_together(connection, (debt, twice))
    assert hq.look(lambda connection: connection.execute(select(points_debts)).all()) == []


def test_texts_of_any_kind_are_found_again(hq: HeadOffice) -> None:
    with writing(hq.engine) as connection:
        write_together(connection, [added(balances, ("account", "unit", "amount"), [(name, "x", 1) for name in ODD])])
    asked = ((balances, "account", {*ODD, "another"}), (members, "member", {"m1", "m2"}), (transactions, "digest", ()))
    found = hq.look(lambda connection: known_keys(connection, asked))
    assert found == (frozenset(ODD), frozenset({"m1"}), frozenset())


def test_where_nothing_is_asked_nothing_is_found(hq: HeadOffice) -> None:
    assert hq.look(lambda connection: known_keys(connection, ((members, "member", ()),))) == (frozenset(),)
