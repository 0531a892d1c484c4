"""The plain facts that drivers tell the till.

A driver turns bytes into these values and hands them to an `Emit`. They name what happened at the counter and
nothing of how: no port, no library, no status byte. Facts are all the till knows of a device.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from contract.making import dataclass


class Status(StrEnum):
    """How a device is doing, as far as its driver can tell."""

    READY = "ready"
    """It answers and can be used."""
    DISABLED = "disabled"
    """It is switched off in the configuration; nobody looks for it."""
    MISSING = "missing"
    """It was not there when the driver looked for it; the driver goes on looking."""
    GONE = "gone"
    """It was in use and was lost; the driver tries to get it back."""
    CONFIG_ERROR = "config_error"
    """The configuration cannot be right; only a person can mend this."""
    SELF_CHECK_FAILED = "self_check_failed"
    """It answers, but not as the device it should be."""


class CardKind(StrEnum):
    """What a card that was read is able to hold."""

    UID_ONLY = "uid"
    """An ISO/IEC 14443-3 type A card of which only the number is of use."""
    MIFARE_CLASSIC = "mifare_classic"
    """MIFARE Classic; its number was read, its sectors were not."""
    NTAG = "ntag"
    """An NFC Forum Type 2 tag, which may carry an NDEF message."""
    ISO7816 = "iso7816"
    """A card with or without contacts that has the files of ISO/IEC 7816-4."""
    DESFIRE = "desfire"
    """MIFARE DESFire EV1 or later."""
    ISO14443_4 = "iso14443_4"
    """A card that speaks ISO/IEC 7816-4 APDUs and has no application of ours; only its number is of use."""


class CardAssurance(StrEnum):
    """How much a card has shown of being what it says, from the least to the most."""

    UID = "uid"
    """It gave its number, which any other card can be made to give."""
    READ = "read"
    """What it carries was read; so can anybody, who can then copy it."""
    PASSWORD = "password"
    """It took a tag's password and answered it rightly; both pass through the air as they are."""
    AUTHENTICATED = "authenticated"
    """It proved to hold a key that never passes through the air, and so did we to it."""


class CardProblem(StrEnum):
    """Why a card in the field could not be presented."""

    UNSUPPORTED = "unsupported"
    """It is a card, but of no kind this reader understands."""
    UNREADABLE = "unreadable"
    """It stayed in the field and still could not be read."""
    REMOVED = "removed"
    """It left the field before it had been read."""


class CodeProblem(StrEnum):
    """Why a scanned code could not be used."""

    TOO_LONG = "too_long"
    """More bytes than one code may have; all of them were dropped."""
    GARBLED = "garbled"
    """It began, and its end never came."""


class Key(StrEnum):
    """The keys of the till, by what is printed on them."""

    DIGIT_0 = "0"
    DIGIT_1 = "1"
    DIGIT_2 = "2"
    DIGIT_3 = "3"
    DIGIT_4 = "4"
    DIGIT_5 = "5"
    DIGIT_6 = "6"
    DIGIT_7 = "7"
    DIGIT_8 = "8"
    DIGIT_9 = "9"
    DOUBLE_ZERO = "00"
    POINT = "."
    CLEAR = "clear"
    CANCEL = "cancel"
    ENTER = "enter"
    MEMBER = "member"
    CASH = "cash"
    STORED = "stored"
    TOP_UP = "topup"
    SLIP = "slip"
    POINTS = "points"
    REDEEM = "redeem"
    REPRINT = "reprint"
    LANG = "lang"
    SIGNOUT = "signout"
    REFUND = "refund"
    REPORT = "report"
    TRAINING = "training"
    MENU = "menu"


class Finger(StrEnum):
    """What a finger does to a touch panel."""

    DOWN = "down"
    UP = "up"
    LOST = "lost"
    """It was down, and nobody knows what became of it: nothing may come of that touch."""


class PanelSignal(StrEnum):
    """What the contacts in a terminal's case can tell."""

    POWER_FAIL = "power_fail"
    """The supply is going; what is in hand can be finished, and no more begun."""
    TAMPER = "tamper"
    """The case is open."""
    DRAWER_OPEN = "drawer_open"
    """The cash drawer stands open."""


class PrintProblem(StrEnum):
    """Why a paper did not come out, or may not have."""

    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    NO_ANSWER = "no_answer"
    """The printer took bytes, or refused to, and told nothing of its state in time."""
    GONE = "gone"
    """The connection to the printer was lost."""
    DRIVER_FAULT = "driver_fault"
    """The driver itself failed at this paper."""


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """A device's state has changed.

    `device` is its name in the configuration ("card", "code", "keypad", "touch", "printer", "glass"). `reason` and
    `next_step` are stable codes in lower snake case; the screen has the words for them, in Chinese and in English. Both
    are there unless the device is ready; then both are empty, or say what should be seen to all the same.
    """

    device: str
    status: Status
    reason: str
    next_step: str


@dataclass(frozen=True, slots=True)
class CardPresented:
    """A card was put on the reader and read.

    `uid` is the card's own number: 4, 7 or 10 bytes of ISO/IEC 14443-3, as it gave it during anticollision or, where
    it makes that up anew each time, under its key; never a made-up one, and empty where the card has none (a card with
    contacts). `seen_monotonic_ns` is CLOCK_MONOTONIC, in nanoseconds, when the last byte of the card's answer was known
    to the driver. `content` is the NDEF message of a tag, or the bytes of the file that the configuration names, as
    they stood on the card. `assurance` is the level that was reached, and `counter` how often an NTAG counts to have
    been read (24 bits).
    """

    device: str
    kind: CardKind
    uid: bytes
    seen_monotonic_ns: int
    content: bytes | None = None
    assurance: CardAssurance = CardAssurance.UID
    counter: int | None = None


@dataclass(frozen=True, slots=True)
class CardRefused:
    """A card was put on the reader and could not be presented."""

    device: str
    reason: CardProblem


@dataclass(frozen=True, slots=True)
class CodeScanned:
    """A code was scanned: 1 to 4096 bytes, without the scanner's framing and not yet interpreted."""

    device: str
    data: bytes


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """A code was scanned and could not be used."""

    device: str
    reason: CodeProblem


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key went down."""

    device: str
    key: Key


@dataclass(frozen=True, slots=True)
class Touched:
    """A finger came down on the picture, or left it; every UP and every LOST follows a DOWN.

    Where, in ten-thousandths of the picture's width and height from its top left, 0 to 9999. `at_monotonic_ns` is
    CLOCK_MONOTONIC, in nanoseconds, when the finger did it.
    """

    device: str
    finger: Finger
    x_permyriad: int
    y_permyriad: int
    at_monotonic_ns: int


@dataclass(frozen=True, slots=True)
class PanelChanged:
    """A contact of the panel changed, or was found active when the panel was opened."""

    device: str
    signal: PanelSignal
    active: bool


@dataclass(frozen=True, slots=True)
class PrintFinished:
    """A paper is done with. `job` is its name.

    `confirmed`: the printer's state was asked after the last byte, and is good. A printer that answers nothing has
    been sent the whole paper, and more will never be known of it.
    """

    device: str
    job: str
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class PrintFailed:
    """A paper is not known to be out. `maybe_printed`: some or all of it may lie in the tray all the same."""

    device: str
    job: str
    problem: PrintProblem
    maybe_printed: bool


Fact = (
    DeviceStatus
    | CardPresented
    | CardRefused
    | CodeScanned
    | CodeRefused
    | KeyPressed
    | Touched
    | PanelChanged
    | PrintFinished
    | PrintFailed
)
"""Anything a driver may tell."""

Emit = Callable[[Fact], bool]
"""Takes a fact to the till. Never blocks; False says that the mailbox was full and the fact was dropped."""
