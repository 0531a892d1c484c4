"""What this terminal has taken and never takes again, in whichever epoch: presentations, coupons, slips.

Each is remembered in the commit of the entry that took it, so that a second showing is found however soon it comes.
"""

from collections.abc import Iterable

from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from contract.bodies import Body
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Asset


class SpentShelf:
    """What was taken, in ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, body: Body) -> None:
        """Remember the presentation and the coupons that ``body`` has taken, inside the caller's transaction; a refund
        that gives codes back makes them good again. Raises StoreError.
        """
        if not isinstance(body, (SaleBody, RefundBody, TopUpBody, RedemptionBody)):
            return
        if body.member is not None and body.member.presentation is not None:
            self._database.write("INSERT OR IGNORE INTO presentations_taken VALUES (?)", body.member.presentation)
        for code in _codes_taken(body):
            self._database.write("INSERT OR IGNORE INTO coupons_taken VALUES (?)", code)
        if isinstance(body, RefundBody):
            for code in body.codes_restored:
                self._database.write("DELETE FROM coupons_taken WHERE code = ?", code)

    def note_slip(self, slip: bytes) -> None:
        """Remember a slip, inside the caller's transaction. Raises StoreError."""
        self._database.write("INSERT OR IGNORE INTO slips_taken VALUES (?)", slip)

    def take_slip(self, slip: bytes) -> None:
        """Remember a slip that is taken now. Raises StoreError; INVALID where it was taken before."""
        if self.slip_taken(slip):
            raise StoreError(StoreCause.INVALID, f"lease {slip.hex()}: this slip was taken before")
        self.note_slip(slip)

    def take_coupon(self, code: str) -> None:
        """Remember a coupon that is taken now. Raises StoreError; INVALID where it was taken before."""
        if self.coupon_taken(code):
            raise StoreError(StoreCause.INVALID, f"lease: coupon {code} was taken before")
        self._database.write("INSERT INTO coupons_taken VALUES (?)", code)

    def presentation_taken(self, nonce: bytes) -> bool:
        """Tell whether this one showing of a phone's code was taken before."""
        return self._database.row("SELECT 1 FROM presentations_taken WHERE nonce = ?", nonce) is not None

    def coupon_taken(self, code: str) -> bool:
        """Tell whether this coupon was taken before and not given back."""
        return self._database.row("SELECT 1 FROM coupons_taken WHERE code = ?", code) is not None

    def slip_taken(self, slip: bytes) -> bool:
        """Tell whether the slip of this id was taken before."""
        return self._database.row("SELECT 1 FROM slips_taken WHERE slip = ?", slip) is not None


def _codes_taken(body: SaleBody | RefundBody | TopUpBody | RedemptionBody) -> Iterable[str]:
    """The codes that let effects apply, and the coupons that were drawn."""
    if isinstance(body, (SaleBody, TopUpBody)):
        for effect in body.effects:
            yield from effect.codes
    if isinstance(body, (SaleBody, RedemptionBody)):
        yield from (draw.account.holder for draw in body.draws if draw.account.asset is Asset.COUPON)
