"""Who talks to whom and how fast: what uplink and downlink have in common."""

from dataclasses import dataclass
from typing import Protocol

from agent.offline_store.journal import ChainPoint
from contract.envelope import Keyring
from contract.ids import TerminalAddress
from contract.messages import HeldDocument, LeasesHeld


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
    reply_ms: int = 5_000
    """A hello or a batch not answered for this long is said again."""
    first_pause_ms: int = 500
    """After a refusal; doubles while head office refuses, up to ``longest_pause_ms``."""
    longest_pause_ms: int = 30_000
    chunk_ms: int = 2_000
    """A chunk that has not come for this long is asked for again."""
    chunk_rounds: int = 5
    """After so many rounds without one new chunk, another document is tried first."""
    set_aside_ms: int = 15_000


class JournalView(Protocol):
    """What the conversation reads of the store. Whatever raises StoreError here is reported and tried again."""

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
        """Return consecutive entries from ``seq + 1`` on, within both limits."""
        ...

    def held(self) -> tuple[HeldDocument, ...]:
        """Return the active documents."""
        ...

    def leases_held(self) -> LeasesHeld:
        """Return what is left of the leases held."""
        ...
