"""Golden baskets: proof that this machine prices a pack as head office did."""

from contract.errors import ContractError
from rules.engine.compiled import Compiled
from rules.engine.price import price


def failed_golden(compiled: Compiled) -> int | None:
    """Return the index of the first golden basket this engine prices differently, or None where all agree."""
    for index, golden in enumerate(compiled.pack.golden):
        try:
            priced = price(golden.basket, compiled)
        except ContractError:
            return index
        if (priced.payable_minor, priced.points) != (golden.payable_minor, golden.points):
            return index
    return None
