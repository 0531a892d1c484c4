"""Functions that make records of plain CBOR values at once, put together once for each class like the ones that write
them (``contract.record_writers``).

They look at no limit, no type and no order of keys: what they make counts only where writing it gives the very bytes it
came from, because the writer does look and each record has one encoding. Of all else ``contract.wire.from_wire`` says
which field is wrong, and how.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Protocol, cast

from contract.errors import ContractError

Read = Callable[[Any], Any]
"""Makes a value of a plain one, or raises one of FAULTS."""

FAULTS = (ContractError, AttributeError, LookupError, TypeError, ValueError)
"""What a plain value of another shape makes a reader raise."""


class Part(Protocol):
    """A field of a record as its class declares it."""

    @property
    def key(self) -> int:
        """The integer under which it travels."""
        ...

    @property
    def optional(self) -> bool:
        """Whether it is left out where it has its default."""
        ...

    @property
    def default(self) -> object:
        """What it is where it is left out."""
        ...


def as_it_is(plain: Any) -> Any:
    """Return a value that is the same in memory and on the wire."""
    return plain


def record_reader(of: Any, parts: Mapping[str, tuple[Part, Read]]) -> Read:
    """Return the function that makes records of the class ``of`` of maps. ``parts`` has each of its fields by name, and
    what reads its value.
    """
    known: dict[str, Any] = {"of": of}
    given = []
    for number, name in enumerate(item.name for item in fields(of)):
        part, read = parts[name]
        known[f"read{number}"], known[f"default{number}"] = read, part.default
        plain = "item" if part.optional else f"plain[{part.key}]"
        value = plain if read is as_it_is else f"read{number}({plain})"
        if part.optional:
            # Nothing on the wire is None: where it is all the same, it is left out when it is written.
            value = f"default{number} if (item := get({part.key})) is None else {value}"
        given.append(value)
    lines = ["def read(plain):", " get = plain.get", f" return of({', '.join(given)})"]
    exec("\n".join(lines), known)
    return cast(Read, known["read"])


def array_reader(read: Read) -> Read:
    """Return the function that makes tuples of arrays, each value by ``read``."""
    if read is as_it_is:
        return tuple
    return lambda plain: tuple(map(read, plain))


def option_reader(by_key: Mapping[int, Read]) -> Read:
    """Return the function that makes a record of one of several classes of ``[key, record]``."""
    return lambda plain: by_key[plain[0]](plain[1])


def name_reader(values: Mapping[str, Any]) -> Read:
    """Return the function that gives one of some values by its name."""
    return values.__getitem__
