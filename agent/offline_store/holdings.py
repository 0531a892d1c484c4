"""Value that this terminal may give away by itself: the leases of the open epoch, and what is left of each.

Holdings are nothing of their own: they follow from the open epoch's chain, entry by entry, in the commit of each. What
head office lends, what the terminal creates and what a slip brings adds; draws, slips and returns take away; an epoch's
first entry forgets all, for leases belong to a terminal and epoch.
"""

from collections.abc import Iterable
from dataclasses import replace

from agent.clock import Stamp
from agent.keys import Identity
from agent.offline_store.database import Database
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.refunds import RefundShelf
from agent.offline_store.rowkeys import RowKeys
from agent.offline_store.spent import SpentShelf
from agent.offline_store.terminal_keys import TerminalKeys
from contract import envelope, wire
from contract.bodies import (
    MAX_SLIP_BYTES,
    Body,
    CarryOverBody,
    DocumentChangeBody,
    EpochStartBody,
    LeaseReturnBody,
    Returned,
    ShiftCloseBody,
    SlipInBody,
    SlipOutBody,
)
from contract.documents import MAX_DOCUMENT_BYTES, Document, DocumentKind, LeasesContent, read_leases
from contract.envelope import keyring
from contract.errors import ContractError
from contract.journal import Entry, EntryHeader, TimeQuality, open_entry
from contract.making import dataclass
from contract.messages import LeasesHeld, digest_after
from contract.slips import Slip, open_slip
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Account, Asset, Draw, Lease, born_lease_id, floor_lease_id

EARLY_MS = 3_600_000
"""So much sooner a lease ends for a terminal whose clock is doubtful."""
MOST_RETURNED = 128
"""So many leases one entry gives back."""

_LEFT = "lease, amount, bonus_minor"
_MAX_ROW_BYTES = 512


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as it was lent or created here, and what is left of it: ``amount`` in the account's unit (of stored value
    the principal), ``bonus_minor`` beside it. What is ``recalled`` goes back to head office at the next occasion.
    """

    lease: Lease
    amount: int
    bonus_minor: int
    recalled: bool = False


class Holdings:
    """The leases held by the terminal ``identity``, in ``database`` under ``keys``. Raises StoreError and nothing else.

    Slips are believed by the keys in ``terminals``; what is taken once is remembered in ``spent``, what came back of a
    sale in ``returns``.
    """

    def __init__(
        self,
        database: Database,
        keys: RowKeys,
        identity: Identity,
        terminals: TerminalKeys,
        spent: SpentShelf,
        returns: RefundShelf,
    ) -> None:
        self._database = database
        self._keys = keys
        self._address = identity.address
        self._own = keyring(identity.signer.public)
        self._terminals = terminals
        self._spent = spent
        self._returns = returns

    def apply(self, entry: Entry, body: Body) -> None:
        """Let a new entry have its effect, inside the transaction that appends it.

        Time is the entry's own. Raises StoreError(INVALID) where it takes what is not held here, not so much of it, or
        no longer; the caller's transaction undoes the entry with it.
        """
        header = entry.header
        match body:
            case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody():
                self._take(header, body.draws)
            case LeaseReturnBody():
                self._give_back(body)
            case SlipOutBody():
                self._let_out(header, body)
            case SlipInBody():
                self._take_in(header, body)
            case DocumentChangeBody(kind=DocumentKind.LEASES, sealed=bytes() as sealed):
                self._borrow(header, sealed)
            case EpochStartBody():
                self._forget()
            case ShiftCloseBody(returns_leases=True):
                self._database.write("UPDATE leases SET recalled = 1 WHERE open = 1")
            case CarryOverBody():
                self._remember(body)
        if isinstance(body, (SaleBody, RefundBody, TopUpBody)):
            self._bear(header, body.born)
        self._spent.note(body)
        self._returns.note(header.transaction, body)

    def holdings_of(self, holder: str) -> tuple[Held, ...]:
        """Return all that is held of a holder's accounts, what ends first in front: of a member stored value, points
        and uses; of a rule its budgets. Expired and recalled leases are among them.
        """
        rows = self._database.rows(
            "SELECT lease, amount, bonus_minor, recalled, sealed FROM leases WHERE holder_key = ? AND open = 1"
            " ORDER BY spend_until_ms, lease",
            self._keys.holder(holder),
        )
        return tuple(
            Held(self._opened(lease, sealed), amount, bonus_minor, bool(recalled))
            for lease, amount, bonus_minor, recalled, sealed in rows
        )

    def spendable(self, account: Account, stamp: Stamp) -> tuple[Held, ...]:
        """Return what may be drawn of an account at that moment, what ends first in front."""
        return tuple(
            held
            for held in self.holdings_of(account.holder)
            if held.lease.account == account
            and not held.recalled
            and not _past(held.lease.spend_until_ms, stamp.wall_ms, stamp.quality)
        )

    def leases_held(self) -> LeasesHeld:
        """Return how many leases have anything left, and their digest; one row is read, however many they are."""
        row = self._database.row("SELECT count, digest FROM leases_held")
        if row is None:
            raise StoreError(StoreCause.CORRUPT, "a row that is made with the file is missing")
        return LeasesHeld(*row)

    def recalled(self) -> tuple[Returned, ...]:
        """Return what is left of leases that head office asks back: as many as one entry gives back."""
        rows = self._database.rows(
            f"SELECT {_LEFT} FROM leases WHERE open = 1 AND recalled = 1 ORDER BY lease LIMIT ?", MOST_RETURNED
        )
        return tuple(Returned(*row) for row in rows)

    def expired(self, stamp: Stamp) -> tuple[Returned, ...]:
        """Return what is left of leases past their time, the oldest first: as many as one entry gives back. A doubtful
        clock keeps them from being drawn sooner; that is no reason yet to give them away.
        """
        rows = self._database.rows(
            f"SELECT {_LEFT} FROM leases WHERE open = 1 AND spend_until_ms < ? ORDER BY spend_until_ms LIMIT ?",
            *(stamp.wall_ms, MOST_RETURNED),
        )
        return tuple(Returned(*row) for row in rows)

    def _take(self, header: EntryHeader, draws: Iterable[Draw]) -> None:
        for draw in draws:
            if draw.on_floor:
                if draw.lease != floor_lease_id(header.transaction, draw.account):
                    raise _refused(draw.lease, "is not named after the transaction that goes beyond what was lent")
            elif draw.account.asset is Asset.COUPON and not self._known(draw.lease):
                self._bring(draw)
            else:
                self._draw(header, draw)

    def _bring(self, draw: Draw) -> None:
        """A signed coupon is not lent: whoever shows it brings it, and here it is taken once."""
        if (draw.amount, draw.bonus_minor) != (1, 0):
            raise _refused(draw.lease, f"coupon {draw.account.holder} is one and no more")
        self._spent.take_coupon(draw.account.holder)

    def _draw(self, header: EntryHeader, draw: Draw) -> Lease:
        """Lower the lease that a draw names; return it as it was lent."""
        held = self._held(draw.lease)
        lease = held.lease
        if (draw.account, draw.lot, draw.issuer) != (lease.account, lease.lot, lease.issuer):
            raise _refused(draw.lease, "the draw names another account, lot or issuer")
        if _past(lease.spend_until_ms, header.wall_ms, header.time_quality):
            raise _refused(draw.lease, f"is past its time, {lease.spend_until_ms}")
        if draw.amount > held.amount or draw.bonus_minor > held.bonus_minor:
            raise _refused(draw.lease, f"{held.amount} and {held.bonus_minor} are left")
        self._leave(held, held.amount - draw.amount, held.bonus_minor - draw.bonus_minor)
        return lease

    def _bear(self, header: EntryHeader, born: Iterable[Lease]) -> None:
        for lease in born:
            if lease.lease != born_lease_id(header.transaction, lease.account, lease.lot):
                raise _refused(lease.lease, "is not named after the transaction that creates it")
            if self._known(lease.lease):
                raise _refused(lease.lease, "stands twice in one entry")
            self._add(lease)

    def _give_back(self, body: LeaseReturnBody) -> None:
        for item in body.leases:
            held = self._held(item.lease)
            if (item.amount, item.bonus_minor) != (held.amount, held.bonus_minor):
                raise _refused(item.lease, f"{held.amount} and {held.bonus_minor} are left")
            self._leave(held, 0, 0)

    def _let_out(self, header: EntryHeader, body: SlipOutBody) -> None:
        """Value leaves on a slip that we signed and that says what was drawn, for no longer than the lease."""
        (draw,) = body.draws
        lease = self._draw(header, draw)
        slip = _opened_slip(body.slip, self._own)
        if (slip.giver, slip.giver_epoch) != (self._address, header.epoch) or slip.addressee == self._address:
            raise _refused(draw.lease, "the slip is not from this terminal's epoch to another terminal")
        carried = replace(lease, lease=header.transaction, amount=draw.amount, bonus_minor=draw.bonus_minor)
        same = replace(slip.value, spend_until_ms=lease.spend_until_ms) == carried
        if not same or slip.value.spend_until_ms > lease.spend_until_ms:
            raise _refused(draw.lease, "the slip carries something else than was drawn")

    def _take_in(self, header: EntryHeader, body: SlipInBody) -> None:
        """A slip becomes a lease held here, once and for ever."""
        named = _peeked_slip(body.slip)
        slip_id = named.value.lease
        if named.addressee != self._address or named.giver == self._address:
            raise _refused(slip_id, f"the slip is from {named.giver} to {named.addressee}")
        key = self._terminals.key(named.giver, named.giver_epoch)
        if named.giver.tenant != self._address.tenant or key is None:
            raise _refused(slip_id, f"no key of {named.giver} epoch {named.giver_epoch} is believed")
        value = _opened_slip(body.slip, keyring(key)).value
        if _past(value.spend_until_ms, header.wall_ms, header.time_quality):
            raise _refused(slip_id, f"is past its time, {value.spend_until_ms}")
        self._spent.take_slip(slip_id)
        if self._known(slip_id):
            raise _refused(slip_id, "is held already")
        self._add(value)

    def _borrow(self, header: EntryHeader, sealed: bytes) -> None:
        """Head office lends and asks back. What it lent before is not lent a second time by saying it again; what it
        lends to another epoch is not lent to this one.
        """
        content = _lent(sealed)
        if content.epoch != header.epoch:
            return
        for lease in content.granted:
            if not self._known(lease.lease):
                self._add(lease)
        for lease_id in content.recalled:
            self._database.write("UPDATE leases SET recalled = 1 WHERE lease = ? AND open = 1", lease_id)

    def _remember(self, body: CarryOverBody) -> None:
        """Leases stay with the epoch they were lent to; what an entry of that epoch took once stays taken, also in a
        file that was begun anew. One that this program cannot read is left to head office.
        """
        try:
            entry = open_entry(body.sealed, self._own)
            original = entry.body()
        except ContractError:
            return
        self._spent.note(original)
        self._returns.note(entry.header.transaction, original)
        if isinstance(original, SlipInBody):
            self._spent.note_slip(_peeked_slip(original.slip).value.lease)

    def _forget(self) -> None:
        self._database.write("DELETE FROM leases")
        self._database.write("UPDATE leases_held SET count = 0, digest = zeroblob(32)")

    def _known(self, lease: bytes) -> bool:
        return self._database.row("SELECT 1 FROM leases WHERE lease = ?", lease) is not None

    def _held(self, lease: bytes) -> Held:
        """An open lease. Raises StoreError(INVALID) where it is not held."""
        row = self._database.row(
            "SELECT amount, bonus_minor, recalled, sealed FROM leases WHERE lease = ? AND open = 1", lease
        )
        if row is None:
            raise _refused(lease, "is not held in this epoch")
        amount, bonus_minor, recalled, sealed = row
        return Held(self._opened(lease, sealed), amount, bonus_minor, bool(recalled))

    def _add(self, lease: Lease) -> None:
        is_open = lease.amount > 0 or lease.bonus_minor > 0
        self._database.write(
            "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            *(lease.lease, self._keys.holder(lease.account.holder), lease.spend_until_ms),
            *(lease.amount, lease.bonus_minor, int(is_open), self._keys.seal(lease.lease, wire.pack(lease))),
        )
        if is_open:
            self._count((), ((lease.lease, lease.amount, lease.bonus_minor),))

    def _leave(self, held: Held, amount: int, bonus_minor: int) -> None:
        """Note what is left of a lease from now on; once nothing is, only its id stays."""
        lease = held.lease.lease
        is_open = amount > 0 or bonus_minor > 0
        self._database.write(
            "UPDATE leases SET amount = ?, bonus_minor = ?, open = ?, sealed = CASE WHEN ?3 THEN sealed ELSE x'' END"
            " WHERE lease = ?",
            *(amount, bonus_minor, int(is_open), lease),
        )
        left = ((lease, amount, bonus_minor),) if is_open else ()
        self._count(((lease, held.amount, held.bonus_minor),), left)

    def _count(self, gone: tuple[tuple[bytes, int, int], ...], come: tuple[tuple[bytes, int, int], ...]) -> None:
        before = self.leases_held()
        self._database.write(
            "UPDATE leases_held SET count = ?, digest = ?",
            *(before.count + len(come) - len(gone), digest_after(before.digest, gone, come)),
        )

    def _opened(self, lease: bytes, sealed: bytes) -> Lease:
        try:
            return wire.unpack(Lease, self._keys.open(lease, sealed), _MAX_ROW_BYTES)
        except ContractError as error:
            raise StoreError(StoreCause.CORRUPT, f"a stored lease is not what was stored: {error}") from error


def _past(spend_until_ms: int, wall_ms: int, quality: TimeQuality) -> bool:
    """Whether a lease has ended at that time, as far as the clock can be believed."""
    return wall_ms > spend_until_ms - (EARLY_MS if quality is TimeQuality.DOUBTFUL else 0)


def _refused(lease: bytes, why: str) -> StoreError:
    return StoreError(StoreCause.INVALID, f"lease {lease.hex()}: {why}")


def _opened_slip(data: bytes, believed: envelope.Keyring) -> Slip:
    try:
        return open_slip(data, believed)
    except ContractError as error:
        raise StoreError(StoreCause.INVALID, f"lease: the slip is refused: {error}") from error


def _peeked_slip(data: bytes) -> Slip:
    """A slip as it says of itself, to learn whose key must have signed it."""
    try:
        return wire.unpack(Slip, envelope.peek(data, MAX_SLIP_BYTES), MAX_SLIP_BYTES)
    except ContractError as error:
        raise StoreError(StoreCause.INVALID, f"lease: the slip is refused: {error}") from error


def _lent(sealed: bytes) -> LeasesContent:
    """What a leases document holds, which was verified when it arrived."""
    try:
        document = wire.unpack(Document, envelope.peek(sealed, MAX_DOCUMENT_BYTES), MAX_DOCUMENT_BYTES)
        return read_leases(document.content)
    except ContractError as error:
        raise StoreError(StoreCause.INVALID, f"leases: {error}") from error
