"""What the scanner's driver promises, shown over a serial port with a plug that can be pulled."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.code_framing import GAP_MS, LONGEST_BYTES, REMAINDER_NS, SUFFIXES, CodeFraming, CodeRules
from agent.drivers.code_serial import CodeSerial, CodeSerialOptions
from agent.drivers.facts import CodeProblem, CodeRefused, CodeScanned, Fact, Status
from contract.settings import SettingsError
from simulator.faults import Fault
from simulator.scanner import Scanner
from tests.drivers.told import Told
from tests.waiting import eventually

SECOND_NS = 1_000_000_000
GAP_NS = GAP_MS * 1_000_000


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[Scanner]:
    scanner = Scanner(tmp_path / "scanner")
    scanner.start()
    yield scanner
    scanner.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def driver(scanner: Scanner, told: Told) -> Iterator[CodeSerial]:
    driver = CodeSerial("code", CodeSerialOptions.from_table({"path": str(scanner.path)}), told.emit)
    driver.start()
    told.next_status(Status.READY)
    yield driver
    driver.close()


def test_a_code_comes_without_its_framing(scanner: Scanner, driver: CodeSerial, told: Told) -> None:
    scanner.scan(b"6901234567892")
    assert told.next(CodeScanned) == CodeScanned("code", b"6901234567892")


def test_codes_right_after_each_other_stay_apart(scanner: Scanner, driver: CodeSerial, told: Told) -> None:
    scanner.send(b"1\r\n2\r3\r\r\n")
    assert [told.next(CodeScanned).data for _ in range(3)] == [b"1", b"2", b"3"]


def test_a_code_of_4096_bytes_passes_and_one_byte_more_is_refused(
    scanner: Scanner, driver: CodeSerial, told: Told
) -> None:
    scanner.scan(b"x" * LONGEST_BYTES)
    assert told.next(CodeScanned).data == b"x" * LONGEST_BYTES
    scanner.scan(b"y" * 9000)
    scanner.scan(b"next")
    assert told.next(CodeRefused) == CodeRefused("code", CodeProblem.TOO_LONG)
    assert told.next(CodeScanned).data == b"next"
    assert len(told.of(CodeRefused)) == 1


def test_a_code_without_an_end_is_refused_after_half_a_second(scanner: Scanner, driver: CodeSerial, told: Told) -> None:
    scanner.send(b"half a co")
    assert told.next(CodeRefused) == CodeRefused("code", CodeProblem.GARBLED)
    scanner.send(b"de\r")
    scanner.scan(b"whole")
    assert told.next(CodeScanned).data == b"whole"


def test_noise_is_refused_and_the_next_code_is_read(scanner: Scanner, driver: CodeSerial, told: Told) -> None:
    scanner.send(bytes(byte for byte in range(256) if byte != 0x0D))
    assert told.next(CodeRefused).reason is CodeProblem.GARBLED
    scanner.send(b"\r")
    scanner.scan(b"whole")
    assert told.next(CodeScanned).data == b"whole"


def test_a_pulled_scanner_is_told_and_found_again(scanner: Scanner, driver: CodeSerial, told: Told) -> None:
    scanner.send(b"left over")
    scanner.unplug()
    status = told.next_status(Status.GONE)
    assert (status.reason, status.next_step) == ("unplugged", "check_cable")
    scanner.replug()
    told.next_status(Status.READY)
    scanner.scan(b"again")
    assert told.next(CodeScanned).data == b"again"


def test_a_scanner_that_comes_late_is_found(tmp_path: Path, told: Told) -> None:
    scanner = Scanner(tmp_path / "late")
    driver = CodeSerial("code", CodeSerialOptions(str(scanner.path)), told.emit)
    driver.start()
    assert told.next_status(Status.MISSING).reason == "not_found"
    scanner.start()
    told.next_status(Status.READY)
    scanner.scan(b"here")
    assert told.next(CodeScanned).data == b"here"
    driver.close()
    driver.close()
    scanner.close()


def test_a_path_that_is_no_serial_port_is_said_and_nothing_falls_over(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "file"
    path.touch()
    driver = CodeSerial("code", CodeSerialOptions(str(path)), told.emit)
    driver.start()
    assert told.next_status(Status.SELF_CHECK_FAILED).reason == "wrong_device"
    driver.close()


def test_a_port_held_by_another_driver_is_said_to_be_in_use(scanner: Scanner, driver: CodeSerial, told: Told) -> None:
    second_told = Told()
    second = CodeSerial("code", CodeSerialOptions(str(scanner.path)), second_told.emit)
    second.start()
    assert second_told.next_status(Status.SELF_CHECK_FAILED).reason == "in_use"
    driver.close()
    second_told.next_status(Status.READY)
    second.close()


def test_a_full_mailbox_drops_a_code_and_the_driver_goes_on(scanner: Scanner, told: Told) -> None:
    offered: list[Fact] = []

    def full_at_first(fact: Fact) -> bool:
        offered.append(fact)
        return fact != CodeScanned("code", b"dropped") and told.emit(fact)

    driver = CodeSerial("code", CodeSerialOptions(str(scanner.path)), full_at_first)
    driver.start()
    told.next_status(Status.READY)
    scanner.scan(b"dropped")
    eventually(lambda: CodeScanned("code", b"dropped") in offered)
    scanner.scan(b"taken")
    assert told.next(CodeScanned).data == b"taken"
    assert offered.count(CodeScanned("code", b"dropped")) == 1
    driver.close()


def test_the_rest_of_a_broken_code_is_not_taken_for_a_code() -> None:
    framing = CodeFraming()
    assert framing.feed(b"1234", SECOND_NS) == []
    assert framing.feed(b"5678\r", SECOND_NS + GAP_NS + 1) == [CodeProblem.GARBLED]
    assert framing.feed(b"whole\r", SECOND_NS + GAP_NS + 2) == [b"whole"]


def test_a_code_long_after_a_broken_one_is_read() -> None:
    framing = CodeFraming()
    assert framing.feed(b"1234", SECOND_NS) == []
    assert framing.feed(b"", SECOND_NS + GAP_NS + 1) == [CodeProblem.GARBLED]
    assert framing.feed(b"whole\r", SECOND_NS + REMAINDER_NS + 1) == [b"whole"]


def test_a_code_that_comes_slowly_byte_by_byte_is_one_code() -> None:
    framing = CodeFraming()
    found: list[bytes | CodeProblem] = []
    for number, byte in enumerate(b"0123456789\r"):
        found += framing.feed(bytes((byte,)), SECOND_NS + number * (GAP_NS - 1))
    assert found == [b"0123456789"]


@given(st.lists(st.binary(max_size=40), max_size=20), st.data())
def test_codes_are_found_however_the_bytes_are_cut(codes: list[bytes], data: st.DataObject) -> None:
    codes = [code.replace(b"\r", b"").replace(b"\n", b"") for code in codes]
    stream = b"".join(code + b"\r" for code in codes)
    framing = CodeFraming()
    found: list[bytes | CodeProblem] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += framing.feed(stream[:size], SECOND_NS)
        stream = stream[size:]
    assert found == [code for code in codes if code]


@given(st.lists(st.tuples(st.binary(max_size=6000), st.integers(0, 3 * SECOND_NS)), max_size=10))
def test_no_bytes_and_no_pauses_upset_the_framing(pieces: list[tuple[bytes, int]]) -> None:
    framing = CodeFraming()
    now_ns = 0
    for piece, pause_ns in pieces:
        now_ns += pause_ns
        for found in framing.feed(piece, now_ns):
            assert isinstance(found, CodeProblem) or 1 <= len(found) <= LONGEST_BYTES


@pytest.mark.parametrize("suffix", list(SUFFIXES))
def test_a_code_ends_with_what_the_scanner_is_set_to(suffix: str) -> None:
    framing = CodeFraming(suffix=suffix)
    mark = SUFFIXES[suffix]
    others = bytes(set(b"\r\n\t") - set(mark)) if len(mark) == 1 else b"\t\n-\r-\r"
    code = b"1" + others + b"2"
    assert framing.feed((code + mark) * 2, SECOND_NS) == [code, code]


@pytest.mark.parametrize("suffix", list(SUFFIXES))
@given(st.lists(st.sampled_from([b"\r", b"\n", b"\t", b"a", b"\x02"]), max_size=30).map(b"".join))
def test_how_the_bytes_are_cut_makes_no_difference(suffix: str, stream: bytes) -> None:
    whole, bit_by_bit = CodeFraming(suffix=suffix), CodeFraming(suffix=suffix)
    found = [one for byte in stream for one in bit_by_bit.feed(bytes([byte]), SECOND_NS)]
    assert found == whole.feed(stream, SECOND_NS)


def test_the_first_half_of_an_end_that_does_not_come_is_told_like_half_a_code() -> None:
    framing = CodeFraming(suffix="crlf")
    assert framing.feed(b"\r", SECOND_NS) == []
    assert framing.feed(b"", SECOND_NS + GAP_NS + 1) == [CodeProblem.GARBLED]
    assert framing.feed(b"\n\r\nnext\r\n", SECOND_NS + GAP_NS + 2) == [b"next"]


def test_a_code_with_the_wrong_beginning_is_refused_and_the_right_one_is_taken_off() -> None:
    options = CodeSerialOptions.from_table({"path": "/dev/x", "suffix": "lf", "prefix": "02"})
    framing = CodeFraming(options.rules, options.suffix)
    assert framing.feed(b"noise\x02one\n\x02two\n\x02\n" + b"\x02" + b"x" * LONGEST_BYTES + b"\n", SECOND_NS) == [
        CodeProblem.GARBLED, b"two", CodeProblem.GARBLED, b"x" * LONGEST_BYTES,
    ]  # fmt: skip


def test_a_code_told_twice_counts_once_where_the_scanner_is_said_to_do_that() -> None:
    framing = CodeFraming(CodeRules(same_ms=300))
    again_ns = 299_999_999
    assert framing.feed(b"tea\r", SECOND_NS) == [b"tea"]
    assert framing.feed(b"tea\r", SECOND_NS + again_ns) == []
    assert framing.feed(b"tea\r", SECOND_NS + again_ns + 300_000_000) == [b"tea"]


@pytest.mark.parametrize(
    ("fault", "after_bytes", "problems"),
    [
        (Fault.SILENT, 0, 0),
        (Fault.GARBAGE, 0, 1),
        (Fault.HALF_FRAME, 0, 1),
        (Fault.SLOW_BYTES, 0, 0),
        (Fault.DISCONNECT, 0, 0),
        (Fault.DISCONNECT, 4, 0),
    ],
)
def test_the_code_after_a_fault_is_read_and_none_is_half(
    scanner: Scanner, driver: CodeSerial, told: Told, fault: Fault, after_bytes: int, problems: int
) -> None:
    scanner.fail(fault, times=1, after_bytes=after_bytes)
    scanner.scan(b"69012345")
    if fault is Fault.SLOW_BYTES:
        assert told.next(CodeScanned).data == b"69012345"
    if fault is Fault.DISCONNECT:
        told.next_status(Status.GONE)
        scanner.replug()
        told.next_status(Status.READY)
    for _ in range(problems):
        assert told.next(CodeRefused).reason is CodeProblem.GARBLED
        scanner.send(b"\r")
    scanner.scan(b"whole")
    assert told.next(CodeScanned).data == b"whole"
    assert len(told.of(CodeRefused)) == problems


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_line_that_rustles_for_days_brings_no_code_and_no_growth(
    scanner: Scanner, driver: CodeSerial, told: Told
) -> None:
    """The noise of two days at 9600 baud, as fast as the line takes it."""
    noise = random.Random(1)
    for _ in range(200_000):
        scanner.send(noise.randbytes(1_000).replace(b"\r", b""))
    told.next(CodeRefused)
    scanner.send(b"\r")
    scanner.scan(b"whole")
    assert told.next(CodeScanned, timeout_s=60).data == b"whole"
    assert told.of(CodeScanned) == [CodeScanned("code", b"whole")]


def test_every_mistake_in_the_options_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        CodeSerialOptions.from_table({"pth": "/dev/x", "baud": 9.5})
    assert [problem.path for problem in refused.value.problems] == ["pth", "baud"]
