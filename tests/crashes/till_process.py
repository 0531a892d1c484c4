"""The real agent process at a real counter: started, worked at, killed, started again.

The counter's peers outlive the process, as a roll of paper outlives a till that lost its power: what came out stays
there, and is read afterwards by somebody who believes nothing else.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from simulator.glass import Glass
from simulator.keypad import Keypad
from simulator.printer import Printer
from tests.crashes.premises import Premises
from tests.txn.desk import PIN
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
CASHIER = "1001"
LOOK_S = 30.0

READY = "就绪"
SIGN_IN = "请登录"
PAID = "收款完成"
PAPER_OUT = "小票已打印"
RECOVERED = "这一笔已经记账"
NOT_BOOKED = "没有记账"
_NUMBER = re.compile(r"A\.A1-1-\d{6}")


class Counter:
    """Keypad, printer and glass, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.keypad = Keypad(folder / "keypad")
        self.printer = Printer()
        self.glass = Glass(folder / "glass")

    def start(self) -> None:
        """Plug everything in."""
        for peer in (self.keypad, self.printer, self.glass):
            peer.start()

    def close(self) -> None:
        """Take everything away."""
        for peer in (self.glass, self.printer, self.keypad):
            peer.close()

    def lose_power(self) -> None:
        """The printer loses what it had not printed, and somebody tears the rest off."""
        self.printer.power_off()
        self.printer.roll.tear_off()
        self.printer.power_on()

    def device_table(self) -> dict[str, dict[str, object]]:
        """The table ``devices`` of the till's configuration."""
        network = {"technology": "escpos", "connection": "network", "host": "127.0.0.1", "port": self.printer.port}
        return {
            "keypad": {"technology": "serial", "path": str(self.keypad.path)},
            "printer": network,
            "glass": {"technology": "socket", "address": self.glass.address},
        }


class Till:
    """The agent of ``premises`` at ``counter``, and the hands and eyes of whoever works there."""

    def __init__(self, premises: Premises, counter: Counter) -> None:
        self.premises = premises
        self.counter = counter
        self.log = premises.folder / "agent.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether no process runs."""
        return self._process is None or self._process.poll() is not None

    def start(self, *before: str) -> None:
        """Start the agent, by the program ``before`` where one is named, and wait for its first picture or its end."""
        assert self.ended
        shown = self.counter.glass.frame
        command = [*before, sys.executable, "-m", "tapledger.main", "agent", "run", "--config"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, str(self.premises.config)], cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.await_that("a picture", lambda: self.ended or self.counter.glass.frame is not shown)

    def end(self) -> None:
        """Take the power from the process; may be called again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def press(self, *keys: str) -> None:
        """Press keys."""
        self.counter.keypad.press(*keys)

    def take_owed_papers(self) -> list[str]:
        """Let every receipt be printed that the till offers after its start, and come to the sign-in; their numbers."""
        taken: list[str] = []
        self.await_that("its first words", lambda: self.shows(SIGN_IN) or self.shows(RECOVERED))
        while number := self._number_offered():
            if number not in taken:
                taken.append(number)
                self.press("enter")
            self.await_that("what comes after the paper", partial(self._offers_another_than, number))
        return taken

    def sign_in(self) -> None:
        """Sign in, once every owed receipt is out."""
        self.take_owed_papers()
        self.press(*CASHIER, "enter", *PIN, "enter")
        self.see(READY)

    def key_amount(self, amount: str) -> None:
        """Open a basket of that amount."""
        self.press(*amount, "enter")
        self.see(amount)

    def sell(self, amount: str) -> None:
        """Sell, until the paper is out and cut: a printer answers before it has cut."""
        papers = len(self.counter.printer.roll.receipts)
        self.key_amount(amount)
        self.press("cash")
        self.see(PAID)
        self.see(PAPER_OUT)
        self.await_that("the cut paper", lambda: len(self.counter.printer.roll.receipts) > papers)

    def _number_offered(self) -> str:
        """The receipt on offer; empty for none."""
        text = "\n".join(self.counter.glass.text)
        found = _NUMBER.search(text)
        return found.group() if found and RECOVERED in text else ""

    def _offers_another_than(self, number: str) -> bool:
        return self._number_offered() != number

    def shows(self, words: str) -> bool:
        """Whether the words are on the glass."""
        return shown(self.counter.glass, words)

    def sounds_since(self, count: int) -> set[str]:
        """Which sounds were heard after the first ``count``."""
        return {sound.name for sound in self.counter.glass.sounds[count:]}

    def see(self, words: str) -> None:
        """Wait until the words are on the glass."""
        seen = self.counter.glass.wait_for(lambda glass: shown(glass, words), LOOK_S)
        assert seen, f"{words} not on the glass: {self.told()}"

    def await_that(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until ``holds``."""
        try:
            eventually(holds, LOOK_S)
        except AssertionError as error:
            raise AssertionError(f"{what} did not come: {self.told()}") from error

    def told(self) -> str:
        """What glass and log say, for whoever reads a failure."""
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])
        return f"{' / '.join(self.counter.glass.text)}\n{tail}"


def shown(glass: Glass, words: str) -> bool:
    """Whether the words are on that glass."""
    return any(words in row for row in glass.text)
