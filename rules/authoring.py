"""The form in which HQ staff write a pack: JSON with names instead of numbers, checked as strictly as the wire.

Example of one rule: ``{"rule": "gold-10", "title": "金卡9折", "title_en": "Gold 10 % off", "lane": "line", "tiers":
["gold"], "percent_off_bp": 1000}``. The whole grammar is described in docs/rules.md.
"""

import json
from typing import Any

from contract.errors import ContractError, Reason
from rules.basket import Basket, BasketLine, Customer
from rules.pack import GRAMMAR, Conditions, Effect, EffectKind, GoldenBasket, Lane, Pack, Rule, read_pack, write_pack

_RULE_FIELDS = {"rule", "title", "title_en", "lane"}
_RULE_OPTIONS = {"priority", "member", "tiers", "categories", "percent_off_bp", "spend_save", "points_per_money"}
_GOLDEN_FIELDS = {"lines", "payable_minor", "points"}
_LINE_FIELDS = {"sku", "category", "quantity", "unit_price_minor"}


def read_authored(text: str) -> Pack:
    """Return the pack written as JSON. Raises ContractError with the path to the first field that is wrong,
    UNKNOWN_FIELD for a stray one.
    """
    try:
        plain = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ContractError(Reason.WRONG_TYPE, detail=f"not JSON: {error}") from error
    _require_fields(plain, {"currency", "rules", "golden"}, set(), "")
    rules = tuple(_rule(item, f"rules[{index}]") for index, item in enumerate(_list(plain["rules"], "rules")))
    golden = tuple(_golden(item, f"golden[{index}]") for index, item in enumerate(_list(plain["golden"], "golden")))
    return read_pack(write_pack(Pack(GRAMMAR, plain["currency"], rules, golden)))


def _rule(plain: Any, path: str) -> Rule:
    _require_fields(plain, _RULE_FIELDS, _RULE_OPTIONS, path)
    if plain["lane"] not in [lane.value for lane in Lane]:
        raise ContractError(Reason.OUT_OF_RANGE, f"{path}.lane", f"expected one of {', '.join(Lane)}")
    conditions = Conditions(
        member=plain.get("member", False),
        tiers=tuple(_list(plain.get("tiers", []), f"{path}.tiers")),
        categories=tuple(_list(plain.get("categories", []), f"{path}.categories")),
    )
    effect = _effect(plain, path)
    return Rule(
        plain["rule"],
        plain["title"],
        plain["title_en"],
        Lane(plain["lane"]),
        plain.get("priority", 0),
        conditions,
        effect,
    )


def _effect(plain: Any, path: str) -> Effect:
    named = [name for name in ("percent_off_bp", "spend_save", "points_per_money") if name in plain]
    if len(named) != 1:
        raise ContractError(Reason.MISSING_FIELD, path, "exactly one of percent_off_bp, spend_save, points_per_money")
    found = plain[named[0]]
    here = f"{path}.{named[0]}"
    match named[0]:
        case "percent_off_bp":
            return Effect(EffectKind.PERCENT_OFF, found, 0, 0, 0, False)
        case "spend_save":
            _require_fields(found, {"spend_minor", "save_minor"}, {"every"}, here)
            every = found.get("every", False)
            return Effect(EffectKind.SPEND_SAVE, 0, found["spend_minor"], found["save_minor"], 0, every)
        case _:
            _require_fields(found, {"points", "spend_minor"}, set(), here)
            return Effect(EffectKind.POINTS_PER_MONEY, 0, found["spend_minor"], 0, found["points"], True)


def _golden(plain: Any, path: str) -> GoldenBasket:
    _require_fields(plain, _GOLDEN_FIELDS, {"tier", "tags"}, path)
    lines = []
    for index, item in enumerate(_list(plain["lines"], f"{path}.lines")):
        _require_fields(item, _LINE_FIELDS, set(), f"{path}.lines[{index}]")
        lines.append(BasketLine(item["sku"], item["category"], item["quantity"], item["unit_price_minor"]))
    if "tags" in plain and "tier" not in plain:
        raise ContractError(Reason.MISSING_FIELD, f"{path}.tier", "tags belong to a member of a tier")
    customer = Customer(plain["tier"], tuple(_list(plain.get("tags", []), f"{path}.tags"))) if "tier" in plain else None
    return GoldenBasket(Basket(tuple(lines), customer), plain["payable_minor"], plain["points"])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON leaves open what a name given twice means, so it is refused like a stray one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ContractError(Reason.UNKNOWN_FIELD, twice, "given twice")
    return found


def _list(plain: Any, path: str) -> list[Any]:
    if type(plain) is not list:
        raise ContractError(Reason.WRONG_TYPE, path, "expected a list")
    return plain


def _require_fields(plain: Any, needed: set[str], optional: set[str], path: str) -> None:
    if type(plain) is not dict:
        raise ContractError(Reason.WRONG_TYPE, path, "expected an object")
    dot = f"{path}." if path else ""
    for name in plain:
        if name not in needed | optional:
            raise ContractError(Reason.UNKNOWN_FIELD, f"{dot}{name}")
    for name in sorted(needed - set(plain)):
        raise ContractError(Reason.MISSING_FIELD, f"{dot}{name}")
