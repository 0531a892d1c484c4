"""Whatever goes wrong between a till and its printer, a paper is told printed only when it is on paper, and once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import PrintFailed, PrintFinished, PrintProblem, Status
from agent.drivers.printer_escpos import PrinterEscpos, PrinterEscposOptions
from agent.paper import Cut, Pair, Paper, Text
from simulator.faults import Fault
from simulator.ports import Pty
from simulator.printer import Printer, SerialDoor
from tests.drivers.told import Told
from tests.waiting import eventually

LONG = 340_000
"""As much as a stopped printer was once seen to take without a word, over TCP."""

POWER_FOR_BYTES = range(3, 230, 19)
"""From the questions before a paper to the one after it."""


class Bench:
    """A printer, its driver, and every word about a paper held against what is on the roll."""

    def __init__(self, pty: Pty | None) -> None:
        self.pty = pty
        self.printer = Printer(door=SerialDoor(pty) if pty else None)
        self.printer.start()
        self.told = Told()
        where: dict[str, object] = (
            {"connection": "serial", "path": str(pty.path)} if pty else {"host": "127.0.0.1", "port": self.printer.port}
        )
        options = PrinterEscposOptions.from_table(where | {"silence_s": 0.5, "keep_s": 20.0})
        self.driver = PrinterEscpos("printer", options, self.told.emit)
        self.driver.start()
        self.told.next_status(Status.READY)
        self._jobs = 0

    def close(self) -> None:
        self.driver.close()
        self.printer.close()
        if self.pty:
            self.pty.close()

    def order(self, chars: int = 10) -> str:
        """Order the next paper; its name stands on it."""
        self._jobs += 1
        job = f"sale-{self._jobs}"
        assert self.driver.print(job, Paper((Text(f"单号 {job}"), Pair("商品", "¥268.00"), Text("谢" * chars), Cut())))
        return job

    def on_paper(self, job: str) -> int:
        """How many whole papers with that name came off."""
        return sum(receipt.rows[:1] == (f"单号 {job}",) and receipt.cut for receipt in self.printer.roll.receipts)

    def outcome(self, job: str) -> PrintFinished | PrintFailed:
        """The one word about a job, which must be true."""

        def words() -> list[PrintFinished | PrintFailed]:
            return [
                word for word in self.told.facts if isinstance(word, PrintFinished | PrintFailed) and word.job == job
            ]

        word = eventually(words, timeout_s=30)[0]
        if isinstance(word, PrintFinished):
            assert self.on_paper(job) == 1
        elif word.maybe_printed:
            assert self.on_paper(job) <= 1
        else:
            assert self.on_paper(job) == 0
        assert len(words()) == 1
        return word

    def loses_power(self) -> None:
        """Wait until it has."""
        eventually(lambda: not self.printer.condition.powered)


def work_again(*benches: Bench) -> None:
    """The next paper comes out as if nothing had been; what half-printed paper there is is torn off first."""
    for bench in benches:
        bench.printer.roll.tear_off()
    for bench, job in [(bench, bench.order()) for bench in benches]:
        assert bench.outcome(job) == PrintFinished("printer", job)


Benches = Callable[[int], list[Bench]]


@pytest.fixture(params=["network", "serial"])
def benches(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Benches]:
    """Sets up so many, to be tried side by side: what is waited for is the drivers' patience, not our processor."""
    made: list[Bench] = []

    def make(count: int) -> list[Bench]:
        for _ in range(count):
            made.append(Bench(Pty(tmp_path / f"printer-{len(made)}") if request.param == "serial" else None))
        return made

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(benches: Benches) -> Bench:
    return benches(1)[0]


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.GARBAGE, Fault.HALF_FRAME])
def test_answers_that_are_none_make_no_paper_printed_whenever_they_begin(bench: Bench, fault: Fault) -> None:
    """From before the paper on it is not begun; from its first line on it may be printed, and is never believed."""
    bench.printer.faults.fail(fault)
    job = bench.order()
    assert bench.told.next_status(Status.SELF_CHECK_FAILED).reason == "no_answer"
    bench.printer.faults.heal()
    assert bench.outcome(job) == PrintFinished("printer", job)
    bench.printer.print_slowly(0.1)
    job = bench.order()
    assert bench.printer.roll.wait_for(lambda roll: roll.current is not None)
    bench.printer.faults.fail(fault)
    assert bench.outcome(job) == PrintFailed("printer", job, PrintProblem.NO_ANSWER, maybe_printed=True)
    bench.printer.faults.heal()
    bench.printer.print_slowly(0.0)
    work_again(bench)


@pytest.mark.parametrize("trouble", ["byte by byte", "late", "with its automatic status among them"])
def test_answers_that_are_right_are_believed_however_they_come(bench: Bench, trouble: str) -> None:
    if trouble == "byte by byte":
        bench.printer.faults.fail(Fault.SLOW_BYTES)
    elif trouble == "late":
        bench.printer.answer_late(0.3)
    else:
        bench.printer.chatter()
    for _ in range(2):
        job = bench.order()
        assert bench.outcome(job) == PrintFinished("printer", job)
    bench.printer.paper(False)
    bench.told.next_status(Status.SELF_CHECK_FAILED)
    job = bench.order()
    assert bench.on_paper(job) == 0
    bench.printer.paper(True)
    assert bench.outcome(job) == PrintFinished("printer", job)


@pytest.mark.parametrize("begun", [False, True])
def test_a_line_that_breaks_at_any_byte_of_an_answer_prints_nothing_twice(benches: Benches, begun: bool) -> None:
    """DLE EOT is answered by four bytes, GS r by one: the line breaks after none, one, ... of them, before and within
    a paper, and is there again a moment later.
    """
    tried = list(enumerate(benches(5)))
    jobs = []
    for after_bytes, bench in tried:
        if begun:
            bench.printer.print_slowly(0.1)
            jobs.append(bench.order())
            assert bench.printer.roll.wait_for(lambda roll: roll.current is not None)
        bench.printer.faults.fail(Fault.DISCONNECT, times=1, after_bytes=after_bytes)
        if not begun:
            jobs.append(bench.order())
    for (_, bench), job in zip(tried, jobs, strict=True):
        bench.told.next_status(Status.GONE)
        if bench.pty:
            bench.pty.replug()
        bench.outcome(job)
        bench.printer.print_slowly(0.0)
    work_again(*(bench for _, bench in tried))


def test_power_lost_at_any_byte_of_a_paper_is_told_and_nothing_is_printed_twice(benches: Benches) -> None:
    """In the midst of a line, of a command, of a character; the next paper is whole."""
    tried = benches(len(POWER_FOR_BYTES))
    jobs = []
    for bench, more_bytes in zip(tried, POWER_FOR_BYTES, strict=True):
        bench.printer.power_fails_after(more_bytes)
        jobs.append(bench.order())
    for bench in tried:
        bench.loses_power()
        bench.printer.power_on()
    for bench, job in zip(tried, jobs, strict=True):
        bench.outcome(job)
    work_again(*tried)


def test_a_stopped_printer_that_was_sent_more_than_it_holds_has_printed_nothing(bench: Bench) -> None:
    """The write succeeds over TCP and blocks for ever on a serial line; the driver's neither believes nor blocks."""
    bench.printer.after_lines(2, stalled=True)
    job = bench.order(LONG // 2)
    assert bench.outcome(job) == PrintFailed("printer", job, PrintProblem.NO_ANSWER, maybe_printed=True)


@pytest.mark.parametrize("lacks", ["paper", "cover"])
def test_a_paper_longer_than_the_printer_holds_goes_on_when_the_printer_can_again(bench: Bench, lacks: str) -> None:
    """It says why it stopped, however much is still to be sent, and no paper is begun a second time."""
    bench.printer.after_lines(2, **({"paper": False} if lacks == "paper" else {"cover_open": True}))
    job = bench.order(LONG // 4)
    status = bench.told.next_status(Status.SELF_CHECK_FAILED)
    assert status.reason == ("paper_out" if lacks == "paper" else "cover_open")
    bench.printer.paper(True)
    bench.printer.cover(False)
    bench.told.next_status(Status.READY)
    assert bench.outcome(job) == PrintFinished("printer", job)


def test_a_line_pulled_and_put_back_within_a_paper_prints_it_no_second_time(tmp_path: Path) -> None:
    serial = Bench(Pty(tmp_path / "printer"))
    serial.printer.print_slowly(0.1)
    job = serial.order()
    assert serial.printer.roll.wait_for(lambda roll: roll.current is not None)
    assert serial.pty is not None
    serial.pty.unplug()
    serial.told.next_status(Status.GONE)
    serial.pty.replug()
    word = serial.outcome(job)
    assert isinstance(word, PrintFailed)
    assert word.maybe_printed
    serial.printer.print_slowly(0.0)
    work_again(serial)
    serial.close()
