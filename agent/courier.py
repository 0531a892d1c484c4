"""The till's dealings with head office: steps the conversation, carries out what it asks, and activates documents
between baskets, gives back leases, and begins a new epoch where the chain cannot go on.

Runs in the till's thread. What was refused is journalled as a technical event, so that head office learns of it over
the very journal that an attacker cannot write; a flood of refusals is cut short, for each entry takes disk and air.
"""

import logging
from collections import deque
from collections.abc import Callable

from agent.clock import SystemClock
from agent.contents import read_content
from agent.keys import Identity, new_transaction_id
from agent.log import event
from agent.offline_store.chain import Place
from agent.offline_store.documents import Content
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.store import Backlog, Store
from agent.sync import effects
from agent.sync.again import REMEMBERED_RANGES
from agent.sync.conversation import Conversation
from agent.sync.facts import LinkDown, LinkFact, LinkUp
from agent.sync.parties import Pace, Parties, Sender
from agent.sync.uplink import Standing
from contract.bodies import Body, EntryKind, LeaseReturnBody, Returned, ReturnReason, TechnicalEventBody
from contract.documents import DocumentKind, OpenedDocument
from contract.journal import Entry
from contract.messages import Range
from rules.engine.compiled import Compiled

EVENTS_AN_HOUR = 30
EPOCHS_AN_HOUR = 3
"""Should head office dispute one chain after the other, people have to look at it."""
HOUR_MS = 3_600_000
ACTIVATE_AGAIN_MS = 5_000
MEND_AGAIN_MS = 300_000
LEASES_LOOK_MS = 5_000
"""How often leases that are to go back are looked for."""
TOLD_MS = 600_000
"""How long the glass shows what happened to the journal."""
REMEMBERED_APPENDS = 256
"""Of so many of the newest entries the log says how long head office took; a till may be offline for weeks."""
NOTE_TIME_MS = 60_000
"""How often a signed time is written down while nothing else is."""

ISSUED_IN_FUTURE = "issued_in_future"
TIME_IMPLAUSIBLE = "hq_time_implausible"

_log = logging.getLogger(__name__)


class Courier:
    """Head office as the till sees it. Nothing here raises; what the store cannot do now is tried again.

    ``compiled`` reads and compiles a pack that has arrived, raising ContractError where it cannot be understood.
    ``mend`` brings the store's damaged file back and says what came of it, raising StoreError where it cannot.
    """

    def __init__(
        self,
        store: Store,
        sender: Sender,
        identity: Identity,
        clock: SystemClock,
        compiled: Callable[[bytes], Compiled],
        heartbeat_s: int,
        mend: Callable[[], str] | None = None,
    ) -> None:
        self._store = store
        self._mend = mend
        self._compiled = compiled
        self._sender = sender
        self._identity = identity
        self._clock = clock
        self._pace = Pace(heartbeat_ms=heartbeat_s * 1_000, silence_ms=heartbeat_s * 3_000 + 5_000)
        self._conversation = self._new_conversation()
        self._up = False
        self._wanted_epoch: effects.NewEpoch | None = None
        self._epochs_ms: list[int] = []
        self._told: tuple[str, int] = ("", 0)
        self._store_failed = False
        self._file_damaged = False
        self._mend_after_ms = 0
        self._arrived: dict[DocumentKind, tuple[OpenedDocument, Content | None]] = {}
        self._activate_after_ms = 0
        self._carrying = True
        """Whether anything of an ended epoch may still have to be carried over."""
        self._carried_again: deque[Range] = deque(maxlen=REMEMBERED_RANGES)
        self._leases_after_ms = 0
        self._time_believed = True
        self._note_time_after_ms = 0
        self._journalled_ms: list[int] = []
        self._appended: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_APPENDS)
        self._backlog = Backlog(0, None)
        self._look_at_backlog()

    def _new_conversation(self) -> Conversation:
        parties = Parties(self._identity.address, self._store.epoch(), self._identity.hq_keys)
        return Conversation(parties, self._store, self._pace)

    @property
    def online(self) -> bool:
        """Whether head office answers."""
        return self._conversation.standing is Standing.TALKING

    @property
    def troubles(self) -> tuple[str, ...]:
        """What somebody at the counter should know of the journal: ``chain_disputed`` (head office holds another chain
        than ours), ``store_failed`` (it cannot be read or written), and for a while what :meth:`tell` was told.
        """
        found = ["chain_disputed"] if self._conversation.standing is Standing.DISPUTED else []
        found += ["store_failed"] if self._store_failed else []
        code, until_ms = self._told
        return (*found, code) if self._clock.monotonic_ms() < until_ms else tuple(found)

    @property
    def fetching(self) -> str:
        """The kind of document that is on its way or waits for the basket to be closed; empty for none."""
        on_its_way = self._conversation.fetching
        if on_its_way is not None:
            return on_its_way.kind
        return next(iter(self._arrived), DocumentKind.PACK).value if self._arrived else ""

    def backlog(self) -> Backlog:
        """How many entries head office has not acknowledged, and the oldest one's wall time."""
        return self._backlog

    def handle(self, fact: LinkFact) -> None:
        """Take what the link tells."""
        self._up = isinstance(fact, LinkUp) or (self._up and not isinstance(fact, LinkDown))
        if isinstance(fact, LinkDown):
            _log.info(event("link_down", reason=fact.reason, detail=fact.detail))
        self._step(fact)

    def tick(self) -> None:
        """Let time pass."""
        self._step(effects.Tick())
        if self._store_failed:
            self._look_at_backlog()

    def entry_appended(self, seq: int) -> None:
        """An entry became durable; send it as soon as may be."""
        self._appended.append((seq, self._clock.monotonic_ms()))
        self._look_at_backlog()
        self._step(effects.JournalGrew())

    def activate_arrived(self, open_basket: bool = False) -> tuple[DocumentKind, ...]:
        """Make what has arrived the active documents, each in one commit with its journal entry; begin a new epoch
        where one is due, carry over some of what waits, and give back leases that are due.

        With an ``open_basket`` only who may sign in changes: what prices, names and sells waits until it is closed.
        Returns the kinds that changed.
        """
        changed = []
        if not open_basket:
            self._bring_back()
            self._begin_epoch()
            self._carry_on()
            self._return_leases()
        for kind, (opened, content) in list(self._arrived.items()):
            # Of leases head office takes it that all that was lent before stands in the journal before them.
            if (open_basket and kind is not DocumentKind.CASHIERS) or (kind is DocumentKind.LEASES and self._carrying):
                continue
            if self._clock.monotonic_ms() < self._activate_after_ms:
                break
            try:
                entry = self._store.activate(opened, new_transaction_id(), self._clock.stamp(), content)
            except StoreError as error:
                self._activation_failed(kind, opened, error)
                continue
            del self._arrived[kind]
            changed.append(kind)
            self._clock.raise_floor(opened.document.issued_ms)
            if kind is DocumentKind.LEASES:
                self._leases_after_ms = 0
            _log.info(event("activated", kind=kind, version=opened.document.version))
            self._step(effects.DocumentActivated(opened.digest))
            self.entry_appended(entry.header.seq)
        return tuple(changed)

    def _activation_failed(self, kind: DocumentKind, opened: OpenedDocument, error: StoreError) -> None:
        """A document the store will never take is given up; a disk in trouble is tried again after a while."""
        _log.error(event("activation_failed", kind=kind, cause=error.cause, detail=error.detail))
        if error.cause is StoreCause.INVALID:
            del self._arrived[kind]
            self._step(effects.DocumentRejected(opened.digest, error.cause.value))
            return
        self._activate_after_ms = self._clock.monotonic_ms() + ACTIVATE_AGAIN_MS

    def _begin_epoch(self) -> None:
        """End this chain and begin the next, and speak with head office about that one; seldom, and never in a loop."""
        wanted, self._wanted_epoch = self._wanted_epoch, None
        if wanted is None or self._conversation.standing is not Standing.DISPUTED:
            return
        now_ms = self._clock.monotonic_ms()
        self._epochs_ms = [ms for ms in self._epochs_ms if now_ms - ms < HOUR_MS]
        detail = f"{wanted.epoch}: {wanted.reason}: {wanted.detail}"
        if len(self._epochs_ms) >= EPOCHS_AN_HOUR:
            _log.error(event("epoch_refused", detail=detail))
            return
        try:
            self._store.begin_epoch(wanted.epoch, wanted.reason, new_transaction_id(), self._clock.stamp())
        except StoreError as error:
            # Head office's next welcome, or the next look at the damage, asks for it again.
            self._store_refused("epoch_not_begun", error, wanted=detail)
            return
        self._epochs_ms.append(now_ms)
        self._speak_of("epoch_begun", detail)

    def _carry_on(self) -> None:
        """Carry some of what waits over into this epoch; the till sells on between one time and the next."""
        if not self._carrying or self._clock.monotonic_ms() < self._activate_after_ms:
            return
        try:
            found = self._store.carry_on(self._clock.stamp())
        except StoreError as error:
            self._activate_after_ms = self._clock.monotonic_ms() + ACTIVATE_AGAIN_MS
            self._store_refused("not_carried_over", error)
            return
        self._carrying = found.left
        for place in found.unreadable:
            self.report("entry_not_carried", str(place))
        if found.count:
            self._look_at_backlog()
            self._step(effects.JournalGrew())

    def _carry_again(self, missing: Range) -> None:
        """Behind what is not held head office takes nothing more of that epoch: what can be read goes into this one."""
        try:
            self._store.carry_again(Place(missing.epoch, missing.first_seq))
        except StoreError as error:
            self._store_refused("not_carried_over", error)
            return
        self._carried_again.append(missing)
        self._carrying = True
        self.report("entries_not_held", f"epoch {missing.epoch}: {missing.first_seq}, and up to {missing.last_seq}")

    def _bring_back(self) -> None:
        """Have a damaged file brought back, in a new epoch; where that fails, after a while again."""
        if not self._file_damaged or self._mend is None or self._clock.monotonic_ms() < self._mend_after_ms:
            return
        self._mend_after_ms = self._clock.monotonic_ms() + MEND_AGAIN_MS
        try:
            detail = self._mend()
        except StoreError as error:
            self._store_refused("store_not_recovered", error)
            return
        self._file_damaged = False
        self._speak_of("store_recovered", detail)

    def _speak_of(self, code: str, detail: str) -> None:
        """There is another chain from here on: say why, and greet head office with it."""
        self._appended.clear()
        self._carrying = True
        self._conversation = self._new_conversation()
        self.tell(code, detail)
        if self._up:
            self._step(LinkUp())

    def damaged(self) -> None:
        """Somebody found the store's file damaged: it is brought back between two baskets."""
        self._file_damaged = True

    def _store_refused(self, what: str, error: StoreError, **more: object) -> None:
        self._store_failed = True
        self._file_damaged = self._file_damaged or error.in_the_file
        _log.error(event(what, cause=error.cause, detail=error.detail, **more))

    def _return_leases(self) -> None:
        """Give back what head office recalled and what is past its time: one entry for each, now and then."""
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._leases_after_ms:
            return
        self._leases_after_ms = now_ms + LEASES_LOOK_MS
        try:
            due: tuple[tuple[ReturnReason, tuple[Returned, ...]], ...] = (
                (ReturnReason.ASKED, self._store.recalled()),
                (ReturnReason.EXPIRED, self._store.expired(self._clock.stamp())),
            )
        except StoreError as error:
            self._store_refused("store_unreadable", error)
            return
        given: set[bytes] = set()
        for reason, leases in due:
            left = tuple(item for item in leases if item.lease not in given)
            given.update(item.lease for item in left)
            if left:
                self.journal(EntryKind.LEASE_RETURN, LeaseReturnBody(reason, left))

    def _step(self, happened: effects.Event) -> None:
        conversation = self._conversation
        for effect in conversation.step(happened, self._clock.stamp()):
            if self._conversation is not conversation:
                return  # What is left speaks of a chain that has ended meanwhile.
            self._carry_out(effect)

    def _carry_out(self, effect: effects.Effect) -> None:
        match effect:
            case effects.Publish():
                self._sender.publish(effect.topic, effect.payload)
            case effects.Heard():
                self._hear_time(effect.hq_time_ms)
            case effects.Acknowledged():
                self._advance(effect)
            case effects.DocumentArrived():
                self._accept(effect.opened)
            case effects.DocumentRefused():
                self.report("document_refused", f"{effect.kind} {effect.version}: {effect.reason}")
            case effects.MessageRefused():
                self.report("message_refused", f"{effect.topic.rpartition('/')[2]}: {effect.reason}")
            case effects.Refused():
                self.report("entry_refused", f"{effect.seq}: {effect.reason}")
            case effects.Quarantined():
                self.report("entry_quarantined", f"{effect.seq}: {effect.reason}")
            case effects.NotHeld() if effect.missing not in self._carried_again:
                self._carry_again(effect.missing)
            case effects.NewEpoch():
                self._wanted_epoch = effect
            case effects.Reconnect():
                self._sender.reconnect()
            case effects.StoreFailed():
                self._store_failed = True
                self._file_damaged = self._file_damaged or effect.in_the_file
                _log.error(event("store_unreadable", cause=effect.cause, detail=effect.detail))

    def _hear_time(self, hq_time_ms: int) -> None:
        """Take a signed time as the clock's floor, and keep it now and then: a till may sell nothing for hours.

        One that cannot be is told to head office, once for as long as it lasts.
        """
        believed = self._clock.raise_floor(hq_time_ms)
        if not believed and self._time_believed:
            self.report(TIME_IMPLAUSIBLE, f"head office says {hq_time_ms}, this clock {self._clock.stamp().wall_ms}")
        self._time_believed = believed
        now_ms = self._clock.monotonic_ms()
        if believed and now_ms >= self._note_time_after_ms:
            self._note_time_after_ms = now_ms + NOTE_TIME_MS
            try:
                self._store.note_signed_time(hq_time_ms)
            except StoreError as error:
                _log.error(event("signed_time_not_kept", cause=error.cause))

    def _advance(self, ack: effects.Acknowledged) -> None:
        try:
            signed_ms = ack.hq_time_ms if self._clock.believes(ack.hq_time_ms) else 0
            moved = self._store.advance(ack.upto_seq, ack.head_hash, signed_ms)
        except StoreError as error:
            self._store_refused("cursor_not_moved", error)
            return
        now_ms = self._clock.monotonic_ms()
        waited_ms = 0
        while self._appended and self._appended[0][0] <= ack.upto_seq:
            waited_ms = now_ms - self._appended.popleft()[1]
        _log.info(event("acknowledged", upto=ack.upto_seq, moved=moved, newest_after_ms=waited_ms))
        self._look_at_backlog()

    def _accept(self, opened: OpenedDocument) -> None:
        """Look into a trusted document. What is not wholly understood here, or prices otherwise, is not taken."""
        document = opened.document
        reason, content = read_content(document, self._compiled)
        if not self._clock.believes(document.issued_ms):
            reason = ISSUED_IN_FUTURE
        if not reason:
            self._arrived[document.kind] = opened, content
            return
        self.report("document_refused", f"{document.kind} {document.version}: {reason}")
        self._step(effects.DocumentRejected(opened.digest, reason))

    def tell(self, code: str, detail: str) -> None:
        """Journal a technical event and let the glass show ``code`` for a while."""
        self._told = code, self._clock.monotonic_ms() + TOLD_MS
        self.report(code, detail)

    def report(self, code: str, detail: str) -> None:
        """Journal a technical event, unless this hour has had its share; the log has all of them."""
        _log.warning(event(code, detail=detail))
        now_ms = self._clock.monotonic_ms()
        self._journalled_ms = [ms for ms in self._journalled_ms if now_ms - ms < HOUR_MS]
        if len(self._journalled_ms) >= EVENTS_AN_HOUR:
            return
        self._journalled_ms.append(now_ms)
        self.journal(EntryKind.TECHNICAL_EVENT, TechnicalEventBody(code, detail[:200]))

    def journal(self, kind: EntryKind, body: Body) -> Entry | None:
        """Journal what no customer waits for, and send it; None where the store cannot now."""
        try:
            entry = self._store.append(kind, new_transaction_id(), self._clock.stamp(), body)
        except StoreError as error:
            self._store_refused("event_not_journalled", error, kind=kind)
            return None
        self.entry_appended(entry.header.seq)
        return entry

    def _look_at_backlog(self) -> None:
        try:
            self._backlog = self._store.backlog()
            self._store_failed = False
        except StoreError as error:
            self._store_refused("store_unreadable", error)
