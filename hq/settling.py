"""What entries newly in effect settle between shops, as postings beside their own."""

from collections.abc import Sequence

from sqlalchemy import Connection

from contract.bodies import OfficeBody
from contract.trade import RefundBody, SaleBody, TopUpBody
from hq.applied import Applied, Consequences
from hq.settlement.movements import settlement_postings
from hq.shop_terms import load_terms
from hq.true_issuers import as_issued, issuers_of


def apply(connection: Connection, applied: Sequence[Applied], _now_ms: int) -> Consequences:
    """Return the settlement postings of ``applied``: of what was topped up, drawn or given back. Nothing is written.
    Who issued what was drawn is known by then.
    """
    settling = [item for item in applied if _settles(item)]
    if not settling:
        return Consequences()
    terms = load_terms(connection, settling[0].header.address.tenant)
    told = [item for item in settling if isinstance(item.body, SaleBody | RefundBody)]
    issuers = issuers_of(connection, [item.entry_id for item in told])
    return Consequences(
        postings=tuple(
            (item.entry_id, posting)
            for item in settling
            for posting in settlement_postings(
                item.header.address.shop,
                item.header.wall_ms,
                as_issued(item.body, issuers.get(item.entry_id, {})),
                terms,
            )
        )
    )


def _settles(item: Applied) -> bool:
    match item.body:
        case SaleBody():
            return bool(item.body.draws)
        case RefundBody():
            return bool(item.body.returned or item.body.draws)
        case TopUpBody():
            return True
        case OfficeBody():
            return bool(item.body.draws or item.body.born or item.body.postings)
    return False
