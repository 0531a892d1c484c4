"""How personal rows are found and hidden: keyed hashes to look up by, AEAD to keep the rest.

Both keys come from the device key by HKDF-SHA256 (RFC 5869) with one label each. A lookup key is HMAC-SHA256 (RFC 2104)
of ``label:value``, or its first 16 bytes; a sealed row is ChaCha20-Poly1305 (RFC 8439), 12 bytes of random nonce in
front, bound to the key that finds it, so that rows cannot be swapped in the file.
"""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.offline_store.faults import StoreCause, StoreError

NONCE_BYTES = 12
KEY_BYTES = 16
"""So much is kept of lookup keys of which there may be a million: 2**-89 is the chance that two of so many meet."""


class RowKeys:
    """The keys derived from ``device_key`` (32 bytes)."""

    def __init__(self, device_key: bytes) -> None:
        self._lookup = _derived(device_key, b"tapledger rows: lookup")
        self._aead = ChaCha20Poly1305(_derived(device_key, b"tapledger rows: seal"))

    def member(self, member: str) -> bytes:
        """What finds a member by id."""
        return self._hashed(b"member:" + member.encode())[:KEY_BYTES]

    def phone(self, digits: str) -> bytes:
        """What finds a member by phone number."""
        return self._hashed(b"phone:" + digits.encode())[:KEY_BYTES]

    def card(self, uid: bytes) -> bytes:
        """What finds a member by the number of a card."""
        return self._hashed(b"card:" + uid)[:KEY_BYTES]

    def holder(self, holder: str) -> bytes:
        """What finds the leases of one holder's accounts."""
        return self._hashed(b"holder:" + holder.encode())[:KEY_BYTES]

    def cashier(self, number: str) -> bytes:
        """What finds a cashier by number."""
        return self._hashed(b"cashier:" + number.encode())

    def seal(self, row_key: bytes, plain: bytes) -> bytes:
        """Return ``plain`` encrypted for the row that ``row_key`` finds."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, row_key)

    def open(self, row_key: bytes, sealed: bytes) -> bytes:
        """Return what :meth:`seal` was given. Raises StoreError(CORRUPT) for anything else, or another device's key."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row_key)
        except (InvalidTag, ValueError) as error:
            raise StoreError(StoreCause.CORRUPT, "an encrypted row does not open with this device's key") from error

    def _hashed(self, value: bytes) -> bytes:
        return hmac.digest(self._lookup, value, "sha256")


def _derived(device_key: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=label).derive(device_key)
