"""A scanner that is a keyboard (USB HID), held for the till alone: the keys it presses are the bytes of a code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from agent.drivers.code_framing import GAP_MS, MILLISECOND_NS, CodeBuilder, CodeRules, Found, rule_fields
from agent.drivers.facts import CodeProblem, CodeRefused, CodeScanned, Emit, Key, KeyPressed
from agent.drivers.hid_decoder import ENDS, MODIFIERS, AltCodes, Charset, HidDecoder, Sign
from agent.drivers.hid_layouts import LAYOUTS
from agent.drivers.input_keys import KEYS
from agent.drivers.input_stream import Dropped, InputReader, Source, Stroke, Strokes, Timed, has_keys
from agent.drivers.report import Report
from contract import settings
from contract.making import dataclass

SAME_MS = 300
"""Scanners with a radio between them and their foot send a code again when they were not told that it came; nobody
scans the same thing twice so soon.
"""

HAND_MS = 50
"""Keys that follow each other more slowly were pressed by hand."""

LEAST_KEYS = 4
"""So many keys in one go, the end among them, are a scan. Fewer a quick hand can press."""

BEGUN_TICK_S = 0.1
"""How often it is looked whether the rest of a code still comes."""

_ALL_MADE_OF = frozenset(range(2, 12))
"""Keys 1 to 0: a device without any of them is no scanner."""


@dataclass(frozen=True, slots=True)
class CodeEvdevOptions:
    """Where the scanner is (`path`, best one under /dev/input/by-id) and how it is set up: `layout`, `suffix` (the key
    that ends a code), `charset` of the characters it sends and `alt_codes` (what numbers typed with Alt are). `prefix`
    (in hexadecimal), `gap_ms` and `same_ms` are those of CodeRules. With `keys`, keys pressed by hand at the same
    device are keys of the till: those more than `hand_ms` apart.
    """

    path: str
    layout: str = "us"
    suffix: str = "enter"
    charset: Charset = "utf-8"
    alt_codes: AltCodes = "bytes"
    keys: bool = False
    hand_ms: int = HAND_MS
    prefix: str | None = None
    gap_ms: int = GAP_MS
    same_ms: int = SAME_MS

    @property
    def rules(self) -> CodeRules:
        """What makes up a code."""
        return CodeRules(bytes.fromhex(self.prefix or ""), self.gap_ms, self.same_ms)

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> CodeEvdevOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        fields = {
            "path": settings.text(),
            "layout": settings.choice(LAYOUTS, default="us"),
            "suffix": settings.choice(ENDS, default="enter"),
            "charset": settings.choice(("utf-8", "gb18030"), default="utf-8"),
            "alt_codes": settings.choice(("bytes", "unicode"), default="bytes"),
            "keys": settings.flag(False),
            "hand_ms": settings.whole(10, 200, default=HAND_MS),
        }
        return cls(**settings.read(table, settings.Table(fields | rule_fields(SAME_MS))))


class ScanStream:
    """Turns input events into codes, and into keys where the device has some: no device, only events in.

    `held` asks which keys are down; those that are when the stream begins are down all along. After SYN_DROPPED the
    code that was on its way is refused, and whatever comes up to the next end with it: never half a code.
    """

    def __init__(self, options: CodeEvdevOptions, held: Callable[[], Iterable[int]]) -> None:
        self._strokes = Strokes(held)
        self._strokes.down |= set(held())
        self._decoder = HidDecoder(
            options.layout, options.suffix, options.charset, options.alt_codes, self._strokes.down
        )
        self._builder = CodeBuilder(options.rules)
        self._keys = options.keys
        self._hand_ns = options.hand_ms * MILLISECOND_NS
        self._ends = ENDS[options.suffix]
        self._undecided: list[tuple[Stroke, frozenset[int]]] = []
        self._scanning = not options.keys
        self._pressed_ns = 0

    @property
    def patience_s(self) -> float | None:
        """How long at the most it may be quiet before `quiet` is to be told; None where nothing waits."""
        if self._undecided:
            return self._hand_ns / 1_000_000_000
        return BEGUN_TICK_S if self._builder.begun or self._decoder.pending else None

    def feed(self, read: Iterable[Timed]) -> list[Found | Key]:
        """Take what was read together. May raise what `held` raises."""
        found: list[Found | Key] = []
        for stroke, at_ns in self._strokes.feed(read):
            if isinstance(stroke, Dropped):
                found += self._dropped(at_ns)
                continue
            if stroke.down:
                found += self.quiet(at_ns)
                self._pressed_ns = at_ns
            if self._scanning:
                found += self._scanned(stroke, frozenset(self._strokes.down), at_ns)
            else:
                found += self._decide(stroke, at_ns)
        return found

    def quiet(self, now_ns: int) -> list[Found | Key]:
        """Let time pass: what waits for more has waited long enough when the device was silent up to now."""
        found: list[Found | Key] = [*self._builder.wait(now_ns, self._decoder.pending)]
        if found:
            self._decoder.reset()
        if not self._keys:
            return found
        if self._scanning and not self._builder.begun and not self._decoder.pending:
            self._scanning = False
        if self._undecided and now_ns - self._pressed_ns > self._hand_ns:
            found += self._by_hand()
        return found

    def _dropped(self, at_ns: int) -> list[Found | Key]:
        self._decoder.reset()
        self._undecided.clear()
        self._scanning = True
        self._builder.heard(at_ns)
        return [*self._builder.spoil()]

    def _decide(self, stroke: Stroke, at_ns: int) -> list[Found | Key]:
        """One stroke of a hand or of a scan, which the strokes after it will tell."""
        if not self._undecided and not stroke.down:
            return []
        self._undecided.append((stroke, frozenset(self._strokes.down)))
        pressed = sum(one.down and one.code not in MODIFIERS for one, _down in self._undecided)
        if pressed < LEAST_KEYS:
            ended = stroke.down and stroke.code in self._ends
            too_many = len(self._undecided) > 8 * LEAST_KEYS
            return self._by_hand() if ended or too_many else []
        undecided, self._undecided = self._undecided, []
        self._scanning = True
        found: list[Found | Key] = []
        for one, down in undecided:
            found += self._scanned(one, down, at_ns)
        return found

    def _by_hand(self) -> list[Found | Key]:
        undecided, self._undecided = self._undecided, []
        return [KEYS[one.code] for one, _down in undecided if one.down and one.code in KEYS]

    def _scanned(self, stroke: Stroke, down: frozenset[int], at_ns: int) -> list[Found | Key]:
        found: list[Found | Key] = []
        if stroke.down:
            self._builder.heard(at_ns)
        for typed in self._decoder.feed(stroke, down):
            if typed is Sign.END:
                found += self._builder.end(at_ns)
                self._scanning = not self._keys
            else:
                found += self._builder.spoil() if isinstance(typed, Sign) else self._builder.add(typed)
        return found


class CodeEvdev:
    """Emits CodeScanned for each code, CodeRefused for one too long, damaged or without an end; with the option `keys`
    KeyPressed for keys pressed by hand.
    """

    def __init__(self, name: str, options: CodeEvdevOptions, emit: Emit) -> None:
        self._name = name
        self._options = options
        self._emit = emit
        self._stream = ScanStream(options, lambda: ())
        self._reader = InputReader("scanner", options.path, Report(name, emit), self)

    def start(self) -> None:
        """Begin reading; the scanner may come later."""
        self._reader.start()

    def close(self) -> None:
        """End within a second; may be called again."""
        self._reader.close()

    def suits(self, source: Source) -> bool:
        """Whether it has any of the keys that are wanted."""
        return has_keys(source, _ALL_MADE_OF)

    def opened(self, source: Source) -> None:
        """Half a code from before it was pulled is none."""
        self._stream = ScanStream(self._options, source.active_keys)

    def lost(self) -> None:
        """What was half pressed begins anew with the device."""

    def take(self, read: Iterable[Timed]) -> None:
        """Events of the scanner."""
        self._tell(self._stream.feed(read))

    def quiet(self, now_ns: int) -> float | None:
        """Nothing came for a while."""
        self._tell(self._stream.quiet(now_ns))
        return self._stream.patience_s

    def _tell(self, found: Iterable[Found | Key]) -> None:
        for one in found:
            if isinstance(one, Key):
                self._emit(KeyPressed(self._name, one))
            elif isinstance(one, CodeProblem):
                self._emit(CodeRefused(self._name, one))
            else:
                self._emit(CodeScanned(self._name, one))
