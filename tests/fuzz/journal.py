"""A journal with nothing in it, as the conversation reads one."""

from __future__ import annotations

from agent.offline_store.chain import ChainPoint
from contract.messages import EarlierEpoch, HeldDocument, LeasesHeld, leases_digest


class StillJournal:
    """Chained from ``identity``, empty, and staying so."""

    def __init__(self, identity: bytes) -> None:
        self._start = ChainPoint(0, identity)

    def head(self) -> ChainPoint:
        """The identity's place."""
        return self._start

    def acked(self) -> ChainPoint:
        """Nothing is acknowledged."""
        return self._start

    def digest_at(self, seq: int) -> bytes | None:
        """The identity's hash; there are no entries."""
        return self._start.digest if seq == 0 else None

    def entries_after(self, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """None."""
        return []

    def entries_of(self, epoch: int, seq: int, most: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """None."""
        return []

    def signed_time_ms(self) -> int:
        """Head office has not spoken."""
        return 0

    def held(self) -> tuple[HeldDocument, ...]:
        """None."""
        return ()

    def floor(self, kind: str) -> int:
        """No version of any kind was ever active."""
        return 0

    def leases_held(self) -> LeasesHeld:
        """None."""
        return LeasesHeld(0, leases_digest(()))

    def earlier(self) -> tuple[EarlierEpoch, ...]:
        """None."""
        return ()
