"""抹零: the total rounded to what people pay in, as a line of its own that anyone can see."""

from dataclasses import dataclass

from contract import wire
from contract.errors import ContractError, Reason
from rules.rounding import Rounding, to_step


@dataclass(frozen=True, slots=True)
class TotalRounding:
    """To which multiple of ``to_minor`` minor units a total goes, and how: 10 and DOWN drop the fen of a yuan total."""

    to_minor: int = wire.at(1, wire.whole(1, 10_000))
    mode: Rounding = wire.at(2, wire.choice(Rounding))


def rounding_minor(total_minor: int, how: TotalRounding) -> int:
    """Return the amount of the rounding line, in minor units with its sign: what is paid is the total plus this line,
    a multiple of ``how.to_minor`` less than one step away from the total, and never below 0.

    Raises ContractError(OUT_OF_RANGE) for a negative total; what is given back is rounded as a total of its own.
    """
    if total_minor < 0:
        raise ContractError(Reason.OUT_OF_RANGE, "total_minor", "expected no negative total")
    return to_step(total_minor, how.to_minor, how.mode) - total_minor
