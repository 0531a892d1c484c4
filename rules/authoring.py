"""The form in which head office's staff write a pack, or a basket: JSON with names, checked as strictly as the wire.

A condition or an effect is an object with its name alone: ``{"tier": ["gold"]}``, ``{"percent": {"rate_bp": 1000,
"scope": "line"}}``. Days and times are ISO 8601. Time zones are written by their IANA names, and their steps come from
whoever calls. The whole grammar is described in docs/rules/.
"""

import json
from collections.abc import Callable
from typing import Any

from contract.basket import Basket
from contract.errors import ContractError, Reason
from contract.named import parse_json, read_named, write_named
from rules.grammar import conditions as asks
from rules.grammar.conditions import leaves
from rules.grammar.pack import Pack, Zone, ZoneStep
from rules.pack import GRAMMAR
from rules.references import require_sense

Zones = Callable[[str], tuple[ZoneStep, ...]]
"""Gives the steps of a time zone by its IANA name; raises ContractError, with what was probably meant, for no zone."""

MAX_AUTHORED_BYTES = 32 * 1024 * 1024
MOST_ZONES = 64
"""As many as a pack may have; asked before any zone is looked up."""
_POSITIVE_S = 86_400
"""What ``ZoneStep`` adds to an offset."""


_TIMED = (
    *(asks.Birthday, asks.LastVisit, asks.Dates, asks.Window, asks.Weekday, asks.Clock, asks.Festival),
    *(asks.Anniversary,),
)
"""Conditions that hold or not by the shop's clock."""


def read_authored(text: str, zones: Zones | None = None) -> Pack:
    """Return the pack written as JSON. Without ``zones``, it may name UTC and Asia/Shanghai alone. Raises ContractError
    with the path to the first field that is wrong.
    """
    plain = parse_json(text, MAX_AUTHORED_BYTES)
    if type(plain) is not dict:
        raise ContractError(Reason.WRONG_TYPE, detail="expected an object")
    if "grammar" in plain:
        raise ContractError(Reason.UNKNOWN_FIELD, "grammar", "the program writes its own")
    steps_of = well_known if zones is None else zones
    read = [_zone(name, f"zones[{index}]", steps_of) for index, name in enumerate(_names(plain.get("zones", [])))]
    pack = read_named(Pack, plain | {"grammar": GRAMMAR, "zones": [write_named(zone) for zone in read]})
    require_sense(pack)
    _require_zone(pack)
    return pack


def _require_zone(pack: Pack) -> None:
    """Staff who write of days and hours mean those of their shops, never UTC by oversight."""
    if pack.zones:
        return
    if pack.valid_until is not None:
        detail = 'valid_until is a day of the shops; write their zone, such as ["Asia/Shanghai"]'
        raise ContractError(Reason.MISSING_FIELD, "zones", detail)
    for index, rule in enumerate(pack.rules):
        for place, condition in enumerate(rule.when):
            if any(isinstance(part, _TIMED) for part in leaves(condition)):
                where = f"rules[{index}].when[{place}] asks for the time; write the shops' zone"
                raise ContractError(Reason.MISSING_FIELD, "zones", f'{where}, such as ["Asia/Shanghai"]')


def write_authored(pack: Pack) -> str:
    """Return a pack as JSON that :func:`read_authored` reads back, with ``zones`` that give the same steps. Raises
    ContractError where the pack breaks its own grammar, or what is asked of those who write one.
    """
    require_sense(pack)
    _require_zone(pack)
    plain: dict[str, Any] = write_named(pack)
    del plain["grammar"]
    if pack.zones:
        plain["zones"] = [zone.name for zone in pack.zones]
    return json.dumps(plain, ensure_ascii=False, indent=2)


def read_authored_basket(text: str) -> Basket:
    """Return the basket written as JSON. Raises ContractError with the path to the first field that is wrong."""
    return read_named(Basket, parse_json(text, MAX_AUTHORED_BYTES))


def well_known(name: str) -> tuple[ZoneStep, ...]:
    """The steps of the two zones no database is asked for: UTC, and Asia/Shanghai, which has been 8 hours ahead of it
    without a summer time since 15 September 1991 (IANA time zone database, asia). Raises ContractError for others.
    """
    ahead_s = {"UTC": 0, "Asia/Shanghai": 8 * 3_600}.get(name)
    if ahead_s is None:
        raise ContractError(Reason.OUT_OF_RANGE, detail="only UTC and Asia/Shanghai are known here")
    return (ZoneStep(0, ahead_s + _POSITIVE_S),)


def _names(plain: object) -> list[object]:
    if type(plain) is not list:
        raise ContractError(Reason.WRONG_TYPE, "zones", "expected a list of zone names")
    if len(plain) > MOST_ZONES:
        raise ContractError(Reason.OUT_OF_RANGE, "zones", f"expected 0 to {MOST_ZONES} items")
    return plain


def _zone(name: object, path: str, steps_of: Zones) -> Zone:
    if type(name) is not str:
        raise ContractError(Reason.WRONG_TYPE, path, "expected the name of a time zone")
    try:
        return Zone(name, steps_of(name))
    except ContractError as error:
        raise ContractError(error.reason, path, error.detail) from error
