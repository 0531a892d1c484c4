"""How large anything beside the basket may be, and the check that a record handed in keeps its own limits."""

from contract import wire
from contract.basket import MAX_POINTS
from contract.errors import ContractError
from contract.ids import TRANSACTION_ID

POINTS = wire.whole(0, MAX_POINTS)
SOME_POINTS = wire.whole(1, MAX_POINTS)
SIGNED = wire.whole(-MAX_POINTS, MAX_POINTS)
"""Points or minor units that may be taken back."""

SOURCE = TRANSACTION_ID
"""The transaction that something came from, 16 bytes."""

DAYS = wire.whole(0, 36_600)
"""A span of days, up to a hundred years."""

MOST_RECORDS = 10_000
"""How many movements, changes or lots one member may have in one reckoning."""


def require_kept(record: object, path: str) -> None:
    """Raise ContractError with the path to the field, ``path`` before it, where a record breaks its own limits."""
    try:
        wire.to_wire(record)
    except ContractError as error:
        raise ContractError(error.reason, joined(path, error.path), error.detail) from error


def joined(path: str, rest: str) -> str:
    """``path`` and ``rest`` as one path to a field."""
    dot = "." if path and rest and not rest.startswith("[") else ""
    return f"{path}{dot}{rest}"
