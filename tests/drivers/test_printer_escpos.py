"""What the receipt printer's driver promises, shown against a printer that speaks ESC/POS and can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.drivers.facts import PrintFailed, PrintFinished, PrintProblem, Status
from agent.drivers.printer_escpos import PrinterEscpos, PrinterEscposOptions
from agent.drivers.printer_port import ASK_IN_ORDER
from agent.paper import Cut, Pair, Paper, Qr, Rule, Text
from contract.settings import SettingsError
from simulator.ports import Pty
from simulator.printer import Printer, SerialDoor
from tests.drivers.told import Told
from tests.waiting import ends, eventually

SLIP = Paper(
    (Text("会员小票", align="center", bold=True, size=2), Rule(), Pair("商品", "¥268.00"), Text("谢谢"), Cut())
)
OTHER_SLIP = Paper((Text("另一张"), Cut()))
LONG_SLIP = Paper((Text("长" * 400_000), Cut()))
SLIP_ROWS = ("会员小票", "-" * 48, "商品" + " " * 36 + "￥268.00", "谢谢")

Open = Callable[..., PrinterEscpos]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def opened(printer: Printer, told: Told) -> Iterator[Open]:
    """Opens drivers for the printer, impatient ones, and closes them."""
    drivers: list[PrinterEscpos] = []

    def open_it(**options: object) -> PrinterEscpos:
        table: dict[str, object] = {"connection": "network", "silence_s": 0.5}
        if "path" not in options:
            table |= {"host": "127.0.0.1", "port": printer.port}
        driver = PrinterEscpos("printer", PrinterEscposOptions.from_table(table | options), told.emit)
        drivers.append(driver)
        driver.start()
        return driver

    yield open_it
    for driver in drivers:
        driver.close()


def test_a_paper_is_finished_when_the_printer_has_cut_it(printer: Printer, told: Told, opened: Open) -> None:
    driver = opened()
    assert driver.print("sale-1", SLIP)
    assert told.next(PrintFinished) == PrintFinished("printer", "sale-1")
    assert printer.roll.last is not None
    assert printer.roll.last.rows == SLIP_ROWS
    assert printer.roll.last.cut
    assert printer.unknown == ()


def test_jobs_come_out_in_the_order_given_and_once_each(printer: Printer, told: Told, opened: Open) -> None:
    driver = opened()
    for number in range(5):
        assert driver.print(f"job-{number}", Paper((Text(f"单号 {number}"), Cut())))
    assert [told.next(PrintFinished).job for _ in range(5)] == [f"job-{number}" for number in range(5)]
    assert [receipt.text for receipt in printer.roll.receipts] == [f"单号 {number}" for number in range(5)]


def test_no_paper_is_said_and_the_job_waits_for_it(printer: Printer, told: Told, opened: Open) -> None:
    printer.paper(False)
    driver = opened()
    driver.print("sale-1", SLIP)
    status = told.next_status(Status.SELF_CHECK_FAILED)
    assert (status.reason, status.next_step) == ("paper_out", "load_paper")
    assert printer.roll.current is None
    assert told.of(PrintFinished) == []
    printer.paper(True)
    assert told.next_status(Status.READY)
    assert told.next(PrintFinished).job == "sale-1"
    assert [receipt.rows for receipt in printer.roll.receipts] == [SLIP_ROWS]


def test_an_open_cover_is_said_and_the_job_waits_for_it(printer: Printer, told: Told, opened: Open) -> None:
    printer.cover(True)
    driver = opened()
    driver.print("sale-1", SLIP)
    status = told.next_status(Status.SELF_CHECK_FAILED)
    assert (status.reason, status.next_step) == ("cover_open", "close_cover")
    assert told.of(PrintFinished) == []
    printer.cover(False)
    assert told.next(PrintFinished).job == "sale-1"
    assert len(printer.roll.receipts) == 1


def test_paper_that_ends_within_a_job_ends_it_later_and_once(printer: Printer, told: Told, opened: Open) -> None:
    driver = opened()
    told.next_status(Status.READY)
    printer.after_lines(2, paper=False)
    driver.print("sale-1", SLIP)
    assert told.next_status(Status.SELF_CHECK_FAILED).reason == "paper_out"
    assert told.of(PrintFinished) == []
    assert printer.roll.last is None
    printer.paper(True)
    assert told.next(PrintFinished).job == "sale-1"
    assert [receipt.rows for receipt in printer.roll.receipts] == [SLIP_ROWS]
    assert told.of(PrintFailed) == []


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"paper": False}, PrintProblem.PAPER_OUT),
        ({"cover_open": True}, PrintProblem.COVER_OPEN),
        ({"stalled": True}, PrintProblem.NO_ANSWER),
        ({"mute": True}, PrintProblem.NO_ANSWER),
        ({"cutter_error": True}, PrintProblem.NO_ANSWER),
        ({"powered": False}, PrintProblem.GONE),
    ],
)
def test_a_job_broken_off_for_good_may_have_been_printed(
    printer: Printer, told: Told, opened: Open, fault: dict[str, bool], problem: PrintProblem
) -> None:
    driver = opened(keep_s=0.8)
    told.next_status(Status.READY)
    printer.after_lines(2, **fault)
    driver.print("sale-1", SLIP)
    assert told.next(PrintFailed) == PrintFailed("printer", "sale-1", problem, maybe_printed=True)
    assert told.of(PrintFinished) == []


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("paper", PrintProblem.PAPER_OUT),
        ("cover", PrintProblem.COVER_OPEN),
        ("stall", PrintProblem.NO_ANSWER),
        ("mute", PrintProblem.NO_ANSWER),
        ("power", PrintProblem.GONE),
    ],
)
def test_a_job_given_up_before_it_began_was_not_printed(
    printer: Printer, told: Told, opened: Open, fault: str, problem: PrintProblem
) -> None:
    begin: dict[str, Callable[[], None]] = {
        "paper": lambda: printer.paper(False),
        "cover": lambda: printer.cover(True),
        "stall": printer.stall,
        "mute": printer.mute,
        "power": printer.power_off,
    }
    end: dict[str, Callable[[], None]] = {
        "paper": lambda: printer.paper(True),
        "cover": lambda: printer.cover(False),
        "stall": lambda: printer.stall(False),
        "mute": lambda: printer.mute(False),
        "power": printer.power_on,
    }
    begin[fault]()
    driver = opened(keep_s=0.6)
    driver.print("sale-1", SLIP)
    assert told.next(PrintFailed) == PrintFailed("printer", "sale-1", problem, maybe_printed=False)
    end[fault]()
    told.next_status(Status.READY)
    driver.print("sale-2", OTHER_SLIP)
    assert told.next(PrintFinished).job == "sale-2"
    assert [receipt.text for receipt in printer.roll.receipts] == ["另一张"]


def test_a_printer_switched_off_and_on_is_used_again(printer: Printer, told: Told, opened: Open) -> None:
    driver = opened()
    told.next_status(Status.READY)
    printer.power_off()
    status = told.next_status(Status.GONE)
    assert (status.reason, status.next_step) == ("unplugged", "check_cable")
    driver.print("sale-1", SLIP)
    printer.power_on()
    assert told.next(PrintFinished).job == "sale-1"


def test_a_printer_that_comes_late_is_found(told: Told) -> None:
    printer = Printer()
    printer.start()
    printer.power_off()
    options = PrinterEscposOptions.from_table({"host": "127.0.0.1", "port": printer.port})
    driver = PrinterEscpos("printer", options, told.emit)
    driver.start()
    driver.print("sale-1", SLIP)
    assert told.next_status(Status.MISSING).reason == "not_found"
    printer.power_on()
    assert told.next(PrintFinished).job == "sale-1"
    driver.close()
    printer.close()


def test_a_stalled_printer_prints_a_job_that_had_not_begun_when_it_goes_on(
    printer: Printer, told: Told, opened: Open
) -> None:
    driver = opened()
    told.next_status(Status.READY)
    printer.stall()
    driver.print("sale-1", SLIP)
    status = told.next_status(Status.SELF_CHECK_FAILED)
    assert (status.reason, status.next_step) == ("no_answer", "check_printer")
    printer.stall(False)
    assert told.next(PrintFinished).job == "sale-1"
    assert [receipt.rows for receipt in printer.roll.receipts] == [SLIP_ROWS]


def test_late_answers_are_taken_for_what_was_asked_when_they_were_due(
    printer: Printer, told: Told, opened: Open
) -> None:
    """A printer slower than the time-out: its answer to the first question must not serve as one to the second."""
    printer.answer_late(0.7)
    driver = opened(silence_s=3.0)
    driver.print("sale-1", SLIP)
    assert told.next(PrintFinished, timeout_s=20).job == "sale-1"
    printer.after_lines(1, paper=False)
    driver.print("sale-2", OTHER_SLIP)
    assert told.next_status(Status.SELF_CHECK_FAILED, timeout_s=20)
    assert [finished.job for finished in told.of(PrintFinished)] == ["sale-1"]


def test_paper_that_runs_low_is_said_and_printing_goes_on(printer: Printer, told: Told, opened: Open) -> None:
    printer.paper_low(True)
    driver = opened()
    assert told.next_status(Status.READY).reason == "paper_low"
    driver.print("sale-1", SLIP)
    assert told.next(PrintFinished).job == "sale-1"


def test_a_long_slow_job_is_waited_for(printer: Printer, told: Told, opened: Open) -> None:
    printer.print_slowly(0.03)
    driver = opened()
    driver.print("long", Paper((*(Text(f"第 {number} 行") for number in range(40)), Cut())))
    assert told.next(PrintFinished).job == "long"
    assert printer.roll.last is not None
    assert len(printer.roll.last.rows) == 40


def test_a_full_queue_says_so_at_once(printer: Printer, opened: Open) -> None:
    printer.paper(False)
    driver = opened()
    taken: list[bool] = []
    ends(lambda: taken.extend(driver.print(f"job-{number}", SLIP) for number in range(20)))
    assert taken[0]
    assert not taken[-1]


def test_a_full_mailbox_delays_the_word_but_does_not_lose_it(printer: Printer, told: Told, opened: Open) -> None:
    driver = opened()
    told.next_status(Status.READY)
    told.room = 0
    driver.print("sale-1", SLIP)
    assert printer.roll.wait_for(lambda roll: len(roll.receipts) == 1)
    assert told.of(PrintFinished) == []
    told.room = None
    assert told.next(PrintFinished).job == "sale-1"


@pytest.mark.parametrize("fault", ["none", "stalled", "paper", "gone"])
def test_closing_waits_for_nobody_and_may_be_done_twice(printer: Printer, told: Told, opened: Open, fault: str) -> None:
    driver = opened(silence_s=30.0)
    told.next_status(Status.READY)
    if fault == "stalled":
        printer.after_lines(1, stalled=True)
    elif fault == "paper":
        printer.after_lines(1, paper=False)
    elif fault == "gone":
        printer.power_off()
        told.next_status(Status.GONE)
    driver.print("sale-1", SLIP)
    if fault in ("stalled", "paper"):
        assert printer.roll.wait_for(lambda roll: roll.current is not None)
    ends(driver.close)
    driver.close()


def test_text_from_outside_cannot_command_the_printer(printer: Printer, told: Told, opened: Open) -> None:
    driver = opened()
    driver.print("sale-1", Paper((Text("a\x1bi\x1dV\x00\x10\x04\x01\x1c.b"), Qr("\x1dV\x00"), Cut())))
    assert told.next(PrintFinished).job == "sale-1"
    assert [receipt.rows for receipt in printer.roll.receipts] == [("a?i?V?????.b",)]
    assert printer.unknown == ()


@pytest.fixture
def serial_printer(tmp_path: Path) -> Iterator[tuple[Printer, Pty]]:
    pty = Pty(tmp_path / "printer")
    printer = Printer(door=SerialDoor(pty))
    printer.start()
    yield printer, pty
    printer.close()
    pty.close()


@pytest.mark.parametrize("connection", ["serial", "file"])
def test_a_printer_on_a_serial_line_or_a_device_file_is_believed_as_well(
    serial_printer: tuple[Printer, Pty], told: Told, opened: Open, connection: str
) -> None:
    printer, pty = serial_printer
    driver = opened(connection=connection, path=str(pty.path))
    driver.print("sale-1", SLIP)
    assert told.next(PrintFinished).job == "sale-1"
    pty.unplug()
    assert told.next_status(Status.GONE).reason == "unplugged"
    driver.print("sale-2", OTHER_SLIP)
    pty.replug()
    assert told.next(PrintFinished).job == "sale-2"
    assert [receipt.rows for receipt in printer.roll.receipts] == [SLIP_ROWS, ("另一张",)]


def test_a_serial_printer_switched_off_within_a_job_is_not_believed(
    serial_printer: tuple[Printer, Pty], told: Told, opened: Open
) -> None:
    """The line stays, the answers stop: nothing says that the printer is gone but its silence."""
    printer, pty = serial_printer
    driver = opened(connection="serial", path=str(pty.path))
    told.next_status(Status.READY)
    printer.after_lines(2, powered=False)
    driver.print("sale-1", SLIP)
    assert told.next(PrintFailed) == PrintFailed("printer", "sale-1", PrintProblem.NO_ANSWER, maybe_printed=True)
    printer.power_on()
    driver.print("sale-2", OTHER_SLIP)
    assert told.next(PrintFinished).job == "sale-2"


def test_a_printer_that_forgot_the_job_is_not_believed_when_it_is_well_again(
    serial_printer: tuple[Printer, Pty], told: Told, opened: Open
) -> None:
    """Off and on again between two lines: it answers, has paper, and owes a confirmation that never comes."""
    printer, pty = serial_printer
    driver = opened(connection="serial", path=str(pty.path), silence_s=1.0)
    told.next_status(Status.READY)
    printer.after_lines(2, powered=False)
    driver.print("sale-1", SLIP)
    eventually(lambda: ASK_IN_ORDER in printer.lost)
    printer.power_on()
    assert told.next(PrintFailed) == PrintFailed("printer", "sale-1", PrintProblem.NO_ANSWER, maybe_printed=True)
    assert told.of(PrintFinished) == []


def test_a_printer_that_never_answers_is_sent_the_paper_and_never_said_to_have_printed(
    tmp_path: Path, told: Told, opened: Open
) -> None:
    path = tmp_path / "paper"
    path.touch()
    driver = opened(connection="file", path=str(path), answers=False)
    assert told.next_status(Status.READY).reason == "unconfirmed"
    driver.print("sale-1", SLIP)
    assert told.next(PrintFinished) == PrintFinished("printer", "sale-1", confirmed=False)
    assert "谢谢".encode("gbk") in path.read_bytes()


def test_a_printer_that_never_answers_and_takes_no_more_bytes_is_not_said_to_have_been_sent_the_paper(
    printer: Printer, told: Told, opened: Open
) -> None:
    driver = opened(answers=False)
    told.next_status(Status.READY)
    printer.stall()
    driver.print("sale-1", LONG_SLIP)
    assert told.next(PrintFailed) == PrintFailed("printer", "sale-1", PrintProblem.NO_ANSWER, maybe_printed=True)


def test_no_file_is_made_where_the_printer_is_missing(tmp_path: Path, told: Told, opened: Open) -> None:
    path = tmp_path / "lp0"
    opened(connection="file", path=str(path))
    assert told.next_status(Status.MISSING).reason == "not_found"
    assert not path.exists()


def test_every_mistake_in_the_options_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        PrinterEscposOptions.from_table({"connection": "serial", "baud": "fast", "silense_s": 1, "columns": 3})
    assert len(refused.value.problems) == 4
    assert any("Did you mean silence_s?" in str(problem) for problem in refused.value.problems)
