"""A quick constructor for records that are made by the dozen for every sale.

What ``dataclasses`` writes for a frozen class sets each field past the class's own refusal to have it set, which takes
several times as long as setting it. Here a new instance is, while its fields are set, of a class with the same slots
that refuses nothing, and of its own class from then on: nobody sees it in between, and it is frozen like any other.
"""

from dataclasses import MISSING, fields
from typing import Any, TypeVar, cast

RecordT = TypeVar("RecordT")


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
