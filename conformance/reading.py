"""Strict reading of the neutral case form: a frozen dataclass declares each field's reader once, and everything else
is refused with the path to it.

A field is read exactly or not at all. An unknown field, a missing one, a wrong type or an unknown word raises
:class:`CaseError`, whose text names the place, so that a case can never pass because a part of it was overlooked.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar, cast

Read = Callable[[object, str], Any]
RecordT = TypeVar("RecordT")
ValueT = TypeVar("ValueT")

LARGEST = 10**15
"""The largest magnitude of a number in a case: far above any price, far below what would make work slow."""


class CaseError(Exception):
    """A case that is not of the format. ``path`` leads to the field (``promotions[0].effects[1].value``)."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}" if path else detail)
        self.path = path


@dataclass(frozen=True, slots=True)
class _Missing:
    """Stands for a field that has no default."""


_REQUIRED = _Missing()


def part(read: Read, default: object = _REQUIRED, name: str = "") -> Any:
    """Declare one field of a record: how it is read, its default, and its name in the file where Python keeps that
    word for itself (``from``).
    """
    metadata = {"read": read, "name": name}
    if isinstance(default, _Missing):
        return field(metadata=metadata)
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def record(of: type[RecordT], also: tuple[str, ...] = ()) -> Callable[[object, str], RecordT]:
    """Return the reader of the dataclass ``of``. The fields ``also`` may stand there and are read by somebody else."""

    def read(plain: object, path: str) -> RecordT:
        values = mapping(plain, path)
        declared = {item.metadata["name"] or item.name: item for item in fields(cast(Any, of))}
        for name in values:
            if name not in declared and name not in also:
                raise CaseError(join(path, name), f"unknown field; known are {', '.join(sorted(declared))}")
        found: dict[str, Any] = {}
        for name, item in declared.items():
            if name in values:
                found[item.name] = item.metadata["read"](values[name], join(path, name))
            elif item.default is MISSING and item.default_factory is MISSING:
                raise CaseError(join(path, name), "missing")
        return of(**found)

    return read


def one_of(options: Mapping[str, type[Any]]) -> Read:
    """Return the reader of one of several records, told apart by the word under ``kind``."""
    readers = {kind: record(of, ("kind",)) for kind, of in options.items()}

    def read(plain: object, path: str) -> Any:
        values = mapping(plain, path)
        kind = values.get("kind")
        if not isinstance(kind, str) or kind not in readers:
            raise CaseError(join(path, "kind"), f"unknown: {kind!r}; known are {', '.join(sorted(readers))}")
        return readers[kind](values, path)

    return read


def several(of: Read) -> Read:
    """Return the reader of a list, as a tuple."""

    def read(plain: object, path: str) -> tuple[Any, ...]:
        if not isinstance(plain, list):
            raise CaseError(path, "expected a list")
        return tuple([of(item, f"{path}[{index}]") for index, item in enumerate(plain)])

    return read


def words(plain: object, path: str) -> tuple[str, ...]:
    """Read a list of texts; one text alone stands for a list of one."""
    if isinstance(plain, str):
        return (plain,)
    return cast(tuple[str, ...], several(text)(plain, path))


def named(of: Callable[[object, str], ValueT]) -> Callable[[object, str], dict[str, ValueT]]:
    """Return the reader of an object whose names are free, such as line ids."""

    def read(plain: object, path: str) -> dict[str, ValueT]:
        return {name: of(value, join(path, name)) for name, value in mapping(plain, path).items()}

    return read


def mapping(plain: object, path: str) -> dict[str, object]:
    """Read an object with text names."""
    if not isinstance(plain, dict):
        raise CaseError(path, "expected an object")
    return cast(dict[str, object], plain)


def text(plain: object, path: str) -> str:
    """Read a text."""
    if not isinstance(plain, str):
        raise CaseError(path, "expected text")
    return plain


def flag(plain: object, path: str) -> bool:
    """Read true or false."""
    if not isinstance(plain, bool):
        raise CaseError(path, "expected true or false")
    return plain


def whole(plain: object, path: str) -> int:
    """Read a whole number: money in minor units, a quantity, a rank."""
    number = decimal(plain, path)
    if number.denominator != 1:
        raise CaseError(path, "expected a whole number")
    return number.numerator


def natural(plain: object, path: str) -> int:
    """Read a whole number that is not negative."""
    number = whole(plain, path)
    if number < 0:
        raise CaseError(path, "expected no negative number")
    return number


def positive(plain: object, path: str) -> int:
    """Read a whole number of at least one."""
    number = whole(plain, path)
    if number < 1:
        raise CaseError(path, "expected at least 1")
    return number


def decimal(plain: object, path: str) -> Fraction:
    """Read a number or a text of digits (``"10.5"``) exactly. Files are parsed so that a number with a point is
    already such a text.
    """
    if isinstance(plain, bool) or not isinstance(plain, int | str):
        raise CaseError(path, "expected a number")
    if isinstance(plain, str) and (len(plain) > 40 or plain.strip(" ") != plain or "/" in plain or "_" in plain):
        raise CaseError(path, f"expected a number, not {plain[:40]!r}")
    try:
        number = Fraction(plain)
    except ValueError:
        raise CaseError(path, f"expected a number, not {plain!r}") from None
    if abs(number) > LARGEST:
        raise CaseError(path, "the number is beyond all measure")
    return number


def day(plain: object, path: str) -> date:
    """Read a day such as ``2024-06-01``; a time of day behind it is dropped, since a period is of whole days."""
    try:
        return date.fromisoformat(text(plain, path)[:10])
    except ValueError:
        raise CaseError(path, f"expected a day such as 2024-06-01, not {plain!r}") from None


def word(*options: str) -> Callable[[object, str], str]:
    """Return the reader of one of ``options``."""

    def read(plain: object, path: str) -> str:
        if plain not in options:
            raise CaseError(path, f"unknown word {plain!r}; known are {', '.join(options)}")
        return str(plain)

    return read


def join(path: str, name: str) -> str:
    """Return the path to the field ``name`` of what is at ``path``."""
    return f"{path}.{name}" if path else name
