"""Slips: value on its way from one terminal to one named other, each taken once, whichever end head office hears of
first.

Until a slip is taken its value is a lease of the addressee that travels. Where head office hears that it was taken
before it hears that it left, the value is advanced (``AHEAD``) so that no account is below zero meanwhile; when the
entry of the giver comes, the advance is taken back. Where it does not come (``hq.slips_ahead``), or says other than the
paper did, the giver's shop bears what the addressee believed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select, update

from contract import wire
from contract.bodies import MAX_SLIP_BYTES, SlipInBody, SlipOutBody
from contract.envelope import keyring, peek
from contract.errors import ContractError
from contract.ids import parse_address
from contract.postings import Posting
from contract.signing import PublicKey, parse_public_key
from contract.slips import Slip, open_slip
from contract.value import Asset, Draw, Lease, bonus_place, ledger_place
from hq.applied import Applied
from hq.bulk import insert_rows
from hq.charges import Charge, knows, place_of
from hq.lease_book import LeaseCount, LeaseState, Origin
from hq.own_accounts import most_of
from hq.tables import entries, slips, terminals
from hq.taking import Taking
from hq.unsettled import Cause, Place, settle

AHEAD = "office/slips_ahead"
"""What was advanced for slips that were taken and have not left yet, by head office's knowledge."""


@dataclass(frozen=True, slots=True)
class _Giver:
    key: PublicKey
    revoked: bool


@dataclass(slots=True)
class _Kept:
    giver: str
    addressee: str
    out_entry_id: int | None
    in_entry_id: int | None
    in_place: Place | None
    ahead: bool
    new: bool = False


def slip_id(item: Applied) -> bytes | None:
    """The id of the slip that an entry lets out or takes, None where its bytes are no slip."""
    if isinstance(item.body, SlipOutBody):
        return item.header.transaction
    if isinstance(item.body, SlipInBody):
        slip = _peeked(item.body.slip)
        return None if slip is None else slip.value.lease
    return None


def slip_lot(item: Applied) -> bytes | None:
    """The lot that a slip which an entry takes is a slice of, None where there is none."""
    slip = _peeked(item.body.slip) if isinstance(item.body, SlipInBody) else None
    return None if slip is None else slip.value.lot


class SlipBook:
    """The slips that entries at hand speak of, locked until the transaction ends."""

    def __init__(self, connection: Connection, items: Iterable[Applied], now_ms: int) -> None:
        self._now_ms = now_ms
        items = tuple(items)
        ids = sorted({found for item in items if (found := slip_id(item)) is not None})
        asked = select(slips).where(slips.c.slip.in_(ids)).order_by(slips.c.slip).with_for_update()
        kept = connection.execute(asked).all() if ids else []
        taken = [row.in_entry_id for row in kept if row.in_entry_id is not None]
        stood = select(entries.c.id, entries.c.address, entries.c.epoch, entries.c.seq).where(entries.c.id.in_(taken))
        places = {
            row.id: Place(parse_address(row.address), row.epoch, row.seq)
            for row in (connection.execute(stood).all() if taken else [])
        }
        self._slips = {
            row.slip: _Kept(
                row.giver,
                row.addressee,
                row.out_entry_id,
                row.in_entry_id,
                places.get(row.in_entry_id),
                row.ahead,
            )
            for row in kept
        }
        self._givers = _givers(connection, items)
        self._told_late: list[Place] = []

    def let_out(self, taking: Taking, item: Applied, body: SlipOutBody) -> None:
        """Value leaves a terminal on a slip."""
        header, draw = item.header, body.draws[0]
        slip = self._opened(body.slip)
        if (
            slip is None
            or (slip.giver, slip.giver_epoch) != (header.address, header.epoch)
            or _content(slip.value) != _drawn(header.transaction, draw)
        ):
            taking.find(item, Cause.SLIP_FORGED, "the slip is not what the entry says, or not signed by the giver")
            return
        there, there_bonus = taking.draw_from_lease(item, draw)
        given = taking.leases.find(draw.lease) if there or there_bonus else None
        value = slip.value
        if given is not None and (given.lease.lot, given.lease.issuer) != (draw.lot, draw.issuer):
            taking.find(item, Cause.DRAWS_DIFFER, f"the slip is of lot {_hex(given.lease.lot)} by {given.lease.issuer}")
            value = replace(value, lot=given.lease.lot, issuer=given.lease.issuer)
        bearer = taking.bearer(header.address.shop)
        known = self._slips.get(value.lease)
        if known is None:
            value = value if given is not None else _as_known(taking, value, header.address.shop)
            # What the lease did not hold is on the paper all the same: the giver's side answers for it.
            _advance(taking, item, value, (draw.amount - there, draw.bonus_minor - there_bonus), bearer, draw)
            addressee = str(slip.addressee)
            count = LeaseCount(value, addressee, 0, Origin.SLIP, LeaseState.TRANSIT, taking.now_ms, document=b"")
            taking.leases.add(count)
            kept = _Kept(str(header.address), addressee, item.entry_id, None, None, False, True)
            self._slips[value.lease] = kept
            return
        self._told(taking, item, slip.value, given, (there, there_bonus), draw)

    def _told(
        self,
        taking: Taking,
        item: Applied,
        value: Lease,
        given: LeaseCount | None,
        there: tuple[int, int],
        draw: Draw,
    ) -> None:
        """The giver tells of a slip that was taken before: what was advanced for it is taken back out of the lease it
        was drawn from, and what that did not hold is the giver's to bear.
        """
        known, taken = self._slips[value.lease], taking.leases.find(value.lease)
        known.out_entry_id = item.entry_id
        if taken is None:
            return
        on_paper = taken.lease
        if _size(on_paper) != _size(value):
            taking.find(item, Cause.SLIP_DIFFERS, f"{_said(value)}; taken was {_said(on_paper)}")
        bearer = taking.bearer(item.header.address.shop)
        fits = given is not None and given.lease.account == on_paper.account
        back = min(there[0], on_paper.amount) if fits else 0
        back_bonus = min(there[1], on_paper.bonus_minor) if fits else 0
        if given is not None:
            _advance(taking, item, given.lease, (-back, -back_bonus), AHEAD if known.ahead else bearer)
        if known.ahead:
            known.ahead = False
            unit = ledger_place(on_paper.account, taking.currency)[1]
            rest, rest_bonus = on_paper.amount - back, on_paper.bonus_minor - back_bonus
            if rest or rest_bonus:
                taking.postings += [
                    (item.entry_id, Posting(AHEAD, unit, -rest - rest_bonus)),
                    (item.entry_id, Posting(bearer, unit, rest + rest_bonus)),
                ]
                _charge(taking, item, on_paper, (rest, rest_bonus), bearer, draw)
        elif known.in_place is not None:
            self._told_late.append(known.in_place)

    def take_in(self, taking: Taking, item: Applied, body: SlipInBody) -> None:
        """A terminal has taken a slip: its value is a lease there from now on."""
        header = item.header
        slip = self._opened(body.slip)
        if slip is None:
            taking.find(item, Cause.SLIP_FORGED, "the slip is not signed by the terminal it names")
            return
        if slip.addressee != header.address:
            taking.find(item, Cause.SLIP_FOREIGN, f"the slip is for {slip.addressee}")
            return
        value = slip.value
        known = self._slips.get(value.lease)
        if known is not None and known.in_entry_id is not None:
            detail = f"slip {value.lease.hex()} was taken first as {_written(known.in_place)}"
            taking.find(item, Cause.SLIP_DOUBLED, detail)
            return
        place = Place(header.address, header.epoch, header.seq)
        state = taking.epoch_state(str(header.address), header.epoch)
        count = taking.leases.find(value.lease)
        if known is None or count is None:
            self._take_untold(taking, item, slip, place, state)
            return
        self._restate(taking, item, slip, count)
        known.in_entry_id, known.in_place = item.entry_id, place
        count.epoch = header.epoch
        if count.state is LeaseState.TRANSIT:
            count.state = state

    def _take_untold(self, taking: Taking, item: Applied, slip: Slip, place: Place, state: LeaseState) -> None:
        """A slip of which its giver has not told yet: its value is advanced. A giver that is revoked will not tell."""
        value = _as_known(taking, slip.value, slip.value.issuer)
        count = LeaseCount(value, str(place.address), place.epoch, Origin.SLIP, state, taking.now_ms, document=b"")
        taking.leases.add(count)
        revoked = self._givers[str(slip.giver), slip.giver_epoch].revoked
        other = taking.bearer(slip.giver.shop) if revoked else AHEAD
        if revoked:
            taking.find(item, Cause.SLIP_UNTOLD, f"{_said(value)}, by {slip.giver}, which is revoked")
        _advance(taking, item, value, (value.amount, value.bonus_minor), other)
        kept = _Kept(str(slip.giver), str(slip.addressee), None, item.entry_id, place, not revoked, True)
        self._slips[value.lease] = kept

    def _restate(self, taking: Taking, item: Applied, slip: Slip, count: LeaseCount) -> None:
        """The paper says other than what its giver journalled: the addressee believed the paper, and the giver's side
        answers for what is more on it.
        """
        value, told = slip.value, count.lease
        if _size(value) == _size(told) or count.state is not LeaseState.TRANSIT:
            return
        taking.find(item, Cause.SLIP_DIFFERS, f"{_said(value)}; {slip.giver} journalled {_said(told)}")
        bearer = taking.bearer(slip.giver.shop)
        if (value.account, value.lot) == (told.account, told.lot):
            more = (max(0, value.amount - told.amount), max(0, value.bonus_minor - told.bonus_minor))
            value = replace(value, issuer=told.issuer)
        else:
            more = (value.amount, value.bonus_minor)
            value = _as_known(taking, value, slip.giver.shop)
        _advance(taking, item, value, more, bearer)
        count.lease, count.restated = value, True

    def write(self, connection: Connection) -> None:
        """Write down what was changed and added."""
        fresh = []
        for slip, kept in self._slips.items():
            if kept.new:
                fresh.append((slip, kept.giver, kept.addressee, kept.out_entry_id, kept.in_entry_id, kept.ahead))
            else:
                values = {"out_entry_id": kept.out_entry_id, "in_entry_id": kept.in_entry_id, "ahead": kept.ahead}
                connection.execute(update(slips).where(slips.c.slip == slip).values(**values))
        columns = ("slip", "giver", "addressee", "out_entry_id", "in_entry_id", "ahead")
        insert_rows(connection, slips, columns, fresh)
        for place in self._told_late:
            settle(connection, place, (Cause.SLIP_UNTOLD,), self._now_ms)

    def _opened(self, data: bytes) -> Slip | None:
        """The slip, where the terminal it names has signed it and it is no larger than any can be."""
        claimed = _peeked(data)
        giver = None if claimed is None else self._givers.get((str(claimed.giver), claimed.giver_epoch))
        if giver is None:
            return None
        try:
            slip = open_slip(data, keyring(giver.key))
        except ContractError:
            return None
        return slip if slip.value.amount <= most_of(slip.value.account) else None


def _advance(
    taking: Taking, item: Applied, value: Lease, amounts: tuple[int, int], other: str, draw: Draw | None = None
) -> None:
    """Add value to an account (take it, where negative) against ``other``, in the ledger and in its lot; ``draw`` is
    what it was to be drawn by.
    """
    amount, bonus = amounts
    parts = [(ledger_place(value.account, taking.currency), amount)]
    if value.account.asset is Asset.STORED:
        parts.append((bonus_place(value.account, taking.currency), bonus))
    for place, part in parts:
        if part:
            taking.postings += [
                (item.entry_id, Posting(*place, -part)),
                (item.entry_id, Posting(other, place[1], part)),
            ]
    taking.add_to_lot(value, taking.currency, amount, bonus)
    if other != AHEAD:
        _charge(taking, item, value, amounts, other, draw)


def _charge(
    taking: Taking, item: Applied, value: Lease, amounts: tuple[int, int], bearer: str, draw: Draw | None
) -> None:
    """Note what somebody bears, so that shops settle it; where it was drawn from a lease nobody knows, that one may be
    told of yet.
    """
    waits = draw is not None and draw.account == value.account and not knows(taking.leases, item, draw)
    like = draw if draw is not None and waits else value
    if any(amounts):
        taking.charges.append(Charge(*place_of(item), like, value.issuer, taking.currency, *amounts, bearer, waits))


def _as_known(taking: Taking, value: Lease, issuer: str | None) -> Lease:
    """The value of a slip as a slice of the lot that head office knows, and by ``issuer`` where it knows none."""
    if value.account.asset is not Asset.STORED:
        return value
    lot = None if value.lot is None else taking.lots.find(value.lot)
    if lot is None and value.lot is not None:
        return replace(value, issuer=issuer)
    if lot is None or lot.member != value.account.holder:
        return replace(value, lot=value.lease, issuer=issuer)
    return replace(value, issuer=lot.issuer)


def _content(value: Lease) -> tuple[object, ...]:
    return value.lease, *_size(value), value.issuer


def _drawn(transaction: bytes, draw: Draw) -> tuple[object, ...]:
    return transaction, draw.account, draw.amount, draw.bonus_minor, draw.lot, draw.issuer


def _size(value: Lease) -> tuple[object, ...]:
    return value.account, value.amount, value.bonus_minor, value.lot


def _said(value: Lease) -> str:
    whole = value.amount + value.bonus_minor
    return f"slip {value.lease.hex()}: {whole} of {value.account.asset} {value.account.holder}, lot {_hex(value.lot)}"


def _hex(lot: bytes | None) -> str:
    return "none" if lot is None else lot.hex()


def _written(place: Place | None) -> str:
    return "" if place is None else f"{place.address} epoch {place.epoch} seq {place.seq}"


def _peeked(data: bytes) -> Slip | None:
    try:
        return wire.unpack(Slip, peek(data, MAX_SLIP_BYTES), MAX_SLIP_BYTES)
    except ContractError:
        return None


def _givers(connection: Connection, items: Iterable[Applied]) -> dict[tuple[str, int], _Giver]:
    wanted = set()
    for item in items:
        if isinstance(item.body, SlipOutBody | SlipInBody):
            slip = _peeked(item.body.slip)
            if slip is not None:
                wanted.add((str(slip.giver), slip.giver_epoch))
    if not wanted:
        return {}
    rows = connection.execute(
        select(terminals.c.address, terminals.c.epoch, terminals.c.public_key, terminals.c.revoked_ms).where(
            terminals.c.address.in_(sorted({address for address, _epoch in wanted}))
        )
    )
    known = {
        (row.address, row.epoch): _Giver(parse_public_key(row.public_key), row.revoked_ms is not None) for row in rows
    }
    # A terminal that begins an epoch by itself keeps its key, and others take its slips though we never hear of it.
    found = {}
    for address, epoch in wanted:
        before = max((at for its, at in known if its == address and at <= epoch), default=None)
        if before is not None:
            found[address, epoch] = known[address, before]
    return found
