"""Packs by the digest of their signed document, verified and compiled once, for pricing again what tills priced."""

from dataclasses import dataclass

from sqlalchemy import Connection

from contract.documents import DocumentKind, open_document
from contract.envelope import Keyring
from contract.errors import ContractError
from hq.documents import sealed_bytes
from rules.engine.compiled import Compiled, compile_pack
from rules.pack import read_pack

KEPT_PACKS = 16


@dataclass(frozen=True, slots=True)
class ShelvedPack:
    """A pack that head office believes: its version, compiled, and the one shop it is for; None for all."""

    version: int
    compiled: Compiled
    shop: str | None

    def covers(self, shop: str) -> bool:
        """Tell whether it is for this shop."""
        return self.shop in (None, shop)


class PackShelf:
    """The packs that sales of the last while were priced by. Belongs to one thread.

    ``believed`` holds head office's own keys: a pack is verified again before it is used.
    """

    def __init__(self, believed: Keyring) -> None:
        self._believed = believed
        self._packs: dict[bytes, ShelvedPack] = {}

    def find(self, connection: Connection, digest: bytes) -> ShelvedPack | None:
        """Return the pack of the document with this SHA-256; None where head office has none that it believes."""
        known = self._packs.get(digest)
        if known is not None:
            return known
        sealed = sealed_bytes(connection, DocumentKind.PACK, digest)
        if sealed is None:
            return None
        try:
            document = open_document(sealed, self._believed).document
            found = ShelvedPack(document.version, compile_pack(read_pack(document.content)), document.shop)
        except ContractError:
            return None
        if len(self._packs) >= KEPT_PACKS:
            self._packs.pop(next(iter(self._packs)))
        self._packs[digest] = found
        return found
