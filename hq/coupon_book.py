"""Single-use coupons as entries use them: the first use counts, each further one goes before people, naming both."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from hq.applied import Applied
from hq.tables import coupons, entries
from hq.unsettled import Cause, Finding


@dataclass(slots=True)
class _Coupon:
    addressee: str | None
    withdrawn: bool
    used_entry_id: int | None
    used_by: bytes | None
    used_place: str
    changed: bool = False


class CouponBook:
    """The coupons that entries at hand speak of, locked until the transaction ends."""

    def __init__(self, connection: Connection, codes: Iterable[str]) -> None:
        wanted = sorted(set(codes))
        rows = (
            connection.execute(
                select(coupons).where(coupons.c.code.in_(wanted)).order_by(coupons.c.code).with_for_update()
            ).all()
            if wanted
            else []
        )
        used = [row.used_entry_id for row in rows if row.used_entry_id is not None]
        first = {
            row.id: row
            for row in (connection.execute(select(entries).where(entries.c.id.in_(used))).all() if used else [])
        }
        self._coupons: dict[str, _Coupon] = {}
        for row in rows:
            by = first.get(row.used_entry_id)
            place = "" if by is None else f"{by.address} epoch {by.epoch} seq {by.seq}"
            transaction = None if by is None else by.transaction_id
            self._coupons[row.code] = _Coupon(
                row.addressee, row.withdrawn_ms is not None, row.used_entry_id, transaction, place
            )

    def use(self, item: Applied, code: str) -> Finding | None:
        """Use a coupon; a finding where it may not be used (again), and then it is not counted."""
        coupon = self._coupons.get(code)
        header = item.header
        if coupon is None:
            return Finding(Cause.COUPON_UNKNOWN, f"head office has issued no coupon {code}")
        if coupon.used_entry_id is not None:
            return Finding(Cause.COUPON_DOUBLED, f"coupon {code} was used first as {coupon.used_place}")
        if coupon.withdrawn:
            return Finding(Cause.COUPON_DOUBLED, f"coupon {code} was withdrawn by head office")
        if coupon.addressee not in (None, str(header.address)):
            return Finding(Cause.COUPON_UNKNOWN, f"coupon {code} is good at {coupon.addressee} alone")
        coupon.used_entry_id, coupon.used_by, coupon.changed = item.entry_id, header.transaction, True
        coupon.used_place = f"{header.address} epoch {header.epoch} seq {header.seq}"
        return None

    def give_back(self, code: str, transaction: bytes) -> bool:
        """Make a coupon good again that ``transaction`` used; False where another did, or none."""
        coupon = self._coupons.get(code)
        if coupon is None or coupon.used_by != transaction:
            return False
        coupon.used_entry_id, coupon.used_by, coupon.changed = None, None, True
        return True

    def write(self, connection: Connection) -> None:
        """Write down which were used and given back."""
        changed = [
            {"b_code": code, "b_entry": coupon.used_entry_id}
            for code, coupon in self._coupons.items()
            if coupon.changed
        ]
        if changed:
            connection.execute(
                update(coupons).where(coupons.c.code == bindparam("b_code")).values(used_entry_id=bindparam("b_entry")),
                changed,
            )
