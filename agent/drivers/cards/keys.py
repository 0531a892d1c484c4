"""What a card procedure asks of the keys: nothing but a block encrypted, by the name of the key."""

from __future__ import annotations

from typing import Protocol


class KeysError(Exception):
    """The keys cannot be used. `reason` is a stable code: `token_missing`, `token_refused` or `key_missing`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CardKeys(Protocol):
    """AES-128 master keys, wherever they are; they are never handed out."""

    def encrypt(self, name: str, block: bytes) -> bytes:
        """Encrypt one block of 16 bytes under the key of that name. Raises KeysError."""
