"""Points that a basket earns and a merchant has not paid for enough of yet: promised, and given once it has."""

from dataclasses import replace

from contract.basket import Basket
from contract.trade import PendingPoints
from rules.engine.compiled import Compiled
from rules.engine.price import price
from rules.grammar.pack import Unfunded
from rules.priced import Priced
from rules.takings import points_by_pool


def promised(basket: Basket, priced: Priced, compiled: Compiled) -> tuple[PendingPoints, ...]:
    """Return the points still to come of a basket that came to ``priced``, by the merchant who owes them: what it would
    have earned had there been enough of each, less what it did. None where the pack does not promise any.

    Raises ContractError as :func:`rules.engine.price.price` does.
    """
    terms = compiled.pack.points
    if terms is None or terms.unfunded is not Unfunded.PENDING or not basket.pools or basket.customer is None:
        return ()
    whole = points_by_pool(price(replace(basket, pools=()), compiled).effects, basket.shop, terms.pools)
    given = points_by_pool(priced.effects, basket.shop, terms.pools)
    owed = {pool: points - given.get(pool, 0) for pool, points in sorted(whole.items())}
    return tuple(PendingPoints(pool, points) for pool, points in owed.items() if points > 0)
