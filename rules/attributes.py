"""What a pack's rules look at of a member: whatever else is known of members need not lie on a terminal."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from rules.grammar.conditions import Birthday, CardType, LastVisit, Segment, Visit
from rules.grammar.pack import Pack

_READ: Mapping[type, tuple[str, ...]] = {
    Segment: ("segments",),
    CardType: ("card_type",),
    Birthday: ("birthday",),
    Visit: ("visits", "visit_days"),
    LastVisit: ("visit_days",),
}


def attributes_read(pack: Pack) -> frozenset[str]:
    """The fields of ``contract.basket.Customer`` that only rules look at, and that some rule of ``pack`` does."""
    return frozenset(name for part in _parts(pack.rules) for name in _READ.get(type(part), ()))


def _parts(value: object) -> Iterator[object]:
    """Everything that a value is made of, itself included."""
    yield value
    if isinstance(value, tuple):
        for item in value:
            yield from _parts(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
