"""The keys of a basket, by which the index of a pack finds the rules it can meet: one of its SKUs, its tier, its shop.

What a key is of stands before its colon; ``member`` has none.
"""

from collections.abc import Callable, Iterable

from contract.calendar import date_of
from rules.engine.view import View


def keys_of(view: View, kinds: Iterable[str] | None = None) -> set[str]:
    """Every key a basket has, or of those of ``kinds`` every one."""
    keys: set[str] = set()
    for kind in _KEYS if kinds is None else kinds:
        keys.update(_KEYS[kind](view))
    return keys


def prefixed(prefix: str, names: Iterable[str]) -> list[str]:
    """A key of the kind ``prefix`` for each name."""
    return [f"{prefix}:{name}" for name in names]


def _tier(view: View) -> Iterable[str]:
    customer = view.facts.customer
    return () if customer is None else (f"tier:{customer.tier}",)


def _card(view: View) -> Iterable[str]:
    customer = view.facts.customer
    return () if customer is None else (f"card:{customer.card_type}",)


def _tags(view: View) -> Iterable[str]:
    customer = view.facts.customer
    return () if customer is None else prefixed("tag", customer.tags)


def _segments(view: View) -> Iterable[str]:
    customer = view.facts.customer
    return () if customer is None else prefixed("segment", customer.segments)


def _month(view: View) -> Iterable[str]:
    if view.facts.day is None:
        return ()
    today = date_of(view.facts.day)
    return (f"month:{today.year * 12 + today.month}",)


def _weekday(view: View) -> Iterable[str]:
    return () if view.facts.day is None else (f"weekday:{date_of(view.facts.day).isoweekday()}",)


def _festivals(view: View) -> Iterable[str]:
    today = view.facts.day
    return [f"festival:{calendar.name}" for calendar in view.facts.pack.calendars if today in calendar.days]


_KEYS: dict[str, Callable[[View], Iterable[str]]] = {
    "shop": lambda view: (f"shop:{view.facts.basket.shop}",),
    "terminal": lambda view: (f"terminal:{view.facts.basket.shop}/{view.facts.basket.terminal}",),
    "channel": lambda view: (f"channel:{view.facts.basket.channel}",),
    "group": lambda view: prefixed("group", view.facts.shop.groups),
    "code": lambda view: prefixed("code", view.facts.codes),
    "tender": lambda view: prefixed("tender", view.facts.tenders),
    "flag": lambda view: prefixed("flag", view.facts.basket.flags),
    "member": lambda view: () if view.facts.customer is None else ("member",),
    "tier": _tier,
    "card": _card,
    "tag": _tags,
    "segment": _segments,
    "month": _month,
    "weekday": _weekday,
    "festival": _festivals,
    "sku": lambda view: [f"sku:{line.sku}" for line in view.units.lines],
    "brand": lambda view: [f"brand:{line.brand}" for line in view.units.lines if line.brand is not None],
    "category": lambda view: [f"category:{name}" for line in view.units.lines for name in line.categories],
    "item": lambda view: [f"item:{name}" for line in view.units.lines for name in line.tags],
}
