"""What a printer's answers are taken for, shown over a TCP line whose far end is this test."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.facts import PrintProblem
from agent.drivers.printer_commands import open_printer
from agent.drivers.printer_options import PrinterEscposOptions
from agent.drivers.printer_port import ASK_IN_ORDER, ASK_REAL_TIME, AnswerSorter, LineLost, PrinterPort, PrinterState

WELL = b"\x12\x12\x12\x12"
PAPER_OUT = b"\x1a\x32\x12\x7e"


@pytest.fixture
def line() -> Iterator[tuple[PrinterPort, socket.socket]]:
    """An open port and the printer's end of it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        options = PrinterEscposOptions("network", host="127.0.0.1", port=server.getsockname()[1])
        port = PrinterPort(open_printer(options))
        far, _ = server.accept()
        far.settimeout(5)
        with far:
            yield port, far
        port.close()


def hear(port: PrinterPort) -> None:
    assert port.listen(5.0)


def test_four_answers_make_a_state(line: tuple[PrinterPort, socket.socket]) -> None:
    port, far = line
    port.ask_real_time(1.0)
    assert far.recv(100) == ASK_REAL_TIME
    far.sendall(PAPER_OUT)
    hear(port)
    state = port.state()
    assert state is not None
    assert state.paper_out
    assert state.problem is PrintProblem.PAPER_OUT
    assert port.state() is None


def test_half_an_answer_is_no_state_and_no_second_question_is_asked(line: tuple[PrinterPort, socket.socket]) -> None:
    port, far = line
    port.ask_real_time(1.0)
    far.sendall(WELL[:2])
    hear(port)
    assert port.state() is None
    port.ask_real_time(1.0)
    port.ask_in_order(1.0)
    assert far.recv(len(ASK_REAL_TIME + ASK_IN_ORDER), socket.MSG_WAITALL) == ASK_REAL_TIME + ASK_IN_ORDER
    far.sendall(WELL[2:])
    hear(port)
    assert port.state() == PrinterState(False, False, False, False, False)


def test_a_late_answer_belongs_to_its_own_question(line: tuple[PrinterPort, socket.socket]) -> None:
    """The first question's answer is late; the paper ends; the second question is answered on its own."""
    port, far = line
    port.ask_real_time(1.0)
    assert not port.listen(0.05)
    assert port.asking
    port.ask_real_time(1.0)
    far.sendall(WELL)
    hear(port)
    first = port.state()
    assert first is not None
    assert first.problem is None
    port.ask_real_time(1.0)
    assert port.state() is None
    far.sendall(PAPER_OUT)
    hear(port)
    second = port.state()
    assert second is not None
    assert second.problem is PrintProblem.PAPER_OUT


@pytest.mark.parametrize("unasked", [WELL[:1], b"\x00"])
def test_an_answer_to_nothing_ends_the_line(line: tuple[PrinterPort, socket.socket], unasked: bytes) -> None:
    port, far = line
    far.sendall(unasked)
    with pytest.raises(LineLost) as lost:
        port.settle(5.0)
    assert lost.value.problem is PrintProblem.NO_ANSWER


def test_a_stale_confirmation_is_not_taken_for_the_one_asked(line: tuple[PrinterPort, socket.socket]) -> None:
    port, far = line
    port.ask_in_order(1.0)
    assert far.recv(100) == ASK_IN_ORDER
    far.sendall(b"\x00\x00")
    with pytest.raises(LineLost):
        port.listen(5.0)


def test_two_questions_in_order_need_two_answers(line: tuple[PrinterPort, socket.socket]) -> None:
    port, far = line
    port.ask_in_order(1.0)
    port.ask_in_order(1.0)
    far.sendall(b"\x00")
    hear(port)
    assert not port.confirmed()
    far.sendall(b"\x00")
    hear(port)
    assert port.confirmed()


def test_a_line_that_the_printer_closes_is_lost(line: tuple[PrinterPort, socket.socket]) -> None:
    port, far = line
    far.close()
    with pytest.raises(LineLost) as lost:
        port.listen(5.0)
    assert lost.value.problem is PrintProblem.GONE


def test_a_printer_that_takes_nothing_holds_nobody_up(line: tuple[PrinterPort, socket.socket]) -> None:
    port, _ = line
    for _ in range(1000):
        if not port.send(b"x" * 65536, 0.05):
            break
    else:
        pytest.fail("the line took 64 MB from nobody")
    assert port.unsent() > 0
    with pytest.raises(LineLost) as lost:
        port.ask_real_time(0.05)
    assert lost.value.problem is PrintProblem.NO_ANSWER


def test_answers_are_told_from_what_else_a_printer_sends() -> None:
    sorter = AnswerSorter()
    automatic_status, flow_control, model_name = b"\x14\x00\x00\x0f", b"\x11\x13", b"\x5fTM-x\x00"
    sorter.feed(automatic_status + b"\x12" + flow_control + model_name + b"\x0c" + b"\xff\xfe")
    assert list(sorter.real_time) == [0x12]
    assert list(sorter.in_order) == [0x0C]


@given(st.binary(max_size=500))
def test_no_noise_upsets_the_sorter(noise: bytes) -> None:
    sorter = AnswerSorter()
    sorter.feed(noise)
    assert len(sorter.real_time) + len(sorter.in_order) <= len(noise)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        (WELL, None),
        (b"\x12\x12\x12\x1e", None),
        (PAPER_OUT, PrintProblem.PAPER_OUT),
        (b"\x1a\x16\x12\x12", PrintProblem.COVER_OPEN),
        (b"\x1a\x52\x1a\x12", PrintProblem.NO_ANSWER),
        (b"\x1a\x12\x12\x12", PrintProblem.NO_ANSWER),
    ],
)
def test_a_state_names_what_keeps_the_printer_from_printing(answers: bytes, problem: PrintProblem | None) -> None:
    assert PrinterState.from_answers(*answers).problem is problem
