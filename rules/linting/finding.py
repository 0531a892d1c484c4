"""What a static check of a pack says: which rule, what kind of fault, in words, and the basket that shows it."""

from enum import StrEnum

from contract.basket import Basket
from contract.making import dataclass
from rules.explain import Words


class Kind(StrEnum):
    """What was found. The values are stable: they stand in reports and documentation."""

    GOLDEN = "golden"
    UNREACHABLE = "unreachable"
    CONFLICTING = "conflicting"
    OVERLAPPING = "overlapping"
    BELOW_FLOOR = "below_floor"
    UNBOUNDED = "unbounded"
    CROWDED = "crowded"
    BEATEN = "beaten"
    PAUSED = "paused"
    UNTESTED = "untested"
    NOT_SHOWN = "not_shown"
    ENDING = "ending"
    UNENDING = "unending"


class Weight(StrEnum):
    """How much a finding weighs: ``wrong`` cannot be meant so, or costs money nobody bounded; ``note`` is worth knowing
    and may be meant.
    """

    WRONG = "wrong"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about ``rule`` (empty where it is about the whole pack), shown by ``basket``: priced under the pack,
    it does what the words say. ``others`` are the rules that have a part in it.
    """

    rule: str
    kind: Kind
    weight: Weight
    words: Words
    basket: Basket | None
    others: tuple[str, ...] = ()
