"""What takes effect beneath the ledger and is no trade: what head office booked itself, and leases that come back."""

from sqlalchemy import Connection

from contract.bodies import LeaseReturnBody, OfficeBody
from contract.postings import Posting, granted_account
from contract.trade import RefundBody
from contract.value import Account, Asset, ledger_place
from hq.applied import Applied
from hq.free import free_amount
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


def withdraw_uses(connection: Connection, taking: Taking, item: Applied, body: RefundBody) -> None:
    """Uses that a sale gave go with its goods, as far as they are free; the rest is borne by head office and told."""
    member = "" if body.member is None else body.member.member
    for given in body.counts_withdrawn if member else ():
        account = Account(Asset.USES, member, given.name)
        place = ledger_place(account, taking.currency)
        # What entries before this one move in the same batch is not in the balances yet.
        moved = sum(posting.amount for _entry, posting in taking.postings if (posting.account, posting.unit) == place)
        back = max(0, min(given.count, free_amount(connection, account, taking.currency) - moved))
        if back:
            taking.postings += [
                (item.entry_id, Posting(*place, back)),
                (item.entry_id, Posting(granted_account(Asset.USES), place[1], -back)),
            ]
        if back < given.count:
            detail = f"{given.count - back} of {given.count} uses of {given.name} to be taken back were used or lent"
            taking.find(item, Cause.BONUS_SPENT, detail)


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
