"""The till's dealings with head office: steps the conversation, carries out what it asks, and activates documents
between baskets.

Runs in the till's thread. What was refused is journalled as a technical event, so that head office learns of it over
the very journal that an attacker
cannot write; a flood of refusals is cut short, for each entry takes disk and air time.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from agent.clock import SystemClock
from agent.keys import Identity, new_transaction_id
from agent.log import event
from agent.offline_store.documents import Content
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.store import Backlog, Store
from agent.sync import effects
from agent.sync.conversation import Conversation
from agent.sync.facts import LinkDown, LinkFact
from agent.sync.parties import Pace, Parties
from agent.sync.uplink import Standing
from contract.bodies import EntryKind, TechnicalEventBody
from contract.documents import (
    MOST_MEMBERS,
    MOST_MEMBERS_BYTES,
    DocumentKind,
    OpenedDocument,
    read_cashiers,
    read_catalogue,
    read_members,
)
from contract.errors import ContractError
from rules.engine.compiled import Compiled
from rules.engine.golden import failed_golden

EVENTS_AN_HOUR = 30
HOUR_MS = 3_600_000
ACTIVATE_AGAIN_MS = 5_000
REMEMBERED_APPENDS = 256
"""Of so many of the newest entries the log says how long head office took; a till may be offline for weeks."""

NOTE_TIME_MS = 60_000
"""How often a signed time is written down while nothing else is."""

GOLDEN_FAILED = "golden_basket_differs"
ISSUED_IN_FUTURE = "issued_in_future"
TOO_MANY = "too_many"
NOT_TAKEN = "not_taken"
TIME_IMPLAUSIBLE = "hq_time_implausible"

_log = logging.getLogger(__name__)


class Sender(Protocol):
    """Whatever carries messages to the broker."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Take a message without blocking; False where there is no connection or no room."""
        ...


class Courier:
    """Head office as the till sees it. Nothing here raises; what the store cannot do now is tried again.

    ``compiled`` reads and compiles a pack that has arrived, raising ContractError where it cannot be understood.
    """

    def __init__(
        self,
        store: Store,
        sender: Sender,
        identity: Identity,
        clock: SystemClock,
        compiled: Callable[[bytes], Compiled],
        heartbeat_s: int,
    ) -> None:
        self._store = store
        self._compiled = compiled
        self._sender = sender
        self._clock = clock
        self._conversation = Conversation(
            Parties(identity.address, identity.epoch, identity.hq_keys), store, Pace(heartbeat_ms=heartbeat_s * 1000)
        )
        self._arrived: dict[DocumentKind, tuple[OpenedDocument, Content | None]] = {}
        self._activate_after_ms = 0
        self._time_believed = True
        self._note_time_after_ms = 0
        self._journalled_ms: list[int] = []
        self._appended: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_APPENDS)
        self._backlog = Backlog(0, None)
        self._look_at_backlog()

    @property
    def online(self) -> bool:
        """Whether head office answers."""
        return self._conversation.standing is Standing.TALKING

    @property
    def disputed(self) -> bool:
        """Whether head office holds another chain than ours under this terminal's name."""
        return self._conversation.standing is Standing.DISPUTED

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
        if isinstance(fact, LinkDown):
            _log.info(event("link_down", reason=fact.reason, detail=fact.detail))
        self._step(fact)

    def tick(self) -> None:
        """Let time pass."""
        self._step(effects.Tick())

    def entry_appended(self, seq: int) -> None:
        """An entry became durable; send it as soon as may be."""
        self._appended.append((seq, self._clock.monotonic_ms()))
        self._look_at_backlog()
        self._step(effects.JournalGrew())

    def activate_arrived(self, open_basket: bool = False) -> tuple[DocumentKind, ...]:
        """Make what has arrived the active documents, each in one commit with its journal entry.

        With an ``open_basket`` only who may sign in changes: what prices, names and sells waits until it is closed.
        Returns the kinds that changed.
        """
        changed = []
        for kind, (opened, content) in list(self._arrived.items()):
            if open_basket and kind is not DocumentKind.CASHIERS:
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

    def _step(self, happened: effects.Event) -> None:
        for effect in self._conversation.step(happened, self._clock.stamp()):
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
            case effects.StoreFailed():
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
            _log.error(event("cursor_not_moved", cause=error.cause))
            return
        now_ms = self._clock.monotonic_ms()
        waited_ms = 0
        while self._appended and self._appended[0][0] <= ack.upto_seq:
            waited_ms = now_ms - self._appended.popleft()[1]
        _log.info(event("acknowledged", upto=ack.upto_seq, moved=moved, newest_after_ms=waited_ms))
        self._look_at_backlog()

    def _accept(self, opened: OpenedDocument) -> None:
        """Look into a trusted document. What this terminal does not wholly understand, or prices otherwise, it does
        not take.
        """
        document = opened.document
        reason, content = _checked(document.kind, document.content, self._compiled)
        if not self._clock.believes(document.issued_ms):
            reason = ISSUED_IN_FUTURE
        if not reason:
            self._arrived[document.kind] = opened, content
            return
        self.report("document_refused", f"{document.kind} {document.version}: {reason}")
        self._step(effects.DocumentRejected(opened.digest, reason))

    def report(self, code: str, detail: str) -> None:
        """Journal a technical event, unless this hour has had its share; the log has all of them."""
        _log.warning(event(code, detail=detail))
        now_ms = self._clock.monotonic_ms()
        self._journalled_ms = [ms for ms in self._journalled_ms if now_ms - ms < HOUR_MS]
        if len(self._journalled_ms) >= EVENTS_AN_HOUR:
            return
        self._journalled_ms.append(now_ms)
        body = TechnicalEventBody(code, detail[:200])
        try:
            entry = self._store.append(EntryKind.TECHNICAL_EVENT, new_transaction_id(), self._clock.stamp(), body)
        except StoreError as error:
            _log.error(event("event_not_journalled", cause=error.cause))
            return
        self.entry_appended(entry.header.seq)

    def _look_at_backlog(self) -> None:
        try:
            self._backlog = self._store.backlog()
        except StoreError as error:
            _log.error(event("store_unreadable", cause=error.cause))


def _checked(kind: DocumentKind, content: bytes, compiled: Callable[[bytes], Compiled]) -> tuple[str, Content | None]:
    """Why a document's content cannot be used (empty where it can), and what is in it, read once; of a pack nothing."""
    try:
        match kind:
            case DocumentKind.PACK:
                return ("" if failed_golden(compiled(content)) is None else GOLDEN_FAILED), None
            case DocumentKind.CASHIERS:
                return "", read_cashiers(content)
            case DocumentKind.CATALOGUE:
                return "", read_catalogue(content)
            case DocumentKind.MEMBERS if len(content) > MOST_MEMBERS_BYTES:
                return TOO_MANY, None
            case DocumentKind.MEMBERS:
                found = read_members(content)
                return (TOO_MANY if len(found.members) > MOST_MEMBERS else ""), found
            case _:
                return NOT_TAKEN, None
    except ContractError as error:
        return error.reason.value, None
