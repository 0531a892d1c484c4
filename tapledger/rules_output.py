"""What the rules commands answer with ``--json``: one record a command, declared once; docs/rules/output.schema.json
follows from the declarations.

Amounts are minor units, points the smallest unit of points, times local minutes written as ISO 8601. A field that is
left out has no value.
"""

from dataclasses import dataclass
from typing import Any

from contract import wire
from contract.basket import Basket
from contract.calendar import LOCAL_MINUTE
from contract.errors import ContractError, Reason
from contract.named import json_schema
from contract.trace import AppliedEffect, Given, Share
from rules.engine.shortfall import Why
from rules.linting.finding import Kind, Weight

_MOST = 2**53
INTEGER = wire.whole(-_MOST, _MOST)
COUNT = wire.whole(0, _MOST)
TEXT = wire.text(2_000, min_chars=0)
SHA256 = wire.text(64, "[0-9a-f]{64}")
_MANY = 1_000_000


def _read_object(plain: object, path: str) -> object:
    if type(plain) is not dict:
        raise ContractError(Reason.WRONG_TYPE, path, "expected an object")
    return plain


WRITTEN_PACK = wire.Kind(
    lambda value: value,
    _read_object,
    wire.Plain({"type": "object", "description": "A pack as people write it, with the steps of its time zones."}),
)


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as it was priced: enough to refund it. ``pack`` is the pack it was priced by, where it was asked for."""

    basket: Basket = wire.at(1, wire.record(Basket))
    effects: tuple[AppliedEffect, ...] = wire.at(2, wire.many(wire.record(AppliedEffect), 200))
    payable_minor: int = wire.at(3, COUNT)
    pack: dict[str, Any] | None = wire.maybe(4, WRITTEN_PACK)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line of the basket, in its order."""

    sku: str = wire.at(1, TEXT)
    quantity: int = wire.at(2, COUNT)
    list_minor: int = wire.at(3, COUNT)
    payable_minor: int = wire.at(4, COUNT)


@dataclass(frozen=True, slots=True)
class PricedEffect:
    """One effect of one rule, in the order they acted, with its reason in Chinese and English and its shares."""

    rule: str = wire.at(1, TEXT)
    title: str = wire.at(2, TEXT)
    title_en: str = wire.at(3, TEXT)
    reason: str = wire.at(4, TEXT)
    reason_en: str = wire.at(5, TEXT)
    change: str = wire.at(6, TEXT)
    base_minor: int = wire.at(7, COUNT)
    off_minor: int = wire.at(8, COUNT)
    points: int = wire.at(9, COUNT)
    points_spent: int = wire.at(10, COUNT)
    bonus_minor: int = wire.at(11, COUNT)
    stored_minor: int = wire.at(12, COUNT)
    rounding_minor: int = wire.at(13, INTEGER)
    shares: tuple[Share, ...] = wire.at(14, wire.many(wire.record(Share), 10_000))
    gifts: tuple[Given, ...] = wire.at(15, wire.many(wire.record(Given), 32))
    coupons: tuple[Given, ...] = wire.at(16, wire.many(wire.record(Given), 32))
    counts: tuple[Given, ...] = wire.at(17, wire.many(wire.record(Given), 32))
    funded_by: str | None = wire.maybe(18, TEXT)


@dataclass(frozen=True, slots=True)
class TaxAnswer:
    """One tax at one rate over the whole basket."""

    tax: str = wire.at(1, TEXT)
    rate_bp: int = wire.at(2, COUNT)
    net_minor: int = wire.at(3, COUNT)
    tax_minor: int = wire.at(4, COUNT)


@dataclass(frozen=True, slots=True)
class PriceAnswer:
    """``rules price``: what the basket comes to. ``exact`` is false where so many rules competed that not every
    combination was tried. ``sale`` is what ``rules refund`` takes.
    """

    currency: str = wire.at(1, TEXT)
    points_scale: int = wire.at(2, COUNT)
    list_minor: int = wire.at(3, COUNT)
    payable_minor: int = wire.at(4, COUNT)
    to_pay_minor: int = wire.at(5, COUNT)
    rounding_minor: int = wire.at(6, INTEGER)
    stored_minor: int = wire.at(7, COUNT)
    bonus_minor: int = wire.at(8, COUNT)
    points: int = wire.at(9, COUNT)
    points_spent: int = wire.at(10, COUNT)
    exact: bool = wire.at(11, wire.flag())
    lines: tuple[PricedLine, ...] = wire.at(12, wire.many(wire.record(PricedLine), _MANY))
    effects: tuple[PricedEffect, ...] = wire.at(13, wire.many(wire.record(PricedEffect), _MANY))
    taxes: tuple[TaxAnswer, ...] = wire.at(14, wire.many(wire.record(TaxAnswer), _MANY))
    sale: Sale = wire.at(15, wire.record(Sale))


@dataclass(frozen=True, slots=True)
class NearestAnswer:
    """The nearest single change with which a rule would apply: what changes (``why``), by how much (``missing``, in the
    unit of ``why``), to which name, to which local time; what the rule would then take off and give; the basket.
    """

    why: Why = wire.at(1, wire.choice(Why))
    missing: int = wire.at(2, COUNT)
    off_minor: int = wire.at(3, COUNT)
    points: int = wire.at(4, COUNT)
    words: str = wire.at(5, TEXT)
    words_en: str = wire.at(6, TEXT)
    basket: Basket = wire.at(7, wire.record(Basket))
    wanted: str | None = wire.maybe(8, TEXT)
    at: int | None = wire.maybe(9, LOCAL_MINUTE)


@dataclass(frozen=True, slots=True)
class VerdictAnswer:
    """What became of one rule. ``why`` and ``missing`` say what kept it from applying, the first thing where there are
    several; ``reason`` says all of it in words.
    """

    rule: str = wire.at(1, TEXT)
    title: str = wire.at(2, TEXT)
    title_en: str = wire.at(3, TEXT)
    applied: bool = wire.at(4, wire.flag())
    off_minor: int = wire.at(5, COUNT)
    points: int = wire.at(6, COUNT)
    why: Why | None = wire.maybe(7, wire.choice(Why))
    missing: int | None = wire.maybe(8, INTEGER)
    reason: str | None = wire.maybe(9, TEXT)
    reason_en: str | None = wire.maybe(10, TEXT)
    nearest: NearestAnswer | None = wire.maybe(11, wire.record(NearestAnswer))


@dataclass(frozen=True, slots=True)
class ExplainAnswer:
    """``rules explain``: the price, and the verdict of every rule that touches the basket's shop, in the order they
    act.
    """

    price: PriceAnswer = wire.at(1, wire.record(PriceAnswer))
    verdicts: tuple[VerdictAnswer, ...] = wire.at(2, wire.many(wire.record(VerdictAnswer), _MANY))


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """``rules refund``: what comes back, in minor units, points and pieces. ``units`` came back of each line."""

    currency: str = wire.at(1, TEXT)
    units: tuple[int, ...] = wire.at(2, wire.many(COUNT, _MANY))
    refund_minor: int = wire.at(3, COUNT)
    to_stored_minor: int = wire.at(4, COUNT)
    points_back: int = wire.at(5, COUNT)
    points_debt: int = wire.at(6, COUNT)
    points_restored: int = wire.at(7, COUNT)
    bonus_back_minor: int = wire.at(8, COUNT)
    codes_restored: tuple[str, ...] = wire.at(9, wire.many(TEXT, _MANY))
    coupons_withdrawn: tuple[Given, ...] = wire.at(10, wire.many(wire.record(Given), _MANY))
    counts_withdrawn: tuple[Given, ...] = wire.at(11, wire.many(wire.record(Given), _MANY))
    gifts_due: tuple[Given, ...] = wire.at(12, wire.many(wire.record(Given), _MANY))
    points_scale: int = wire.at(13, COUNT)


@dataclass(frozen=True, slots=True)
class FindingAnswer:
    """One finding: about which rule, of what kind, in words, and the basket that shows it."""

    rule: str = wire.at(1, TEXT)
    kind: Kind = wire.at(2, wire.choice(Kind))
    weight: Weight = wire.at(3, wire.choice(Weight))
    words: str = wire.at(4, TEXT)
    words_en: str = wire.at(5, TEXT)
    others: tuple[str, ...] = wire.at(6, wire.many(TEXT, _MANY))
    basket: Basket | None = wire.maybe(7, wire.record(Basket))


@dataclass(frozen=True, slots=True)
class LintAnswer:
    """``rules lint``: all findings, the wrong first."""

    rules: int = wire.at(1, COUNT)
    wrong: int = wire.at(2, COUNT)
    notes: int = wire.at(3, COUNT)
    findings: tuple[FindingAnswer, ...] = wire.at(4, wire.many(wire.record(FindingAnswer), _MANY))


@dataclass(frozen=True, slots=True)
class CompileAnswer:
    """``rules compile``: the pack's canonical bytes and the index made of them, each with its SHA-256. The hashes are
    the same on every machine, the milliseconds are this one's.
    """

    rules: int = wire.at(1, COUNT)
    bytes: int = wire.at(2, COUNT)
    sha256: str = wire.at(3, SHA256)
    index_bytes: int = wire.at(4, COUNT)
    index_sha256: str = wire.at(5, SHA256)
    compile_ms: int = wire.at(6, COUNT)


@dataclass(frozen=True, slots=True)
class GroupAnswer:
    """What changes for the customers of one tier, ``-`` for those who are no members. Winners pay less, losers more."""

    tier: str = wire.at(1, TEXT)
    baskets: int = wire.at(2, COUNT)
    winners: int = wire.at(3, COUNT)
    losers: int = wire.at(4, COUNT)
    old_minor: int = wire.at(5, COUNT)
    new_minor: int = wire.at(6, COUNT)
    old_points: int = wire.at(7, COUNT)
    new_points: int = wire.at(8, COUNT)


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """How often a rule applied under each pack, and what it took off in all."""

    rule: str = wire.at(1, TEXT)
    old_times: int = wire.at(2, COUNT)
    new_times: int = wire.at(3, COUNT)
    old_minor: int = wire.at(4, COUNT)
    new_minor: int = wire.at(5, COUNT)


@dataclass(frozen=True, slots=True)
class FloorAnswer:
    """How often the new pack wanted an article below its floor, and how much the floors kept in all."""

    sku: str = wire.at(1, TEXT)
    times: int = wire.at(2, COUNT)
    kept_minor: int = wire.at(3, COUNT)


@dataclass(frozen=True, slots=True)
class ClampAnswer:
    """One line that a floor held under the new pack. ``basket`` is the line of the file, from 1."""

    basket: int = wire.at(1, COUNT)
    line: int = wire.at(2, COUNT)
    sku: str = wire.at(3, TEXT)
    wanted_minor: int = wire.at(4, COUNT)
    payable_minor: int = wire.at(5, COUNT)


@dataclass(frozen=True, slots=True)
class ChangeAnswer:
    """One basket whose price changes. ``basket`` is the line of the file, from 1."""

    basket: int = wire.at(1, COUNT)
    tier: str = wire.at(2, TEXT)
    list_minor: int = wire.at(3, COUNT)
    old_minor: int = wire.at(4, COUNT)
    new_minor: int = wire.at(5, COUNT)
    came: tuple[str, ...] = wire.at(6, wire.many(TEXT, _MANY))
    went: tuple[str, ...] = wire.at(7, wire.many(TEXT, _MANY))


@dataclass(frozen=True, slots=True)
class CompareAnswer:
    """``rules compare``: all baskets together, each tier, each rule, each article that a floor held; the biggest
    changes, and the clamps one by one, the first 10,000 of them.
    """

    whole: GroupAnswer = wire.at(1, wire.record(GroupAnswer))
    tiers: tuple[GroupAnswer, ...] = wire.at(2, wire.many(wire.record(GroupAnswer), _MANY))
    rules: tuple[RuleAnswer, ...] = wire.at(3, wire.many(wire.record(RuleAnswer), _MANY))
    floors: tuple[FloorAnswer, ...] = wire.at(4, wire.many(wire.record(FloorAnswer), _MANY))
    biggest: tuple[ChangeAnswer, ...] = wire.at(5, wire.many(wire.record(ChangeAnswer), _MANY))
    clamps: tuple[ClampAnswer, ...] = wire.at(6, wire.many(wire.record(ClampAnswer), _MANY))


ANSWERS: dict[str, type] = {
    "price": PriceAnswer,
    "explain": ExplainAnswer,
    "refund": RefundAnswer,
    "lint": LintAnswer,
    "compile": CompileAnswer,
    "compare": CompareAnswer,
}
"""What each command answers."""


def output_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what the commands print with ``--json``: a definition for each answer, and
    ``oneOf`` over them.
    """
    definitions: dict[str, Any] = {}
    for answer in ANSWERS.values():
        definitions |= json_schema(answer, {})["$defs"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What the rules commands of Tapledger answer with --json",
        "oneOf": [{"$ref": f"#/$defs/{answer.__name__}"} for answer in ANSWERS.values()],
        "$defs": dict(sorted(definitions.items())),
    }
