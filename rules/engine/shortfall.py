"""Why a rule did not apply, and by how much it missed."""

from enum import StrEnum
from itertools import product

from contract.making import dataclass


class Why(StrEnum):
    """What kept a rule from applying. The values are stable: they stand in answers, reports and documentation."""

    PACK_OVER = "pack_over"
    PAUSED = "paused"
    MEMBER = "member"
    NOT_MEMBER = "not_member"
    TIER = "tier"
    TAG = "tag"
    SEGMENT = "segment"
    CARD_TYPE = "card_type"
    BIRTHDAY = "birthday"
    NTH_VISIT = "nth_visit"
    LAST_VISIT = "last_visit"
    NOT_STARTED = "not_started"
    EXPIRED = "expired"
    WEEKDAY = "weekday"
    CLOCK = "clock"
    FESTIVAL = "festival"
    ANNIVERSARY = "anniversary"
    TIME_UNKNOWN = "time_unknown"
    SHOP = "shop"
    SHOP_GROUP = "shop_group"
    TERMINAL = "terminal"
    CHANNEL = "channel"
    NO_ITEM = "no_item"
    MIN_QUANTITY = "min_quantity"
    MAX_QUANTITY = "max_quantity"
    DISTINCT = "distinct"
    MIN_SPEND = "min_spend"
    MAX_SPEND = "max_spend"
    TENDER = "tender"
    CODE = "code"
    POINTS = "points"
    FLAG = "flag"
    NEGATED = "negated"
    LIMIT_MEMBER = "limit_member"
    LIMIT_MEMBER_DAY = "limit_member_day"
    LIMIT_SHOP_DAY = "limit_shop_day"
    LIMIT_TOTAL = "limit_total"
    BUDGET = "budget"
    BUDGET_SHARE_USED = "budget_share_used"
    POOL_SHARE_USED = "pool_share_used"
    STOCK = "stock"
    WOULD_BE_FREE = "would_be_free"
    NOTHING_LEFT = "nothing_left"
    NOT_BEST = "not_best"
    EXCLUDED = "excluded"
    CONFLICT = "conflict"
    NO_TOP_UP = "no_top_up"
    NO_REDEMPTION = "no_redemption"
    TOO_MANY_EFFECTS = "too_many_effects"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What was missing. ``missing`` is in the unit of ``why``: minor units for spends, units for quantities, articles
    for distinct, points for points, visits for visits, days for last_visit. ``wanted`` lists what would have been
    accepted (tiers, shops, codes, weekdays); ``at`` is the local minute since 1970-01-01T00:00 from which, or until
    which, time would allow it. ``parts`` are the shortfalls of conditions that failed together, or, with
    ``any_would_do``, of alternatives of which one would do.
    """

    why: Why
    missing: int = 0
    wanted: tuple[str, ...] = ()
    at: int | None = None
    parts: tuple["Shortfall", ...] = ()
    any_would_do: bool = False


MOST_WAYS = 32
"""How many ways to mend a shortfall are followed."""


def ways_to_mend(shortfall: Shortfall) -> list[tuple[Shortfall, ...]]:
    """Return up to ``MOST_WAYS`` lists of what, all of it made good, would be enough: one for each alternative."""
    if not shortfall.parts:
        return [(shortfall,)]
    each = [ways_to_mend(part) for part in shortfall.parts]
    if shortfall.any_would_do:
        return [way for ways in each for way in ways][:MOST_WAYS]
    found: list[tuple[Shortfall, ...]] = [()]
    for ways in each:
        found = [tuple(dict.fromkeys((*way, *more))) for way, more in product(found, ways)][:MOST_WAYS]
    return found
