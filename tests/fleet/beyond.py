"""Who bears what goes beyond what was lent: coupons used at several places, and what is spent on floor limits."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence

from contract.bodies import Body, OfficeBody
from contract.ids import TerminalAddress
from contract.journal import EntryHeader
from contract.postings import COUPONS, coupon_account, granted_account, taken_account
from contract.trade import RefundBody, SaleBody
from contract.value import Asset
from hq.lease_book import beyond_leases_account
from hq.settlement.movements import FLOOR_COVERED
from tests.fleet.offers import CODES
from tests.fleet.office import RESTORING
from tests.fleet.value import coupons_in

EARLIEST_MS = 1_577_836_800_000
"""2020-01-01 (UTC): a clock before that is wrong, and who goes by it used a coupon after all others."""
COUPON_BALANCES = "SELECT account, SUM(amount) FROM postings WHERE unit = 'coupons' GROUP BY account"
OPEN = "SELECT address, epoch, seq FROM exceptions WHERE reason = ? AND settled_ms IS NULL"
FREE = "SELECT member, SUM(principal + bonus) FROM lots GROUP BY member"
LENT = """
    SELECT holder, SUM(granted - drawn - returned + granted_bonus - drawn_bonus - returned_bonus)
    FROM leases WHERE asset = 'stored' AND state IN ('active', 'suspended', 'transit') GROUP BY holder
"""
HELD = "SELECT holder, SUM(amount + bonus) FROM hold_parts WHERE asset = 'stored' GROUP BY holder"


def coupon_differences(
    books: sqlite3.Connection, entries: Sequence[tuple[EntryHeader, Body]], forked: set[TerminalAddress]
) -> list[str]:
    """How the coupons of ``books`` differ from what ``entries`` come to, the same in whatever order they came. Of disks
    that are ``forked`` two entries may stand in one place, of which people are told besides.
    """
    uses: dict[tuple[str, bytes], EntryHeader] = {}
    back: dict[tuple[str, bytes], str] = {}
    for header, body in entries:
        uses.update({(code, header.transaction): header for code in coupons_in(body)})
        if isinstance(body, RefundBody):
            for code in body.codes_restored:
                back.setdefault((code, body.original.transaction), header.address.shop)
    expected: Counter[str] = Counter({granted_account(Asset.COUPON): len(CODES)})
    doubled: set[tuple[str, int, int]] = set()
    for code in CODES:
        standing = sorted(
            (header.wall_ms < EARLIEST_MS, header.wall_ms, header.transaction, header)
            for (used, transaction), header in uses.items()
            if used == code and (used, transaction) not in back
        )
        expected[coupon_account(code)] -= 0 if standing else 1
        for *_, header in standing[1:]:
            expected[beyond_leases_account(header.address.shop)] += 1
            doubled.add((str(header.address), header.epoch, header.seq))
    names = {str(address) for address in forked}
    doubled = {place for place in doubled if place[0] not in names}
    for header in uses.values():
        expected[taken_account(header.address.shop, Asset.COUPON)] -= 1
    for (code, transaction), shop in back.items():
        if (code, transaction) in uses:
            expected[taken_account(shop, Asset.COUPON)] += 1
    found = dict(books.execute(COUPON_BALANCES))
    told = {place for place in books.execute(OPEN, ("coupon_doubled",)) if place[0] not in names}
    wrong = [
        f"{account} has {found.get(account, 0)} {COUPONS}, not {expected[account]}"
        for account in sorted(found.keys() | expected.keys())
        if found.get(account, 0) != expected[account]
    ]
    wrong += [f"{address} {epoch}/{seq} is told of" for address, epoch, seq in sorted(told - doubled)]
    return wrong + [f"{address} {epoch}/{seq} is not told of" for address, epoch, seq in sorted(doubled - told)]


def floor_differences(
    books: sqlite3.Connection, entries: Sequence[tuple[EntryHeader, Body]], doubtful: set[TerminalAddress]
) -> Iterator[str]:
    """Nobody has free money and owes a shop what it bears; and people are told of all that is borne, and of no more.
    Of ``doubtful`` terminals head office may allow less than they did. Books that do not know yet what is lent pay
    nothing.
    """
    ((restoring,),) = books.execute(RESTORING)
    if restoring:
        return
    names = {str(address) for address in doubtful}
    lent, held = dict(books.execute(LENT)), dict(books.execute(HELD))
    free = {member: amount - lent.get(member, 0) - held.get(member, 0) for member, amount in books.execute(FREE)}
    borne: set[tuple[str, int, int]] = set()
    for header, member, left in _left_on_floor(entries):
        place = str(header.address), header.epoch, header.seq
        borne.add(place)
        if free.get(member, 0) > 0 and place[0] not in names:
            yield f"{member} has {free[member]} free, and {left} of {place} is not paid"
    told = set(books.execute(OPEN, ("floor_borne",)))
    for place in sorted(borne ^ told):
        if place[0] not in names:
            yield f"of {place} people are {'not ' if place in borne else ''}told that it is borne"


def _left_on_floor(entries: Sequence[tuple[EntryHeader, Body]]) -> Iterator[tuple[EntryHeader, str, int]]:
    """What was spent on floor limits and is not covered, with the entry and the member."""
    covered: Counter[bytes] = Counter()
    for _, body in entries:
        if isinstance(body, OfficeBody) and body.action == FLOOR_COVERED:
            for draw in body.draws:
                covered[draw.lease] += draw.whole
    for header, body in entries:
        for draw in body.draws if isinstance(body, SaleBody) else ():
            if draw.on_floor and draw.whole > covered[draw.lease]:
                yield header, draw.account.holder, draw.whole - covered[draw.lease]
