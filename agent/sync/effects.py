"""What goes into the conversation beside the link's facts, and what comes out of it for the till to carry out."""

from dataclasses import dataclass

from agent.sync.facts import LinkFact
from contract.documents import OpenedDocument
from contract.messages import Announcement


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; sent every quarter of a second or so."""


@dataclass(frozen=True, slots=True)
class JournalGrew:
    """An entry was committed."""


@dataclass(frozen=True, slots=True)
class DocumentActivated:
    """The till made the document with this blob name the active one."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class DocumentRejected:
    """The till will not activate this document: its content is not what it must be. It is not fetched again."""

    digest: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A verified welcome named these as the newest documents for this terminal."""

    documents: tuple[Announcement, ...]


Event = LinkFact | Tick | JournalGrew | DocumentActivated | DocumentRejected | Listed


@dataclass(frozen=True, slots=True)
class Publish:
    """Send this. Whether it arrives is not known until head office answers; a message lost is said again."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """Head office spoke, and signed its time: the clock's new floor."""

    hq_time_ms: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Head office has everything up to ``upto_seq``, whose hash is ``head_hash``: for the store's cursor."""

    upto_seq: int
    head_hash: bytes
    hq_time_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Head office would not take an entry as it arrived. It is sent again; said once for each entry and reason."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """A message was not believed and changed nothing. ``reason`` is a contract.errors.Reason or one of this room."""

    topic: str
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentArrived:
    """A whole document, signed by head office, for this terminal, newer than the active one, still to be accepted."""

    opened: OpenedDocument


@dataclass(frozen=True, slots=True)
class DocumentRefused:
    """A document was not believed. ``kind`` and ``version`` are what it was announced as."""

    kind: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The journal could not be read for the conversation; it goes on when it can. ``cause`` is the store's."""

    cause: str
    detail: str


Effect = (
    Publish | Heard | Listed | Acknowledged | Refused | MessageRefused | DocumentArrived | DocumentRefused | StoreFailed
)
