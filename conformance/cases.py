"""A neutral case: a cart, a customer and promotions, and what they must come to. Strict reading into dataclasses.

One case is one JSON object on one line. Amounts are minor units (``scale`` of them make 1.00), points may have
decimals. The format, and what each field means, is told in conformance/README.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from fractions import Fraction
from typing import Any

from conformance.conditions import CONDITION, SELECT, USES, Condition, Selector
from conformance.effects import ALLOC, EFFECT, ROUND, Effect
from conformance.reading import (
    CaseError,
    day,
    decimal,
    flag,
    join,
    mapping,
    named,
    natural,
    one_of,
    part,
    positive,
    record,
    several,
    text,
    whole,
    word,
    words,
)

MAX_LINE_CHARS = 1_000_000
"""The longest line of a case file: a case of 10,000 cart lines would fit."""
COMBINES = ("sequential", "sum_on_list", "exclusive_first", "highest_priority_only", "best_order", "best_line")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the cart."""

    id: str = part(text)
    sku: str = part(text)
    unit_price: int = part(natural)
    qty: int = part(natural)
    category: tuple[str, ...] = part(words, ())
    tags: tuple[str, ...] = part(words, ())
    discountable: bool = part(flag, True)
    selected: bool = part(flag, True)
    already_reduced: bool = part(flag, False)
    gift: bool = part(flag, False)
    floor_unit_price: int | None = part(natural, None)


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys, and what is known of them before the sale."""

    id: str | None = part(text, None)
    groups: tuple[str, ...] = part(words, ())
    past_orders: int | None = part(natural, None)
    days_since_last_order: int | None = part(natural, None)
    uses: Mapping[str, int] = part(USES, {})
    points: Fraction = part(decimal, Fraction(0))
    wallet: int = part(natural, 0)
    spent: int = part(natural, 0)


@dataclass(frozen=True, slots=True)
class Context:
    """When, where and how the sale is made. ``flags`` holds everything else the context says, by name."""

    codes: tuple[str, ...] = ()
    today: date | None = None
    channel: str | None = None
    want_points: Fraction | None = None
    flags: Mapping[str, object] = field(default_factory=dict)


def _context(plain: object, path: str) -> Context:
    """Read a context: the four fields the format names, and free flags of one plain value each."""
    values = dict(mapping(plain, path))
    named_fields: dict[str, Any] = {}
    for name, read in (("codes", words), ("date", day), ("channel", text), ("want_points", decimal)):
        if name in values:
            named_fields["today" if name == "date" else name] = read(values.pop(name), join(path, name))
    for name, value in values.items():
        if not isinstance(value, bool | int | str):
            raise CaseError(join(path, name), "a flag is one plain value")
    return Context(**named_fields, flags=values)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a campaign may still give. A line, or a whole application, that takes more than is left gets nothing."""

    left: int = part(natural)
    per: str = part(word("line", "application"), "application")


@dataclass(frozen=True, slots=True)
class Promotion:
    """One promotion: all of ``when`` must hold; then ``effects`` act in order."""

    id: str = part(text)
    when: tuple[Condition, ...] = part(several(CONDITION), ())
    effects: tuple[Effect, ...] = part(several(EFFECT), ())
    priority: int = part(whole, 0)
    exclusive: bool = part(flag, False)
    enabled: bool = part(flag, True)
    max_applications: int | None = part(natural, None)
    budget: Budget | None = part(record(Budget), None)
    select: Selector | None = part(SELECT, None)


@dataclass(frozen=True, slots=True)
class CartRounding:
    """Prices become multiples of ``to`` minor units: each unit's, each line's, or the total."""

    at: str = part(word("unit", "line", "total"))
    to: int = part(positive)
    mode: str = part(ROUND)


@dataclass(frozen=True, slots=True)
class Hint:
    """By how much a promotion was missed."""

    missing_qty: int | None = part(natural, None)
    missing_spend: int | None = part(natural, None)
    missing_distinct: int | None = part(natural, None)


@dataclass(frozen=True, slots=True)
class Expect:
    """What a case must come to; None is not asserted. Every field is checked by ``conformance.check``."""

    subtotal: int | None = part(whole, None)
    discount: int | None = part(whole, None)
    total: int | None = part(whole, None)
    lines: Mapping[str, int] | None = part(named(whole), None)
    applied: tuple[str, ...] | None = part(several(text), None)
    reasons: Mapping[str, str] | None = part(named(text), None)
    free_items: Mapping[str, int] | None = part(named(natural), None)
    points_earned: Fraction | None = part(decimal, None)
    points_spent: Fraction | None = part(decimal, None)
    points_balance: Fraction | None = part(decimal, None)
    to_pay: int | None = part(whole, None)
    wallet_balance: int | None = part(whole, None)
    hint: Mapping[str, Hint] | None = part(named(record(Hint)), None)
    parts: tuple[int, ...] | None = part(several(whole), None)
    any_order: bool = part(flag, False)
    tier: str | None = part(text, None)


@dataclass(frozen=True, slots=True)
class CartCase:
    """Promotions meet a cart."""

    cart: tuple[Line, ...] = part(several(record(Line)))
    promotions: tuple[Promotion, ...] = part(several(record(Promotion)), ())
    context: Context = part(_context, Context())
    customer: Customer | None = part(record(Customer), None)
    combine: str | None = part(word(*COMBINES), None)
    cart_rounding: CartRounding | None = part(record(CartRounding), None)


@dataclass(frozen=True, slots=True)
class AllocationCase:
    """An amount is split in proportion to weights."""

    weights: tuple[int, ...] = part(several(natural))
    amount: int = part(whole)
    method: str | None = part(ALLOC, None)
    round: str | None = part(ROUND, None)


@dataclass(frozen=True, slots=True)
class TierCase:
    """A customer's tier after a sale, by what was spent so far."""

    tiers: Mapping[str, int] = part(named(natural))
    customer: Customer = part(record(Customer), Customer())
    current_sale: int = part(natural, 0)


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale that earns and spends points."""

    id: str = part(text)
    amount: int = part(natural)
    earn_rate_per_money: Fraction = part(decimal, Fraction(0))
    earn_per_unit: Fraction = part(decimal, Fraction(0))
    units: int = part(natural, 0)
    earn_fixed: Fraction = part(decimal, Fraction(0))
    spend: Fraction = part(decimal, Fraction(0))
    round: str | None = part(ROUND, None)


@dataclass(frozen=True, slots=True)
class Refund:
    """Goods worth ``amount`` of the sale ``of`` come back."""

    of: str = part(text)
    amount: int = part(natural)
    policy: str | None = part(word("prorate", "recompute_on_remaining"), None)


@dataclass(frozen=True, slots=True)
class Cancel:
    """The sale ``of`` never was."""

    of: str = part(text)


Event = Sale | Refund | Cancel


@dataclass(frozen=True, slots=True)
class LedgerCase:
    """What sales, refunds and cancellations leave of a customer's points."""

    events: tuple[Event, ...] = part(several(one_of({"sale": Sale, "refund": Refund, "cancel": Cancel})))
    customer: Customer = part(record(Customer), Customer())


Body = CartCase | AllocationCase | TierCase | LedgerCase
BODIES: dict[str, type[Body]] = {
    "cart": CartCase,
    "allocation": AllocationCase,
    "tier": TierCase,
    "ledger": LedgerCase,
}
CHECKED = {
    "cart": {item.name for item in fields(Expect)} - {"parts", "any_order", "tier"},
    "allocation": {"parts", "any_order"},
    "tier": {"tier"},
    "ledger": {"points_balance"},
}
"""What a case of each type may assert: everything the check looks at, and nothing it does not."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the facts come from: a named test of a named engine."""

    repo: str = part(text)
    commit: str = part(text)
    file: str = part(text)
    test: str = part(text)


@dataclass(frozen=True, slots=True)
class Case:
    """One case: who says so, how many minor units make 1.00, what happens, and what must come of it."""

    id: str
    source: Source
    scale: int
    body: Body
    expect: Expect
    tags: tuple[str, ...] = ()
    tax: str = "none"
    note: str = ""

    @property
    def engine(self) -> str:
        """The engine the case was taken from: the word before the number in its id."""
        return engine_of(self.id)


_ENVELOPE = {"id", "type", "source", "scale", "tax", "tags", "note", "expect"}


def parse(line: str) -> dict[str, object]:
    """Return the object on one line of a case file, numbers with a point as exact text. Raises CaseError for anything
    else, and for a name written twice.
    """
    if len(line) > MAX_LINE_CHARS:
        raise CaseError("", f"a line of more than {MAX_LINE_CHARS} characters")
    try:
        plain = json.loads(line, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise CaseError("", f"not JSON: {error}") from error
    return mapping(plain, "")


def read_case(plain: dict[str, object]) -> Case:
    """Return the case a line says. Raises CaseError with the path to the first thing that is not of the format."""
    kind = word(*BODIES)(plain.get("type", "cart"), "type")
    inner = {name: value for name, value in plain.items() if name not in _ENVELOPE}
    for name in ("id", "source", "expect"):
        if name not in plain:
            raise CaseError(name, "missing")
    expected = mapping(plain["expect"], "expect")
    for name in expected:
        if name not in CHECKED[kind]:
            raise CaseError(join("expect", name), f"not checked in a case of type {kind}; so it cannot pass")
    return Case(
        id=text(plain["id"], "id"),
        source=record(Source)(plain["source"], "source"),
        scale=positive(plain.get("scale", 100), "scale"),
        body=record(BODIES[kind])(inner, ""),
        expect=record(Expect)(expected, "expect"),
        tags=words(plain.get("tags", []), "tags"),
        tax=text(plain.get("tax", "none"), "tax"),
        note=text(plain.get("note", ""), "note"),
    )


def engine_of(case_id: str) -> str:
    """Return the engine's name in a case id: what stands before the last hyphen."""
    return case_id.rpartition("-")[0] or case_id


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise CaseError(name, "written twice")
        found[name] = value
    return found


def _no_constant(name: str) -> object:
    raise CaseError("", f"{name} is no number")
