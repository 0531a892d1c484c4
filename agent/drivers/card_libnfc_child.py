"""The reader's own process: watches the field and tells its parent by lines of JSON on standard output.

Lines, each an object with `t`:
`{"t":"ready","reader":name}` · `{"t":"beat"}` at least twice a second ·
`{"t":"card","kind":kind,"uid":hex,"seen_ns":int,"content":hex or null}` · `{"t":"refused","reason":CardProblem}` ·
`{"t":"lost","reason":code}`, the last one before it ends by itself.
It ends when its standard input does, and dies with its parent. Nothing else may import pynfc.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from agent.drivers.facts import CardKind, CardProblem
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
from agent.drivers.type2_tag import BrokenTagError, NotNdefError, read_message

BEAT_S = 0.5
Say = Callable[[dict[str, object]], None]

_PR_SET_PDEATHSIG = 1
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
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    say = _speaker()
    closing = threading.Event()
    threading.Thread(target=_await_end_of_input, args=(closing,), daemon=True).start()
    say({"t": "beat"})
    try:
        with open_reader(Connstring.parse(options.connstring)) as reader:
            say({"t": "ready", "reader": reader.name})
            lost = Watch(reader, say).run(closing, options.poll_s)
            if lost is not None:
                # Closing would only wait for a chip that does not answer. The next process wipes what is left behind.
                say({"t": "lost", "reason": lost})
                os._exit(1)
            return 0
    except OpenError as refused:
        say({"t": "lost", "reason": refused.reason})
        return 1


class Watch:
    """Tells each card once: when it comes, and not again before it has left."""

    def __init__(self, reader: Reader, say: Say) -> None:
        self._reader = reader
        self._say = say
        self._present: Target | None = None
        self._missed = 0
        self._looks = 0
        self._torn: tuple[Target, float] | None = None

    def run(self, closing: threading.Event, poll_s: float) -> str | None:
        """Watch until `closing` is set, which gives None, or the reader is lost, which gives the reason."""
        errors = 0
        beat_s = time.monotonic()
        while not closing.wait(poll_s):
            try:
                self._look(time.monotonic())
                errors = 0
            except LineError as error:
                # One damaged answer is noise on the line; the next look begins anew.
                errors += 1
                if errors >= _LINE_ERRORS_IN_A_ROW or error.reason == "reader_gone":
                    return error.reason
            if time.monotonic() - beat_s >= BEAT_S:
                beat_s = time.monotonic()
                self._say({"t": "beat"})
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
        self._say(
            {
                "t": "card",
                "kind": str(read.kind),
                "uid": read.uid.hex(),
                "seen_ns": read.seen_monotonic_ns,
                "content": None if content is None else content.hex(),
            }
        )

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
        self._say({"t": "refused", "reason": str(reason)})


class _Removed(Exception):
    """The card left before it had been read."""


def _speaker() -> Say:
    """Keep standard output for our lines alone: whatever a C library prints goes to standard error."""
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(line: dict[str, object]) -> None:
        os.write(out, json.dumps(line).encode() + b"\n")

    return say


def _await_end_of_input(closing: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    closing.set()


def _die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent goes: a process that hangs does not see its input end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
