"""A PC/SC reader's own process: watches it and tells its parent by lines of JSON on standard output.

The lines are those of child.py and card_lines.py. The process takes one reader, which a card that is mute, or a pcscd
that hangs with it, takes from the till; the other devices' readers are served by processes of their own. Nothing else
may import smartcard.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Mapping

from agent.drivers.card_lines import CardFound, card_line, refused_line
from agent.drivers.cards.contactless import ReaderTagLink, activated
from agent.drivers.cards.identify import Activated, Family
from agent.drivers.cards.keys import CardKeys, KeysError
from agent.drivers.cards.link import CardError
from agent.drivers.cards.order import Order, add_order_arguments
from agent.drivers.cards.plan import CardPlan, from_argument
from agent.drivers.cards.reading import (
    CardRead,
    UnsupportedError,
    read_apdu_card,
    read_contact_card,
    read_number,
    read_tag,
    write_tag,
)
from agent.drivers.facts import CardKind, CardProblem
from agent.drivers.own_process import OwnProcess
from agent.drivers.pcsc_reader import Claim, Context, ReaderInUseError, ServiceError, Slot, fits, open_context
from agent.drivers.pcsc_talk import CardMuteError, Talk
from agent.drivers.pkcs11_keys import Pkcs11Keys
from contract.making import dataclass

_READ_TRIES = 2
_REBUILD_S = 0.5
_NOTICED_S = 0.6
"""pcscd looks every 0.4 s whether a card is still there."""
_TRY_KEYS_S = 5.0
_CANCEL_AGAIN_S = 0.05
_DIRECT = "*ACR122*"
"""The readers that are a PN532 behind USB, and pass on what it is told."""

Line = Mapping[str, object]
"""What is told to the till."""


def main() -> int:
    """Run until standard input ends (exit status 0)."""
    arguments = argparse.ArgumentParser(description="Watches a PC/SC reader for the till.")
    arguments.add_argument("--reader", default="*", help="the reader's name; * for anything, ? for one character")
    arguments.add_argument("--answer-limit-s", type=float, default=2.0, help="how long an answer is waited for")
    arguments.add_argument("--beat-s", type=float, default=0.5, help="how often to say that this process lives")
    arguments.add_argument("--cards", default="{}", help="what the cards carry, as the driver's tables say it")
    add_order_arguments(arguments)
    options = arguments.parse_args()
    plan = from_argument(options.cards)
    process = OwnProcess()
    process.begin()
    patience = Patience(options.answer_limit_s, options.beat_s)
    watch = Watch(process, patience, options.reader, plan, Order.from_arguments(options))
    threading.Thread(target=watch.wake_at_end, daemon=True).start()
    while not process.closing.is_set():
        try:
            with open_context() as context:
                watch.run(context)
        except ServiceError as lost:
            watch.say_down(lost.reason)
            process.beat(idle=False)
            process.closing.wait(_REBUILD_S)
    return 0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a card's answer is waited for, and how long this process may say nothing, in seconds."""

    answer_limit_s: float
    beat_s: float


class Watch:
    """Tells each card once: when it comes, and not again before it has left."""

    def __init__(
        self, process: OwnProcess, patience: Patience, pattern: str, plan: CardPlan, order: Order | None
    ) -> None:
        self._process = process
        self._patience = patience
        self._pattern = pattern
        self._plan = plan
        self._order = order
        self._keys: CardKeys | None = Pkcs11Keys(plan.token) if plan.token else None
        self._keys_trouble: str | None = None
        self._try_keys_s = 0.0
        self._state: str | None = None
        self._context: Context | None = None
        self._claim: Claim | None = None
        self._told: int | None = None
        self._held = ""
        self._talk: Talk | None = None

    def run(self, context: Context) -> None:
        """Watch until the till wants an end. Raises ServiceError when pcscd is lost."""
        # Whatever is in the reader now was seen by an earlier context under other numbers, and is read anew.
        self._context, self._told = context, None
        while not self._process.closing.is_set():
            fitting = tuple(name for name in context.readers() if fits(name, self._pattern))
            name = self._taken(fitting)
            slots = context.changes((name,) if name else (), self._patience.beat_s if self._state is not None else 0.0)
            slot = slots.get(name) if name else None
            if slot is not None and name is not None:
                self._look(context, name, slot)
            elif name is None:
                # Where the configuration leaves a choice, none was left for this device.
                named = fitting and not set("*?") & set(self._pattern)
                self.say_down("in_use" if named else "reader_gone")
            self._process.beat(idle=slot is None or not slot.present)

    def wake_at_end(self) -> None:
        """End the wait for changes when the till wants an end; in a thread of its own."""
        self._process.closing.wait()
        while True:
            if self._context is not None:
                self._context.cancel()
            # The wait may have begun only now.
            time.sleep(_CANCEL_AGAIN_S)

    def say_down(self, reason: str) -> None:
        """Say that no card can be read, once for each reason."""
        if self._state != reason:
            self._state = reason
            self._process.say({"t": "down", "reason": reason})

    def _say_ready(self) -> None:
        """Say that cards can be read, and what is wrong with the keys if something is."""
        if self._keys is not None and (self._keys_trouble is None or self._keys_trouble):
            self._try_keys(time.monotonic())
        trouble = self._keys_trouble or ""
        if self._state != f"ready {trouble}":
            self._state = f"ready {trouble}"
            self._process.say({"t": "ready", "reason": trouble, "next_step": "check_token" if trouble else ""})

    def _try_keys(self, now_s: float) -> None:
        if now_s < self._try_keys_s or self._keys is None:
            return
        named = (self._plan.tag.key, "" if self._plan.desfire is None else self._plan.desfire.key)
        try:
            for name in filter(None, named):
                self._keys.encrypt(name, bytes(16))
            self._keys_trouble = ""
        except KeysError as error:
            self._keys_trouble, self._try_keys_s = error.reason, now_s + _TRY_KEYS_S

    def _taken(self, fitting: tuple[str, ...]) -> str | None:
        """The reader that this process has, or the first that no other of the till has; None without one."""
        if self._claim is not None and self._claim.reader in fitting:
            return self._claim.reader
        if self._claim is not None:
            self._claim.release()
        self._told, self._held = None, ""
        self._claim = next((claim for claim in map(Claim.of, fitting) if claim is not None), None)
        return None if self._claim is None else self._claim.reader

    def _look(self, context: Context, name: str, slot: Slot) -> None:
        """Read what has come, forget what has gone, and say first how the reader is, then what was read."""
        line: Line | None = None
        if self._told != slot.visit or not slot.present:
            self._told, self._held = None, ""
            if slot.present:
                self._told = slot.visit
                line = self._take(context, name, slot)
        if self._held:
            self.say_down(self._held)
        else:
            self._say_ready()
        if line is not None:
            self._process.say(line)

    def _take(self, context: Context, name: str, slot: Slot) -> Line | None:
        """Read a card that has come; what is to be told of it."""
        if slot.mute:
            return refused_line(CardProblem.UNREADABLE)
        try:
            read, seen_ns = self._read(context, name, slot)
        except UnsupportedError:
            return refused_line(CardProblem.UNSUPPORTED)
        except _RemovedError:
            return refused_line(CardProblem.REMOVED)
        except ReaderInUseError:
            # It is tried again until the other one lets it go.
            self._told, self._held = None, "in_use"
            return None
        except CardMuteError:
            self._held = "card_mute"
            return refused_line(CardProblem.UNREADABLE)
        except CardError:
            return refused_line(CardProblem.UNREADABLE)
        return card_line(CardFound(read.kind, read.uid, seen_ns, read.assurance, read.content, read.counter))

    def _read(self, context: Context, name: str, slot: Slot) -> tuple[CardRead, int]:
        """Read what the card carries, and when its last byte was known. Raises _RemovedError, CardError,
        ReaderInUseError, CardMuteError, UnsupportedError.
        """
        if self._talk is not None:
            # The card before this one was mute, and has been pulled.
            self._talk.wait_ended(_NOTICED_S)
        card = self._talk = Talk(name, self._patience.answer_limit_s, lambda: self._process.beat(idle=False))
        try:
            card.open()
            for tried in range(1, _READ_TRIES + 1):
                try:
                    return self._read_once(card, name, slot), time.monotonic_ns()
                except KeysError as error:
                    # The reader is well, and the card is worth what it is without our keys.
                    self._keys_trouble, self._try_keys_s = error.reason, time.monotonic() + _TRY_KEYS_S
                except CardError:
                    # pcscd must know first: resetting a card that has gone makes it blind to the next one.
                    if self._has_left(context, name, slot):
                        raise _RemovedError from None
                    if tried == _READ_TRIES:
                        raise
                card.reset()
        finally:
            card.close()
        raise CardError("the card cannot be read")

    def _read_once(self, card: Talk, name: str, slot: Slot) -> CardRead:
        keys = None if self._keys_trouble else self._keys
        found = activated(card, slot.atr)
        if self._order is not None and (found is None or found.family is not Family.TYPE2):
            raise UnsupportedError
        if found is None:
            return read_contact_card(card, self._plan.file)
        match found.family:
            case Family.TYPE2:
                return self._read_tag(found, card, name, keys)
            case Family.APDU:
                return read_apdu_card(found, card, self._plan, keys)
            case Family.CLASSIC:
                return read_number(found, CardKind.MIFARE_CLASSIC)
            case Family.PLAIN:
                return read_number(found, CardKind.UID_ONLY)

    def _read_tag(self, found: Activated, card: Talk, name: str, keys: CardKeys | None) -> CardRead:
        link = ReaderTagLink(card, found.uid, fits(name, _DIRECT), card.reset)
        if self._order is None:
            return read_tag(found, link, self._plan.tag, keys)
        if not self._order.is_for(found) or (self._plan.tag.key and not link.direct):
            # A tag that is to be closed is not left open by a reader that cannot close it.
            raise UnsupportedError
        return write_tag(found, link, self._plan.tag, keys, self._order.message)

    def _has_left(self, context: Context, name: str, slot: Slot) -> bool:
        """Whether the card that could not be read was pulled meanwhile; pcscd takes a moment to know."""
        until_s = time.monotonic() + _NOTICED_S
        while (left_s := until_s - time.monotonic()) > 0:
            now = context.changes((name,), left_s).get(name)
            if now is None or not now.present or now.visit != slot.visit:
                return True
        return False


class _RemovedError(Exception):
    """The card left before it had been read."""


if __name__ == "__main__":
    sys.exit(main())
