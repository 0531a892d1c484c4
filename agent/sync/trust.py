"""Whether a blob is a document that this terminal believes: bytes in, an opened document or a named reason out."""

from collections.abc import Sequence
from enum import StrEnum

from contract.documents import DELTA_KINDS, Document, DocumentKind, OpenedDocument, open_document
from contract.envelope import Keyring
from contract.errors import ContractError, Reason
from contract.ids import TerminalAddress
from contract.making import dataclass
from contract.messages import HeldDocument


class Doubt(StrEnum):
    """Why a document is not believed although its signature holds, or never came whole. Stable, beside Reason."""

    OLDER_VERSION = "older_version"
    EXPIRED = "expired"
    HASH_MISMATCH = "hash_mismatch"
    MISLABELLED = "mislabelled"
    """It is of another kind or version than it was announced as."""
    CHUNK_MALFORMED = "chunk_malformed"
    BASE_MISSING = "base_missing"
    """It builds on another document than the active one of its kind."""


@dataclass(frozen=True, slots=True)
class Distrust:
    """A blob is not believed; ``reason`` is a value of contract.errors.Reason or of :class:`Doubt`.

    ``accept_until_ms`` is set of an EXPIRED one: by a clock that says less it may be looked at again.
    """

    reason: str
    accept_until_ms: int | None = None


def judge(
    sealed: bytes, believed: Keyring, address: TerminalAddress, active: Sequence[HeldDocument], now_ms: int
) -> OpenedDocument | Distrust:
    """Judge a whole blob at the wall time ``now_ms`` against the documents that are ``active``. Raises nothing.

    Believed is what a pinned key signed, for this terminal's tenant and shop or for it alone, strictly above the
    active version of its kind, still to be accepted, and, where it is a delta, one over the very document that is
    active. Leases are for one terminal alone, and always a delta once the first are held.
    """
    try:
        opened = open_document(sealed, believed)
    except ContractError as error:
        return Distrust(error.reason.value)
    document = opened.document
    if not document.covers(address) or (document.kind is DocumentKind.LEASES and document.terminal is None):
        return Distrust(Reason.FOREIGN_ORIGIN.value)
    if any(held.kind == document.kind and held.version >= document.version for held in active):
        return Distrust(Doubt.OLDER_VERSION.value)
    if now_ms > document.accept_until_ms:
        return Distrust(Doubt.EXPIRED.value, document.accept_until_ms)
    if not _has_its_base(document, active):
        return Distrust(Doubt.BASE_MISSING.value)
    return opened


def builds_on(kind: str, base: bytes | None, held: HeldDocument | None) -> bool:
    """Tell whether a document of this kind, built on the blob ``base`` (None: on nothing), can follow the one held."""
    if base is None:
        return held is None or kind != DocumentKind.LEASES
    return kind in DELTA_KINDS and held is not None and held.digest == base


def _has_its_base(document: Document, active: Sequence[HeldDocument]) -> bool:
    held = next((held for held in active if held.kind == document.kind), None)
    return builds_on(document.kind, document.base, held)
