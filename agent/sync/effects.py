"""What goes into the conversation beside the link's facts, and what comes out of it for the till to carry out."""

from agent.sync.facts import LinkFact
from contract.bodies import EpochReason
from contract.documents import OpenedDocument
from contract.making import dataclass
from contract.messages import Announcement, Range


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
class Quarantined:
    """Head office has an entry for good and cannot read it: people there look into it. Said once for each entry and
    reason.
    """

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """This chain cannot go on: what head office has not acknowledged belongs into ``epoch``, the next one. Said again
    at every welcome until it is done.
    """

    epoch: int
    reason: EpochReason
    detail: str


@dataclass(frozen=True, slots=True)
class NotHeld:
    """Head office asked again for entries, and the first of these cannot be read here any more, or has no place in the
    chain that head office has: behind it head office takes none of that epoch.
    """

    missing: Range


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Head office's welcome is overdue although there is a connection: make another."""


@dataclass(frozen=True, slots=True)
class ListingWanted:
    """What head office has for us next is not known here: a welcome would list it. ``progress`` where a document became
    active since it was last asked for.
    """

    progress: bool


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
    """The journal could not be read for the conversation; it goes on when it can. ``cause`` is the store's;
    ``in_the_file`` where what is damaged is more of the file than one entry.
    """

    cause: str
    detail: str
    in_the_file: bool = False


Effect = (
    Publish | Heard | Listed | ListingWanted | Acknowledged | Refused | Quarantined | NewEpoch | NotHeld | Reconnect
    | MessageRefused | DocumentArrived | DocumentRefused | StoreFailed
)  # fmt: skip
