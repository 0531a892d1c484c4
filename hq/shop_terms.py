"""The shops' settlement terms in the books. What was settled stays settled: terms hold from a moment on, and none is
changed for a time that something was settled by.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from contract.errors import ContractError
from contract.postings import settlement_account
from hq.errors import OfficeError
from hq.settlement.terms import BonusShares, SettlementClass, ShopTerms, Terms
from hq.tables import postings, shop_terms


def load_terms(connection: Connection, tenant: str) -> Terms:
    """The terms of all shops. A shop of which nothing was said is ``tenant``'s own."""
    return Terms(
        tenant,
        [
            ShopTerms(
                row.shop,
                row.from_ms,
                row.company,
                SettlementClass(row.settles),
                row.rate_bp,
                BonusShares(row.bonus_issuer, row.bonus_spender, row.bonus_office),
            )
            for row in connection.execute(select(shop_terms).order_by(shop_terms.c.shop, shop_terms.c.from_ms))
        ],
    )


def add_terms(connection: Connection, tenant: str, told: Sequence[ShopTerms], now_ms: int) -> int:
    """Write down terms that are new; return how many. Terms that are there already, alike, are passed over.

    Raises OfficeError for terms that contradict themselves or others, and for terms that would hold before ``now_ms``
    for a shop with which something is settled already.
    """
    known = {(row.shop, row.from_ms) for row in connection.execute(select(shop_terms.c.shop, shop_terms.c.from_ms))}
    before = load_terms(connection, tenant)
    new = [terms for terms in told if (terms.shop, terms.from_ms) not in known]
    for terms in told:
        if (terms.shop, terms.from_ms) in known and before.of(terms.shop, terms.from_ms) != terms:
            raise OfficeError(
                f"{terms.shop}：同一天起已有别的条款，定下的条款不改；请换一个 from_day。",
                f"{terms.shop}: other terms hold from the same day; terms once said are not changed. Choose "
                "another from_day.",
            )
    try:
        Terms(tenant, [*told])
    except ContractError as error:
        raise OfficeError(
            f"{error.path}：条款自相矛盾（{error.detail}）；请改正。",
            f"{error.path}: {error.detail}; correct the terms.",
        ) from error
    for terms in new:
        if terms.from_ms < now_ms and _has_settled(connection, terms.shop):
            raise OfficeError(
                f"{terms.shop}：已经有结算；新条款请从明天或以后开始。",
                f"{terms.shop}: has settled already; new terms begin tomorrow or later.",
            )
        bonus = terms.bonus
        connection.execute(
            insert(shop_terms).values(
                shop=terms.shop,
                from_ms=terms.from_ms,
                company=terms.company,
                settles=terms.settles.value,
                rate_bp=terms.rate_bp,
                bonus_issuer=bonus.issuer,
                bonus_spender=bonus.spender,
                bonus_office=bonus.office,
            )
        )
    return len(new)


def _has_settled(connection: Connection, shop: str) -> bool:
    account = settlement_account(shop)
    return connection.scalar(select(postings.c.id).where(postings.c.account == account).limit(1)) is not None
