"""One rule: its name and words, where it acts, when, what it does, how often, with whom it competes and who pays."""

from enum import StrEnum

from contract import wire
from contract.basket import COUNT, MONEY_TOTAL
from contract.ids import RULE, TAG
from contract.making import dataclass
from contract.money import AMOUNT_MINOR
from rules.grammar.conditions import CONDITION, Condition
from rules.grammar.effects import EFFECT, Effect


class Lane(StrEnum):
    """Where a rule acts. Lanes run in this order, and each sees what the ones before left."""

    LINE = "line"
    BASKET = "basket"
    COUPON = "coupon"
    POINTS = "points"
    TENDER = "tender"


class OnReturn(StrEnum):
    """What becomes of a rule's discount when goods come back.

    ``prorate``: it is spread over all units that took part, and each takes its part along. ``keep``: each unit takes
    along what was taken off it, no more. ``charge_back``: the rule is asked again about the goods that stay, and what
    they no longer earn is charged.
    """

    PRORATE = "prorate"
    KEEP = "keep"
    CHARGE_BACK = "charge_back"


class BudgetPer(StrEnum):
    """What must fit into the rest of a budget, or nothing is given: the whole application, or each line's part."""

    APPLICATION = "application"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a rule applies and how much it gives. What happened before is handed in with the basket.

    ``per_sale`` is 1 unless written; a rule that applies again sees what it left. ``budget_minor`` is the campaign's,
    ``cap_minor`` the most it takes off one sale.
    """

    per_sale: int = wire.maybe(1, wire.whole(2, 100), 1)
    per_member: int | None = wire.maybe(2, COUNT)
    per_member_day: int | None = wire.maybe(3, COUNT)
    per_shop_day: int | None = wire.maybe(4, COUNT)
    total: int | None = wire.maybe(5, COUNT)
    budget_minor: int | None = wire.maybe(6, MONEY_TOTAL)
    budget_per: BudgetPer = wire.maybe(7, wire.choice(BudgetPer), BudgetPer.APPLICATION)
    cap_minor: int | None = wire.maybe(8, AMOUNT_MINOR)

    @property
    def counts(self) -> bool:
        """Whether it is counted how often the rule acts, for a member ever or in a day, or in a shop in a day."""
        return (self.per_member, self.per_member_day, self.per_shop_day) != (None, None, None)


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. All of ``when`` must hold; then each effect of ``then`` acts, in order.

    In its lane the rule with the higher ``priority`` goes first; of equals, one that multiplies points or pays from
    stored value goes after the others; then the narrower selection, then the name. Rules that
    share one of their ``groups`` exclude each other; an ``exclusive`` one excludes every other rule of the lanes line,
    basket and coupon. ``funded_by`` names the shop or merchant that bears it, head office where it is not written.
    """

    rule: str = wire.at(1, RULE)
    title: str = wire.at(2, wire.text(24))
    title_en: str = wire.at(3, wire.text(40))
    lane: Lane = wire.at(4, wire.choice(Lane))
    then: tuple[Effect, ...] = wire.at(5, wire.many(EFFECT, 8, least=1))
    when: tuple[Condition, ...] = wire.maybe(6, wire.many(CONDITION, 32), ())
    priority: int = wire.maybe(7, wire.whole(0, 1_000_000), 0)
    limits: Limits = wire.maybe(8, wire.record(Limits), NO_LIMITS)
    groups: tuple[str, ...] = wire.maybe(9, wire.many(TAG, 8), ())
    exclusive: bool = wire.maybe(10, wire.flag(), False)
    on_return: OnReturn = wire.maybe(11, wire.choice(OnReturn), OnReturn.PRORATE)
    funded_by: str | None = wire.maybe(12, TAG)
    paused: bool = wire.maybe(13, wire.flag(), False)
