"""What must follow a step. The till carries effects out in the order given."""

from __future__ import annotations

from enum import StrEnum

from agent.paper import Paper
from contract.bodies import Body, EntryKind
from contract.making import dataclass


class SoundName(StrEnum):
    """What the counter hears: a sale is durable, something was refused, or something was understood."""

    SUCCESS = "success"
    REFUSED = "refused"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Commit:
    """Append this entry to the journal, then tell ``Committed`` or ``CommitFailed``; one is outstanding at a time.

    The transaction id makes it repeatable: a store that already holds it answers with the entry it has.
    """

    kind: EntryKind
    transaction: bytes
    body: Body
    owes_receipt: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """Give a sound."""

    name: SoundName


@dataclass(frozen=True, slots=True)
class Print:
    """Print the receipt of the entry ``seq`` of an epoch, which is durable."""

    seq: int
    paper: Paper
    epoch: int


@dataclass(frozen=True, slots=True)
class PrintReport:
    """Print a paper that belongs to no entry. Nobody waits for it: who misses it asks for it again."""

    paper: Paper


@dataclass(frozen=True, slots=True)
class OpenDrawer:
    """Money changes hands: let the drawer spring open."""


@dataclass(frozen=True, slots=True)
class WaiveReceipt:
    """The cashier wants no paper of entry ``seq`` of an epoch any more: it is owed no longer."""

    seq: int
    epoch: int


class PinOwner(StrEnum):
    """Whose PIN was keyed."""

    CASHIER = "cashier"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class RecordPinTry:
    """Count a PIN try of a cashier or a member durably, then tell ``PinTryCounted`` or ``PinTryLost``: nobody learns
    before that whether the PIN was right. ``now_ms`` is Unix milliseconds.
    """

    who: str
    ok: bool
    now_ms: int
    of: PinOwner = PinOwner.CASHIER


@dataclass(frozen=True, slots=True)
class Report:
    """Let head office know, as a technical event of this stable ``code``."""

    code: str
    detail: str


Effect = Commit | Sound | Print | PrintReport | OpenDrawer | WaiveReceipt | RecordPinTry | Report
