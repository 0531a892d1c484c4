"""What the driver of a scanner that types promises: codes out of input events, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable

import evdev
import pytest
from evdev import ecodes
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.code_evdev import HAND_MS, CodeEvdev, CodeEvdevOptions, ScanStream
from agent.drivers.code_framing import GAP_MS, LONGEST_BYTES, REMAINDER_NS
from agent.drivers.facts import CodeProblem, Key, Status
from contract.settings import SettingsError
from simulator.typed import Beyond, Strokes, strokes
from tests.drivers.told import Told

MS_NS = 1_000_000
GAP_NS = GAP_MS * MS_NS
CHINESE = "会员 1001，积分×2"
FOUR_BYTE_CHARACTERS = "𠮷野家😀"


class Hands:
    """Presses keys at a stream, at times of its own; what comes out is kept in `found`."""

    def __init__(self, **options: object) -> None:
        self.held: list[int] = []
        self.now_ns = 1_000 * MS_NS
        self.found: list[bytes | CodeProblem | Key] = []
        self._stream = ScanStream(CodeEvdevOptions.from_table({"path": "/dev/x", **options}), lambda: self.held)

    def event(self, kind: int, code: int, value: int) -> None:
        self.found += self._stream.feed([(evdev.InputEvent(0, 0, kind, code, value), self.now_ns)])

    def press(self, pressed: Strokes, apart_ns: int = MS_NS) -> Hands:
        for code, down in pressed:
            self.event(ecodes.EV_KEY, code, int(down))
            self.event(ecodes.EV_SYN, ecodes.SYN_REPORT, 0)
            self.now_ns += apart_ns
        return self

    def scan(self, data: bytes, beyond: Beyond = "bytes") -> Hands:
        return self.press(strokes(data + b"\r", beyond))

    def tap(self, *codes: int) -> Hands:
        return self.press([(code, down) for code in codes for down in (True, False)])

    def drop(self) -> Hands:
        """The kernel's buffer runs over."""
        self.event(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0)
        return self

    def wait(self, time_ns: int) -> Hands:
        self.now_ns += time_ns
        self.found += self._stream.quiet(self.now_ns)
        return self


def test_a_code_comes_as_it_was_printed() -> None:
    assert Hands().scan(b"6901234567892").found == [b"6901234567892"]
    assert Hands().scan(b"TL:aB/3+x=~{}|\"'").found == [b"TL:aB/3+x=~{}|\"'"]


@pytest.mark.parametrize(
    "hostile", [b"' OR 1=1 --", b"\x1b[2J\x1b]0;owned\x07", b"\x00", b"a\x00b", b"../../etc/passwd", b"\x7f\b\b"]
)
def test_whatever_a_scanner_types_is_bytes_and_nothing_more(hostile: bytes) -> None:
    assert Hands().scan(hostile).scan(b"next").found == [hostile, b"next"]


@pytest.mark.parametrize("text", [CHINESE, FOUR_BYTE_CHARACTERS])
def test_chinese_comes_as_the_bytes_that_a_serial_scanner_sends(text: str) -> None:
    utf_8, gb18030 = text.encode(), text.encode("gb18030")
    assert Hands().scan(utf_8).found == [utf_8]
    assert Hands().scan(utf_8, "unicode").found == [utf_8]
    assert Hands(charset="gb18030").scan(utf_8, "unicode").found == [gb18030]
    assert Hands().scan(gb18030).found == [gb18030]
    assert Hands().scan(gb18030, "gb18030").found == [gb18030]


def test_a_number_typed_with_alt_is_a_character_where_the_scanner_sends_unicode() -> None:
    alt, numbers = ecodes.KEY_LEFTALT, {digit: getattr(ecodes, f"KEY_KP{digit}") for digit in "0123456789"}
    hands = Hands(alt_codes="unicode").press([(alt, True)])
    hands.tap(*(numbers[digit] for digit in str(ord("会")))).press([(alt, False)]).tap(ecodes.KEY_ENTER)
    assert hands.found == ["会".encode()]


def test_a_hexadecimal_number_may_also_end_with_a_blank() -> None:
    control = [(ecodes.KEY_LEFTCTRL, True), (ecodes.KEY_LEFTSHIFT, True)]
    released = [(code, False) for code, _down in control]
    hands = Hands().press(control).tap(ecodes.KEY_U).press(released)
    hands.tap(ecodes.KEY_4, ecodes.KEY_F, ecodes.KEY_1, ecodes.KEY_A, ecodes.KEY_SPACE, ecodes.KEY_X, ecodes.KEY_ENTER)
    assert hands.found == ["会x".encode()]


def test_a_code_of_4096_bytes_passes_and_one_byte_more_is_refused_once() -> None:
    hands = Hands().scan(b"x" * LONGEST_BYTES).scan(b"y" * 9_000).scan(b"next")
    assert hands.found == [b"x" * LONGEST_BYTES, CodeProblem.TOO_LONG, b"next"]


@pytest.mark.parametrize("layout", ["de", "fr"])
def test_a_layout_that_is_not_the_scanners_own_is_seen_in_the_letters(layout: str) -> None:
    (found,) = Hands(layout=layout).scan(b"azyq").found
    assert found != b"azyq"


def test_a_german_scanner_types_its_own_letters_and_signs() -> None:
    hands = Hands(layout="de")
    hands.tap(ecodes.KEY_Z, ecodes.KEY_Y, ecodes.KEY_SEMICOLON, ecodes.KEY_MINUS)
    hands.press([(ecodes.KEY_RIGHTALT, True)]).tap(ecodes.KEY_Q, ecodes.KEY_7).press([(ecodes.KEY_RIGHTALT, False)])
    assert hands.tap(ecodes.KEY_ENTER).found == ["yzöß@{".encode()]


def test_an_accent_waits_for_its_letter() -> None:
    hands = Hands(layout="fr")
    hands.tap(ecodes.KEY_LEFTBRACE, ecodes.KEY_E, ecodes.KEY_LEFTBRACE, ecodes.KEY_SPACE)
    hands.tap(ecodes.KEY_LEFTBRACE, ecodes.KEY_X, ecodes.KEY_LEFTBRACE, ecodes.KEY_ENTER)
    assert hands.found == ["ê^^x^".encode()]


def test_ctrl_and_alt_are_altgr_as_windows_has_it() -> None:
    both = (ecodes.KEY_LEFTCTRL, ecodes.KEY_LEFTALT)
    hands = Hands(layout="de").press([(code, True) for code in both]).tap(ecodes.KEY_Q)
    assert hands.press([(code, False) for code in both]).tap(ecodes.KEY_ENTER).found == [b"@"]


def test_a_code_that_ends_with_tab() -> None:
    hands = Hands(suffix="tab").scan(b"a\rb\t")
    assert hands.found == [b"a\rb"]


def test_a_code_with_another_prefix_is_none() -> None:
    hands = Hands(prefix="7e31").scan(b"~1code").scan(b"code").scan(b"~1").scan(b"~1~1")
    assert hands.found == [b"code", CodeProblem.GARBLED, CodeProblem.GARBLED, b"~1"]


def test_a_key_that_means_nothing_makes_the_code_garbled_and_not_shorter() -> None:
    hands = Hands().tap(ecodes.KEY_A, ecodes.KEY_F13, ecodes.KEY_B, ecodes.KEY_ENTER).scan(b"next")
    assert hands.found == [CodeProblem.GARBLED, b"next"]


def test_after_the_kernel_dropped_events_the_code_is_refused_to_its_end_and_not_half_read() -> None:
    hands = Hands().press(strokes(b"690123")).drop().scan(b"4567892").scan(b"next")
    assert hands.found == [CodeProblem.GARBLED, b"next"]


def test_events_dropped_between_codes_cost_the_code_that_may_have_begun() -> None:
    hands = Hands().scan(b"first").drop().scan(b"ond").wait(REMAINDER_NS).scan(b"third")
    assert hands.found == [b"first", CodeProblem.GARBLED, b"third"]


def test_a_key_that_was_pressed_while_events_were_dropped_is_in_the_next_code() -> None:
    """Asked which keys are down, the kernel throws away what it has of them: a key's going up is never told."""
    stream = ScanStream(CodeEvdevOptions("/dev/x"), lambda: ())
    dropped, down = (ecodes.EV_SYN, ecodes.SYN_DROPPED, 0), (ecodes.EV_KEY, ecodes.KEY_E, 1)
    found = stream.feed([(evdev.InputEvent(0, 0, *event), 0) for event in (dropped, down)])
    for code, is_down in strokes(b"\rtee\r"):
        found += stream.feed([(evdev.InputEvent(0, 0, ecodes.EV_KEY, code, int(is_down)), 0)])
    assert found == [CodeProblem.GARBLED, b"tee"]


def test_a_code_that_pauses_is_refused_and_its_rest_is_no_code() -> None:
    hands = Hands().press(strokes(b"690123")).wait(GAP_NS + 1).scan(b"4567892").scan(b"next")
    assert hands.found == [CodeProblem.GARBLED, b"next"]


def test_a_code_is_whole_however_late_it_is_read() -> None:
    """The kernel's times count: this program may have been held up in the middle."""
    hands = Hands()
    hands.press(strokes(b"690123"))
    hands.press(strokes(b"4567892\r"))
    assert hands.wait(10 * GAP_NS).found == [b"6901234567892"]


def test_a_shift_that_got_stuck_lets_no_code_pass_until_it_is_free() -> None:
    shift = ecodes.KEY_LEFTSHIFT
    hands = Hands().press([(shift, True)]).scan(b"abc123").scan(b"456def")
    hands.press(strokes(b"ab")).press([(shift, False)]).press(strokes(b"cd\r"))
    assert hands.found == [CodeProblem.GARBLED] * 3
    assert hands.scan(b"abc").found[3:] == [b"abc"]


def test_a_shift_that_is_down_when_the_scanner_is_opened_is_stuck() -> None:
    hands = Hands()
    hands.held = [ecodes.KEY_RIGHTSHIFT]
    stream = ScanStream(CodeEvdevOptions("/dev/x"), lambda: hands.held)
    found = [
        one
        for code, down in strokes(b"abc\r")
        for one in stream.feed([(evdev.InputEvent(0, 0, ecodes.EV_KEY, code, int(down)), hands.now_ns)])
    ]
    assert found == [CodeProblem.GARBLED]


def test_a_key_held_for_an_hour_is_one_refusal_and_the_next_code_is_read() -> None:
    hands = Hands().press([(ecodes.KEY_5, True)])
    for _ in range(30 * 3_600):
        hands.event(ecodes.EV_KEY, ecodes.KEY_5, 2)
        hands.wait(33 * MS_NS)
    assert hands.found == [CodeProblem.GARBLED]
    assert hands.press([(ecodes.KEY_5, False)]).scan(b"next").found == [CodeProblem.GARBLED, b"next"]


def test_a_scan_told_twice_counts_once_and_the_same_thing_scanned_again_counts_again() -> None:
    hands = Hands().scan(b"tea").scan(b"tea")
    assert hands.found == [b"tea"]
    assert hands.wait(300 * MS_NS).scan(b"tea").scan(b"rice").scan(b"tea").found == [b"tea", b"tea", b"rice", b"tea"]
    assert Hands(same_ms=0).scan(b"tea").scan(b"tea").found == [b"tea", b"tea"]


def test_two_scanners_at_once_keep_their_codes_apart() -> None:
    one, two = Hands(), Hands()
    ours, theirs = strokes(b"AAAA-1\r"), strokes(b"bbbb-2\r")
    for mine, other in zip(ours[: len(theirs)], theirs, strict=False):
        one.press([mine])
        two.press([other])
    one.press(ours[len(theirs) :])
    assert (one.found, two.found) == ([b"AAAA-1"], [b"bbbb-2"])


BY_HAND_NS = (HAND_MS + 10) * MS_NS


def test_keys_pressed_by_hand_at_the_scanners_own_device_are_keys() -> None:
    hands = Hands(keys=True).press(strokes(b"18.5\r"), BY_HAND_NS)
    assert hands.wait(BY_HAND_NS).found == [Key.DIGIT_1, Key.DIGIT_8, Key.POINT, Key.DIGIT_5, Key.ENTER]


def test_scans_among_keys_pressed_by_hand_are_scans() -> None:
    hands = Hands(keys=True).press(strokes(b"2"), BY_HAND_NS).scan(b"6901234567892").wait(BY_HAND_NS)
    hands.press(strokes(b"0\r"), BY_HAND_NS).wait(BY_HAND_NS).scan(CHINESE.encode()).scan(b"next")
    assert hands.found == [
        Key.DIGIT_2, b"6901234567892", Key.DIGIT_0, Key.ENTER, CHINESE.encode(), b"next",
    ]  # fmt: skip


def test_two_keys_of_a_quick_hand_are_keys() -> None:
    hands = Hands(keys=True).tap(ecodes.KEY_KP0, ecodes.KEY_KP0, ecodes.KEY_KPENTER)
    assert hands.found == [Key.DIGIT_0, Key.DIGIT_0, Key.ENTER]


def test_half_a_scan_presses_no_key() -> None:
    hands = Hands(keys=True).press(strokes(b"690123")).wait(GAP_NS + 1)
    assert hands.found == [CodeProblem.GARBLED]
    assert hands.wait(REMAINDER_NS).press(strokes(b"1"), BY_HAND_NS).wait(BY_HAND_NS).found[1:] == [Key.DIGIT_1]


EVENTS = st.tuples(
    st.sampled_from([ecodes.EV_KEY, ecodes.EV_KEY, ecodes.EV_KEY, ecodes.EV_SYN, ecodes.EV_MSC]),
    st.integers(0, 130),
    st.integers(-1, 3),
    st.sampled_from([0, MS_NS, BY_HAND_NS, GAP_NS + 1, REMAINDER_NS + 1]),
)


@given(
    st.lists(EVENTS, max_size=120), st.sampled_from(["us", "de", "fr"]), st.sampled_from(["bytes", "unicode"]),
    st.booleans(),
)  # fmt: skip
def test_no_events_upset_the_stream(
    events: Iterable[tuple[int, int, int, int]], layout: str, alt_codes: str, keys: bool
) -> None:
    hands = Hands(layout=layout, alt_codes=alt_codes, keys=keys)
    for kind, code, value, later_ns in events:
        hands.event(kind, code, value)
        hands.wait(later_ns)
    assert all(not isinstance(one, bytes) or 1 <= len(one) <= LONGEST_BYTES for one in hands.found)


@given(st.lists(st.binary(max_size=30), max_size=6), st.booleans())
def test_codes_of_any_bytes_come_as_they_are(codes: list[bytes], keys: bool) -> None:
    codes = [code.replace(b"\r", b"") for code in codes]
    codes = [code for code in codes if len(code) > 3]
    hands = Hands(same_ms=0, keys=keys)
    for code in codes:
        hands.scan(code)
    assert hands.found == codes


def test_a_scanner_that_is_not_there_is_missing() -> None:
    told = Told()
    driver = CodeEvdev("code", CodeEvdevOptions("/dev/input/by-id/none"), told.emit)
    driver.start()
    assert told.next_status(Status.MISSING).reason == "not_found"
    driver.close()
    driver.close()


def test_every_mistake_in_the_options_is_named_at_once() -> None:
    wrong = {"path": "/dev/x", "layout": "dvorak", "prefix": "xy", "same_ms": -1, "keys": "yes"}
    with pytest.raises(SettingsError) as refused:
        CodeEvdevOptions.from_table(wrong)
    assert {problem.path for problem in refused.value.problems} == {"layout", "prefix", "same_ms", "keys"}
