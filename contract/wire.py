"""Records on the wire: a frozen dataclass declares each field's integer key, type and limits once; encoding and
strict decoding follow from it, and so does the authored form with names (``contract.named``).

A record is a CBOR map with integer keys. A field that has its default is left out, and must be. An unknown key, a
missing field, a wrong type or a value beyond its limits is a ContractError with the path to the field, never a guess.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast

from contract import cbor, record_readers, record_writers
from contract.errors import ContractError, Reason
from contract.making import dataclass

RecordT = TypeVar("RecordT")
ToWire = Callable[[Any], object]
FromWire = Callable[[object, str], Any]

_HEX = re.compile("(?:[0-9a-f]{2})*")
_UNSHOWN = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
"""Unicode's general categories of characters that are not shown themselves and change how others are: controls, formats
(right to left, zero width, joiners, the byte order mark), halves of surrogate pairs, line and paragraph separators.
"""


@dataclass(frozen=True, slots=True)
class Plain:
    """The shape of a value that has no parts: its JSON Schema, and how people write it where that is not how it
    travels (a day as ``2026-06-18``): ``parse`` turns the authored value into the travelling one, ``show`` back.
    """

    schema: Mapping[str, object]
    parse: Callable[[object, str], object] | None = None
    show: Callable[[Any], object] | None = None


@dataclass(frozen=True, slots=True)
class Nested:
    """The shape of a record of the dataclass ``of``."""

    of: type


@dataclass(frozen=True, slots=True)
class Several:
    """The shape of a sequence of ``least`` to ``most`` values."""

    of: "Kind"
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The shape of one of several records: ``options`` gives, for the name people write, the dataclass."""

    options: Mapping[str, type]


@dataclass(frozen=True, slots=True)
class Later:
    """The shape of a kind that is declared further down, for records that hold their own kind."""

    find: Callable[[], "Kind"]


Shape = Plain | Nested | Several | Alternatives | Later


@dataclass(frozen=True, slots=True)
class Kind:
    """How one value is written and strictly read: ``write(value)`` gives plain CBOR values, ``read(plain, path)``
    checks and builds. ``shape`` tells what it is made of. ``quick``, where there is one, gives the bytes of what
    ``write`` gives, or refuses without saying why; ``quick_read`` gives what ``read`` gives of all that ``read`` takes.
    """

    write: ToWire
    read: FromWire
    shape: Shape = Plain({})
    quick: record_writers.Write | None = None
    quick_read: record_readers.Read | None = None


def whole(low: int = 0, high: int = cbor.INT_MAX) -> Kind:
    """An integer from ``low`` to ``high``, both included."""

    def read(plain: object, path: str = "") -> int:
        if type(plain) is not int:
            raise ContractError(Reason.WRONG_TYPE, path, "expected an integer")
        if not low <= plain <= high:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {low} to {high}")
        return plain

    shape = Plain({"type": "integer", "minimum": low, "maximum": high})
    return Kind(read, read, shape, record_writers.whole_writer(low, high), record_readers.as_it_is)


def text(max_chars: int, pattern: str = "", min_chars: int = 1) -> Kind:
    """Text of ``min_chars`` to ``max_chars`` characters, matching ``pattern`` whole where one is given. Characters that
    are not shown themselves are refused: two texts that look the same are the same, and none is read backwards.
    """
    form = re.compile(pattern) if pattern else None

    def read(plain: object, path: str = "") -> str:
        if type(plain) is not str:
            raise ContractError(Reason.WRONG_TYPE, path, "expected text")
        if not min_chars <= len(plain) <= max_chars:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {min_chars} to {max_chars} characters")
        unshown = "" if plain.isprintable() else next((c for c in plain if unicodedata.category(c) in _UNSHOWN), "")
        if unshown:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"U+{ord(unshown):04X} is no character that can be shown")
        if form is not None and form.fullmatch(plain) is None:
            raise ContractError(Reason.BAD_ID, path, f"expected {pattern}")
        return plain

    schema: dict[str, object] = {"type": "string", "minLength": min_chars, "maxLength": max_chars}
    shape = Plain(schema | ({"pattern": f"^{pattern}$"} if pattern else {}))
    return Kind(read, read, shape, record_writers.text_writer(min_chars, max_chars, form), record_readers.as_it_is)


def octets(min_bytes: int, max_bytes: int | None = None) -> Kind:
    """A byte string of ``min_bytes`` to ``max_bytes``; exactly ``min_bytes`` where no maximum is given."""
    most = min_bytes if max_bytes is None else max_bytes

    def read(plain: object, path: str = "") -> bytes:
        if type(plain) is not bytes:
            raise ContractError(Reason.WRONG_TYPE, path, "expected bytes")
        if not min_bytes <= len(plain) <= most:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {min_bytes} to {most} bytes")
        return plain

    def parse(authored: object, path: str) -> bytes:
        if type(authored) is not str or _HEX.fullmatch(authored) is None:
            raise ContractError(Reason.WRONG_TYPE, path, "expected bytes as hexadecimal digits")
        return bytes.fromhex(authored)

    schema = {"type": "string", "pattern": f"^{_HEX.pattern}$", "minLength": 2 * min_bytes, "maxLength": 2 * most}
    shape = Plain(schema, parse, bytes.hex)
    return Kind(read, read, shape, record_writers.octets_writer(min_bytes, most), record_readers.as_it_is)


def choice(options: type[StrEnum]) -> Kind:
    """One of the values of a StrEnum, as its text."""

    known = {option.value: option for option in options}

    def read(plain: object, path: str) -> StrEnum:
        if type(plain) is not str or plain not in known:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected one of {', '.join(options)}")
        return known[plain]

    shape = Plain({"enum": [option.value for option in options]})
    quick = record_writers.name_writer({option: option.value for option in options})
    return Kind(lambda value: read(str(value), "").value, read, shape, quick, record_readers.name_reader(known))


def flag() -> Kind:
    """True or false."""

    def read(plain: object, path: str = "") -> bool:
        if type(plain) is not bool:
            raise ContractError(Reason.WRONG_TYPE, path, "expected true or false")
        return plain

    return Kind(read, read, Plain({"type": "boolean"}), record_writers.flag_writer(), record_readers.as_it_is)


def record(of: type) -> Kind:
    """A nested record of the dataclass ``of``."""

    def write(value: object) -> dict[int, object]:
        if type(value) is not of:
            raise ContractError(Reason.WRONG_TYPE, detail=f"expected {of.__name__}")
        return to_wire(value)

    return Kind(write=write, read=lambda plain, path: from_wire(of, plain, path), shape=Nested(of))


def one_of(**options: type) -> Kind:
    """One of several records: ``[key, record]`` on the wire. Each dataclass carries its own ``KEY``, which never
    changes; the keyword is the name people write, a trailing ``_`` left out.
    """
    by_key: dict[int, type] = {cast(Any, of).KEY: of for of in options.values()}
    if len(by_key) != len(options):
        raise TypeError("two alternatives have one key")

    def write(value: object) -> list[object]:
        key = getattr(type(value), "KEY", None)
        if by_key.get(cast(int, key)) is not type(value):
            raise ContractError(Reason.WRONG_TYPE, detail=f"expected one of {', '.join(options)}")
        return [key, to_wire(value)]

    def read(plain: object, path: str) -> object:
        match plain:
            case [int() as key, dict() as fields_] if type(key) is int and key in by_key:
                return from_wire(by_key[key], fields_, path)
        raise ContractError(Reason.WRONG_TYPE, path, f"expected one of {', '.join(options)}")

    return Kind(write, read, Alternatives({name.rstrip("_"): of for name, of in options.items()}))


def later(find: Callable[[], Kind]) -> Kind:
    """The kind that ``find()`` gives once everything is declared: for records that hold their own kind."""
    return Kind(lambda value: find().write(value), lambda plain, path: find().read(plain, path), Later(find))


def many(of: Kind, most: int, least: int = 0) -> Kind:
    """A sequence of ``least`` to ``most`` values, a tuple in memory and an array on the wire."""

    def read(plain: object, path: str) -> tuple[Any, ...]:
        if type(plain) is not list:
            raise ContractError(Reason.WRONG_TYPE, path, "expected an array")
        if not least <= len(plain) <= most:
            raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {least} to {most} items")
        return tuple(of.read(item, f"{path}[{index}]") for index, item in enumerate(plain))

    def write(values: object) -> list[object]:
        if type(values) is not tuple:
            raise ContractError(Reason.WRONG_TYPE, detail="expected a tuple")
        if not least <= len(values) <= most:
            raise ContractError(Reason.OUT_OF_RANGE, detail=f"expected {least} to {most} items")
        written: list[object] = []
        for value in values:
            try:
                written.append(of.write(value))
            except ContractError as error:
                raise _placed(error, f"[{len(written)}]") from error
        return written

    return Kind(write=write, read=read, shape=Several(of, least, most))


def at(key: int, kind: Kind) -> Any:
    """Declare a required field under integer ``key``."""
    return field(metadata={"key": key, "kind": kind})


def maybe(key: int, kind: Kind, default: Any = None) -> Any:
    """Declare an optional field under integer ``key``, left out on the wire where it has its ``default``."""
    return field(default=default, metadata={"key": key, "kind": kind})


def to_wire(value: object) -> dict[int, object]:
    """Return the plain CBOR map of a record. Raises ContractError where a field breaks its own limits."""
    plain: dict[int, object] = {}
    for name, key, write, optional, default, usual in _writers(cast(Any, type(value))):
        item = getattr(value, name)
        if optional and type(item) is usual and item == default:
            continue
        try:
            plain[key] = write(item)
        except ContractError as error:
            raise _placed(error, name) from error
    return plain


def _placed(error: ContractError, place: str) -> ContractError:
    """The refusal of something at ``place``, which comes before the path within it."""
    dot = "." if error.path and not error.path.startswith("[") else ""
    return ContractError(error.reason, f"{place}{dot}{error.path}", error.detail)


def from_wire(of: type[RecordT], plain: object, path: str = "") -> RecordT:
    """Return a record of the dataclass ``of`` from a plain CBOR map, strictly. Raises ContractError with the path to
    the field.
    """
    if type(plain) is not dict:
        raise ContractError(Reason.WRONG_TYPE, path, "expected a map")
    parts = layout(of)
    unknown = plain.keys() - {part.key for part in parts}
    if unknown:
        raise ContractError(Reason.UNKNOWN_FIELD, path, f"key {min(map(str, unknown))}")
    prefix = f"{path}." if path else ""
    found: dict[str, object] = {}
    for part in parts:
        if part.key in plain:
            value = part.kind.read(plain[part.key], prefix + part.name)
            if part.optional and value == part.default:
                raise ContractError(Reason.NOT_DETERMINISTIC, prefix + part.name, "a default is left out")
            found[part.name] = value
        elif not part.optional:
            raise ContractError(Reason.MISSING_FIELD, prefix + part.name)
    return of(**found)


def pack(value: object) -> bytes:
    """Return the deterministic bytes of a record. Raises ContractError where a field breaks its own limits."""
    write = _record_writer(cast(Any, type(value)))
    if write is not None:
        try:
            return write(value)
        except ContractError:
            pass  # The plain way says what is wrong.
    return cbor.encode(to_wire(value))


def unpack(of: type[RecordT], data: bytes, max_bytes: int) -> RecordT:
    """Return a record of ``of`` from bytes of at most ``max_bytes``. Raises ContractError for anything else."""
    found = recognised(of, cbor.parse(data, max_bytes))
    return found[0] if found is not None and found[1] == data else from_wire(of, cbor.decode(data, max_bytes))


def recognised(of: type[RecordT], plain: object) -> tuple[RecordT, bytes] | None:
    """Return the record that ``plain`` may be, and its one encoding. Where that is what ``plain`` was decoded from,
    the record is what :func:`from_wire` would give; of all else, and where None is returned, that has to be asked.
    """
    write, read = _record_writer(cast(Any, of)), _record_reader(cast(Any, of))
    if write is None or read is None:
        return None
    try:
        return (found := read(plain)), write(found)
    except record_readers.FAULTS:
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a record: its name, key and kind, whether it may be left out, and what it is then."""

    name: str
    key: int
    kind: Kind
    optional: bool
    default: object


def layout(of: type) -> tuple[Part, ...]:
    """The fields of a record class, in key order."""
    return _layout(cast(Any, of))


@cache
def _layout(of: Any) -> tuple[Part, ...]:
    parts = [
        Part(item.name, item.metadata["key"], item.metadata["kind"], item.default is not MISSING, item.default)
        for item in fields(of)
    ]
    if len({part.key for part in parts}) != len(parts):
        raise TypeError(f"{of.__name__} uses a wire key twice")
    return tuple(sorted(parts, key=lambda part: part.key))


@cache
def _writers(of: Any) -> tuple[tuple[str, int, ToWire, bool, object, type], ...]:
    """For each field what writing it takes: name, key, writer, whether it may be left out, the default and its type."""
    return tuple(
        (part.name, part.key, part.kind.write, part.optional, part.default, type(part.default)) for part in _layout(of)
    )


@cache
def _record_writer(of: Any) -> record_writers.Write | None:
    """What writes records of a class at once; None for those that may hold their own kind, whose depth is checked."""
    found = [(part, _quick(part.kind)) for part in _layout(of)]
    known = [
        record_writers.Field(part.name, part.key, write, part.optional, part.default) for part, write in found if write
    ]
    return record_writers.record_writer(of, known) if len(known) == len(found) else None


@cache
def _record_reader(of: Any) -> record_readers.Read | None:
    """What reads records of a class at once; None for those that may hold their own kind."""
    parts = {part.name: (part, read) for part in _layout(of) if (read := _quick_read(part.kind))}
    return record_readers.record_reader(of, parts) if len(parts) == len(_layout(of)) else None


def _quick(kind: Kind) -> record_writers.Write | None:
    match kind.shape:
        case Nested(of):
            return _record_writer(of)
        case Several(of, least, most):
            write = _quick(of)
            return None if write is None else record_writers.array_writer(write, least, most)
        case Alternatives(options):
            found = {of: (cast(Any, of).KEY, write) for of in options.values() if (write := _record_writer(of))}
            return record_writers.option_writer(found) if len(found) == len(options) else None
        case Later():
            return None
    return kind.quick or (lambda value: cbor.encode(kind.write(value)))


def _quick_read(kind: Kind) -> record_readers.Read | None:
    match kind.shape:
        case Nested(of):
            return _record_reader(of)
        case Several(of):
            read = _quick_read(of)
            return None if read is None else record_readers.array_reader(read)
        case Alternatives(options):
            found = {cast(Any, of).KEY: read for of in options.values() if (read := _record_reader(of))}
            return record_readers.option_reader(found) if len(found) == len(options) else None
        case Later():
            return None
    return kind.quick_read or (lambda plain: kind.read(plain, ""))
