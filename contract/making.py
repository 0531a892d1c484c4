"""Records that are quickly declared and quickly made: what ``dataclasses`` makes, in less time.

A terminal declares some hundreds of classes at its start. For each ``dataclasses`` compiles six functions, one by one,
which was half of what importing them took; ``dataclass`` here compiles three, at once, and shares the others.

``made_at_once`` is for the few that are made by the dozen for every sale. What ``dataclasses`` writes for a frozen
class sets each field past the class's own refusal to have it set, which takes several times as long as setting it. Here
a new instance is, while its fields are set, of a class with the same slots that refuses nothing, and of its own class
from then on: nobody sees it in between, and it is frozen like any other.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

__all__ = ["dataclass", "made_at_once"]

RecordT = TypeVar("RecordT")

_WRITTEN = ("__init__", "__eq__", "__hash__")
_OF_ITS_OWN = {*_WRITTEN, "__post_init__", "__repr__", "__setattr__", "__delattr__", "__reduce__"}
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
    method that ``dataclasses`` would write is left to ``dataclasses``.
    """
    own = vars(of)
    if of.__bases__ != (object,) or not _OF_ITS_OWN.isdisjoint(own) or any(map(_is_unlike_others, own.values())):
        return dataclasses.dataclass(frozen=True, slots=True)(of)
    listed = fields(cast(Any, dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False)(of)))
    names = tuple([field.name for field in listed])
    body = {name: value for name, value in own.items() if name not in {*names, "__dict__", "__weakref__"}}
    body |= _SHARED | {"__slots__": names, "__match_args__": names, "__qualname__": of.__qualname__}
    made = type(of.__name__, (), body)
    for name, function in _written(made, listed).items():
        function.__qualname__ = f"{of.__qualname__}.{name}"
        setattr(made, name, function)
    return made


def _is_unlike_others(value: object) -> bool:
    """Whether what stands beside a field's name asks for more than a default."""
    if not isinstance(value, Field):
        return False
    alike = value.init and value.repr and value.compare and value.hash is None and value.kw_only is MISSING
    return not alike or value.default_factory is not MISSING


def _written(of: type, listed: tuple["Field[Any]", ...]) -> dict[str, Any]:
    """The methods that know the fields by name."""
    known: dict[str, Any] = {"__name__": of.__module__}
    taken, lines = ["self"], []
    for field in listed:
        known[f"_set_{field.name}"] = vars(of)[field.name].__set__
        known[f"_default_{field.name}"] = field.default
        taken.append(field.name if field.default is MISSING else f"{field.name}=_default_{field.name}")
        lines.append(f" _set_{field.name}(self, {field.name})")
    mine, others = ["".join([f"{whose}.{field.name}, " for field in listed]) for whose in ("self", "other")]
    source = [
        f"def __init__({', '.join(taken)}):",
        *(lines or [" pass"]),
        "def __eq__(self, other):",
        f" return ({mine}) == ({others}) if other.__class__ is self.__class__ else NotImplemented",
        "def __hash__(self):",
        f" return hash(({mine}))",
    ]
    exec("\n".join(source), known)
    return {name: known[name] for name in _WRITTEN}


def _shown(record: Any) -> str:
    held = [f"{name}={getattr(record, name)!r}" for name in record.__match_args__]
    return f"{type(record).__qualname__}({', '.join(held)})"


def _refuse_to_set(_record: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_record: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _made_again(record: Any) -> tuple[type, tuple[object, ...]]:
    """How ``copy`` and ``pickle`` make it."""
    return type(record), tuple([getattr(record, name) for name in record.__match_args__])


_SHARED: dict[str, Any] = {
    "__repr__": _shown,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__reduce__": _made_again,
}


def made_at_once(of: type[RecordT]) -> type[RecordT]:
    """Give the frozen dataclass with slots ``of`` a constructor that takes the same arguments, does the same, and is
    quick. It has no base but ``object``, no field that a factory fills, and from now on no subclass. Raises TypeError
    where it is not such a class.
    """
    declared = fields(cast(Any, of))
    slots = of.__dict__.get("__slots__")
    if of.__bases__ != (object,) or slots != tuple(field.name for field in declared):
        raise TypeError(f"{of.__name__} is no class of slots alone")
    own = cast(Any, of)
    known: dict[str, Any] = {"of": of, "open_class": type("Open", (), {"__slots__": slots}), "be": object.__setattr__}
    taken, lines = ["self"], [' be(self, "__class__", open_class)']
    for field in declared:
        if field.default_factory is not MISSING or (not field.init and field.default is not MISSING):
            raise TypeError(f"it fills itself: {of.__name__}.{field.name}")
        if field.init:
            known[f"default_{field.name}"] = field.default
            taken.append(field.name if field.default is MISSING else f"{field.name}=default_{field.name}")
            lines.append(f" self.{field.name} = {field.name}")
    lines.append(" self.__class__ = of")
    if hasattr(of, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec("\n".join([f"def __init__({', '.join(taken)}):", *lines]), known)
    made = known["__init__"]
    made.__qualname__, made.__module__, made.__annotations__ = f"{of.__qualname__}.__init__", of.__module__, {}
    own.__init__, own.__init_subclass__ = made, classmethod(_refused)
    return of


def _refused(of: type, /, **_arguments: object) -> None:
    raise TypeError(f"{of.__name__} cannot be made of a class that is made at once")
