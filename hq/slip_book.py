"""Slips: value on its way from one terminal to one named other, each taken once, whichever end head office hears of
first.

Until a slip is taken its value is a lease of the addressee that travels. Where head office hears that it was taken
before it hears that it left, the value is advanced (``AHEAD``) so that no account is below zero meanwhile; when the
entry of the giver comes, the advance is taken back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_, update

from contract import wire
from contract.bodies import MAX_SLIP_BYTES, SlipInBody, SlipOutBody
from contract.envelope import keyring, peek
from contract.errors import ContractError
from contract.postings import Posting
from contract.signing import PublicKey, parse_public_key
from contract.slips import Slip, open_slip
from contract.value import Asset, Draw, Lease, bonus_place, ledger_place
from hq.applied import Applied
from hq.bulk import insert_rows
from hq.lease_book import LeaseCount, LeaseState, Origin
from hq.tables import entries, slips, terminals
from hq.taking import Taking
from hq.unsettled import Cause

AHEAD = "office/slips_ahead"
"""What was advanced for slips that were taken and have not left yet, by head office's knowledge."""


@dataclass(slots=True)
class _Kept:
    giver: str
    addressee: str
    out_entry_id: int | None
    in_entry_id: int | None
    in_place: str
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

    def __init__(self, connection: Connection, items: Iterable[Applied]) -> None:
        items = tuple(items)
        ids = sorted({found for item in items if (found := slip_id(item)) is not None})
        asked = select(slips).where(slips.c.slip.in_(ids)).order_by(slips.c.slip).with_for_update()
        kept = connection.execute(asked).all() if ids else []
        taken = [row.in_entry_id for row in kept if row.in_entry_id is not None]
        stood = select(entries.c.id, entries.c.address, entries.c.epoch, entries.c.seq).where(entries.c.id.in_(taken))
        places = {
            row.id: f"{row.address} epoch {row.epoch} seq {row.seq}"
            for row in (connection.execute(stood).all() if taken else [])
        }
        self._slips = {
            row.slip: _Kept(
                row.giver,
                row.addressee,
                row.out_entry_id,
                row.in_entry_id,
                places.get(row.in_entry_id, ""),
                row.ahead,
            )
            for row in kept
        }
        self._keys = _giver_keys(connection, items)

    def let_out(self, taking: Taking, item: Applied, body: SlipOutBody) -> None:
        """Value leaves a terminal on a slip."""
        header, draw = item.header, body.draws[0]
        slip = self._opened(body.slip)
        there, there_bonus = taking.draw_from_lease(item, draw)
        if (
            slip is None
            or (slip.giver, slip.giver_epoch) != (header.address, header.epoch)
            or _content(slip.value) != _drawn(header.transaction, draw)
        ):
            taking.find(item, Cause.SLIP_FORGED, "the slip is not what the entry says, or not signed by the giver")
            return
        # What the lease did not hold is on the paper all the same: the giver's side answers for it.
        beyond = (draw.amount - there, draw.bonus_minor - there_bonus)
        _advance(taking, item, slip.value, beyond, taking.bearer(header.address.shop))
        known = self._slips.get(slip.value.lease)
        if known is None:
            count = LeaseCount(
                slip.value, str(slip.addressee), 0, Origin.SLIP, LeaseState.TRANSIT, taking.now_ms, document=b""
            )
            taking.leases.add(count)
            kept = _Kept(str(header.address), str(slip.addressee), item.entry_id, None, "", False, True)
            self._slips[slip.value.lease] = kept
            return
        known.out_entry_id = item.entry_id
        if known.ahead:
            known.ahead = False
            _advance(taking, item, slip.value, (-slip.value.amount, -slip.value.bonus_minor), AHEAD)

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
        known = self._slips.get(slip.value.lease)
        if known is not None and known.in_entry_id is not None:
            detail = f"slip {slip.value.lease.hex()} was taken first as {known.in_place}"
            taking.find(item, Cause.SLIP_DOUBLED, detail)
            return
        place = f"{header.address} epoch {header.epoch} seq {header.seq}"
        state = taking.epoch_state(str(header.address), header.epoch)
        count = taking.leases.find(slip.value.lease)
        if known is None or count is None:
            count = LeaseCount(
                slip.value, str(header.address), header.epoch, Origin.SLIP, state, taking.now_ms, document=b""
            )
            taking.leases.add(count)
            _advance(taking, item, slip.value, (slip.value.amount, slip.value.bonus_minor), AHEAD)
            kept = _Kept(str(slip.giver), str(slip.addressee), None, item.entry_id, place, True, True)
            self._slips[slip.value.lease] = kept
            return
        known.in_entry_id, known.in_place = item.entry_id, place
        count.epoch = header.epoch
        if count.state is LeaseState.TRANSIT:
            count.state = state

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

    def _opened(self, data: bytes) -> Slip | None:
        """The slip, where the terminal it names has signed it."""
        claimed = _peeked(data)
        key = None if claimed is None else self._keys.get((str(claimed.giver), claimed.giver_epoch))
        if key is None:
            return None
        try:
            return open_slip(data, keyring(key))
        except ContractError:
            return None


def _advance(taking: Taking, item: Applied, value: Lease, amounts: tuple[int, int], other: str) -> None:
    """Add value to an account (take it, where negative) against ``other``, in the ledger and in its lot."""
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


def _content(value: Lease) -> tuple[object, ...]:
    return value.lease, value.account, value.amount, value.bonus_minor, value.lot


def _drawn(transaction: bytes, draw: Draw) -> tuple[object, ...]:
    return transaction, draw.account, draw.amount, draw.bonus_minor, draw.lot


def _peeked(data: bytes) -> Slip | None:
    try:
        return wire.unpack(Slip, peek(data, MAX_SLIP_BYTES), MAX_SLIP_BYTES)
    except ContractError:
        return None


def _giver_keys(connection: Connection, items: Iterable[Applied]) -> dict[tuple[str, int], PublicKey]:
    wanted = set()
    for item in items:
        if isinstance(item.body, SlipOutBody | SlipInBody):
            slip = _peeked(item.body.slip)
            if slip is not None:
                wanted.add((str(slip.giver), slip.giver_epoch))
    if not wanted:
        return {}
    rows = connection.execute(
        select(terminals.c.address, terminals.c.epoch, terminals.c.public_key).where(
            tuple_(terminals.c.address, terminals.c.epoch).in_(sorted(wanted))
        )
    )
    return {(row.address, row.epoch): parse_public_key(row.public_key) for row in rows}
