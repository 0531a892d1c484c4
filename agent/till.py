"""The one loop of the terminal: takes a fact from the mailbox, steps the transaction, carries out its effects, shows
the result.

Everything that changes the till's state happens here, in one thread, one fact after the other. What must not be
here: bytes, ports, SQL, pixels, or what a
cashier may do when (that is ``txn``); this module only knows who has to be told what.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable

from agent.clock import SystemClock
from agent.counter import Counter
from agent.courier import Courier
from agent.drivers import facts
from agent.drivers.panel_gpio import Lamps
from agent.log import event
from agent.lookups import StoreBook
from agent.offline_store.faults import StoreError
from agent.offline_store.store import Place, Store
from agent.presence import Presence
from agent.sync.facts import LinkDown, LinkFact, LinkUp, MessageArrived
from agent.txn import effects, events
from agent.txn.state import Lang, TillState
from agent.txn.step import step
from agent.ui_tft.customer_view import customer_view
from agent.ui_tft.fonts import FontMissing
from agent.ui_tft.view import DeviceNote, Screen, StatusBar, compose
from contract.documents import DocumentKind

MAILBOX_FACTS = 256
LINK_FACTS = 64
TICK_S = 0.25
RULES_OVER = "rules_over"
DROPPED_MS = 3_600_000
"""How long the journal holds its peace about dropped input after it has told of some."""

Fact = facts.Fact | LinkFact
Input = facts.CardPresented | facts.CardRefused | facts.CodeScanned | facts.CodeRefused | facts.KeyPressed
_POWER = "panel"
_REPORT = "report"
"""The name of a paper that belongs to no entry."""
_log = logging.getLogger(__name__)


class Mailbox:
    """The bounded way into the till's thread. ``put`` and ``put_link`` never block.

    The counter has a place of its own and goes first: whoever floods the broker takes no key from a cashier. What was
    read or pressed and does not fit is dropped and counted (``dropped``, last of the device ``dropped_of``); whatever
    else does not fit its driver tells again, and the link keeps what is not taken from it.
    """

    def __init__(self) -> None:
        self._counter: queue.Queue[facts.Fact] = queue.Queue(MAILBOX_FACTS)
        self._link: queue.Queue[LinkFact] = queue.Queue(LINK_FACTS)
        self._waiting = threading.Semaphore(0)
        """How many facts are in both together."""
        self.dropped = 0
        self.dropped_of = ""
        self.power_fails = False
        """Whether the supply is going, by the panel's last word: nothing that waits in here is begun then."""

    def put(self, fact: facts.Fact) -> bool:
        """Take a device's fact from any thread; False when there was no room and the fact was dropped."""
        if isinstance(fact, facts.PanelChanged) and fact.signal is facts.PanelSignal.POWER_FAIL:
            self.power_fails = fact.active
            self._waiting.release()
            return True
        try:
            self._counter.put_nowait(fact)
        except queue.Full:
            if isinstance(fact, Input | facts.Touched):
                self.dropped_of = fact.device
                self.dropped += 1
            return False
        self._waiting.release()
        return True

    def put_link(self, fact: LinkFact) -> bool:
        """Take a fact of the link from any thread; False when there was no room for it now."""
        try:
            self._link.put_nowait(fact)
        except queue.Full:
            return False
        self._waiting.release()
        return True

    def take(self, timeout_s: float) -> Fact | None:
        """The next fact, or None when there was none for ``timeout_s``. For one thread alone."""
        if not self._waiting.acquire(timeout=timeout_s):
            return None
        if self.power_fails:
            return None
        try:
            return self._counter.get_nowait()
        except queue.Empty:
            pass
        try:
            return self._link.get_nowait()
        except queue.Empty:
            # It was woken to see how the supply is.
            return None


class Till:
    """The terminal's state and its loop. ``run`` returns when ``should_stop`` says so; nothing from outside makes it
    raise.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        store: Store,
        book: StoreBook,
        courier: Courier,
        counter: Counter,
        clock: SystemClock,
        language: str,
    ) -> None:
        self._mailbox = mailbox
        self._store = store
        self._book = book
        self._courier = courier
        self._counter = counter
        self._clock = clock
        self._presence = Presence(store, courier, clock)
        self._state = TillState(lang=Lang(language))
        self._devices: dict[str, facts.DeviceStatus] = {}
        self._cashiers_changed = False
        self._dropped_seen = 0
        self._dropped_told_ms: int | None = None
        self._rules_over = False
        self._once_quiet: Callable[[], None] | None = None

    def run(self, should_stop: Callable[[], bool], once_quiet: Callable[[], None] | None = None) -> None:
        """Serve until told to stop, or until the supply goes: what is in hand is then on the disk, no more is begun,
        the journal is closed, and this returns once the supply is back, for the program to begin anew.
        ``once_quiet`` is called when nothing happens for a moment, the first time only.
        """
        self._once_quiet = once_quiet
        self._presence.tick()
        self._step(events.Started())
        # The first picture waits for no device.
        self._show()
        while not should_stop() and not self._mailbox.power_fails:
            try:
                self._turn()
            except StoreError as error:
                # Each part answers for its own dealings with the store; whatever slips through must not end the till.
                _log.error(event("store_fault", cause=error.cause, detail=error.detail))
        if self._mailbox.power_fails:
            self._end_without_power(should_stop)
        else:
            self._presence.end()

    def _end_without_power(self, should_stop: Callable[[], bool]) -> None:
        """Close the journal before anything else; then say so on whatever still has light, and wait. An open basket was
        never booked. A contact that is wired the wrong way round is seen on the glass; nothing starts over and over.
        """
        self._devices[_POWER] = facts.DeviceStatus(_POWER, facts.Status.GONE, "power_fails", "wait")
        screen = compose(self._state, self._status_bar())
        self._presence.end()
        self._store.close()
        _log.warning(event("power_fails"))
        self._counter.light(Lamps(fault=True))
        self._paint(screen)
        while self._mailbox.power_fails and not should_stop():
            self._mailbox.take(TICK_S)

    def _turn(self) -> None:
        fact = self._mailbox.take(TICK_S)
        if self._mailbox.power_fails:
            return
        if fact is None:
            self._step(events.Tick())
            self._look_at_rules()
            if self._once_quiet is not None:
                self._once_quiet()
                self._once_quiet = None
        else:
            self._handle(fact)
        self._say_when_input_was_dropped()
        self._presence.tick()
        self._courier.tick()
        self._activate()
        self._show()

    def _look_at_rules(self) -> None:
        """Say, on the glass and once in the journal, that the rules are past their last day."""
        over = self._book.rules_over()
        if over and not self._rules_over:
            self._courier.report(RULES_OVER, f"pack {self._book.pack_version()}: sold at list prices from here on")
        self._rules_over = over

    def _activate(self) -> None:
        """Let what head office sent come into force, as far as an open basket lets it."""
        if self._book.file_damaged:
            self._book.file_damaged = False
            self._courier.damaged()
        changed = self._courier.activate_arrived(self._state.open_basket)
        if DocumentKind.PACK in changed:
            self._step(events.PackChanged(self._book.pack_version()))
        self._cashiers_changed = self._cashiers_changed or DocumentKind.CASHIERS in changed
        if self._cashiers_changed and not self._state.open_basket:
            self._cashiers_changed = False
            self._step(events.CashiersChanged())

    def _handle(self, fact: Fact) -> None:
        match fact:
            case facts.DeviceStatus():
                self._note_device(fact)
            case facts.PanelChanged():
                self._note_panel(fact)
            case facts.PrintFinished(job=job) | facts.PrintFailed(job=job) if job == _REPORT:
                pass
            case facts.PrintFinished():
                place = _paper_place(fact.job)
                self._settle_receipt(place)
                self._step(events.ReceiptPrinted(place.seq, place.epoch))
            case facts.PrintFailed():
                place = _paper_place(fact.job)
                self._step(events.ReceiptWaiting(place.seq, fact.problem.value, place.epoch))
            case facts.Touched():
                pressed = self._counter.touched(fact)
                if pressed is not None:
                    self._step(_input(pressed))
            case LinkUp() | LinkDown() | MessageArrived():
                self._courier.handle(fact)
            case _:
                self._step(_input(fact))

    def _note_device(self, status: facts.DeviceStatus) -> None:
        self._devices[status.device] = status
        _log.info(event("device", device=status.device, status=status.status, reason=status.reason))

    def _note_panel(self, fact: facts.PanelChanged) -> None:
        """Write it down; of an opened case head office is told as well."""
        _log.info(event("panel", signal=fact.signal, active=fact.active))
        if fact.signal is facts.PanelSignal.TAMPER and fact.active:
            self._courier.report("case_opened", fact.device)

    def _step(self, first: events.Event) -> None:
        """Step the transaction with ``first`` and with everything its effects answer, until all is quiet."""
        waiting: deque[events.Event] = deque([first])
        while waiting:
            self._state, wanted = step(self._state, waiting.popleft(), self._book)
            for effect in wanted:
                answer = self._carry_out(effect)
                if answer is not None:
                    waiting.append(answer)

    def _carry_out(self, effect: effects.Effect) -> events.Event | None:
        match effect:
            case effects.Commit():
                return self._commit(effect)
            case effects.Sound():
                self._counter.sound(effect.name)
            case effects.OpenDrawer():
                self._counter.open_drawer()
            case effects.Print():
                return self._print(effect)
            case effects.PrintReport():
                if self._counter.printer is not None:
                    self._counter.printer.print(_REPORT, effect.paper)
            case effects.WaiveReceipt():
                self._settle_receipt(Place(effect.epoch, effect.seq))
            case effects.RecordPinTry():
                return self._record_pin_try(effect)
            case effects.Report():
                self._courier.report(effect.code, effect.detail)
        return None

    def _print(self, effect: effects.Print) -> events.Event | None:
        printer = self._counter.printer
        if printer is None:
            return events.ReceiptWaiting(effect.seq, "no_printer", effect.epoch)
        if not printer.print(str(Place(effect.epoch, effect.seq)), effect.paper):
            return events.ReceiptWaiting(effect.seq, "printer_busy", effect.epoch)
        return None

    def _commit(self, effect: effects.Commit) -> events.Event:
        """Make it durable. Only the answer to this, never the effect itself, lets a sound or a paper out."""
        try:
            entry = self._store.append(
                effect.kind, effect.transaction, self._clock.stamp(), effect.body, owes_receipt=effect.owes_receipt
            )
        except StoreError as error:
            _log.error(event("commit_refused", cause=error.cause, detail=error.detail))
            if error.in_the_file:
                self._courier.damaged()
            # Once this entry is on the disk, nothing of the refused one can be.
            self._courier.report("commit_refused", f"{effect.kind}: {error.cause}")
            return events.CommitFailed(error.cause)
        _log.info(event("committed", kind=entry.header.kind, seq=entry.header.seq))
        self._courier.entry_appended(entry.header.seq)
        return events.Committed(entry)

    def _settle_receipt(self, place: Place) -> None:
        """Note that nobody waits for this paper any more. Should the store refuse, the worst is a paper marked 补打."""
        try:
            self._store.mark_printed(place.seq, place.epoch)
        except StoreError as error:
            _log.error(event("receipt_mark_lost", entry=place, cause=error.cause))

    def _record_pin_try(self, effect: effects.RecordPinTry) -> events.Event:
        """Count it. Only the answer to this says whether the PIN was right: no guess is free while the disk refuses."""
        try:
            if effect.of is effects.PinOwner.CASHIER:
                self._store.record_pin_try(effect.who, effect.ok, effect.now_ms)
            else:
                self._store.allowances.record_pin_try(effect.who, effect.ok, effect.now_ms)
        except StoreError as error:
            _log.error(event("pin_try_lost", cause=error.cause))
            return events.PinTryLost(error.cause)
        return events.PinTryCounted(effect.who, effect.ok, effect.of)

    def _say_when_input_was_dropped(self) -> None:
        """At once by a sound; and in the journal, which a flood must not fill, once an hour."""
        if self._mailbox.dropped == self._dropped_seen:
            return
        self._dropped_seen = self._mailbox.dropped
        self._counter.sound("refused")
        now_ms = self._clock.monotonic_ms()
        if self._dropped_told_ms is None or now_ms - self._dropped_told_ms >= DROPPED_MS:
            self._dropped_told_ms = now_ms
            self._courier.report("input_dropped", f"{self._mailbox.dropped_of}: more came than the till could take")

    def _paint(self, screen: Screen) -> None:
        try:
            self._counter.show(screen)
        except (FontMissing, OSError) as error:
            # Without a typeface there is no picture; entries still reach head office, and the log says what to install.
            _log.error(event("not_painted", problem=str(error)))

    def _show(self) -> None:
        status = self._status_bar()
        self._paint(compose(self._state, status, self._counter.touch))
        self._counter.tell_customer(customer_view(self._state))
        self._counter.light(_lamps(status))

    def _status_bar(self) -> StatusBar:
        now = self._clock.stamp()
        backlog = self._courier.backlog()
        age_ms = 0 if backlog.oldest_wall_ms is None else max(0, now.wall_ms - backlog.oldest_wall_ms)
        return StatusBar(
            online=self._courier.online,
            backlog=backlog.count,
            oldest_age_s=age_ms // 1000,
            clock_text=time.strftime("%H:%M", time.localtime(now.wall_ms // 1000)),
            pack_version=self._book.pack_version(),
            devices=self._device_notes(),
            fetching=self._courier.fetching,
            shop_name=self._book.shop_name(),
            notice=("", "") if self._state.open_basket else self._book.notice(now.wall_ms),
        )

    def _device_notes(self) -> tuple[DeviceNote, ...]:
        """How the devices are, and first, where it is so, what is wrong with the journal or the rules."""
        troubles = tuple(DeviceNote("journal", "gone", trouble) for trouble in self._courier.troubles)
        over = (DeviceNote("rules", "ready", RULES_OVER),) if self._rules_over else ()
        devices = tuple(
            DeviceNote(status.device, status.status.value, status.reason)
            for _name, status in sorted(self._devices.items())
        )
        return (*troubles, *over, *devices)


def _lamps(status: StatusBar) -> Lamps:
    """Green while the till can sell, amber while somebody should see to something, red while nothing can be sold."""
    broken = any(note.device == "journal" and note.status != "ready" for note in status.devices)
    trouble = not status.online or any(note.is_trouble for note in status.devices)
    return Lamps(ready=not broken, attention=trouble and not broken, fault=broken)


def _paper_place(job: str) -> Place:
    """Which entry a paper belongs to: its name is the entry's place."""
    epoch, _slash, seq = job.partition("/")
    return Place(int(epoch), int(seq))


def _input(fact: Input) -> events.Input:
    """What a driver's fact means to a transaction."""
    match fact:
        case facts.CardPresented():
            authenticated = fact.assurance is facts.CardAssurance.AUTHENTICATED
            return events.CardRead(fact.kind.value, fact.uid, fact.content, authenticated)
        case facts.CardRefused():
            return events.CardFailed(fact.reason.value)
        case facts.CodeScanned():
            return events.CodeRead(fact.data)
        case facts.CodeRefused():
            return events.CodeFailed(fact.reason.value)
        case facts.KeyPressed():
            return events.KeyDown(fact.key.value)
