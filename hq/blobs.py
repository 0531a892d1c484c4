"""The signed bytes that tills fetch, chunk by chunk."""

from sqlalchemy import Connection, select

from contract.documents import CHUNK_BYTES, DocumentKind
from contract.ids import TerminalAddress
from contract.messages import Chunk, Want
from hq.documents import published_for, sealed_bytes
from hq.tables import documents, lease_documents

KEPT_BLOB_BYTES = 80 * 1_024 * 1_024
"""So much of what tills fetch is kept in memory: the largest document there is, and small ones beside it."""


class BlobShelf:
    """The signed bytes of the documents asked for last, so that a till that fetches one in a thousand chunks does not
    have the database read all of it a thousand times. Belongs to one thread.
    """

    def __init__(self, most_bytes: int = KEPT_BLOB_BYTES) -> None:
        self._most_bytes = most_bytes
        self._blobs: dict[bytes, bytes] = {}

    def chunk(self, connection: Connection, address: TerminalAddress, want: Want) -> Chunk | None:
        """The chunk a till asks for; None where no published document for it has such a chunk."""
        # What a till may have is asked each time: another shop's document may lie on the shelf.
        kind = connection.scalar(
            select(documents.c.kind).where(documents.c.digest == want.digest, published_for(address.shop))
        )
        if kind is None:
            return _leases_chunk(connection, address, want)
        blob = self._find(connection, DocumentKind(kind), want.digest)
        data = blob[want.index * CHUNK_BYTES : (want.index + 1) * CHUNK_BYTES]
        return Chunk(want.digest, want.index, -(-len(blob) // CHUNK_BYTES), data) if data else None

    def _find(self, connection: Connection, kind: DocumentKind, digest: bytes) -> bytes:
        blob = self._blobs.pop(digest, None) or sealed_bytes(connection, kind, digest) or b""
        # Used last, stands last; the one that was not used for longest goes first.
        self._blobs[digest] = blob
        while sum(map(len, self._blobs.values())) > self._most_bytes:
            del self._blobs[next(iter(self._blobs))]
        return blob


def _leases_chunk(connection: Connection, address: TerminalAddress, want: Want) -> Chunk | None:
    """A till's own leases are one chunk, being small enough for one entry of its journal."""
    sealed = connection.scalar(
        select(lease_documents.c.sealed).where(
            lease_documents.c.address == str(address), lease_documents.c.digest == want.digest
        )
    )
    return None if not sealed or want.index else Chunk(want.digest, 0, 1, sealed)
