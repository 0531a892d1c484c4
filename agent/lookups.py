"""What a transaction may look up, answered from the terminal's own store, keys and clock: the till's side of
``txn.book.Book``.
"""

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import TypeVar

from agent.clock import Clock, Stamp
from agent.keys import Identity, new_transaction_id
from agent.log import event
from agent.offline_store.faults import StoreError
from agent.offline_store.holdings import Held
from agent.offline_store.members import MemberRow
from agent.offline_store.pin_tries import PinTries
from agent.offline_store.refunds import ReturnTaken
from agent.offline_store.store import Place, Store
from agent.txn.book import ActivePack
from agent.txn.recovery import MOST_OFFERED
from agent.txn.sold import PRINTED
from contract.basket import MAX_POINTS, RuleUsage
from contract.bodies import EntryKind, ShiftCloseBody, ShiftFigures
from contract.documents import CashierRecord, CatalogueItem, Notice
from contract.envelope import Keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.messages import EarlierEpoch
from contract.money import MAX_AMOUNT_MINOR
from contract.signing import PublicKey
from contract.slips import Slip, seal_slip
from contract.trade import PackRef, PerpetualTotals
from contract.value import Account
from rules.advice.goods import Goods
from rules.engine.compiled import Compiled, compile_pack
from rules.grammar.pack import Pack
from rules.moments import is_over
from rules.pack import read_pack

T = TypeVar("T")
_MANY_TRIES = 1_000_000
NOTICE_MS = 8_000
"""So long each of several notices stays on the glass."""
MOST_TERMINALS = 300
"""A cashier looks through no more terminals than these for the one that a slip is for."""
LOOKED_BACK = 300
"""So many entries are looked through for the newest papers."""
_PRINTED_AGAIN = PRINTED - {EntryKind.SLIP_OUT}
_log = logging.getLogger(__name__)


class StoreBook:
    """Read-only lookups for ``txn``. A store that cannot be read answers "not known" and says so in the log: the
    till stays up. ``prints`` tells whether the till has a printer, ``returns_leases`` whether what it holds goes back
    to head office when a shift is closed.
    """

    def __init__(
        self, store: Store, identity: Identity, clock: Clock, prints: bool = True, returns_leases: bool = False
    ) -> None:
        self._store = store
        self._prints = prints
        self._returns_leases = returns_leases
        self._identity = identity
        self._clock = clock
        self._active: ActivePack | None = None
        self._compiled: tuple[bytes, Compiled] | None = None
        self.file_damaged = False
        """Whether the store's file, and not one entry alone, was found damaged; for who mends it to take back."""

    @property
    def address(self) -> TerminalAddress:
        """Which till this is."""
        return self._identity.address

    @property
    def hq_keys(self) -> Keyring:
        """Whose signatures are believed."""
        return self._identity.hq_keys

    def now(self) -> Stamp:
        """The time."""
        return self._clock.stamp()

    def local_time(self, wall_ms: int) -> str:
        """A time as the shop reads it, in the terminal's time zone."""
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall_ms // 1000))

    def new_transaction(self) -> bytes:
        """A fresh transaction id."""
        return new_transaction_id()

    def member_by_card(self, uid: bytes) -> MemberRow | None:
        """The member with this card, if cached."""
        return self._ask(lambda: self._store.member_by_card(uid), None)

    def member_by_phone(self, digits: str) -> MemberRow | None:
        """The member with this phone number, if cached."""
        return self._ask(lambda: self._store.member_by_phone(digits), None)

    def members_by_last4(self, digits: str, most: int) -> tuple[MemberRow, ...]:
        """The cached members whose phone number ends with these four digits, at most so many."""
        return self._ask(lambda: self._store.members_by_last4(digits, most), ())

    def member_by_id(self, member: str) -> MemberRow | None:
        """The member of this id, if cached."""
        return self._ask(lambda: self._store.member_by_id(member), None)

    def item_by_barcode(self, digits: str) -> CatalogueItem | None:
        """The article with this barcode."""
        return self._ask(lambda: self._store.item_by_barcode(digits), None)

    def open_item(self) -> CatalogueItem | None:
        """The article that a keyed amount is booked on."""
        return self._ask(self._store.open_item, None)

    def cashier(self, number: str) -> CashierRecord | None:
        """Who signs in with this number."""
        return self._ask(lambda: self._store.cashier(number), None)

    def pin_tries(self, number: str) -> PinTries:
        """How this cashier's last tries went. While that cannot be read nobody gets in: the count is beyond every
        limit.
        """
        return self._ask(lambda: self._store.pin_tries(number), PinTries(_MANY_TRIES, self.now().wall_ms))

    def pack(self) -> ActivePack | None:
        """The active rule pack, compiled once per activation; None before the first has arrived."""
        found = self._ask(self._store.pack_content, None)
        if found is None:
            return None
        ref, content = found
        if self._active is None or self._active.ref != ref:
            compiled = self._understood(self.compiled, content)
            self._active = None if compiled is None else ActivePack(ref, compiled, Goods(compiled))
            self._compiled = None
        return self._active

    def pack_of(self, ref: PackRef) -> Pack | None:
        """The pack that priced a sale, where it is the active one or the one before."""
        active = self.pack()
        if active is not None and active.ref == ref:
            return active.pack
        content = self._ask(lambda: self._store.pack_content_of(ref), None)
        return None if content is None else self._understood(read_pack, content)

    def compiled_of(self, ref: PackRef) -> Compiled | None:
        """The pack that priced a sale, made ready to reckon a return with."""
        active = self.pack()
        if active is not None and active.ref == ref:
            return active.compiled
        content = self._ask(lambda: self._store.pack_content_of(ref), None)
        return None if content is None else self._understood(lambda data: compile_pack(read_pack(data)), content)

    def entry_at(self, epoch: int, seq: int) -> Entry | None:
        """The entry of this place in the journal; None where there is none, or it cannot be read."""
        return self._ask(lambda: self._store.entry(seq, epoch), None)

    def returns_of(self, transaction: bytes) -> tuple[ReturnTaken, ...] | None:
        """What came back here of the sale of this transaction; None where that cannot be read, or the sale is still on
        its way into the open epoch.
        """
        returns = self._store.returns
        return self._ask(lambda: None if returns.waits(transaction) else returns.of(transaction), None)

    def open_shift(self, cashier: str) -> ShiftCloseBody | None:
        """What would close the running shift now, nothing counted yet; None where that cannot be read."""
        shift = self._ask(self._store.shift, None)
        if shift is None:
            return None
        figures = ShiftFigures(
            shift.since_ms or 0,
            *(shift.sales, shift.payable_minor, shift.refunds, shift.refunded_minor, shift.top_ups),
            *(shift.topped_up_minor, shift.redemptions, shift.cancels, shift.unreadable),
        )
        expected = shift.cash_expected_minor
        told = (shift.first_seq, shift.number, expected, 0, self.totals(), figures)
        return ShiftCloseBody(cashier, *told, returns_leases=self._returns_leases)

    def compiled(self, content: bytes) -> Compiled:
        """A pack read and compiled; the newest is kept until it prices, so that what was checked when it arrived is not
        read again when it becomes active: that takes a till's one thread a while. Raises ContractError.
        """
        if self._compiled is None or self._compiled[0] != content:
            self._compiled = content, compile_pack(read_pack(content))
        return self._compiled[1]

    def pack_version(self) -> int:
        """The active pack's version, 0 before the first has arrived."""
        active = self.pack()
        return active.ref.version if active is not None else 0

    def rules_over(self) -> bool:
        """Whether the active pack is past its last day: everything is sold at list prices."""
        active = self.pack()
        return active is not None and is_over(active.pack, self.address.shop, self.now().wall_ms)

    def totals(self) -> PerpetualTotals:
        """The till's perpetual totals so far."""
        return self._ask(self._store.totals, PerpetualTotals(0, 0))

    def shop_name(self) -> str:
        """The name on the receipt."""
        return self._ask(self._store.shop_name, "")

    def currency(self) -> str:
        """The catalogue's currency code."""
        return self._ask(self._store.currency, "")

    def notice(self, now_ms: int) -> tuple[str, str]:
        """What head office wants cashiers to read at an instant, in Chinese and in English; of several one after the
        other, each for a while.
        """
        nothing: tuple[Notice, ...] = ()
        found = self._ask(lambda: self._store.notices(now_ms), nothing)
        if not found:
            return "", ""
        shown = found[now_ms // NOTICE_MS % len(found)]
        return shown.zh, shown.en

    def spendable(self, account: Account) -> tuple[Held, ...]:
        """The leases of an account that this terminal may draw from now."""
        return self._ask(lambda: self._store.spendable(account, self.now()), ())

    def spent_since(self, account: Account, since_ms: int) -> int:
        """How much of a member's account was spent here from an instant on; while that cannot be read, without end."""
        found = self._store.allowances
        return self._ask(lambda: found.spent_since(account.holder, account.asset, since_ms), MAX_POINTS)

    def on_floor_since(self, member: str, since_ms: int) -> int:
        """How much a member spent here beyond what was lent from an instant on; unreadable: without end."""
        return self._ask(lambda: self._store.allowances.on_floor_since(member, since_ms), MAX_AMOUNT_MINOR)

    def times_applied(self, rule: str, member: str | None, today: tuple[int, int]) -> RuleUsage:
        """How often a limited rule has acted before for a member, ever and today, and here today; unreadable: too
        often.
        """
        known = None if member is None else self.member_by_id(member)
        told, rules = () if known is None else known.used, self._store.allowances.rules
        often = RuleUsage(rule, _MANY_TRIES, _MANY_TRIES, _MANY_TRIES)
        return self._ask(lambda: rules.of(rule, member, today, told, self.address), often)

    def member_pin_tries(self, member: str) -> PinTries:
        """How this member's last tries went; while that cannot be read, the count is beyond every limit."""
        return self._ask(lambda: self._store.allowances.pin_tries(member), PinTries(_MANY_TRIES, self.now().wall_ms))

    def presentation_taken(self, nonce: bytes) -> bool:
        """Whether this one showing of a phone's code was taken here before. While that cannot be read, none is taken
        again.
        """
        return self._ask(lambda: self._store.presentation_taken(nonce), True)

    def coupon_taken(self, code: str) -> bool:
        """Whether this coupon was taken here before; while that cannot be read, it counts as taken."""
        return self._ask(lambda: self._store.coupon_taken(code), True)

    def coupon_revoked(self, code: str) -> bool:
        """Whether head office has called this coupon back; while that cannot be read, it counts as called back."""
        return self._ask(lambda: self._store.coupon_revoked(code), True)

    def card_revoked(self, uid: bytes) -> bool:
        """Whether head office has called this card back."""
        return self._ask(lambda: self._store.card_revoked(uid), False)

    def member_revoked(self, member: str, issued_day: int) -> bool:
        """Whether what head office issued to this member by that day is void; while that cannot be read, it is."""
        return self._ask(lambda: self._store.member_revoked(member, issued_day), True)

    def terminals(self) -> tuple[TerminalAddress, ...]:
        """The other terminals to which value may be carried on paper."""
        nobody: tuple[TerminalAddress, ...] = ()
        found = self._ask(lambda: self._store.terminals(MOST_TERMINALS), nobody)
        return tuple(address for address in found if address != self.address)

    def terminal_key(self, address: TerminalAddress, epoch: int) -> PublicKey | None:
        """The key with which another terminal signs in an epoch; None where none is believed."""
        return self._ask(lambda: self._store.terminal_key(address, epoch), None)

    def slip_taken(self, slip: bytes) -> bool:
        """Whether the slip of this id was taken here before; while that cannot be read, it counts as taken."""
        return self._ask(lambda: self._store.slip_taken(slip), True)

    def epoch(self) -> int:
        """The open epoch of this terminal's journal; the one of its birth while that cannot be read."""
        return self._ask(self._store.epoch, self._identity.epoch)

    def signed_slip(self, slip: Slip) -> bytes:
        """A slip of this terminal, signed with the journal's key."""
        return seal_slip(self._identity.signer, slip)

    def unprinted(self) -> tuple[Entry, ...]:
        """Sales whose receipt is not known to be out, oldest first; none where there is no printer to offer them on.

        As many as are offered after one start. An entry that is damaged hides none of the others.
        """
        if not self._prints:
            return ()
        nothing: list[Place] = []
        owed = self._ask(self._store.unprinted, nothing)
        found = (self._ask(partial(self._store.entry, place.seq, place.epoch), None) for place in owed)
        return tuple(islice((entry for entry in found if entry is not None), MOST_OFFERED))

    def last_papers(self, most: int) -> tuple[Entry, ...]:
        """The newest entries of which a paper may be printed once more, the newest first; value slips are not. Looked
        for among the newest entries; before them at least the last sale is known.
        """
        found = tuple(islice((entry for entry in self._newest() if entry.header.kind in _PRINTED_AGAIN), most))
        last = None if found else self._ask(self._store.last_sale, None)
        return found if last is None else (last,)

    def _newest(self) -> Iterator[Entry]:
        """The newest entries that can be read, the newest first, also of epochs that have ended."""
        nothing: tuple[EarlierEpoch, ...] = ()
        ends = [(ended.epoch, ended.head_seq) for ended in self._ask(self._store.earlier, nothing)]
        head = self._ask(self._store.head, None)
        ends += [] if head is None else [(self.epoch(), head.seq)]
        places = ((epoch, seq) for epoch, end in reversed(ends) for seq in range(end, 0, -1))
        for epoch, seq in islice(places, LOOKED_BACK):
            kept = self._ask(partial(self._store.digest_at, seq, epoch), None)
            entry = self._ask(partial(self._store.entry, seq, epoch), None) if kept else None
            if entry is not None:
                yield entry

    def _understood(self, read: Callable[[bytes], T], content: bytes) -> T | None:
        """A kept pack. One that this program no longer understands counts as none: nothing is sold by guesses."""
        try:
            return read(content)
        except ContractError as error:
            _log.error(event("pack_unreadable", reason=error.reason, detail=error.detail))
            return None

    def _ask(self, question: Callable[[], T], otherwise: T) -> T:
        try:
            return question()
        except StoreError as error:
            self.file_damaged = self.file_damaged or error.in_the_file
            _log.error(event("store_unreadable", cause=error.cause, detail=error.detail))
            return otherwise
