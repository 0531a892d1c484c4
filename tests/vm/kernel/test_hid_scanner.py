"""What the driver of a scanner that types promises beside a real USB keyboard and the kernel's own input layer."""

import errno
import select
from collections.abc import Iterator
from contextlib import ExitStack

import evdev
import pytest
from evdev import ecodes

from agent.drivers.code_evdev import CodeEvdev, CodeEvdevOptions, ScanStream
from agent.drivers.facts import CodeProblem, CodeRefused, CodeScanned, Key, KeyPressed, Status
from simulator.typed import strokes
from tests.drivers.told import Told
from tests.vm.kernel.gadgets import plugged_keyboard
from tests.vm.kernel.hid_scanner import HidScanner

CHINESE = "会员1001".encode()
MORE_THAN_A_BUFFER = b"0123456789" * 40


@pytest.fixture
def scanner() -> Iterator[HidScanner]:
    with plugged_keyboard("scanner") as made:
        yield HidScanner(made)


@pytest.fixture
def reading() -> Iterator[ExitStack]:
    with ExitStack() as drivers:
        yield drivers


def read(reading: ExitStack, scanner: HidScanner, **options: object) -> Told:
    """A driver at that scanner, until the test is over."""
    told = Told()
    table = {"path": str(scanner.keyboard.path), **options}
    driver = CodeEvdev("code", CodeEvdevOptions.from_table(table), told.emit)
    driver.start()
    reading.callback(driver.close)
    told.next_status(Status.READY, timeout_s=30)
    return told


def test_a_code_comes_from_the_scanner_to_the_till_alone(scanner: HidScanner, reading: ExitStack) -> None:
    told = read(reading, scanner)
    other = evdev.InputDevice(str(scanner.keyboard.path))
    scanner.scan(b"TL:aB/3")
    assert told.next(CodeScanned).data == b"TL:aB/3"
    assert not select.select([other.fd], [], [], 0.3)[0], "another program saw the code"
    with pytest.raises(OSError) as refused:
        other.grab()
    assert refused.value.errno == errno.EBUSY
    other.close()


def test_chinese_comes_by_either_way_of_typing_it(scanner: HidScanner, reading: ExitStack) -> None:
    told = read(reading, scanner, gap_ms=5000, same_ms=0)
    for beyond in ("bytes", "unicode"):
        scanner.scan(CHINESE, beyond)
        assert told.next(CodeScanned).data == CHINESE


def test_a_scanner_pulled_in_the_middle_of_a_code_comes_back_and_half_a_code_is_none(
    scanner: HidScanner, reading: ExitStack
) -> None:
    told = read(reading, scanner)
    scanner.press(strokes(b"half")[:-1])
    scanner.keyboard.gadget.unplug()
    assert told.next_status(Status.GONE).reason == "unplugged"
    scanner = HidScanner(scanner.keyboard)
    scanner.keyboard.gadget.plug()
    scanner.keyboard.wait()
    told.next_status(Status.READY, timeout_s=30)
    scanner.scan(b"whole")
    assert told.next(CodeScanned).data == b"whole"
    assert len(told.of(CodeScanned)) == 1


def test_a_code_of_which_the_kernel_dropped_a_part_is_refused(scanner: HidScanner) -> None:
    device = evdev.InputDevice(str(scanner.keyboard.path))
    stream = ScanStream(CodeEvdevOptions(""), device.active_keys)
    found: list[object] = []

    def take_all() -> bool:
        """Everything that is there and comes within a second; whether the kernel dropped something of it."""
        dropped = False
        while select.select([device.fd], [], [], 1)[0]:
            events = list(device.read())
            dropped |= any(event.type == ecodes.EV_SYN and event.code == ecodes.SYN_DROPPED for event in events)
            found.extend(stream.feed((event, 0) for event in events))
        return dropped

    scanner.scan(MORE_THAN_A_BUFFER)
    assert take_all()
    assert found and set(found) == {CodeProblem.GARBLED}
    # The end of that code may be among what was dropped.
    for code in (b"end", b"next"):
        scanner.scan(code)
        assert not take_all()
    assert found[-1] == b"next"
    assert set(found) <= {CodeProblem.GARBLED, b"end", b"next"}
    device.close()


def test_keys_pressed_by_hand_on_the_same_device_are_keys(scanner: HidScanner, reading: ExitStack) -> None:
    told = read(reading, scanner, keys=True, hand_ms=200)
    for key in (Key.DIGIT_4, Key.DIGIT_2):
        scanner.press(strokes(key.value.encode()))
        assert told.next(KeyPressed).key is key
    scanner.scan(b"6901234567892")
    assert told.next(CodeScanned).data == b"6901234567892"
    scanner.press(strokes(b"\r"))
    assert told.next(KeyPressed).key is Key.ENTER
    assert len(told.of(KeyPressed)) == 3


def test_a_shift_that_stays_down_lets_no_code_pass(scanner: HidScanner, reading: ExitStack) -> None:
    told = read(reading, scanner)
    scanner.press([(ecodes.KEY_LEFTSHIFT, True)])
    scanner.scan(b"abc123")
    assert told.next(CodeRefused).reason is CodeProblem.GARBLED
    scanner.press([(ecodes.KEY_LEFTSHIFT, False)])
    scanner.scan(b"abc123")
    assert told.next(CodeScanned).data == b"abc123"


def test_two_scanners_that_type_at_once_are_told_apart(scanner: HidScanner, reading: ExitStack) -> None:
    with plugged_keyboard("second") as made:
        second = HidScanner(made)
        one, two = read(reading, scanner), read(reading, second)
        ours, theirs = strokes(b"AAAA\r"), strokes(b"bbbbbbbb\r")
        for mine, other in zip(ours, theirs, strict=True):
            scanner.press([mine])
            second.press([other])
        assert one.next(CodeScanned).data == b"AAAA"
        assert two.next(CodeScanned).data == b"bbbbbbbb"
