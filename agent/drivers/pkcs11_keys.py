"""Card keys in a PKCS#11 token (OASIS PKCS #11 2.40), which encrypts a block for us and gives no key away.

A token that is told a wrong PIN a few times locks itself for good. So a PIN that was refused is not told again before
its file is written anew, whatever process or till asks, and the last try a token has is never used.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
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
        try:
            with _pin_in(Path(self._plan.pin_file)) as (pin, written):
                return self._log_in(pkcs11, pin, written)
        except (OSError, UnicodeDecodeError) as unreadable:
            raise KeysError("token_refused") from unreadable

    def _log_in(self, pkcs11: Any, pin: str, written: str) -> Any:
        try:
            found = pkcs11.lib(self._plan.library).get_token(token_label=self._plan.token)
        except RuntimeError as missing:
            # No such library, no such token, or several.
            raise KeysError("token_missing") from missing
        flags, kinds = found.flags, pkcs11.TokenFlag
        refusal = Refusal(Path(self._plan.pin_file), f"{found.serial.hex()} {written}")
        # The last try is a person's, whoever spent the others.
        spent = flags & (kinds.USER_PIN_FINAL_TRY | kinds.USER_PIN_LOCKED)
        if spent or refusal.is_kept() or (flags & kinds.USER_PIN_COUNT_LOW and not refusal.can_keep()):
            raise KeysError("token_refused")
        try:
            return found.open(user_pin=pin)
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinLocked) as wrong:
            refusal.keep()
            raise KeysError("token_refused") from wrong


class Refusal:
    """That a token refused the PIN in a file: kept in `FILE.refused` beside it, or where the service keeps its state
    (STATE_DIRECTORY of systemd.exec(5)) if nothing can be written there. `what` names the token and the file's state,
    and nothing of the PIN.
    """

    def __init__(self, pin_file: Path, what: str) -> None:
        state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
        self._folders = [pin_file.parent, *([Path(state)] if state else [])]
        self._name = f"{pin_file.name}.refused"
        self._what = what.encode()

    def is_kept(self) -> bool:
        """Whether it was refused already. Raises OSError where that cannot be read."""
        for folder in self._folders:
            with contextlib.suppress(FileNotFoundError):
                if (folder / self._name).read_bytes() == self._what:
                    return True
        return False

    def can_keep(self) -> bool:
        """Whether there is a place to keep it in."""
        return any(os.access(folder, os.W_OK) for folder in self._folders)

    def keep(self) -> None:
        """Keep it, durably where that can be; where it cannot be kept at all the token's own flags have to do."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                with (folder / self._name).open("wb") as file:
                    file.write(self._what)
                    file.flush()
                    os.fsync(file.fileno())
                return


@contextlib.contextmanager
def _pin_in(path: Path) -> Iterator[tuple[str, str]]:
    """The PIN, and which state of its file that is, held against the processes of other readers: two that try a wrong
    one at once have tried twice. Raises OSError, UnicodeDecodeError.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = os.fstat(file.fileno())
        yield file.read(_MOST_PIN_BYTES).decode().strip(), f"{found.st_ino} {found.st_mtime_ns}"
