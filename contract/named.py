"""Records as people write them: JSON with names instead of keys, derived from the same declaration as the wire.

``read_named`` reads what ``write_named`` writes, and everything a person may write instead: a field may be written or
left out where it has its default, a day is ``2026-06-18``, one of several records is an object with its name alone, and
a record whose only field is needed is written as that field: ``{"tier": ["gold"]}``. ``json_schema`` tells an editor
the same. Each refusal carries the path to the field: ``rules[3].when[0].spend.at_least_minor``.
"""

import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

from contract import wire
from contract.errors import ContractError, Reason
from contract.making import dataclass
from contract.settings import most_like

RecordT = TypeVar("RecordT")

MOST_DEPTH = 32
"""How many records may stand inside each other."""
MOST_DIGITS = 20
MOST_SHOWN = 4
"""How many fields of an object a refusal shows."""
_BARE_NAME = re.compile("[A-Za-z0-9_-]{1,60}")


def read_named(of: type[RecordT], plain: object, path: str = "") -> RecordT:
    """Return the record of the dataclass ``of`` that parsed JSON says. Raises ContractError with the path to the first
    field that is wrong: UNKNOWN_FIELD with what was probably meant, MISSING_FIELD, WRONG_TYPE, OUT_OF_RANGE, BAD_ID.
    """
    return _record(of, plain, path, 0)


def write_named(value: object) -> dict[str, Any]:
    """Return a record as plain JSON values, defaults left out; ``read_named`` gives it back. Raises ContractError where
    a field breaks its own limits.
    """
    plain: dict[str, Any] = {}
    for part in wire.layout(type(value)):
        item = getattr(value, part.name)
        if not (part.optional and item == part.default):
            plain[part.name] = write_value(part.kind, item)
    return plain


def write_value(kind: wire.Kind, value: Any) -> Any:
    """Return one value of ``kind`` as plain JSON. Raises ContractError where it breaks its own limits."""
    match kind.shape:
        case wire.Later(find):
            return write_value(find(), value)
        case wire.Nested():
            kind.write(value)
            return write_named(value)
        case wire.Several(of):
            return [write_value(of, item) for item in value]
        case wire.Alternatives(options):
            name = next((name for name, option in options.items() if type(value) is option), "")
            if not name:
                raise ContractError(Reason.WRONG_TYPE, detail=f"expected one of {', '.join(options)}")
            only = only_field(options[name])
            return {name: write_value(only.kind, getattr(value, only.name)) if only else write_named(value)}
        case wire.Plain(_, _, show):
            plain = kind.write(value)
            return show(plain) if show else plain


def only_field(of: type) -> wire.Part | None:
    """The field that is written directly in place of a record of ``of``: its only one, if that is needed."""
    parts = wire.layout(of)
    return parts[0] if len(parts) == 1 and not parts[0].optional else None


def names_of(kind: wire.Kind) -> dict[type, str]:
    """What people call each of the records that ``kind`` may be; nothing where it has no alternatives."""
    shape = kind.shape
    return {of: name for name, of in shape.options.items()} if isinstance(shape, wire.Alternatives) else {}


def parse_json(text: str, max_bytes: int) -> object:
    """Return the values of a JSON text (RFC 8259) of at most ``max_bytes`` in UTF-8, numbers as integers.

    Raises ContractError: TOO_LARGE; WRONG_TYPE for what is no JSON, with line and column, and for a number with a
    fraction, NaN or infinity; OUT_OF_RANGE for more than 20 digits and for brackets nested too deeply; UNKNOWN_FIELD
    for a name given twice in one object. Where it can be told, with the path to the value.
    """
    if len(text) > max_bytes or len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        raise ContractError(Reason.TOO_LARGE, detail=f"at most {max_bytes} bytes")
    unfit: list[_Unfit] = []

    def refuse(reason: Reason, detail: str) -> _Unfit:
        unfit.append(_Unfit(reason, detail))
        return unfit[-1]

    def whole(written: str) -> object:
        if len(written) > MOST_DIGITS:
            return refuse(Reason.OUT_OF_RANGE, f"a number of {len(written)} digits")
        return int(written)

    def fraction(written: str) -> object:
        return refuse(
            Reason.WRONG_TYPE,
            f"{written[:MOST_DIGITS]} is not a whole number; amounts are whole minor units, rates basis points",
        )

    def fields(pairs: list[tuple[str, object]]) -> object:
        found = dict(pairs)
        if len(found) != len(pairs):
            # JSON leaves open what a name given twice means.
            names = sorted(name for name, _ in pairs)
            twice = next(name for name, following in pairwise(names) if name == following)
            found[twice] = refuse(Reason.UNKNOWN_FIELD, "given twice")
        return found

    try:
        plain = json.loads(
            text, parse_int=whole, parse_float=fraction, parse_constant=fraction, object_pairs_hook=fields
        )
    except (RecursionError, MemoryError) as error:
        raise ContractError(Reason.OUT_OF_RANGE, detail="nested too deeply") from error
    except ValueError as error:
        raise ContractError(Reason.WRONG_TYPE, detail=f"not JSON: {error}") from error
    if unfit:
        _refuse_first(plain)
    return plain


@dataclass(frozen=True, slots=True)
class _Unfit:
    """Stands in parsed JSON where something was written that is refused, until the path to it is known."""

    reason: Reason
    detail: str


def _refuse_first(plain: object) -> NoReturn:
    """Raise for the first unfit value, in the order written. The walk keeps its own stack: how deep the text goes is
    the writer's choice.
    """
    waiting: list[tuple[str, object]] = [("", plain)]
    while True:
        path, value = waiting.pop()
        match value:
            case _Unfit(reason, detail):
                raise ContractError(reason, path, detail)
            case dict():
                waiting += [(_join(path, name), item) for name, item in reversed(value.items())]
            case list():
                waiting += [(f"{path}[{index}]", item) for index, item in reversed(list(enumerate(value)))]


def _record(of: type[RecordT], plain: object, path: str, depth: int) -> RecordT:
    if depth > MOST_DEPTH:
        raise ContractError(Reason.OUT_OF_RANGE, path, "nested too deeply")
    parts = wire.layout(of)
    if type(plain) is not dict:
        raise ContractError(Reason.WRONG_TYPE, path, f"expected an object: {_object_like(parts)}")
    known = {part.name for part in parts}
    if not plain.keys() <= known:
        stray = next(name for name in plain if name not in known)
        raise _unknown(path, stray, [part.name for part in parts if part.name not in plain], _inside(stray, parts))
    prefix = f"{path}." if path else ""
    found: dict[str, object] = {}
    for part in parts:
        if part.name in plain:
            written = plain[part.name]
            as_left_out = part.optional and type(written) is type(part.default) and written == part.default
            found[part.name] = written if as_left_out else _value(part.kind, written, prefix + part.name, depth)
        elif not part.optional:
            raise ContractError(Reason.MISSING_FIELD, prefix + part.name)
    return of(**found)


def _value(kind: wire.Kind, plain: object, path: str, depth: int) -> object:
    match kind.shape:
        case wire.Plain(_, parse):
            return kind.read(parse(plain, path) if parse else plain, path)
        case wire.Nested(of):
            return _record(of, plain, path, depth + 1)
        case wire.Several(of, least, most):
            if type(plain) is not list:
                raise ContractError(Reason.WRONG_TYPE, path, f"expected a list: {_list_like(plain)}")
            if not least <= len(plain) <= most:
                raise ContractError(Reason.OUT_OF_RANGE, path, f"expected {least} to {most} items")
            return tuple([_value(of, item, f"{path}[{index}]", depth) for index, item in enumerate(plain)])
        case wire.Alternatives(options):
            return _alternative(options, plain, path, depth + 1)
        case wire.Later(find):
            return _value(find(), plain, path, depth)


def _alternative(options: Mapping[str, type], plain: object, path: str, depth: int) -> object:
    if depth > MOST_DEPTH:
        raise ContractError(Reason.OUT_OF_RANGE, path, "nested too deeply")
    if type(plain) is not dict or len(plain) != 1:
        raise ContractError(Reason.WRONG_TYPE, path, f"expected an object with one of {', '.join(options)}")
    name, written = next(iter(plain.items()))
    if name not in options:
        raise _unknown(path, name, options)
    here = f"{path}.{name}"
    only = only_field(options[name])
    if only is None:
        return _record(options[name], written, here, depth)
    return options[name](_value(only.kind, written, here, depth))


def _object_like(parts: tuple[wire.Part, ...]) -> str:
    """What an object of these fields looks like: those that are needed, else the first few that may be written."""
    names = [part.name for part in parts if not part.optional] or [part.name for part in parts]
    return "{" + ", ".join(f'"{name}": ...' for name in names[:MOST_SHOWN]) + "}"


def _list_like(plain: object) -> str:
    """What was written, as a list of it alone; a value from outside is shown only where it is short and plain."""
    if type(plain) is int or (type(plain) is str and len(plain) <= 40 and plain.isprintable()):
        return json.dumps([plain], ensure_ascii=False)
    return "[{...}]" if type(plain) is dict else "[...]"


def _inside(stray: str, parts: tuple[wire.Part, ...]) -> str:
    """The way to a field of this very name one record further in; nothing where there is none."""
    for part in parts:
        shape = part.kind.shape
        if isinstance(shape, wire.Nested) and any(inner.name == stray for inner in wire.layout(shape.of)):
            return f"{part.name}.{stray}"
    return ""


def _unknown(path: str, stray: str, known: Mapping[str, type] | list[str], inside: str = "") -> ContractError:
    guess = inside or most_like(stray, known)
    return ContractError(Reason.UNKNOWN_FIELD, _join(path, stray), f"did you mean {guess}?" if guess else "")


def _join(path: str, name: str) -> str:
    """``path`` with a name from outside, which may be anything, shown safely."""
    shown = name if _BARE_NAME.fullmatch(name) else json.dumps(name[:60])
    return f"{path}.{shown}" if path else shown


Meaning = Callable[[str, str], str]
"""Says what a field of a record is, by their names; nothing where it is not told."""


def _untold(_record: str, _field: str) -> str:
    return ""


def json_schema(of: type, names: Mapping[str, wire.Kind], meaning: Meaning = _untold) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a record as people write it. Each dataclass is a definition with its
    docstring; ``names`` gives the kinds with alternatives their names, ``meaning(record, field)`` says what a field is.
    Raises TypeError for alternatives without a name, or for two classes of one name.
    """
    drawn = _Drawing(names, meaning, {}, {})
    reference = drawn.record(of)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **reference,
        "$defs": dict(sorted(drawn.definitions.items())),
    }


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A schema in the making: the definitions drawn so far, and what each stands for."""

    names: Mapping[str, wire.Kind]
    meaning: Meaning
    definitions: dict[str, Any]
    sources: dict[str, object]

    def record(self, of: type) -> dict[str, Any]:
        return self._define(of.__name__, of, lambda: self._fields(of))

    def value(self, kind: wire.Kind) -> dict[str, Any]:
        match kind.shape:
            case wire.Plain(schema):
                return dict(schema)
            case wire.Nested(of):
                return self.record(of)
            case wire.Several(of, least, most):
                return {"type": "array", "items": self.value(of), "minItems": least, "maxItems": most}
            case wire.Later(find):
                return self.value(find())
            case wire.Alternatives(options):
                return self._alternatives(kind, options)

    def _define(self, name: str, source: object, draw: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if self.sources.setdefault(name, source) is not source:
            raise TypeError(f"two definitions are called {name}")
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = draw()
        return {"$ref": f"#/$defs/{name}"}

    def _fields(self, of: type) -> dict[str, Any]:
        parts = wire.layout(of)
        return {
            "title": of.__name__,
            "description": _sentences(of),
            "type": "object",
            "properties": {part.name: self._field(part) | self._told(of, part) for part in parts},
            "required": [part.name for part in parts if not part.optional],
            "additionalProperties": False,
        }

    def _field(self, part: wire.Part) -> dict[str, Any]:
        schema = self.value(part.kind)
        if not part.optional:
            return schema
        try:
            return schema | {"default": write_value(part.kind, part.default)}
        except ContractError:
            # A default that the kind itself would refuse, such as none at all, may be written as well.
            return {"anyOf": [schema, {"const": part.default}], "default": part.default}

    def _told(self, of: type, part: wire.Part) -> dict[str, Any]:
        told = self.meaning(of.__name__, part.name)
        return {"description": told} if told else {}

    def _alternatives(self, kind: wire.Kind, options: Mapping[str, type]) -> dict[str, Any]:
        name = next((name for name, named in self.names.items() if named is kind), None)
        if name is None:
            raise TypeError(f"no name for one of {', '.join(options)}")
        return self._define(name, kind, lambda: {"oneOf": [self._option(*option) for option in options.items()]})

    def _option(self, name: str, of: type) -> dict[str, Any]:
        only = only_field(of)
        written = self.value(only.kind) | {"description": _sentences(of)} if only else self.record(of)
        return {
            "title": name,
            "type": "object",
            "properties": {name: written},
            "required": [name],
            "additionalProperties": False,
        }


def _sentences(of: type) -> str:
    return " ".join((of.__doc__ or "").replace("``", "").split())
