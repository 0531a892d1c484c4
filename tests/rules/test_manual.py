"""The manual of rules tells the truth: every snippet is taken, every refusal is said, every field is explained."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from contract import wire
from contract.basket import Basket, BasketLine, Customer
from contract.errors import ContractError
from contract.money import format_minor
from contract.named import names_of, only_field, read_named
from hq.zones import zone_steps
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.price import price
from rules.grammar.conditions import CONDITION, Spend
from rules.grammar.effects import EFFECT
from rules.grammar.money import Side
from rules.grammar.pack import Group, Pack, Zone, ZoneStep
from rules.grammar.policies import Policies
from rules.grammar.rule import Limits, Rule
from rules.grammar.select import Select
from rules.meanings import MEANINGS, meaning
from tests.tidy.grammar_examples import BESIDE, CONDITIONS, EFFECTS, OTHER_BASKETS
from tests.tidy.tree import ROOT

MANUAL = ROOT / "docs" / "rules"
README = (MANUAL / "README.md").read_text(encoding="utf-8")
MEETING = (MANUAL / "meeting.md").read_text(encoding="utf-8")
PACK = (ROOT / "docs" / "examples" / "pack.json").read_text(encoding="utf-8")
SNIPPETS = [
    text
    for row in (README + MEETING).splitlines()
    if "tapledger: " not in row
    for text in re.findall(r'`(\{?"[a-z_]+": .+?)`', row)
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_is_taken(snippet: str) -> None:
    plain = json.loads(snippet if snippet.startswith("{") else f"{{{snippet}}}")
    ((name, value),) = plain.items()
    for kind in (CONDITION, EFFECT):
        of = next((of for of, known in names_of(kind).items() if known == name), None)
        if of is not None:
            holder = {"rule": "r", "title": "t", "title_en": "t", "lane": "line", "then": [{"points_bonus": 1}]}
            read_named(Rule, {**holder, ("when" if kind is CONDITION else "then"): [plain]})
            return
    of = next((of for of in (Policies, Limits, Select) if of.__name__.lower().startswith(name)), None)
    if of is not None:
        read_named(of, value)
    else:
        assert name in {part.name for of in (Pack, Rule, Group, Spend, Side) for part in wire.layout(of)}


def test_the_manual_has_a_snippet_for_every_effect() -> None:
    shown = "".join(SNIPPETS)
    assert [name for name in names_of(EFFECT).values() if f'"{name}"' not in shown] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("rules", 0, "then", 0), {"percent": {"rate": 1_000, "scope": "line"}}),
        (("rules", 0, "when"), [{"tiers": ["gold"]}]),
        (("rules", 0, "then", 0), {"gift": "spoon"}),
        (("rules", 0, "when"), [{"tier": "gold"}]),
        (("rules", 0, "when"), [{"quantity": {"at_least": 3, "skus": ["tea"]}}]),
        (("rules", 0, "then", 0), {"percent": {"rate_bp": 1_000}}),
        (("rules", 0, "then", 0, "percent", "rate_bp"), 20_000),
        (("rules", 1, "then", 0, "spend_save", "steps", 0, "save_minor"), 20_001),
        (("rules", 1, "then", 0, "spend_save", "steps", 0, "save_minor"), 12.5),
        (("rules", 1, "rule"), "gold-10"),
        (("rules", 0, "when"), [{"festival": "double-11"}]),
        (("zones",), ["Asia/Shangai"]),
    ],
)
def test_every_refusal_the_manual_shows_is_said_so(path: tuple[str | int, ...], value: object) -> None:
    plain: Any = json.loads(PACK)
    inner = plain
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(ContractError) as caught:
        read_authored(json.dumps(plain), zone_steps)
    assert f"`tapledger: {caught.value}`" in README


def test_the_worked_example_is_what_the_engine_finds() -> None:
    compiled = compile_pack(read_authored(PACK))
    gold = Customer("gold")
    priced = price(Basket((BasketLine("open", 1, 26_800),), gold), compiled)
    left = 26_800
    for effect, step in zip(priced.effects, (1, 2, 3), strict=True):
        left -= effect.off_minor
        row = next(line for line in README.splitlines() if line.startswith(f"| {step} | `"))
        assert f"`{effect.rule}`" in row
        assert format_minor(left) in row
    assert (priced.payable_minor, priced.points) == (22_120, 221)
    two = price(Basket((BasketLine("a", 1, 16_800), BasketLine("b", 1, 10_000)), gold), compiled)
    assert "12.54 and 7.46" in README
    assert [format_minor(amount) for amount in two.payable_by_line] == ["138.66", "82.54"]
    assert "lines cost 138.66 and 82.54" in README


def test_the_example_of_priorities_goes_step_by_step_as_told() -> None:
    pack = read_authored((ROOT / "docs" / "examples" / "pack-member-day.json").read_text(encoding="utf-8"))
    priced = price(pack.golden[0].basket, compile_pack(pack))
    steps = [priced.list_minor]
    for effect in priced.effects[:3]:
        steps.append(steps[-1] - effect.off_minor)
    assert f"{' → '.join(map(format_minor, steps))}, and {priced.points} points" in README


def test_every_field_is_explained_and_nothing_else_is() -> None:
    told: set[str] = set()
    silent = []
    for of in _records(Pack, set()):
        for part in wire.layout(of):
            own = f"{of.__name__}.{part.name}"
            told.add(own if own in MEANINGS else part.name)
            if not meaning(of.__name__, part.name) and only_field(of) is None and of not in (Zone, ZoneStep):
                silent.append(own)
    assert silent == ["Pack.grammar"]
    assert set(MEANINGS) - told == set()


def test_every_condition_and_effect_has_its_example() -> None:
    assert list(CONDITIONS) == list(names_of(CONDITION).values())
    assert list(EFFECTS) == list(names_of(EFFECT).values())
    for name, text in (CONDITIONS | EFFECTS).items():
        assert list(json.loads(text)) == [name]
    assert {*BESIDE, *OTHER_BASKETS} <= set(EFFECTS)


def _records(of: type, seen: set[type]) -> Iterator[type]:
    """``of`` and every record that stands in it, each once."""
    if of in seen:
        return
    seen.add(of)
    yield of
    for part in wire.layout(of):
        shape = part.kind.shape
        if isinstance(shape, wire.Several):
            shape = shape.of.shape
        if isinstance(shape, wire.Nested):
            yield from _records(shape.of, seen)
        elif isinstance(shape, wire.Alternatives):
            for option in shape.options.values():
                yield from _records(option, seen)
