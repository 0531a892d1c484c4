"""Who talks to whom and how fast: what uplink and downlink have in common."""

from typing import Protocol

from agent.offline_store.chain import ChainPoint
from contract.envelope import Keyring
from contract.ids import TerminalAddress
from contract.making import dataclass
from contract.messages import EarlierEpoch, HeldDocument, LeasesHeld


@dataclass(frozen=True, slots=True)
class Parties:
    """This terminal and epoch, and the keys of head office that it believes."""

    address: TerminalAddress
    epoch: int
    believed: Keyring


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait for what, in milliseconds of the monotonic clock."""

    heartbeat_ms: int = 20_000
    greeting_ms: int = 1_000
    """The first hello of a connection is said again after this long, then after twice as long, up to the heartbeat:
    head office may connect after the terminal. So is a hello that only asks for a listing of documents.
    """
    reply_ms: int = 5_000
    """A batch not answered for this long is said again."""
    silence_ms: int = 65_000
    """Head office has signed nothing for this long over an open connection: another connection is made."""
    first_pause_ms: int = 500
    """After a refusal; doubles while head office refuses, up to ``longest_pause_ms``."""
    longest_pause_ms: int = 30_000
    chunk_ms: int = 2_000
    """A chunk that has not come for this long is asked for again."""
    chunk_rounds: int = 5
    """After so many rounds without one new chunk, another document is tried first."""
    set_aside_ms: int = 15_000
    again_ms: int = 60_000
    """A range that was sent again whole and is still asked for is begun anew after this long, then twice as long, up to
    ``longest_again_ms``.
    """
    longest_again_ms: int = 3_600_000


class Sender(Protocol):
    """Whatever carries messages to the broker."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Take a message without blocking; False where there is no connection or no room."""
        ...

    def reconnect(self) -> None:
        """Give the connection up and make another, without blocking."""
        ...


class JournalView(Protocol):
    """What the conversation reads of the store: of its open epoch, where nothing else is said. Whatever raises
    StoreError here is reported and tried again.
    """

    def head(self) -> ChainPoint:
        """Return the newest entry's place."""
        ...

    def acked(self) -> ChainPoint:
        """Return how far head office has acknowledged."""
        ...

    def digest_at(self, seq: int) -> bytes | None:
        """Return the hash of an entry (of the identity for 0), None where there is none."""
        ...

    def entries_after(self, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Return consecutive entries from ``seq + 1`` on, within both limits, up to one that is damaged. Raises
        StoreError(CORRUPT) where that is the very first.
        """
        ...

    def entries_of(self, epoch: int, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Return the same of any epoch, as far as it is kept and can be read; nothing where it is not."""
        ...

    def earlier(self) -> tuple[EarlierEpoch, ...]:
        """Return the chains of this terminal that have ended and are kept."""
        ...

    def signed_time_ms(self) -> int:
        """Return the latest time head office has signed and this store has seen; 0 for none."""
        ...

    def held(self) -> tuple[HeldDocument, ...]:
        """Return the active documents."""
        ...

    def floor(self, kind: str) -> int:
        """Return the highest version of a kind of document that was ever active here; 0 for none."""
        ...

    def leases_held(self) -> LeasesHeld:
        """Return what is left of the leases held."""
        ...
