"""The PC/SC readers' own process: watches them and tells its parent by lines of JSON on standard output.

The lines are those of child.py and card_lines.py. Nothing else may import smartcard.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import threading
import time
from collections.abc import Mapping

from agent.drivers.card_lines import CardFound, card_line, refused_line
from agent.drivers.cards.contactless import ReaderTagLink, activated
from agent.drivers.cards.identify import Activated, Family
from agent.drivers.cards.keys import CardKeys, KeysError
from agent.drivers.cards.link import CardError
from agent.drivers.cards.plan import CardPlan, from_argument
from agent.drivers.cards.reading import (
    CardRead,
    UnsupportedError,
    read_apdu_card,
    read_contact_card,
    read_number,
    read_tag,
)
from agent.drivers.facts import CardKind, CardProblem
from agent.drivers.own_process import BEAT_S, OwnProcess
from agent.drivers.pcsc_reader import Connection, Context, ServiceError, Slot, open_context
from agent.drivers.pkcs11_keys import Pkcs11Keys

_READ_TRIES = 2
_ANSWERS_A_CARD = 5
"""A card that is slow, and not mute, is read for so many times the limit of an answer, and no longer."""
_REBUILD_S = 0.5
_NOTICED_S = 0.6
"""pcscd looks every 0.4 s whether a card is still there."""
_TRY_KEYS_S = 5.0
_DIRECT = "*ACR122*"
"""The readers that are a PN532 behind USB, and pass on what it is told."""


def main() -> int:
    """Run until standard input ends (exit status 0)."""
    arguments = argparse.ArgumentParser(description="Watches PC/SC readers for the till.")
    arguments.add_argument("--reader", default="*", help="the readers' names, as a shell pattern")
    arguments.add_argument("--answer-limit-s", type=float, default=2.0, help="how long an answer is waited for")
    arguments.add_argument("--cards", default="{}", help="what the cards carry, as the driver's tables say it")
    options = arguments.parse_args()
    plan = from_argument(options.cards)
    process = OwnProcess()
    process.begin()
    watch = Watch(process, options.reader, options.answer_limit_s, plan, Pkcs11Keys(plan.token) if plan.token else None)
    while not process.closing.is_set():
        try:
            with open_context() as context:
                watch.run(context)
        except ServiceError as lost:
            watch.say_down(lost.reason)
            process.beat(idle=True)
            process.closing.wait(_REBUILD_S)
    return 0


class Watch:
    """Tells each card once: when it comes, and not again before it has left."""

    def __init__(
        self, process: OwnProcess, pattern: str, answer_limit_s: float, plan: CardPlan, keys: CardKeys | None
    ) -> None:
        self._process = process
        self._pattern = pattern
        self._answer_limit_s = answer_limit_s
        self._plan = plan
        self._keys = keys
        self._keys_trouble: str | None = None
        self._try_keys_s = 0.0
        self._state: str | None = None
        self._told: dict[str, int] = {}

    def run(self, context: Context) -> None:
        """Watch until the till wants an end. Raises ServiceError when pcscd is lost."""
        # Whatever is in a reader now was told by an earlier context under other numbers, and is told anew.
        self._told = {}
        while not self._process.closing.is_set():
            names = tuple(name for name in context.readers() if fnmatch.fnmatchcase(name, self._pattern))
            slots = context.changes(names, BEAT_S if self._state is not None else 0.0)
            self._look(context, slots)
            if names:
                self._say_ready()
            else:
                self.say_down("reader_gone")
            self._process.beat(idle=not any(slot.present for slot in slots.values()))

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

    def _look(self, context: Context, slots: Mapping[str, Slot]) -> None:
        """Read what has come, reader after reader, and forget what has gone."""
        self._told = {name: visit for name, visit in self._told.items() if name in slots and slots[name].present}
        for name, slot in slots.items():
            if slot.present and self._told.get(name) != slot.visit:
                self._told[name] = slot.visit
                self._take(context, name, slot)

    def _take(self, context: Context, name: str, slot: Slot) -> None:
        """Read a card that has come, and tell of it."""
        if slot.mute:
            self._refuse(CardProblem.UNREADABLE)
            return
        try:
            read, seen_ns = self._read(context, name, slot)
        except UnsupportedError:
            self._refuse(CardProblem.UNSUPPORTED)
        except _RemovedError:
            self._refuse(CardProblem.REMOVED)
        except CardError:
            self._refuse(CardProblem.UNREADABLE)
        else:
            found = CardFound(read.kind, read.uid, seen_ns, read.assurance, read.content, read.counter)
            self._process.say(card_line(found))

    def _read(self, context: Context, name: str, slot: Slot) -> tuple[CardRead, int]:
        """Read what the card carries, and when its last byte was known. Raises _RemovedError, CardError,
        UnsupportedError.
        """
        with context.connected(name) as connection:
            card = PatientLink(connection, self._process, self._answer_limit_s, said=self._state is not None)
            for tried in range(1, _READ_TRIES + 1):
                try:
                    return self._read_once(card, name, slot), time.monotonic_ns()
                except KeysError as error:
                    # The readers are well, and the card is worth what it is without our keys.
                    self._keys_trouble, self._try_keys_s = error.reason, time.monotonic() + _TRY_KEYS_S
                except CardError:
                    # pcscd must know first: resetting a card that has gone makes it blind to the next one.
                    if self._has_left(context, name, slot):
                        raise _RemovedError from None
                    if tried == _READ_TRIES:
                        raise
                card.reset()
        raise CardError("the card cannot be read")

    def _read_once(self, card: PatientLink, name: str, slot: Slot) -> CardRead:
        keys = None if self._keys_trouble else self._keys
        found = activated(card, slot.atr)
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

    def _read_tag(self, found: Activated, card: PatientLink, name: str, keys: CardKeys | None) -> CardRead:
        link = ReaderTagLink(card, found.uid, fnmatch.fnmatchcase(name, _DIRECT), card.reset)
        return read_tag(found, link, self._plan.tag, keys)

    def _has_left(self, context: Context, name: str, slot: Slot) -> bool:
        """Whether the card that could not be read was pulled meanwhile; pcscd takes a moment to know."""
        until_s = time.monotonic() + _NOTICED_S
        while (left_s := until_s - time.monotonic()) > 0:
            now = context.changes((name,), left_s).get(name)
            if now is None or not now.present or now.visit != slot.visit:
                return True
        return False

    def _refuse(self, reason: CardProblem) -> None:
        self._process.say(refused_line(reason))


class _RemovedError(Exception):
    """The card left before it had been read."""


class PatientLink:
    """An `ApduLink` that ends this process when an answer does not come: nothing else takes it from a card that is
    mute. Between two answers it says that the process lives. `said` tells first that the card was refused.
    """

    def __init__(self, connection: Connection, process: OwnProcess, answer_limit_s: float, said: bool) -> None:
        self._connection = connection
        self._process = process
        self._answer_limit_s = answer_limit_s
        self._until_s = time.monotonic() + _ANSWERS_A_CARD * answer_limit_s
        self._said = said

    def apdu(self, command: bytes) -> bytes:
        """Send a command APDU. Raises CardError, also for a card that takes too long altogether; ServiceError."""
        self._process.beat(idle=False)
        if time.monotonic() > self._until_s:
            raise CardError("a card without an end")
        limit = threading.Timer(self._answer_limit_s, self._give_up)
        limit.daemon = True
        limit.start()
        try:
            return self._connection.apdu(command)
        finally:
            limit.cancel()

    def reset(self) -> None:
        """Reset the card. Raises CardError, ServiceError."""
        self._connection.reset()

    def _give_up(self) -> None:
        if self._said:
            self._process.say(refused_line(CardProblem.UNREADABLE))
        self._process.say({"t": "lost", "reason": "card_mute"})
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
