"""Which goods came back here: the returns of each sale, kept in the commit of the entry that took them."""

from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from contract import cbor
from contract.basket import MAX_LINES
from contract.bodies import Body
from contract.errors import ContractError
from contract.making import dataclass
from contract.trade import RefundBody

_MAX_UNITS_BYTES = 16 * MAX_LINES


@dataclass(frozen=True, slots=True)
class ReturnTaken:
    """One return of a sale: units of each of its lines, and in minor units and points what it gave and took."""

    units: tuple[int, ...]
    refund_minor: int
    to_stored_minor: int
    points_back: int
    points_restored: int
    bonus_back_minor: int


class RefundShelf:
    """The returns that were taken, in ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, transaction: bytes, body: Body) -> None:
        """Remember what the return ``transaction`` took, inside the caller's transaction. Raises StoreError."""
        if isinstance(body, RefundBody):
            self._database.write(
                "INSERT OR IGNORE INTO returns_taken VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                *(transaction, body.original.transaction, cbor.encode(list(body.units)), body.refund_minor),
                *(body.to_stored_minor, body.points_back, body.points_restored, body.bonus_back_minor),
            )

    def of(self, original: bytes) -> tuple[ReturnTaken, ...]:
        """Return the returns of the sale ``original`` in whichever epoch, the first one first. Raises StoreError."""
        rows = self._database.rows(
            "SELECT units, refund_minor, to_stored_minor, points_back, points_restored, bonus_back_minor"
            " FROM returns_taken WHERE original = ? ORDER BY rowid",
            original,
        )
        return tuple(ReturnTaken(_units(units), *amounts) for units, *amounts in rows)

    def waits(self, sale: bytes) -> bool:
        """Tell whether a sale of an epoch that has ended, or a return of it, is still to be carried over: head office
        would hear of its next return before it hears of them. What was carried into an epoch that has ended too is
        carried once more, unless head office has it. Raises StoreError.
        """
        newest = "(SELECT max(epoch) FROM identity)"
        return (
            self._database.row(
                "SELECT 1 FROM journal AS kept JOIN identity ON identity.epoch = kept.epoch"
                " WHERE kept.transaction_id IN"
                " (SELECT ?1 UNION SELECT transaction_id FROM returns_taken WHERE original = ?1)"
                f" AND kept.carried = 0 AND kept.seq > identity.acked_seq AND kept.epoch < {newest}"
                " AND NOT EXISTS (SELECT 1 FROM journal AS later JOIN identity AS its ON its.epoch = later.epoch"
                " WHERE later.transaction_id = kept.transaction_id AND later.carried = 1"
                f" AND (later.epoch = {newest} OR later.seq <= its.acked_seq))",
                sale,
            )
            is not None
        )


def _units(data: bytes) -> tuple[int, ...]:
    try:
        found = cbor.decode(data, _MAX_UNITS_BYTES)
    except ContractError as error:
        raise StoreError(StoreCause.CORRUPT, f"a return is not what was stored: {error}") from error
    if not isinstance(found, list) or not all(type(count) is int for count in found):
        raise StoreError(StoreCause.CORRUPT, "a return is not what was stored")
    return tuple(found)
