"""docs/rules/reference.md as the grammar's declarations say it: every policy, condition, effect and record, each field
with what may stand in it, and what every example does to a basket, as the engine prices it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from contract import wire
from contract.calendar import DAY, LOCAL_MINUTE, MINUTE, YEARLY
from contract.ids import NAME_PATTERN
from contract.money import format_minor
from contract.named import names_of, only_field, parse_json, write_value
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.grammar import conditions, money, pack, policies, rewards, rule, select
from rules.grammar.conditions import CONDITION
from rules.grammar.effects import EFFECT
from rules.meanings import meaning
from rules.priced import Priced
from tests.tidy.grammar_examples import BASKET, BESIDE, CONDITIONS, EFFECTS, OTHER_BASKETS

PARTS: tuple[type, ...] = (
    *(pack.Pack, pack.ShopFacts, pack.Calendar, pack.Group, select.ItemSet, pack.CouponTemplate, pack.CountCard),
    *(pack.TaxTerms, pack.PointsTerms, pack.GoldenBasket, rule.Rule, rule.Limits),
)
CHOOSING: tuple[type, ...] = (select.Select, select.Pick)
INSIDE_EFFECTS: tuple[type, ...] = (
    *(money.Ladder, money.Step, money.SaveStep, money.Side, money.PackagePart),
    *(rewards.TopUpStep, rewards.CouponCount, rewards.CountUses),
)
_WRITTEN: tuple[tuple[wire.Kind, str], ...] = (
    (DAY, "a day, `2026-06-18`"),
    (YEARLY, "a day of the year, `06-18`"),
    (MINUTE, "a time, `08:30`"),
    (LOCAL_MINUTE, "a local time, `2026-06-18T20:00`"),
)
_BULLET = re.compile(r"^\s*- ``(\w+)``: (.*?)(?=^\s*- |\Z)", re.MULTILINE | re.DOTALL)


def grammar_reference() -> str:
    """What the page should hold between its marks."""
    sections = [
        "## The pack\n",
        *(_record(of) for of in PARTS),
        "## Choosing goods\n",
        *(_record(of) for of in CHOOSING),
        f"## Conditions\n\n{prose(conditions.__doc__)}\n\n{_index(CONDITION)}\n",
        *(_alternative(CONDITION, name, CONDITIONS[name], "") for name in _names(CONDITION)),
        _record(conditions.Hours),
        "## Effects\n",
        "Each example is tried on two `tea` at 10.00 (9.00 for members) and one `cup` at 8.50, bought by a member with "
        "1250 points and 50.00 of stored value.\n\n"
        f"{_index(EFFECT)}\n",
        *(_alternative(EFFECT, name, EFFECTS[name], _outcome(name)) for name in _names(EFFECT)),
        *(_record(of) for of in INSIDE_EFFECTS),
        "## Policies\n",
        _policies(),
        "## The basket\n",
        *(_record(of) for of in _basket_records()),
    ]
    return "\n".join(sections)


def _names(kind: wire.Kind) -> list[str]:
    return list(names_of(kind).values())


def _index(kind: wire.Kind) -> str:
    """Links to all alternatives, on one line."""
    return " · ".join(f"[{name}](#{name})" for name in _names(kind))


def _basket_records() -> Iterator[type]:
    from contract import basket

    yield from (basket.Basket, basket.BasketLine, basket.TaxRate, basket.Customer, basket.PlannedTender)
    yield from (basket.RuleUsage, basket.Stock, basket.PoolShare)


def _record(of: type) -> str:
    return f"### {of.__name__}\n\n{prose(of.__doc__)}\n\n{_table(of)}\n"


def _alternative(kind: wire.Kind, name: str, example: str, outcome: str) -> str:
    of = next(of for of, other in names_of(kind).items() if other == name)
    only = only_field(of)
    fields = f"Written directly: {_kind(only.kind)}." if only else _table(of)
    return f"### `{name}`\n\n{prose(of.__doc__)}\n\n```json\n{example}\n```\n{outcome}\n{fields}\n"


def _table(of: type) -> str:
    lines = ["| field | if not written | what may stand there | what it means |", "|---|---|---|---|"]
    for part in wire.layout(of):
        if (of, part.name) == (pack.Pack, "grammar"):
            continue
        default = "needed" if not part.optional else _default(part)
        kind = "list of 0 to 64 names" if (of, part.name) == (pack.Pack, "zones") else _kind(part.kind)
        lines.append(f"| `{part.name}` | {default} | {kind} | {meaning(of.__name__, part.name)} |")
    return "\n".join(lines)


def _default(part: wire.Part) -> str:
    match part.default:
        case None:
            return ""
        case bool() | int():
            return f"`{json.dumps(part.default)}`"
        case StrEnum():
            return f"`{part.default.value}`"
        case _:
            written = write_value(part.kind, part.default)
            return f"`{json.dumps(written)}`" if written else ""


def _kind(kind: wire.Kind) -> str:
    """What may stand in a field, in words."""
    for known, words in _WRITTEN:
        if kind is known:
            return words
    match kind.shape:
        case wire.Later(find):
            return _kind(find())
        case wire.Alternatives():
            return "a [condition](#conditions)" if kind is CONDITION else "an [effect](#effects)"
        case wire.Nested(of):
            return f"[{of.__name__}](#{of.__name__.lower()})"
        case wire.Several(of, least, most):
            return f"list of {least} to {most}, each {_kind(of)}"
        case wire.Plain(schema):
            return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "boolean":
        return "true, false"
    if schema["type"] == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    if "pattern" in schema:
        return letters(schema["pattern"].removeprefix("^").removesuffix("$"))
    return f"text, {schema['minLength']} to {schema['maxLength']} characters"


def letters(pattern: str) -> str:
    """Which characters and how many, in words where the pattern is one class of characters."""
    if pattern == NAME_PATTERN:
        return "1 to 16 of `a-z 0-9 -`, the first no `-`"
    found = re.fullmatch(r"\[([^]]+)\]\{(\d+)(?:,(\d+))?\}", pattern)
    if found is None:
        return f"`{pattern}`"
    count = found[2] if found[3] is None else f"{found[2]} to {found[3]}"
    return f"{count} of `{' '.join(re.findall(r'[a-zA-Z0-9]-[a-zA-Z0-9]|.', found[1]))}`"


def _policies() -> str:
    reasons = {name: " ".join(text.split()) for name, text in _BULLET.findall(policies.Policies.__doc__ or "")}
    lines = ["| policy | default | the others | why |", "|---|---|---|---|"]
    told: dict[str, str] = {}
    for part in wire.layout(policies.Policies):
        assert isinstance(part.kind.shape, wire.Plain)
        values: Any = part.kind.shape.schema.get("enum", (True, False))
        others = ", ".join(f"`{_said(value)}`" for value in values if value != part.default)
        why = _words(reasons[part.name].partition(". ")[2])
        lines.append(f"| `{part.name}` | `{_said(part.default)}` | {others} | {why} |")
        if isinstance(part.default, StrEnum):
            told.setdefault(type(part.default).__name__, f"`{part.name}`: {prose(type(part.default).__doc__)}\n")
    return "\n".join([*lines, "", *told.values()])


def _said(value: object) -> str:
    """A value as it is written."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def prose(docstring: str | None) -> str:
    """A docstring as a paragraph of the page: without its list of bullets, its names in the page's form."""
    return _words("\n".join(" ".join(block.split()) for block in (docstring or "").strip().split("\n\n")))


def _words(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def _outcome(name: str) -> str:
    """What the example does to its basket, as the engine finds it."""
    if name == "top_up":
        return "\nA top-up of 1000.00 brings 120.00 in 12 parts 30 days apart, the first at once, and two coupons.\n"
    if name == "redeem":
        return "\nA member takes one cup-100 out of the gifts at the till for 500 points, without a sale.\n"
    effects = [parse_json(text, 10_000) for text in (BESIDE.get(name, ""), EFFECTS[name]) if text]
    example = {"rule": "example", "title": "例", "title_en": "Example", "lane": "points", "then": effects}
    words = {"title": "例", "title_en": "Example", "valid_days": 30}
    written = {
        "currency": "CNY",
        "rules": [example],
        "golden": [{"basket": {"lines": []}, "payable_minor": 0}],
        "coupons": [{"coupon": "ten-off", "valid_from_days": 1, **words}],
        "count_cards": [{"card": "coffee", **words}],
    }
    priced = price(OTHER_BASKETS.get(name, BASKET), compile_pack(read_authored(json.dumps(written))))
    return f"\n{_said_of(priced, BESIDE.get(name, ''))}\n"


def _said_of(priced: Priced, beside: str) -> str:
    listed, payable = format_minor(priced.list_minor), format_minor(priced.payable_minor)
    said = [f"{listed} becomes {payable}" if listed != payable else f"{listed} stays"]
    said += [f"{priced.points} points earned"] if priced.points else []
    said += [f"{priced.points_spent} points used"] if priced.points_spent else []
    said += [f"{format_minor(priced.bonus_minor)} bonus money"] if priced.bonus_minor else []
    said += [f"{format_minor(priced.rounding_minor)} as a line of its own"] if priced.rounding_minor else []
    said += [f"{format_minor(priced.stored_minor)} of it from stored value"] if priced.stored_minor else []
    for effect in priced.effects:
        said += [f"{given.count} `{given.name}` given" for given in effect.gifts]
        said += [f"{given.count} coupons `{given.name}`" for given in effect.coupons]
        said += [f"{given.count} uses of `{given.name}`" for given in effect.counts]
    after = f"After `{beside}` in the same rule: " if beside else ""
    return f"{after}{', '.join(said)}."
