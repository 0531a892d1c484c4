"""The reader's own process: watches the field and tells its parent by lines of JSON on standard output.

The lines are those of child.py and card_lines.py. Nothing else may import pynfc.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from agent.drivers.card_lines import CardFound, card_line, refused_line
from agent.drivers.cards.identify import Activated, Family
from agent.drivers.cards.keys import CardKeys, KeysError
from agent.drivers.cards.link import CardError
from agent.drivers.cards.order import Order, add_order_arguments
from agent.drivers.cards.plan import CardPlan, from_argument
from agent.drivers.cards.reading import CardRead, UnsupportedError, read_apdu_card, read_number, read_tag, write_tag
from agent.drivers.facts import CardKind, CardProblem
from agent.drivers.libnfc_reader import Connstring, LineError, Modulation, OpenError, Reader, Target, open_reader
from agent.drivers.own_process import OwnProcess
from agent.drivers.pkcs11_keys import Pkcs11Keys

_LINE_ERRORS_IN_A_ROW = 3
_READ_TRIES = 3
_LOOKS_BEFORE_GONE = 3
_LOOKS_BEFORE_OTHER_KINDS = 3
_LOOKS_BEFORE_WAKING = 6
_NEAR_S = 0.06
"""The pause between two looks while a card lies there; to look at an empty field so often wakes a till that rests."""
_MOST_ASIDE = 8
_RETURN_S = 0.3
_TRY_KEYS_S = 5.0


def main() -> int:
    """Run until standard input ends (exit status 0) or the reader is lost (1)."""
    arguments = argparse.ArgumentParser(description="Watches an NFC reader for the till.")
    arguments.add_argument("--connstring", required=True, help="as libnfc writes it: pn532_uart:/dev/ttyUSB0")
    arguments.add_argument("--poll-s", type=float, default=0.15, help="pause between two looks at an empty field")
    arguments.add_argument("--cards", default="{}", help="what the cards carry, as the driver's tables say it")
    add_order_arguments(arguments)
    options = arguments.parse_args()
    order = Order.from_arguments(options)
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
        self._aside: tuple[Target, ...] = ()
        self._aside_seen: tuple[Target, ...] = ()
        self._aside_looks = 0
        self._foreign: dict[Modulation, set[bytes]] = {}
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
        errors, pause_s = 0, 0.0
        while not self._process.closing.wait(pause_s):
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
            pause_s = min(poll_s, _NEAR_S) if self._is_near() else poll_s
        return None

    def _is_near(self) -> bool:
        """Whether a card lies there, or lay there a moment ago."""
        return self._present is not None or self._torn is not None or bool(self._aside)

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
        woken = self._is_time_to_wake()
        if woken:
            # Those that the last waking did not bring up have left.
            self._aside, self._aside_seen = self._aside_seen, ()
        if self._stale or woken:
            self._reader.drop_field()
            self._stale = False
        target = self._find()
        if target is not None:
            self._take(target, now_s)
        elif woken:
            self._aside = ()

    def _is_time_to_wake(self) -> bool:
        """Whether it is time to see if the cards that were set aside are still there."""
        if not self._aside:
            return False
        self._aside_looks += 1
        return self._aside_looks % _LOOKS_BEFORE_WAKING == 0

    def _set_aside(self, target: Target) -> None:
        """Refuse a card once, and let it sleep, so that one beside it is heard: a phone in a case with cards."""
        if not any(target.same_card(known) for known in self._aside):
            self._refuse(CardProblem.UNSUPPORTED)
        self._aside, self._aside_seen = _with(self._aside, target), _with(self._aside_seen, target)
        self._aside_looks = 0
        self._reader.send_to_sleep()

    def _keep_foreign(self, target: Target) -> None:
        """Refuse a card of a foreign kind once, and remember it for as long as one of its kind answers: cards of ours
        may come and go beside it. A Type B card may have a new number each time the field was off (ISO/IEC 14443-3).
        """
        known = self._foreign.setdefault(target.modulation, set())
        if not known or (target.modulation is not Modulation.TYPE_B and target.number not in known):
            self._refuse(CardProblem.UNSUPPORTED)
        if len(known) < _MOST_ASIDE:
            known.add(target.number)
        self._present = target

    def _find(self) -> Target | None:
        """Call for a card of ours, and now and then for those that we can only refuse."""
        target = self._reader.select(Modulation.TYPE_A)
        self._looks += 1
        if target is None and self._looks % _LOOKS_BEFORE_OTHER_KINDS == 0:
            other = Modulation.FELICA if self._looks % (2 * _LOOKS_BEFORE_OTHER_KINDS) else Modulation.TYPE_B
            target = self._reader.select(other)
            if target is None:
                self._foreign.pop(other, None)
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
        if again is None and self._missed >= _LOOKS_BEFORE_GONE:
            self._foreign.pop(present.modulation, None)
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
                self._keep_foreign(target)
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
        if not order.is_for(card):
            raise UnsupportedError
        return write_tag(card, self._reader.link(target), self._plan.tag, keys, order.message)

    def _tell_torn(self, now_s: float) -> None:
        if self._torn is not None and now_s >= self._torn[1]:
            self._torn = None
            self._refuse(CardProblem.REMOVED)

    def _refuse(self, reason: CardProblem) -> None:
        self._process.say(refused_line(reason))


def _with(cards: tuple[Target, ...], target: Target) -> tuple[Target, ...]:
    """These cards and that one as it is now, the last few of them."""
    return (*(card for card in cards if not card.same_card(target)), target)[-_MOST_ASIDE:]


class _RemovedError(Exception):
    """The card left before it had been read."""


if __name__ == "__main__":
    sys.exit(main())
