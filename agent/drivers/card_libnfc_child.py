"""The reader's own process: watches the field and tells its parent by lines of JSON on standard output.

The lines are those of child.py and card_lines.py. Nothing else may import pynfc.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace

from agent.drivers.card_lines import CardFound, card_line, refused_line
from agent.drivers.facts import CardAssurance, CardKind, CardProblem
from agent.drivers.libnfc_reader import (
    CardError,
    Connstring,
    LineError,
    Modulation,
    OpenError,
    Reader,
    Target,
    open_reader,
)
from agent.drivers.own_process import OwnProcess
from agent.drivers.type2_tag import BrokenTagError, NotNdefError, read_message

_LINE_ERRORS_IN_A_ROW = 3
_READ_TRIES = 3
_LOOKS_BEFORE_GONE = 3
_LOOKS_BEFORE_OTHER_KINDS = 4
_RETURN_S = 0.3


def main() -> int:
    """Run until standard input ends (exit status 0) or the reader is lost (1)."""
    arguments = argparse.ArgumentParser(description="Watches an NFC reader for the till.")
    arguments.add_argument("--connstring", required=True, help="as libnfc writes it: pn532_uart:/dev/ttyUSB0")
    arguments.add_argument("--poll-s", type=float, default=0.06, help="pause between two looks at the field")
    options = arguments.parse_args()
    process = OwnProcess()
    process.begin()
    try:
        with open_reader(Connstring.parse(options.connstring)) as reader:
            process.say({"t": "ready", "reader": reader.name})
            lost = Watch(reader, process).run(options.poll_s)
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

    def __init__(self, reader: Reader, process: OwnProcess) -> None:
        self._reader = reader
        self._process = process
        self._present: Target | None = None
        self._missed = 0
        self._looks = 0
        self._torn: tuple[Target, float] | None = None

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
            self._process.beat(idle=self._present is None and self._torn is None)
        return None

    def _look(self, now_s: float) -> None:
        if self._present is not None:
            self._look_after(self._present)
            return
        self._tell_torn(now_s)
        target = self._find()
        if target is not None:
            self._take(target, now_s)

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
        if target.kind is None:
            self._present = target
            self._refuse(CardProblem.UNSUPPORTED)
            return
        try:
            read, content = self._read(target)
        except _Removed:
            # A card on its way in is often seen a moment before it can be read: give it that moment.
            self._torn = (target, now_s + _RETURN_S)
            return
        except CardError:
            self._torn, self._present = None, target
            self._refuse(CardProblem.UNREADABLE)
            return
        self._torn, self._present = None, read
        assurance = CardAssurance.UID if content is None else CardAssurance.READ
        found = CardFound(read.kind or CardKind.UID_ONLY, read.uid, read.seen_monotonic_ns, assurance, content)
        self._process.say(card_line(found))

    def _read(self, target: Target) -> tuple[Target, bytes | None]:
        """Read what the card carries. Raises _Removed when it leaves meanwhile, CardError when it cannot be read."""
        if target.kind is not CardKind.NTAG:
            return target, None
        for _ in range(_READ_TRIES):
            try:
                content = read_message(self._reader.read_pages)
                return replace(target, seen_monotonic_ns=time.monotonic_ns()), content
            except NotNdefError:
                return replace(target, kind=CardKind.UID_ONLY), None
            except (CardError, BrokenTagError):
                again = self._reader.select(target.modulation)
                if again is None or not again.same_card(target):
                    raise _Removed from None
        raise CardError("the card stays and cannot be read")

    def _tell_torn(self, now_s: float) -> None:
        if self._torn is not None and now_s >= self._torn[1]:
            self._torn = None
            self._refuse(CardProblem.REMOVED)

    def _refuse(self, reason: CardProblem) -> None:
        self._process.say(refused_line(reason))


class _Removed(Exception):
    """The card left before it had been read."""


if __name__ == "__main__":
    sys.exit(main())
