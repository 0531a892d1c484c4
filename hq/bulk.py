"""Many rows with one statement: what ingest writes for a hundred entries as fast as the database takes it.

PostgreSQL gets one array for each column (manual, "Array Functions", unnest), SQLite one prepared statement run for
each row; that is all that differs.
"""

import json
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Connection, Integer, LargeBinary, Table

Row = Sequence[object]


def insert_rows(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert ``rows``, each with a value for each of ``columns``, in that order."""
    _run(connection, table, columns, rows, "")


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
    _run(connection, table, columns, rows, _adding(table, columns, last))


def known_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], key: str, values: Collection[object]
) -> list[tuple[Any, ...]]:
    """Return ``columns``, none of which is JSON, of the rows of ``table`` that have one of ``values``, at most some
    thousands, as their ``key``, in any order.
    """
    if not values:
        return []
    if connection.dialect.name == "postgresql":
        told = _arrays([(value,) for value in values])
        found = connection.exec_driver_sql(_asked(table, columns, key, _in_array(table, key)), told)
    else:
        marks = f"IN ({', '.join('?' * len(values))})"
        found = connection.exec_driver_sql(_asked(table, columns, key, marks), tuple(values))
    return [tuple(row) for row in found]


def keep_rows(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert ``rows``; one that a unique key has already is passed over."""
    _run(connection, table, columns, rows, " ON CONFLICT DO NOTHING")


def _run(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], more: str) -> None:
    if not rows:
        return
    as_json = _json_places(table, columns)
    if as_json:
        rows = [[json.dumps(value) if place in as_json else value for place, value in enumerate(row)] for row in rows]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_by_arrays(table, columns) + more, _arrays(rows))
    else:
        connection.exec_driver_sql(_by_rows(table, columns) + more, [tuple(row) for row in rows])


def _arrays(rows: Sequence[Row]) -> tuple[str, ...]:
    """Each column as the text of an array (manual, "Array Input and Output Syntax"): the driver takes four times as
    long for a list.
    """
    return tuple(f"{{{','.join(map(_element, column))}}}" for column in zip(*rows, strict=True))


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


def _asked(table: Table, columns: tuple[str, ...], key: str, among: str) -> str:
    return f'SELECT {", ".join(_quoted(name) for name in columns)} FROM "{table.name}" WHERE {_quoted(key)} {among}'


@cache
def _in_array(table: Table, key: str) -> str:
    return f"= ANY (%s::{_array_type(table, key)}[])"


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
