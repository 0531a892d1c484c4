"""Everything that can happen to a transaction. The till makes these from what drivers, store and sync tell it."""

from __future__ import annotations

from agent.txn.effects import PinOwner
from contract.journal import Entry
from contract.making import dataclass


@dataclass(frozen=True, slots=True)
class Started:
    """The terminal has started and its store is open: receipts that are still owed come up now."""


@dataclass(frozen=True, slots=True)
class KeyDown:
    """A key went down: ``0``-``9``, ``00``, ``.``, ``clear``, ``cancel``, ``enter``, ``member``, ``cash``, ``stored``,
    ``topup``, ``slip``, ``points``, ``redeem``, ``reprint``, ``lang`` or ``signout``. Any other
    text is a key this till does not have.
    """

    key: str


@dataclass(frozen=True, slots=True)
class CardRead:
    """A card was read: its kind, its number, and what it carries where it carries something. ``authenticated``: it
    proved to hold its key, so that it is no copy.
    """

    kind: str
    uid: bytes
    content: bytes | None = None
    authenticated: bool = False


@dataclass(frozen=True, slots=True)
class CardFailed:
    """A card could not be read: ``unsupported``, ``unreadable`` or ``removed``."""

    problem: str


@dataclass(frozen=True, slots=True)
class CodeRead:
    """A code was scanned: the bytes without the scanner's framing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CodeFailed:
    """A scan could not be used: ``too_long`` or ``garbled``."""

    problem: str


@dataclass(frozen=True, slots=True)
class Committed:
    """The entry asked for by the outstanding Commit is durable. ``entry`` is what the journal holds of it."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class CommitFailed:
    """The store could not take the outstanding Commit. ``cause`` is the store's stable word for why."""

    cause: str


@dataclass(frozen=True, slots=True)
class PinTryCounted:
    """The PIN try asked to be recorded is durable; ``ok`` is what it was."""

    who: str
    ok: bool
    of: PinOwner = PinOwner.CASHIER


@dataclass(frozen=True, slots=True)
class PinTryLost:
    """The store could not count the PIN try. ``cause`` is the store's stable word for why."""

    cause: str


@dataclass(frozen=True, slots=True)
class ReceiptPrinted:
    """The printer itself said that the receipt of entry ``seq`` of an epoch is out."""

    seq: int
    epoch: int


@dataclass(frozen=True, slots=True)
class ReceiptWaiting:
    """The printer gave the receipt of entry ``seq`` of an epoch up (``problem``: ``paper_out``, ``cover_open``,
    ``no_answer``, ``gone``, ``no_printer``); some of it may be out. It stays owed until it is printed again or waived.
    """

    seq: int
    problem: str
    epoch: int


@dataclass(frozen=True, slots=True)
class PackChanged:
    """Another version of the rule pack became the active one."""

    version: int


@dataclass(frozen=True, slots=True)
class CashiersChanged:
    """Who may sign in has changed, and no basket is open: whoever is signed in may have to go."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; once or twice a second is plenty."""


Input = KeyDown | CardRead | CardFailed | CodeRead | CodeFailed
"""What a person at the counter did."""

PinTryAnswer = PinTryCounted | PinTryLost
"""What became of a PIN try."""

News = PackChanged | CashiersChanged | Tick
"""What happened without anybody at the counter."""

Event = Input | Started | Committed | CommitFailed | PinTryAnswer | ReceiptPrinted | ReceiptWaiting | News
