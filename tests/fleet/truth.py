"""What everything that was committed anywhere comes to, whether it has reached head office or not.

The witness tells it each entry as soon as it lies on a disk, and head office's own bookings as soon as they are in the
books. So it knows before head office does when something was spent twice: an account below its bound, or more taken
from a lease than was lent. Where a disk was copied or put back, each copy may take at most what the lease held; so much
is head office's "largest possible loss", and no more than that may be missing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contract import envelope, wire
from contract.bodies import (
    MAX_SLIP_BYTES,
    Body,
    DocumentChangeBody,
    LeaseReturnBody,
    OfficeBody,
    SlipInBody,
    SlipOutBody,
)
from contract.documents import DocumentKind, open_document, read_leases
from contract.envelope import Keyring
from contract.ids import TerminalAddress
from contract.journal import EntryHeader
from contract.slips import Slip
from contract.trade import RedemptionBody, RefundBody, SaleBody, TopUpBody
from contract.value import Draw, Lease
from hq.settlement.movements import TOLD_LATE

NEVER_OWED = ("/principal", "/bonus", "/uses/", "coupon/", "gift/", "budget/")
"""In the names of accounts that head office owes, or keeps to give, and that nobody may overdraw."""


@dataclass
class Lent:
    """A lease, what was taken from it by which transaction, and how many disks hold or held it."""

    amount: int
    bonus_minor: int
    holder: TerminalAddress | None
    taken: int = 0
    bonus_taken_minor: int = 0


class Truth:
    """Sums over all entries, each transaction counted once. ``believed`` are head office's keys."""

    def __init__(self, believed: Keyring) -> None:
        self._believed = believed
        self._counted: set[bytes] = set()
        self.balances: Counter[tuple[str, str]] = Counter()
        self.leases: dict[bytes, Lent] = {}
        self.excused: set[str] = set()
        """Accounts that a lost booking of head office's own was on: no terminal can give that back."""
        self.changed = False

    def see(self, header: EntryHeader, body: Body) -> None:
        """Count an entry, unless its transaction was counted."""
        if header.transaction in self._counted:
            return
        self._counted.add(header.transaction)
        self.changed = True
        holder = header.address
        match body:
            case OfficeBody() if body.action == TOLD_LATE:
                # It takes back a charge that stands beside the entry charged and is not counted here.
                pass
            case SaleBody() | RefundBody() | TopUpBody() | RedemptionBody() | OfficeBody():
                for posting in body.postings:
                    self.balances[posting.account, posting.unit] += posting.amount
        for lease in self._lent(header, body):
            lent = self.leases.setdefault(lease.lease, Lent(0, 0, holder))
            lent.amount, lent.bonus_minor, lent.holder = lease.amount, lease.bonus_minor, holder
        for draw in _drawn(body):
            self._take(draw.lease, draw.amount, draw.bonus_minor)
        if isinstance(body, LeaseReturnBody):
            for item in body.leases:
                self._take(item.lease, item.amount, item.bonus_minor)

    def overdrawn(self, copies: Counter[TerminalAddress]) -> str:
        """Which lease gave more than was lent, times the number of disks that held it; empty where none did."""
        for lease, lent in self.leases.items():
            times = 1 if lent.holder is None else max(1, copies[lent.holder])
            if lent.taken > times * lent.amount or lent.bonus_taken_minor > times * lent.bonus_minor:
                taken, held = f"{lent.taken}+{lent.bonus_taken_minor}", f"{lent.amount}+{lent.bonus_minor}"
                return f"{taken} taken from lease {lease.hex()[:8]}, of which {held} was lent to {lent.holder}"
        return ""

    def below_bound(self) -> str:
        """Which account is overdrawn though no lease gave too much; empty where none is."""
        if any(lent.taken > lent.amount or lent.bonus_taken_minor > lent.bonus_minor for lent in self.leases.values()):
            return ""
        for (account, unit), amount in self.balances.items():
            owed = any(part in account for part in NEVER_OWED) and not account.startswith("shop/")
            if amount > 0 and owed and account not in self.excused:
                return f"{account} is overdrawn by {amount} {unit}"
        return ""

    def _take(self, lease: bytes, amount: int, bonus_minor: int) -> None:
        lent = self.leases.setdefault(lease, Lent(0, 0, None))
        lent.taken += amount
        lent.bonus_taken_minor += bonus_minor

    def _lent(self, header: EntryHeader, body: Body) -> Iterator[Lease]:
        if isinstance(body, SaleBody | RefundBody | TopUpBody):
            yield from body.born
        if isinstance(body, DocumentChangeBody) and body.kind == DocumentKind.LEASES and body.sealed is not None:
            content = read_leases(open_document(body.sealed, self._believed).document.content)
            if content.epoch == header.epoch:
                yield from content.granted
        if isinstance(body, SlipInBody):
            payload = envelope.peek(body.slip, MAX_SLIP_BYTES)
            yield wire.unpack(Slip, payload, MAX_SLIP_BYTES).value


def _drawn(body: Body) -> Iterable[Draw]:
    return body.draws if isinstance(body, SaleBody | RedemptionBody | SlipOutBody) else ()
