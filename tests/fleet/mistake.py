"""What a deliberate mistake is, and the promises that one may break, as the witness names them."""

from dataclasses import dataclass

from tests.fleet.run import Cast
from tests.fleet.world import Violation

ACKED = "only what head office has is acknowledged"
ARRIVES = "everything reaches head office in the end"
BOUND = "no account is below its bound"
KEPT = "what head office keeps beside its postings adds up to them"
LENT = "a lease gives no more than was lent"
ONCE = "a transaction is posted once"
RECEIPT = "what a receipt says is in the journal"
STAYS = "what was committed stays"
FLOOR = "nobody spends beyond the floor limit of a day"
ALONE = "who uses a coupon alone is never charged for it"
ONCE_HERE = "a terminal takes a coupon once"
PAID = "what is on the floor is paid, or people are told who bears it"
BOOKS = "the books are what the entries add up to"
SHIFT = "a shift comes to what its entries say"
TWICE = "nothing comes back twice"
TOLD = "people are told only what went wrong"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is done wrong, the fleet that does it, by which broken promises it must be found, where people are told by
    which of head office's reasons, and within how many seeds that must come out.
    """

    name: str
    cast: Cast
    promises: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    within_seeds: int = 40
    first_seed: int = 0

    @property
    def seeds(self) -> range:
        """The seeds of one of which it must come out."""
        return range(self.first_seed, self.first_seed + self.within_seeds)

    def found_by(self, violation: Violation | None) -> bool:
        """Tell whether this is a violation that the mistake must be found by."""
        if violation is None:
            return False
        if violation.promise == TOLD:
            return any(f" {reason}: " in violation.detail for reason in self.reasons)
        return violation.promise in self.promises
