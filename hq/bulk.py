"""Many rows with one statement: what ingest writes for a hundred entries as fast as the database takes it.

PostgreSQL gets one array for each column (manual, "Array Functions", unnest), SQLite one prepared statement run for
each row; that is all that differs.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Connection, Integer, LargeBinary, Table

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for one table, each with a value for each of ``columns``, in that order, and what becomes of one whose key
    is there already.
    """

    table: Table
    columns: tuple[str, ...]
    rows: Sequence[Row]
    more: str = ""


def write_together(connection: Connection, written: Iterable[Rows]) -> None:
    """Write ``written``, with one statement where the database can, because each costs as much as ten rows.

    In which order is not said, so none of them looks at another, and at most one holds rows for which workers may have
    to wait for each other.
    """
    several = [item for item in written if item.rows]
    if connection.dialect.name == "postgresql":
        if several:
            # A WITH makes its changes whether they are asked for or not (manual, "Data-Modifying Statements in WITH").
            statement = _in_one(*((item.table, item.columns, item.more) for item in several))
            connection.exec_driver_sql(statement, tuple(array for item in several for array in _arrays(_plain(item))))
        return
    for item in several:
        statement = _by_rows(item.table, item.columns) + item.more
        connection.exec_driver_sql(statement, [tuple(row) for row in _plain(item)])


def added(table: Table, columns: tuple[str, ...], rows: Sequence[Row], last: tuple[str, ...] = ()) -> Rows:
    """Rows as :func:`add_rows` adds them."""
    return Rows(table, columns, rows, _adding(table, columns, last))


def kept(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> Rows:
    """Rows as :func:`keep_rows` inserts them."""
    return Rows(table, columns, rows, " ON CONFLICT DO NOTHING")


def insert_rows(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert ``rows``, each with a value for each of ``columns``, in that order."""
    write_together(connection, (Rows(table, columns, rows),))


def insert_told(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], told: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Insert ``rows``, at most some hundreds, none of whose columns is JSON, and return the columns ``told`` of each,
    in any order.
    """
    more = f" RETURNING {', '.join(_quoted(name) for name in told)}"
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql(_by_arrays(table, columns) + more, _arrays(rows))
    else:
        one = f"({', '.join('?' * len(columns))})"
        values = tuple(value for row in rows for value in row)
        written = f"{_into(table, columns)} VALUES {', '.join([one] * len(rows))}{more}"
        found = connection.exec_driver_sql(written, values)
    return [tuple(row) for row in found]


def add_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], last: tuple[str, ...] = ()
) -> None:
    """Add the last column of each row to what ``table`` has under the same key, which all other columns are but those
    ``last``, which are set to what is told; a row that is not there yet is inserted.

    Rows are locked in the order given: whoever adds in one order waits for others, and never in a circle.
    """
    write_together(connection, (added(table, columns, rows, last),))


def known_keys(
    connection: Connection, asked: Sequence[tuple[Table, str, Collection[object]]]
) -> tuple[frozenset[Any], ...]:
    """Return for each of ``asked``, a table, its key and at most some thousands of values, which of these are there."""
    if connection.dialect.name == "postgresql":
        if not any(values for _, _, values in asked):
            return tuple(frozenset() for _ in asked)
        statement = _asked(*((table, key) for table, key, _ in asked))
        arrays = tuple(_array(tuple(values)) for _, _, values in asked)
        return tuple(frozenset(found) for found in connection.exec_driver_sql(statement, arrays).one())
    return tuple(
        frozenset(found for (found,) in connection.exec_driver_sql(_asked_each(*each[:2], len(each[2])), (*each[2],)))
        if each[2]
        else frozenset()
        for each in asked
    )


def keep_rows(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert ``rows``; one that a unique key has already is passed over."""
    write_together(connection, (kept(table, columns, rows),))


def _plain(written: Rows) -> Sequence[Row]:
    """The rows with JSON as its text."""
    as_json = _json_places(written.table, written.columns)
    if not as_json:
        return written.rows
    return [[json.dumps(value) if at in as_json else value for at, value in enumerate(row)] for row in written.rows]


def _arrays(rows: Sequence[Row]) -> tuple[str, ...]:
    """Each column as the text of an array (manual, "Array Input and Output Syntax"): the driver takes four times as
    long for a list.
    """
    return tuple(map(_array, zip(*rows, strict=True)))


def _array(column: Sequence[object]) -> str:
    kinds = set(map(type, column))
    if kinds == {int}:
        return f"{{{','.join(map(str, column))}}}"
    return f"{{{','.join(map(_element, column))}}}"


def _element(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bytes():
            return f'"\\\\x{value.hex()}"'
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
    return str(value)


@cache
def _adding(table: Table, columns: tuple[str, ...], last: tuple[str, ...]) -> str:
    *others, added = columns
    at, here = ", ".join(_quoted(name) for name in others if name not in last), _quoted(added)
    told = [
        f'{here} = "{table.name}".{here} + excluded.{here}',
        *(f"{_quoted(n)} = excluded.{_quoted(n)}" for n in last),
    ]
    return f" ON CONFLICT ({at}) DO UPDATE SET {', '.join(told)}"


@cache
def _asked(*keys: tuple[Table, str]) -> str:
    several = (f"ARRAY({_asked_one(table, key)} = ANY (%s::{_array_type(table, key)}[]))" for table, key in keys)
    return f"SELECT {', '.join(several)}"


def _asked_each(table: Table, key: str, count: int) -> str:
    return f"{_asked_one(table, key)} IN ({', '.join('?' * count)})"


def _asked_one(table: Table, key: str) -> str:
    return f'SELECT {_quoted(key)} FROM "{table.name}" WHERE {_quoted(key)}'


@cache
def _in_one(*written: tuple[Table, tuple[str, ...], str]) -> str:
    *others, last = (_by_arrays(table, columns) + more for table, columns, more in written)
    named = ", ".join(f"w{number} AS ({statement})" for number, statement in enumerate(others))
    return f"WITH {named} {last}" if others else last


@cache
def _json_places(table: Table, columns: tuple[str, ...]) -> frozenset[int]:
    return frozenset(place for place, name in enumerate(columns) if isinstance(table.c[name].type, JSON))


@cache
def _by_arrays(table: Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{_array_type(table, name)}[]" for name in columns)
    return f"{_into(table, columns)} SELECT * FROM unnest({arrays})"


@cache
def _by_rows(table: Table, columns: tuple[str, ...]) -> str:
    return f"{_into(table, columns)} VALUES ({', '.join('?' * len(columns))})"


def _into(table: Table, columns: tuple[str, ...]) -> str:
    # Quoted, because what one database takes for a name is a word of the other's grammar.
    return f'INSERT INTO "{table.name}" ({", ".join(_quoted(name) for name in columns)})'


def _quoted(name: str) -> str:
    return f'"{name}"'


def _array_type(table: Table, name: str) -> str:
    kind = table.c[name].type
    if isinstance(kind, JSON):
        return "json"
    if isinstance(kind, Boolean):
        return "boolean"
    if isinstance(kind, LargeBinary):
        return "bytea"
    return "bigint" if isinstance(kind, BigInteger | Integer) else "text"
