"""Card keys in a PKCS#11 token (OASIS PKCS #11 2.40), which encrypts a block for us and gives no key away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.drivers.cards.keys import KeysError
from agent.drivers.cards.plan import TokenPlan

_MOST_PIN_BYTES = 256


class Pkcs11Keys:
    """The AES-128 keys of one token, by their labels. Opened on first use; for one thread."""

    def __init__(self, plan: TokenPlan) -> None:
        self._plan = plan
        self._session: Any = None
        self._keys: dict[str, Any] = {}
        self._wrong_pin: str | None = None

    def encrypt(self, name: str, block: bytes) -> bytes:
        """Encrypt one block of 16 bytes inside the token. Raises KeysError."""
        try:
            import pkcs11
        except ImportError as missing:
            raise KeysError("token_missing") from missing
        try:
            # At half a character the library takes the whole process along.
            name.encode(), self._plan.token.encode()
        except UnicodeEncodeError as no_name:
            raise KeysError("key_missing") from no_name
        try:
            # Without its own parameter the mechanism pads nothing: one block in, one block out.
            found = self._key(pkcs11, name).encrypt(block, mechanism=pkcs11.Mechanism.AES_ECB)
        except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned) as unclear:
            raise KeysError("key_missing") from unclear
        except (pkcs11.PKCS11Error, RuntimeError) as failed:
            self.close()
            raise KeysError("token_refused") from failed
        return bytes(found)

    def close(self) -> None:
        """Let go of the token; it is opened again when it is needed."""
        session, self._session, self._keys = self._session, None, {}
        if session is not None:
            session.close()

    def _key(self, pkcs11: Any, name: str) -> Any:
        if self._session is None:
            self._session = self._open(pkcs11)
        if name not in self._keys:
            self._keys[name] = self._session.get_key(
                object_class=pkcs11.ObjectClass.SECRET_KEY, key_type=pkcs11.KeyType.AES, label=name
            )
        return self._keys[name]

    def _open(self, pkcs11: Any) -> Any:
        pin = self._read_pin()
        if pin == self._wrong_pin:
            # A token that was told a wrong PIN a few times locks itself: the same one is not tried again.
            raise KeysError("token_refused")
        try:
            found = pkcs11.lib(self._plan.library).get_token(token_label=self._plan.token)
        except RuntimeError as missing:
            # No such library, no such token, or several.
            raise KeysError("token_missing") from missing
        if found.flags & (pkcs11.TokenFlag.USER_PIN_FINAL_TRY | pkcs11.TokenFlag.USER_PIN_LOCKED):
            # The last try is a person's, whoever spent the others.
            raise KeysError("token_refused")
        try:
            return found.open(user_pin=pin)
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinLocked) as wrong:
            self._wrong_pin = pin
            raise KeysError("token_refused") from wrong

    def _read_pin(self) -> str:
        try:
            with Path(self._plan.pin_file).open("rb") as file:
                return file.read(_MOST_PIN_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError) as unreadable:
            raise KeysError("token_refused") from unreadable
