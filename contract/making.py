"""Records that are quickly declared and quickly made: what ``dataclasses`` makes, in less time.

A terminal declares some hundreds of classes at its start. For each ``dataclasses`` compiles six functions, one by one,
which was half of what importing them took; ``dataclass`` here compiles three, at once, and shares the others.

What ``dataclasses`` writes for a frozen class sets each field past the class's own refusal to have it set, which takes
several times as long as setting it. Here a new record is, while its fields are set, of a class with the same slots that
refuses nothing, and of its own class from then on: nobody sees it in between, and it is frozen like any other.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

__all__ = ["dataclass"]

RecordT = TypeVar("RecordT")

_WRITTEN = ("__new__", "__eq__", "__hash__")
_OF_ITS_OWN = {
    *_WRITTEN,
    "__init__",
    "__init_subclass__",
    "__post_init__",
    "__match_args__",
    "__repr__",
    "__setattr__",
    "__delattr__",
    "__reduce__",
    "__reduce_ex__",
    "__getstate__",
    "__setstate__",
}
"""Who brings one of these has its class made by ``dataclasses``."""


def _dataclass(**asked: bool) -> Callable[[type[RecordT]], type[RecordT]]:
    """``dataclasses.dataclass``, and quicker where what is asked is ``frozen=True, slots=True`` and nothing else."""
    if asked == {"frozen": True, "slots": True}:
        return _declared
    return dataclasses.dataclass(**cast(Any, asked))


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass


def _declared(of: type[RecordT]) -> type[RecordT]:
    """The frozen class with slots of what ``of`` declares. One with a base, a field that is not like every other or a
    method that ``dataclasses`` would write is left to ``dataclasses``; what is made here has no subclass. Raises
    TypeError where a field is by keyword only or no field at all (``InitVar``): for those ask ``dataclasses``.
    """
    own = vars(of)
    plain = type(of) is type and of.__bases__ == (object,) and _OF_ITS_OWN.isdisjoint(own)
    if not plain or any(map(_is_unlike_others, own.values())):
        return dataclasses.dataclass(frozen=True, slots=True)(of)
    listed = fields(cast(Any, dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False)(of)))
    _require_plain(of, listed)
    names = tuple([field.name for field in listed])
    body = {name: value for name, value in own.items() if name not in {*names, "__dict__", "__weakref__"}}
    body |= _SHARED | {"__slots__": names, "__match_args__": names, "__qualname__": of.__qualname__}
    body |= _written(of, listed)
    return type(of.__name__, (), body)


def _is_unlike_others(value: object) -> bool:
    """Whether what stands beside a field's name asks for more than a default."""
    if not isinstance(value, Field):
        return False
    alike = value.init and value.repr and value.compare and value.hash is None and value.kw_only is MISSING
    return not alike or value.default_factory is not MISSING


def _require_plain(of: type, listed: tuple["Field[Any]", ...]) -> None:
    """Raise TypeError where an annotation asks for more than a field."""
    told = cast(Any, of).__dataclass_fields__.values()
    if any([field.kw_only for field in listed]) or any(["InitVar" in str(field.type) for field in told]):
        raise TypeError(f"{of.__name__} is for dataclasses to make: it asks for KW_ONLY or InitVar")


def _written(of: type, listed: tuple["Field[Any]", ...]) -> dict[str, Any]:
    """The methods that know the fields by name."""
    names = [field.name for field in listed]
    known: dict[str, Any] = {"__name__": of.__module__, "__open": type(of.__name__, (), {"__slots__": names})}
    known |= {f"__default_{field.name}": field.default for field in listed if field.default is not MISSING}
    taken = [name if f"__default_{name}" not in known else f"{name}=__default_{name}" for name in names]
    mine, others = ["".join([f"{whose}.{name}, " for name in names]) for whose in ("self", "other")]
    source = [
        f"def __new__({', '.join(['__class', *taken])}):",
        " __made = __open()",
        *[f" __made.{name} = {name}" for name in names],
        " __made.__class__ = __class",
        " return __made",
        "def __eq__(self, other):",
        f" return ({mine}) == ({others}) if other.__class__ is self.__class__ else NotImplemented",
        "def __hash__(self):",
        f" return hash(({mine}))",
    ]
    exec("\n".join(source), known)
    for name in _WRITTEN:
        known[name].__qualname__ = f"{of.__qualname__}.{name}"
    return {name: known[name] for name in _WRITTEN}


def _shown(record: Any) -> str:
    held = [f"{name}={getattr(record, name)!r}" for name in record.__match_args__]
    return f"{type(record).__qualname__}({', '.join(held)})"


def _refuse_to_set(_record: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_record: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _refuse_a_subclass(of: type, /, **_asked: object) -> None:
    raise TypeError(f"{of.__name__}: a record has no subclass")


def _made_again(record: Any) -> tuple[type, tuple[object, ...]]:
    """How ``copy`` and ``pickle`` make it."""
    return type(record), tuple([getattr(record, name) for name in record.__match_args__])


_SHARED: dict[str, Any] = {
    "__repr__": _shown,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__reduce__": _made_again,
    "__init_subclass__": classmethod(_refuse_a_subclass),
}
