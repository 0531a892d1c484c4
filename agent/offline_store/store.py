"""The store as the till sees it: one object, one thread, one file; every failure is a StoreError with a named cause.

A sale is durable when :meth:`Store.append` returns. Whatever fails, nothing of it was written, and everything can still
be read.
"""

from pathlib import Path

from agent.clock import Stamp
from agent.keys import Identity
from agent.offline_store.allowances import Allowances
from agent.offline_store.cashiers import CashierShelf
from agent.offline_store.catalogue import CatalogueShelf
from agent.offline_store.chain import ChainPoint, Place
from agent.offline_store.database import Connect, Database, connected
from agent.offline_store.documents import (
    AttributesRead,
    Content,
    DocumentShelf,
    Shelves,
    StoredDocument,
    all_attributes,
)
from agent.offline_store.epochs import Backlog, Carried, Epochs
from agent.offline_store.faults import StoreCause, StoreError, damaged_rows
from agent.offline_store.holdings import Held, Holdings
from agent.offline_store.journal import Journal
from agent.offline_store.members import MemberRow, MemberShelf
from agent.offline_store.notices import NoticeShelf
from agent.offline_store.pin_tries import PinTries
from agent.offline_store.refunds import RefundShelf
from agent.offline_store.retention import Retention
from agent.offline_store.revocations import RevocationShelf
from agent.offline_store.room import RESERVE_BYTES, Room
from agent.offline_store.rowkeys import RowKeys
from agent.offline_store.runs import Runs
from agent.offline_store.salvage import Parts
from agent.offline_store.shifts import Shift, Shifts
from agent.offline_store.spent import SpentShelf
from agent.offline_store.terminal_keys import TerminalKeys
from contract.bodies import Body, EntryKind, EpochReason, Returned
from contract.documents import CashierRecord, CatalogueItem, DocumentKind, Notice, OpenedDocument
from contract.ids import TerminalAddress
from contract.journal import Entry
from contract.messages import EarlierEpoch, HeldDocument, LeasesHeld
from contract.signing import PublicKey
from contract.trade import PackRef, PerpetualTotals
from contract.value import Account

__all__ = [
    "RESERVE_BYTES",
    "Backlog",
    "ChainPoint",
    "Place",
    "Room",
    "Shift",
    "Store",
    "StoreCause",
    "StoreError",
    "StoredDocument",
]


class Store:
    """What the terminal ``identity`` keeps in the file ``path``, opened by ``connect``. Its methods raise StoreError,
    and nothing else. Of what only rules look at of a member, no more is kept than ``attributes`` finds in the active
    pack.
    """

    def __init__(
        self,
        path: Path,
        identity: Identity,
        room: Room | None = None,
        connect: Connect = connected,
        attributes: AttributesRead = all_attributes,
    ) -> None:
        keys = RowKeys(identity.device_key)
        self._path = path
        self._room = room or Room()
        self._database = Database(path, connect)
        self._journal = Journal(self._database, identity.address, identity.epoch, identity.signer)
        self._members = MemberShelf(self._database, keys)
        self._cashiers = CashierShelf(self._database, keys)
        self._catalogue = CatalogueShelf(self._database)
        self._terminals = TerminalKeys(self._database)
        self._revocations = RevocationShelf(self._database, keys)
        self._notices = NoticeShelf(self._database)
        self._spent = SpentShelf(self._database)
        self.returns = RefundShelf(self._database)
        """What came back here of earlier sales."""
        self._holdings = Holdings(self._database, keys, identity, self._terminals, self._spent, self.returns)
        self.allowances = Allowances(self._database, keys, identity.address.shop)
        """How much members spent here lately, and their wrong PINs."""
        self._epochs = Epochs(self._database, self._journal, self._holdings.apply)
        self._shifts = Shifts(self._database, self._journal, identity.address)
        self._runs = Runs(self._database, self._journal)
        self._retention = Retention(self._database, self._journal)
        kept = (self._members, self._cashiers, self._catalogue, self._terminals, self._revocations, self._notices)
        shelves = Shelves(*kept, self.allowances.rules)
        self._documents = DocumentShelf(self._database, self._journal, self._holdings, shelves, attributes)

    @property
    def runs(self) -> Runs:
        """Whether this till is running, and how its run before ended."""
        return self._runs

    def open(self) -> None:
        """Open the file in the calling thread, which owns it from then on, and verify the end of the chain.

        Causes: LOCKED (another process has it), FOREIGN, NEWER, CORRUPT, IO, READ_ONLY, FULL.
        """
        self._database.open()
        try:
            with damaged_rows():
                self._journal.require_own()
                self._journal.require_sound()
            self._database.keep_epoch(self._journal.source.epoch)
        except StoreError:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the file; may be called again."""
        self._database.close()

    @property
    def parts(self) -> Parts:
        """What a damaged store is brought back through (recovery.py)."""
        return Parts(self._database, self._journal, self._epochs, self._documents, self._holdings.apply)

    # The journal.

    def append(
        self, kind: EntryKind, transaction: bytes, stamp: Stamp, body: Body, owes_receipt: bool = False
    ) -> Entry:
        """Sign, chain and keep an entry in one durable commit, with the totals it carries, the receipt it owes, and
        what it does to the leases held.

        ``transaction`` (16 bytes) names the event: an id that is in the journal returns the entry it has. A sale's
        totals are the store's to fill in. Causes: FULL (also where only the reserve is left and it is a sale), IO,
        READ_ONLY, LOCKED, CORRUPT, INVALID (the contract forbids the body, or it draws what no lease holds).
        """
        if kind is EntryKind.SALE:
            self._retention.require_room(self._room, self._path)
        try:
            with self._database.transaction():
                entry = self._journal.add_within(kind, transaction, stamp, body, owes_receipt)
                self._holdings.apply(entry, body)
                self.allowances.note(entry.header, body)
                return entry
        except StoreError:
            known = self._journal.known(transaction)
            if known is None:
                raise
            return known

    def totals(self) -> PerpetualTotals:
        """Return the counters over the till's whole life."""
        return self._journal.totals()

    def head(self) -> ChainPoint:
        """Return the newest entry's place; seq 0 with the identity's hash before the first."""
        return self._journal.head()

    def acked(self) -> ChainPoint:
        """Return how far head office has acknowledged."""
        return self._journal.acked()

    def advance(self, upto_seq: int, head_hash: bytes, hq_time_ms: int = 0) -> bool:
        """Move the acknowledged cursor; False (and unmoved) where the hash is not ours, above the head, or below it."""
        return self._journal.advance(upto_seq, head_hash, hq_time_ms)

    def signed_time_ms(self) -> int:
        """Return the latest time head office has signed and this store has seen; 0 for none."""
        return self._journal.signed_time_ms()

    def note_signed_time(self, signed_ms: int) -> None:
        """Remember a time that head office signed; may be lost at a power cut."""
        self._journal.note_signed_time(signed_ms)

    def believed_time_ms(self) -> int:
        """Return the clock's floor at a start: that signed time, or the newest entry's where it is worth more."""
        return self._journal.believed_time_ms()

    def backlog(self) -> Backlog:
        """Return how many entries head office has not acknowledged, of any epoch, and the oldest one's wall time."""
        return self._epochs.backlog()

    def entries_after(self, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Return consecutive ``(seq, signed bytes)`` from ``seq + 1`` on: at most ``most``, at most ``max_bytes``.

        They end before an entry that is damaged. Where that is the very first: CORRUPT with its place (``entry``).
        """
        return self._journal.entries_after(seq, most, max_bytes)

    def entries_of(self, epoch: int, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Return the same of any epoch, as far as it is kept and can be read; nothing where that is not at all."""
        return self._journal.entries_of(epoch, seq, most, max_bytes)

    def digest_at(self, seq: int, epoch: int | None = None) -> bytes | None:
        """Return the hash of an entry (of the identity for 0), None where there is none."""
        return self._journal.digest_at(seq, epoch)

    def entry(self, seq: int, epoch: int | None = None) -> Entry:
        """Return an entry, its signature verified; cause ABSENT where there is none."""
        return self._journal.entry(seq, epoch)

    def known(self, transaction: bytes) -> Entry | None:
        """Return the entry with this transaction id, if it is in the journal, in whichever epoch."""
        return self._journal.known(transaction)

    def last_sale(self) -> Entry | None:
        """Return the newest sale, in whichever epoch."""
        return self._journal.last_sale()

    def unprinted(self) -> list[Place]:
        """Return the entries whose paper is not known to be out, oldest first, in whichever epoch."""
        return self._journal.unprinted()

    def mark_printed(self, seq: int, epoch: int | None = None) -> None:
        """Note that an entry's paper is out or not wanted; may be lost at a power cut, which costs a second paper."""
        self._journal.mark_printed(seq, epoch)

    def shift(self) -> Shift:
        """Return the figures since the last shift was closed: the X report, and what the entry that closes it says."""
        return self._shifts.open_shift()

    # Epochs.

    def epoch(self) -> int:
        """Return the open epoch."""
        return self._journal.source.epoch

    def earlier(self) -> tuple[EarlierEpoch, ...]:
        """Return the latest of the chains that have ended, oldest first, as a hello tells of them."""
        return self._journal.earlier()

    def begin_epoch(self, epoch: int, reason: EpochReason, transaction: bytes, stamp: Stamp) -> Entry:
        """End the open epoch and begin ``epoch``; return its first entry. All that head office has not acknowledged is
        then carried over by :meth:`carry_on`, also after a restart.

        Causes: INVALID unless ``epoch`` is later than the open one; CORRUPT where the file itself is damaged.
        """
        return self._epochs.begin(epoch, reason, transaction, stamp)

    def carry_on(self, stamp: Stamp) -> Carried:
        """Carry over the next entries of epochs that have ended, in one durable commit; to be called again while there
        is anything left. Other entries may come between.
        """
        return self._epochs.carry_on(stamp)

    def carry_again(self, first: Place) -> None:
        """Let :meth:`carry_on` carry over anew what is kept from ``first`` on of an epoch that has ended."""
        self._epochs.again(first)

    # Value held offline, and what was taken once.

    def leases_held(self) -> LeasesHeld:
        """Return what is left of the leases held, as a hello says it."""
        return self._holdings.leases_held()

    def holdings_of(self, holder: str) -> tuple[Held, ...]:
        """Return all that is held of a member's, rule's, coupon's, article's or shop's accounts, what ends first in
        front.
        """
        return self._holdings.holdings_of(holder)

    def spendable(self, account: Account, stamp: Stamp) -> tuple[Held, ...]:
        """Return what may be drawn of an account at that moment, what ends first in front."""
        return self._holdings.spendable(account, stamp)

    def recalled(self) -> tuple[Returned, ...]:
        """Return what head office asks back, as many as one entry gives back."""
        return self._holdings.recalled()

    def expired(self, stamp: Stamp) -> tuple[Returned, ...]:
        """Return what is past its time, as many as one entry gives back."""
        return self._holdings.expired(stamp)

    def presentation_taken(self, nonce: bytes) -> bool:
        """Tell whether this one showing of a phone's code was taken here before."""
        return self._spent.presentation_taken(nonce)

    def coupon_taken(self, code: str) -> bool:
        """Tell whether this coupon was taken here before and not given back."""
        return self._spent.coupon_taken(code)

    def slip_taken(self, slip: bytes) -> bool:
        """Tell whether the slip of this id was taken here before."""
        return self._spent.slip_taken(slip)

    # Head office's documents and what they hold.

    def activate(
        self, opened: OpenedDocument, transaction: bytes, stamp: Stamp, content: Content | None = None
    ) -> Entry:
        """Make a verified document the active one of its kind and journal it, in one durable commit.

        ``content`` is what is in it, where it was read already. Causes: INVALID where its content cannot be read or a
        newer version is active; FULL also where only the reserve is left.
        """
        self._retention.require_room(self._room, self._path)
        return self._documents.activate(opened, transaction, stamp, content)

    def active(self, kind: DocumentKind) -> StoredDocument | None:
        """Return the active document of a kind; its blob where it is a pack."""
        return self._documents.active(kind)

    def previous(self, kind: DocumentKind) -> StoredDocument | None:
        """Return the pack before the active one; None for other kinds."""
        return self._documents.previous(kind)

    def held(self) -> tuple[HeldDocument, ...]:
        """Return the active documents, as a hello says them."""
        return self._documents.held()

    def floor(self, kind: str) -> int:
        """Return the highest version of a kind that was ever active here; 0 for none."""
        return self._documents.floor(kind)

    def pack_content(self) -> tuple[PackRef, bytes] | None:
        """Return the active pack's reference and content; None before one has arrived."""
        return self._documents.pack_content()

    def pack_content_of(self, ref: PackRef) -> bytes | None:
        """Return the content of that pack, where it is among the newest that priced here."""
        return self._documents.pack_content_of(ref)

    def item(self, sku: str) -> CatalogueItem | None:
        """Return the article of this number."""
        return self._catalogue.item(sku)

    def item_by_barcode(self, digits: str) -> CatalogueItem | None:
        """Return the article with this barcode."""
        return self._catalogue.item_by_barcode(digits)

    def open_item(self) -> CatalogueItem | None:
        """Return the article that a keyed amount is booked on; None before a catalogue has arrived."""
        return self._catalogue.open_item()

    def shop_name(self) -> str:
        """Return the name on the receipt; empty before a catalogue has arrived."""
        return self._catalogue.shop_name()

    def currency(self) -> str:
        """Return the currency's code; empty before a catalogue has arrived."""
        return self._catalogue.currency()

    def member_by_card(self, uid: bytes) -> MemberRow | None:
        """Return the member who holds the card with this number, if cached and the card is not revoked."""
        return None if self.card_revoked(uid) else self._members.by_card(uid)

    def member_by_phone(self, digits: str) -> MemberRow | None:
        """Return the member with this phone number, if cached."""
        return self._members.by_phone(digits)

    def member_by_id(self, member: str) -> MemberRow | None:
        """Return the member of this id, if cached."""
        return self._members.by_id(member)

    def members_by_last4(self, digits: str, most: int) -> tuple[MemberRow, ...]:
        """Return the cached members whose phone number ends with these four digits, at most so many."""
        return self._members.by_last4(digits, most)

    def member_revoked(self, member: str, issued_day: int) -> bool:
        """Tell whether a credential of this member issued on this day (since 1970-01-01, UTC) is void."""
        return self._revocations.member_revoked(member, issued_day)

    def card_revoked(self, uid: bytes) -> bool:
        """Tell whether the card with this number is void."""
        return self._revocations.card_revoked(uid)

    def coupon_revoked(self, code: str) -> bool:
        """Tell whether the coupon of this code is void."""
        return self._revocations.coupon_revoked(code)

    def terminal_key(self, address: TerminalAddress, epoch: int) -> PublicKey | None:
        """Return the journal key of another terminal in an epoch, None where it has none that is believed."""
        return self._terminals.key(address, epoch)

    def terminals(self, most: int) -> tuple[TerminalAddress, ...]:
        """Return the terminals whose keys are believed, at most so many, by their names."""
        return self._terminals.addresses(most)

    def notices(self, now_ms: int) -> tuple[Notice, ...]:
        """Return what head office wants cashiers to read at an instant (Unix milliseconds)."""
        return self._notices.notices(now_ms)

    def cashier(self, number: str) -> CashierRecord | None:
        """Return who signs in with this number."""
        return self._cashiers.cashier(number)

    def pin_tries(self, number: str) -> PinTries:
        """Return this cashier's wrong PINs in a row."""
        return self._cashiers.pin_tries(number)

    def record_pin_try(self, number: str, ok: bool, now_ms: int) -> None:
        """Count a wrong PIN durably, or begin again after a right one."""
        self._cashiers.record_pin_try(number, ok, now_ms)
