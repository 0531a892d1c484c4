"""What takes effect beneath the ledger and is no trade: what head office booked itself, and leases that come back."""

from contract.bodies import LeaseReturnBody, OfficeBody
from hq.applied import Applied
from hq.lease_book import LeaseState
from hq.settlement.movements import LATE_SPEND, LATE_SPEND_BACK
from hq.taking import Taking
from hq.unsettled import Cause


def take_office(taking: Taking, body: OfficeBody) -> None:
    """Carry out what head office booked itself: lots come and go as it says, its postings are right as they are."""
    currency = next((posting.unit for posting in body.postings if len(posting.unit) == 3), taking.currency)
    for lease in body.born:
        taking.add_to_lot(lease, currency, lease.amount, lease.bonus_minor)
        taking.to_place.add(lease.account)
    if body.action in (LATE_SPEND, LATE_SPEND_BACK):
        # Its draws tell what no lot held.
        return
    for draw in body.draws:
        taking.add_to_lot(draw, currency, -draw.amount, -draw.bonus_minor)
        taking.to_place.add(draw.account)


def take_returns(taking: Taking, item: Applied, body: LeaseReturnBody) -> None:
    """Leases come back; what is left of them is free again."""
    for back in body.leases:
        count = taking.leases.find(back.lease)
        if count is None or not count.held_by(item.header.address, item.header.epoch):
            taking.find(item, Cause.LEASE_UNKNOWN, f"{back.lease.hex()} came back, which is not lent there")
            continue
        left, left_bonus = count.left
        if (back.amount, back.bonus_minor) != (left, left_bonus) and count.is_open:
            said = f"{back.amount} and {back.bonus_minor}"
            taking.find(
                item, Cause.RETURN_DIFFERS, f"{count.lease.lease.hex()}: {said}, left are {left} and {left_bonus}"
            )
        if count.is_open:
            count.returned += min(back.amount, left)
            count.returned_bonus += min(back.bonus_minor, left_bonus)
            count.state = LeaseState.SUSPENDED
        if count.left == (0, 0):
            count.state = LeaseState.CLOSED
        taking.to_place.add(count.lease.account)
