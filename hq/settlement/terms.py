"""On what terms each shop settles: whose it is, direct or franchise, at which rate, and who bears bonus money."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from contract import wire
from contract.errors import ContractError, Reason
from contract.ids import NAME

OFFICE = "office"
"""Head office itself, as a shop: it takes top-ups and sells over the web. No shop of a chain has this name."""

WHOLE_BP = 10_000
WHOLE_PERMILLE = 1_000


class SettlementClass(StrEnum):
    """How a shop stands to the chain: one of a company's own, or another's under the chain's name."""

    DIRECT = "direct"
    FRANCHISE = "franchise"


@dataclass(frozen=True, slots=True)
class BonusShares:
    """Who bears bonus money when it is spent, in thousandths that sum to 1,000: the shop that issued it, the shop where
    it is spent, and head office.
    """

    issuer: int = wire.at(1, wire.whole(0, WHOLE_PERMILLE))
    spender: int = wire.at(2, wire.whole(0, WHOLE_PERMILLE))
    office: int = wire.at(3, wire.whole(0, WHOLE_PERMILLE))


ISSUER_BEARS = BonusShares(WHOLE_PERMILLE, 0, 0)
SPENDER_BEARS = BonusShares(0, WHOLE_PERMILLE, 0)
OFFICE_BEARS = BonusShares(0, 0, WHOLE_PERMILLE)


@dataclass(frozen=True, slots=True)
class ShopTerms:
    """One shop's terms from ``from_ms`` on (Unix milliseconds), judged by when an entry was made.

    Of the principal spent in a franchise the franchise keeps ``rate_bp`` basis points; the rest is the fee it owes head
    office. ``bonus`` says who bears the bonus money that this shop issues.
    """

    shop: str = wire.at(1, NAME)
    from_ms: int = wire.at(2, wire.whole(0, 2**53))
    company: str = wire.at(3, NAME)
    settles: SettlementClass = wire.at(4, wire.choice(SettlementClass))
    rate_bp: int = wire.at(5, wire.whole(0, WHOLE_BP))
    bonus: BonusShares = wire.at(6, wire.record(BonusShares))


class Terms:
    """The terms of all shops at all times. A shop of which nothing was said, or not yet, is the chain's own: direct,
    of the company ``owner``, and bears the bonus it issues.

    Raises ContractError with the shop in the path where terms contradict themselves or each other.
    """

    def __init__(self, owner: str, told: Iterable[ShopTerms] = ()) -> None:
        self.owner = owner
        by_shop: dict[str, dict[int, ShopTerms]] = {}
        for terms in told:
            _require_whole(terms)
            of_shop = by_shop.setdefault(terms.shop, {})
            if terms.from_ms in of_shop:
                raise ContractError(Reason.OUT_OF_RANGE, f"{terms.shop}.from_ms", "two terms from the same moment")
            of_shop[terms.from_ms] = terms
        self._told: Mapping[str, tuple[ShopTerms, ...]] = {
            shop: tuple(of_shop[from_ms] for from_ms in sorted(of_shop)) for shop, of_shop in by_shop.items()
        }

    def of(self, shop: str, wall_ms: int) -> ShopTerms:
        """The terms of ``shop`` for what happened at ``wall_ms``."""
        told = self._told.get(shop, ())
        at = bisect_right(told, wall_ms, key=lambda terms: terms.from_ms)
        if at:
            return told[at - 1]
        return ShopTerms(shop, 0, self.owner, SettlementClass.DIRECT, WHOLE_BP, ISSUER_BEARS)


def _require_whole(terms: ShopTerms) -> None:
    wire.to_wire(terms)
    bonus = terms.bonus
    if bonus.issuer + bonus.spender + bonus.office != WHOLE_PERMILLE:
        raise ContractError(Reason.OUT_OF_RANGE, f"{terms.shop}.bonus", f"the shares sum to {WHOLE_PERMILLE}")
    if terms.settles is SettlementClass.DIRECT and terms.rate_bp != WHOLE_BP:
        raise ContractError(Reason.OUT_OF_RANGE, f"{terms.shop}.rate_bp", f"a direct shop keeps {WHOLE_BP}")
