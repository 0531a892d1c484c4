"""Where a code begins and ends: one builder for all scanners, and the marks that a serial one sends around a code.

No port and no clock: the time comes with the bytes, in nanoseconds that only have to go on.
"""

from __future__ import annotations

from agent.drivers.facts import CodeProblem
from contract import settings
from contract.making import dataclass

LONGEST_BYTES = 4096
"""More than any QR code holds (ISO/IEC 18004: 2,953 bytes)."""

MILLISECOND_NS = 1_000_000
GAP_MS = 500
"""Silence inside a code after which its end is not waited for any more, where nobody says otherwise."""

REMAINDER_NS = 2_000_000_000
"""Silence after which bytes are no longer taken for the rest of a code that was refused."""

SUFFIXES = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "tab": b"\t"}
"""What a serial scanner may send after a code, by its name in the configuration."""

Found = bytes | CodeProblem
"""A whole code, or why there is none."""


@dataclass(frozen=True, slots=True)
class CodeRules:
    """What makes up a code: the `prefix` that every code must begin with and that is taken off, how long a code may
    pause (`gap_ms`), and for how long after a code the same one is the same scan told twice (`same_ms`).
    """

    prefix: bytes = b""
    gap_ms: int = GAP_MS
    same_ms: int = 0


def rule_fields(same_ms: int = 0) -> dict[str, settings.Setting]:
    """The options behind CodeRules, for the table of a scanner's driver; `prefix` is written in hexadecimal. What
    `same_ms` is where nobody says so depends on the driver.
    """
    words = ("1 to 8 bytes in hexadecimal", "十六进制的 1 至 8 个字节")
    return {
        "prefix": settings.text(None, pattern="([0-9a-fA-F]{2}){1,8}", words=words),
        "gap_ms": settings.whole(50, 5_000, default=GAP_MS),
        "same_ms": settings.whole(0, 5_000, default=same_ms),
    }


class CodeBuilder:
    """Puts a code together piece by piece.

    What is left of a code that was refused never passes for a code of its own: it is thrown away up to its end, or
    until there was silence for `REMAINDER_NS`. At most `LONGEST_BYTES` and the prefix are ever held.
    """

    def __init__(self, rules: CodeRules) -> None:
        self._rules = rules
        self._longest = LONGEST_BYTES + len(rules.prefix)
        self._code = bytearray()
        self._refused = False
        self._heard_ns = 0
        self._last: tuple[bytes, int] | None = None

    @property
    def begun(self) -> bool:
        """Whether a code is on its way."""
        return bool(self._code) or self._refused

    def reset(self) -> None:
        """Forget what is half done: the device is a new one, or was away."""
        self._code.clear()
        self._refused = False

    def wait(self, now_ns: int, pending: bool = False) -> list[Found]:
        """Let time pass; `pending` says that the caller holds a part of this code back."""
        silence_ns = now_ns - self._heard_ns
        if self._refused:
            self._refused = silence_ns <= REMAINDER_NS
        elif (self._code or pending) and silence_ns > self._rules.gap_ms * MILLISECOND_NS:
            return [self._refuse(CodeProblem.GARBLED)]
        return []

    def patience_ns(self, now_ns: int, pending: bool = False) -> int | None:
        """In how many nanoseconds `wait` will refuse what is on its way; None where nothing waits for its rest."""
        if self._refused or not (self._code or pending):
            return None
        return max(0, self._heard_ns + self._rules.gap_ms * MILLISECOND_NS + 1 - now_ns)

    def heard(self, now_ns: int) -> None:
        """Something came at this moment."""
        self._heard_ns = now_ns

    def add(self, piece: bytes) -> list[Found]:
        """More of the code, without its end."""
        if self._refused:
            return []
        self._code += piece
        return [self._refuse(CodeProblem.TOO_LONG)] if len(self._code) > self._longest else []

    def spoil(self) -> list[Found]:
        """What comes up to the next end is damaged; told once."""
        return [] if self._refused else [self._refuse(CodeProblem.GARBLED)]

    def end(self, now_ns: int) -> list[Found]:
        """The end of a code. None where nothing stood before it, or the same code just before."""
        code, refused = bytes(self._code), self._refused
        self.reset()
        if refused or not code:
            return []
        if not code.startswith(self._rules.prefix) or code == self._rules.prefix:
            return [CodeProblem.GARBLED]
        last, self._last = self._last, (code, now_ns)
        same_ns = self._rules.same_ms * MILLISECOND_NS
        if last is not None and last[0] == code and now_ns - last[1] < same_ns:
            return []
        return [code.removeprefix(self._rules.prefix)]

    def _refuse(self, problem: CodeProblem) -> CodeProblem:
        self._code.clear()
        self._refused = True
        return problem


class CodeFraming:
    """Finds codes in the bytes of a serial line.

    A code ends with `suffix`, one of SUFFIXES. After "cr" one LF is dropped.
    """

    def __init__(self, rules: CodeRules | None = None, suffix: str = "cr") -> None:
        self._builder = CodeBuilder(rules or CodeRules())
        self._suffix = SUFFIXES[suffix]
        self._drops_lf = suffix == "cr"
        self._after_end = False
        self._held = b""

    def reset(self) -> None:
        """Forget everything: the line is a new one."""
        self._builder.reset()
        self._after_end = False
        self._held = b""

    def feed(self, data: bytes, now_ns: int) -> list[Found]:
        """Take bytes, or none to let time pass, and return what became complete or was refused."""
        found = self._builder.wait(now_ns, bool(self._held))
        if found:
            self._held = b""
        if not data:
            return found
        self._builder.heard(now_ns)
        *ended, rest = (self._held + data).split(self._suffix)
        # The first half of a suffix of two may be the last that came.
        half = self._suffix[:-1]
        self._held = half if half and rest.endswith(half) else b""
        for piece in ended:
            found += self._more(piece) + self._builder.end(now_ns)
            self._after_end = True
        return found + self._more(rest.removesuffix(self._held))

    def patience_ns(self, now_ns: int) -> int | None:
        """For how many nanoseconds it may be quiet before `feed` is to be told; None where nothing waits."""
        return self._builder.patience_ns(now_ns, bool(self._held))

    def _more(self, piece: bytes) -> list[Found]:
        if self._after_end and piece:
            self._after_end = False
            piece = piece.removeprefix(b"\n") if self._drops_lf else piece
        return self._builder.add(piece)
