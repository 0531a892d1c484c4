"""The rule pack: what HQ signs and every till prices by.

A pack is a list of rules, each standing in one lane, with conditions that must all hold and one effect, and golden
baskets that a terminal must reproduce to the minor unit before it believes the pack. The wire form is a record; the
authoring form is JSON (``rules.authoring``). Nothing in a pack can run code or loop.
"""

from dataclasses import dataclass
from enum import StrEnum

from contract import wire
from contract.errors import ContractError, Reason
from contract.ids import CATEGORY, TIER
from contract.journal import MAX_POINTS
from contract.money import AMOUNT_MINOR, CURRENCY, MAX_AMOUNT_MINOR
from rules.basket import Basket
from rules.shares import BASIS_POINTS

GRAMMAR = 1
MAX_PACK_BYTES = 4 * 1024 * 1024


class Lane(StrEnum):
    """Where a rule acts. Lanes run in this order, and each sees what the ones before left."""

    LINE = "line"
    BASKET = "basket"
    POINTS = "points"


class EffectKind(StrEnum):
    """What a rule does.

    ``percent_off`` takes ``rate_bp`` basis points off; ``spend_save`` takes ``save_minor`` off once ``spend_minor``
    is reached, for every full ``spend_minor`` where ``every`` is set; ``points_per_money`` gives ``points`` for every
    full ``spend_minor`` paid.
    """

    PERCENT_OFF = "percent_off"
    SPEND_SAVE = "spend_save"
    POINTS_PER_MONEY = "points_per_money"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold, all of it: an absent condition asks nothing. ``member`` asks for any member; ``tiers`` for one
    of these tiers.
    """

    member: bool = wire.at(1, wire.flag())
    tiers: tuple[str, ...] = wire.at(2, wire.many(TIER, 16))
    categories: tuple[str, ...] = wire.at(3, wire.many(CATEGORY, 64))


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens. Which fields an effect uses follows from its kind; the others stay 0."""

    kind: EffectKind = wire.at(1, wire.choice(EffectKind))
    rate_bp: int = wire.at(2, wire.whole(0, BASIS_POINTS))
    spend_minor: int = wire.at(3, AMOUNT_MINOR)
    save_minor: int = wire.at(4, AMOUNT_MINOR)
    points: int = wire.at(5, wire.whole(0, 1_000_000))
    every: bool = wire.at(6, wire.flag())


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its stable name, the words people read, where it acts, when, and what it does. Higher ``priority``
    goes first in its lane.
    """

    rule: str = wire.at(1, wire.text(32, "[a-z0-9_.-]{1,32}"))
    title: str = wire.at(2, wire.text(24))
    title_en: str = wire.at(3, wire.text(40))
    lane: Lane = wire.at(4, wire.choice(Lane))
    priority: int = wire.at(5, wire.whole(0, 1_000))
    conditions: Conditions = wire.at(6, wire.record(Conditions))
    effect: Effect = wire.at(7, wire.record(Effect))


@dataclass(frozen=True, slots=True)
class GoldenBasket:
    """A basket with what it must come to: a till that computes anything else refuses the pack."""

    basket: Basket = wire.at(1, wire.record(Basket))
    payable_minor: int = wire.at(2, AMOUNT_MINOR)
    points: int = wire.at(3, wire.whole(0, MAX_POINTS))


@dataclass(frozen=True, slots=True)
class Pack:
    """All rules of a scope, in the currency they are written in."""

    grammar: int = wire.at(1, wire.whole(1, 255))
    currency: str = wire.at(2, CURRENCY)
    rules: tuple[Rule, ...] = wire.at(3, wire.many(wire.record(Rule), 10_000))
    golden: tuple[GoldenBasket, ...] = wire.at(4, wire.many(wire.record(GoldenBasket), 100, least=1))


def write_pack(pack: Pack) -> bytes:
    """Return the deterministic bytes of a pack. Raises ContractError where it breaks its own grammar."""
    content = wire.pack(pack)
    _require_sense(pack)
    return content


def read_pack(content: bytes) -> Pack:
    """Decode and check a pack, strictly and as a whole. Raises ContractError with the path to the first field that
    is wrong.
    """
    pack = wire.unpack(Pack, content, MAX_PACK_BYTES)
    _require_sense(pack)
    return pack


_LANES = {
    EffectKind.PERCENT_OFF: (Lane.LINE, Lane.BASKET),
    EffectKind.SPEND_SAVE: (Lane.BASKET,),
    EffectKind.POINTS_PER_MONEY: (Lane.POINTS,),
}


def _require_sense(pack: Pack) -> None:
    if pack.grammar != GRAMMAR:
        raise ContractError(Reason.NEWER_GRAMMAR, "grammar", str(pack.grammar))
    names: set[str] = set()
    most_points = 0
    for index, rule in enumerate(pack.rules):
        path = f"rules[{index}]"
        effect = rule.effect
        if rule.rule in names:
            raise ContractError(Reason.OUT_OF_RANGE, f"{path}.rule", "used twice")
        names.add(rule.rule)
        if rule.lane not in _LANES[effect.kind]:
            raise ContractError(Reason.OUT_OF_RANGE, f"{path}.lane", f"{effect.kind} cannot act there")
        if rule.lane is Lane.BASKET and rule.conditions.categories and effect.kind is EffectKind.PERCENT_OFF:
            raise ContractError(Reason.OUT_OF_RANGE, f"{path}.conditions.categories", "use the line lane")
        if effect.kind is not EffectKind.PERCENT_OFF and not effect.spend_minor:
            raise ContractError(Reason.OUT_OF_RANGE, f"{path}.effect.spend_minor", "must be above 0")
        if effect.kind is EffectKind.SPEND_SAVE and effect.save_minor > effect.spend_minor:
            raise ContractError(Reason.OUT_OF_RANGE, f"{path}.effect.save_minor", "more than is spent")
        if effect.kind is EffectKind.POINTS_PER_MONEY:
            most_points += MAX_AMOUNT_MINOR // effect.spend_minor * effect.points
            if most_points > MAX_POINTS:
                raise ContractError(Reason.OUT_OF_RANGE, f"{path}.effect.points", "one sale could earn too many")
