"""A blob on its way in chunks: what is still missing, what was asked for when, and what a chunk must look like."""

from contract.documents import CHUNK_BYTES
from contract.messages import Announcement, Chunk

OUTSTANDING_CHUNKS = 4


class Blob:
    """The chunks of one announced blob as they come in, in any order, any number of times."""

    def __init__(self, announcement: Announcement) -> None:
        self.announcement = announcement
        self.rounds = 0
        """How often chunks had to be asked for again since the last new one."""
        self._chunks: dict[int, bytes] = {}
        self._asked_ms: dict[int, int] = {}
        self._next = 0

    @property
    def have(self) -> int:
        """How many chunks have come."""
        return len(self._chunks)

    @property
    def whole(self) -> bool:
        """Whether all have."""
        return self.have == self.announcement.chunks

    def data(self) -> bytes:
        """The blob; only where it is whole."""
        return b"".join(self._chunks[index] for index in range(self.announcement.chunks))

    def fits(self, chunk: Chunk) -> bool:
        """Tell whether a chunk has the place, count and size that the announcement gives it."""
        last = self.announcement.chunks - 1
        size = self.announcement.size - last * CHUNK_BYTES if chunk.index == last else CHUNK_BYTES
        return chunk.count == last + 1 and chunk.index <= last and len(chunk.data) == size

    def take(self, chunk: Chunk) -> bool:
        """Keep a chunk that fits; False where it was here already."""
        if chunk.index in self._chunks:
            return False
        self._chunks[chunk.index] = chunk.data
        self._asked_ms.pop(chunk.index, None)
        self.rounds = 0
        return True

    def forget_asked(self) -> None:
        """The connection is another: nothing asked for on the old one will come."""
        self._asked_ms.clear()
        self._next = 0

    def ask(self, now_ms: int, patience_ms: int) -> list[int]:
        """Return which chunks to ask for now: again what has not come for ``patience_ms``, then new ones."""
        late = [index for index, asked_ms in self._asked_ms.items() if now_ms - asked_ms >= patience_ms]
        self.rounds += bool(late)
        wanted = late
        while len(self._asked_ms) + len(wanted) - len(late) < OUTSTANDING_CHUNKS:
            fresh = self._next_missing()
            if fresh is None:
                break
            wanted = [*wanted, fresh]
        self._asked_ms.update(dict.fromkeys(wanted, now_ms))
        return wanted

    def _next_missing(self) -> int | None:
        while self._next < self.announcement.chunks:
            self._next += 1
            if self._next - 1 not in self._chunks and self._next - 1 not in self._asked_ms:
                return self._next - 1
        return None
