"""The reader's own process: watches the field and tells its parent by lines of JSON on standard output.

The lines are those of child.py and card_lines.py. Nothing else may import pynfc.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass

from agent.drivers.card_lines import CardFound, card_line, refused_line
from agent.drivers.cards.identify import Activated, Family
from agent.drivers.cards.keys import CardKeys, KeysError
from agent.drivers.cards.link import CardError
from agent.drivers.cards.plan import CardPlan, from_argument
from agent.drivers.cards.reading import CardRead, UnsupportedError, read_apdu_card, read_number, read_tag, write_tag
from agent.drivers.facts import CardKind, CardProblem
from agent.drivers.libnfc_reader import Connstring, LineError, Modulation, OpenError, Reader, Target, open_reader
from agent.drivers.own_process import OwnProcess
from agent.drivers.pkcs11_keys import Pkcs11Keys

_LINE_ERRORS_IN_A_ROW = 3
_READ_TRIES = 3
_LOOKS_BEFORE_GONE = 3
_LOOKS_BEFORE_OTHER_KINDS = 4
_LOOKS_BEFORE_WAKING = 6
_RETURN_S = 0.3
_TRY_KEYS_S = 5.0


def main() -> int:
    """Run until standard input ends (exit status 0) or the reader is lost (1)."""
    arguments = argparse.ArgumentParser(description="Watches an NFC reader for the till.")
    arguments.add_argument("--connstring", required=True, help="as libnfc writes it: pn532_uart:/dev/ttyUSB0")
    arguments.add_argument("--poll-s", type=float, default=0.06, help="pause between two looks at the field")
    arguments.add_argument("--cards", default="{}", help="what the cards carry, as the driver's tables say it")
    arguments.add_argument("--write", default="", help="an NDEF message in hexadecimal that each tag is to get")
    arguments.add_argument("--only", default="", help="the number, in hexadecimal, of the one tag that is to get it")
    options = arguments.parse_args()
    order = Order(bytes.fromhex(options.write), bytes.fromhex(options.only)) if options.write else None
    plan = from_argument(options.cards)
    process = OwnProcess()
    process.begin()
    try:
        with open_reader(Connstring.parse(options.connstring)) as reader:
            watch = Watch(reader, process, plan, Pkcs11Keys(plan.token) if plan.token else None, order)
            watch.say_ready()
            lost = watch.run(options.poll_s)
            if lost is not None:
                # Closing would only wait for a chip that does not answer. The next process wipes what is left behind.
                process.say({"t": "lost", "reason": lost})
                os._exit(1)
            return 0
    except OpenError as refused:
        process.say({"t": "lost", "reason": refused.reason})
        return 1


@dataclass(frozen=True, slots=True)
class Order:
    """Tags are to be written: which message, and onto which one alone (empty: onto each that comes)."""

    message: bytes
    only: bytes = b""


class Watch:
    """Tells each card once: when it comes, and not again before it has left."""

    def __init__(
        self,
        reader: Reader,
        process: OwnProcess,
        plan: CardPlan,
        keys: CardKeys | None = None,
        order: Order | None = None,
    ) -> None:
        self._reader = reader
        self._process = process
        self._plan = plan
        self._keys = keys
        self._order = order
        self._keys_trouble = ""
        self._try_keys_s = 0.0
        self._present: Target | None = None
        self._missed = 0
        self._looks = 0
        self._stale = False
        self._aside: Target | None = None
        self._aside_looks = 0
        self._torn: tuple[Target, float] | None = None

    def say_ready(self) -> None:
        """Say that cards can be read, and what is wrong with the keys if something is."""
        try:
            self._try_keys()
            self._keys_trouble = ""
        except KeysError as error:
            self._keys_trouble, self._try_keys_s = error.reason, time.monotonic() + _TRY_KEYS_S
        next_step = "check_token" if self._keys_trouble else ""
        self._process.say({"t": "ready", "reason": self._keys_trouble, "next_step": next_step})

    def _try_keys(self) -> None:
        if self._keys is None:
            return
        named = (self._plan.tag.key, "" if self._plan.desfire is None else self._plan.desfire.key)
        for name in filter(None, named):
            self._keys.encrypt(name, bytes(16))

    def run(self, poll_s: float) -> str | None:
        """Watch until the till wants an end, which gives None, or the reader is lost, which gives the reason."""
        errors = 0
        while not self._process.closing.wait(poll_s):
            try:
                self._look(time.monotonic())
                errors = 0
            except LineError as error:
                # One damaged answer is noise on the line; the next look begins anew.
                errors += 1
                if errors >= _LINE_ERRORS_IN_A_ROW or error.reason == "reader_gone":
                    return error.reason
                # A card that was left in the middle of ISO/IEC 14443-4 hears no call.
                self._stale = self._present is None
            self._rest(time.monotonic())
        return None

    def _rest(self, now_s: float) -> None:
        """Between two looks: say that we live, and see whether keys that were missing are there by now."""
        idle = self._present is None and self._torn is None
        self._process.beat(idle)
        if self._keys_trouble and idle and now_s >= self._try_keys_s:
            self.say_ready()

    def _look(self, now_s: float) -> None:
        if self._present is not None:
            self._look_after(self._present)
            return
        self._tell_torn(now_s)
        woken = self._wake_aside()
        if self._stale or woken:
            self._reader.drop_field()
            self._stale = False
        target = self._find()
        if target is not None:
            self._take(target, now_s)
        elif woken:
            self._aside = None

    def _wake_aside(self) -> bool:
        """Whether it is time to see if the card that was set aside is still there."""
        if self._aside is None:
            return False
        self._aside_looks += 1
        return self._aside_looks % _LOOKS_BEFORE_WAKING == 0

    def _set_aside(self, target: Target) -> None:
        """Refuse a card once, and let it sleep, so that one beside it is heard: a phone in a case with cards."""
        if self._aside is None or not self._aside.same_card(target):
            self._refuse(CardProblem.UNSUPPORTED)
        self._aside, self._aside_looks = target, 0
        self._reader.send_to_sleep()

    def _find(self) -> Target | None:
        """Call for a card of ours, and now and then for those that we can only refuse."""
        target = self._reader.select(Modulation.TYPE_A)
        self._looks += 1
        if target is None and self._looks % _LOOKS_BEFORE_OTHER_KINDS == 0:
            other = Modulation.FELICA if self._looks % (2 * _LOOKS_BEFORE_OTHER_KINDS) else Modulation.TYPE_B
            target = self._reader.select(other)
        return target

    def _look_after(self, present: Target) -> None:
        """See whether the card is still there; a field that breaks off for a moment does not make it a new one."""
        if self._reader.still_there(present):
            self._missed = 0
            beside = self._reader.select(Modulation.TYPE_A) if present.card is None else None
            if beside is not None:
                # A card of a foreign kind keeps none of ours from being read.
                self._take(beside, time.monotonic())
            return
        again = self._reader.select(present.modulation)
        if again is not None and again.same_card(present):
            self._present, self._missed = again, 0
            return
        self._missed += 1
        if again is not None or self._missed >= _LOOKS_BEFORE_GONE:
            self._present, self._missed = None, 0
            self._reader.drop_field()

    def _take(self, target: Target, now_s: float) -> None:
        """Read a card that has come, and tell of it."""
        try:
            read, seen_ns = self._read(target)
        except _RemovedError:
            # A card on its way in is often seen a moment before it can be read: give it that moment.
            self._torn = (target, now_s + _RETURN_S)
            return
        except CardError:
            self._torn, self._present = None, target
            self._refuse(CardProblem.UNREADABLE)
            return
        except UnsupportedError:
            self._torn = None
            if target.card is not None:
                self._set_aside(target)
            else:
                self._present = target
                self._refuse(CardProblem.UNSUPPORTED)
            return
        self._torn, self._present = None, target
        found = CardFound(read.kind, read.uid, seen_ns, read.assurance, read.content, read.counter)
        self._process.say(card_line(found))

    def _read(self, target: Target) -> tuple[CardRead, int]:
        """Read what the card carries, and when its last byte was known. Raises _RemovedError when it leaves meanwhile,
        CardError when it cannot be read, UnsupportedError.
        """
        for _ in range(_READ_TRIES):
            try:
                return self._read_once(target), time.monotonic_ns()
            except KeysError:
                # The reader is well, and the card is worth what it is without our keys.
                self.say_ready()
            except CardError:
                if target.card is not None and target.card.family is Family.APDU:
                    # One that speaks ISO/IEC 14443-4 does not hear a call; without a field it forgets that it does.
                    self._reader.drop_field()
                again = self._reader.select(target.modulation)
                if again is None or not again.same_card(target):
                    raise _RemovedError from None
        raise CardError("the card stays and cannot be read")

    def _read_once(self, target: Target) -> CardRead:
        card, keys = target.card, None if self._keys_trouble else self._keys
        if card is None or (self._order is not None and card.family is not Family.TYPE2):
            raise UnsupportedError
        match card.family:
            case Family.TYPE2 if self._order is not None:
                return self._write(card, target, self._order, keys)
            case Family.TYPE2:
                return read_tag(card, self._reader.link(target), self._plan.tag, keys)
            case Family.APDU:
                return read_apdu_card(card, self._reader.link(target), self._plan, keys)
            case Family.CLASSIC:
                return read_number(card, CardKind.MIFARE_CLASSIC)
            case Family.PLAIN:
                return read_number(card, CardKind.UID_ONLY)

    def _write(self, card: Activated, target: Target, order: Order, keys: CardKeys | None) -> CardRead:
        if order.only not in (b"", card.uid):
            raise UnsupportedError
        return write_tag(card, self._reader.link(target), self._plan.tag, keys, order.message)

    def _tell_torn(self, now_s: float) -> None:
        if self._torn is not None and now_s >= self._torn[1]:
            self._torn = None
            self._refuse(CardProblem.REMOVED)

    def _refuse(self, reason: CardProblem) -> None:
        self._process.say(refused_line(reason))


class _RemovedError(Exception):
    """The card left before it had been read."""


if __name__ == "__main__":
    sys.exit(main())
