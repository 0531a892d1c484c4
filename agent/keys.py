"""The terminal's identity as it lies on disk, read once at the start, and the ids it makes.

The folder is made at the terminal's birth: ``ca.pem client.pem client.key`` for the connection, ``journal.key`` signs
the journal, ``device.key`` keys what is stored, ``hq.pub`` holds head office's keys, one ``eddsa:<hex>`` or
``es256:<hex>`` a line. The connection's own files are read by the link; here is only checked that they are this till's.
"""

import os
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from contract.envelope import Keyring, keyring
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.making import dataclass
from contract.signing import PublicKey, Signer, SoftwareSigner, parse_public_key

DEVICE_KEY_BYTES = 32
TRANSACTION_ID_BYTES = 16
_MAX_FILE_BYTES = 65_536


class KeyFileError(Exception):
    """A file of the identity is missing or wrong: ``cause`` for the log, ``next_step`` for the technician."""

    def __init__(self, cause: str, next_step: str) -> None:
        super().__init__(f"{cause}; {next_step}")
        self.cause = cause
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this terminal is, what it signs with, and whom it believes. ``device_key`` is 32 bytes and never leaves."""

    address: TerminalAddress
    epoch: int
    signer: Signer
    device_key: bytes
    hq_keys: Keyring


def load_identity(folder: Path, address: TerminalAddress, epoch: int) -> Identity:
    """Read the identity of ``address`` from ``folder``.

    Raises KeyFileError where a file is missing, unreadable or damaged, or belongs to another terminal.
    """
    _require_own_certificate(folder / "client.pem", address)
    for name in ("ca.pem", "client.key"):
        _read(folder / name)
    journal_key = folder / "journal.key"
    try:
        signer = SoftwareSigner(_read(journal_key))
    except ContractError as error:
        raise KeyFileError(f"{journal_key}: {error.detail}", _RESTORE) from error
    device_key = _read(folder / "device.key")
    if len(device_key) != DEVICE_KEY_BYTES:
        raise KeyFileError(f"{folder / 'device.key'}: holds {len(device_key)} bytes instead of 32", _RESTORE)
    return Identity(address, epoch, signer, device_key, _read_head_office_keys(folder / "hq.pub"))


def new_transaction_id() -> bytes:
    """Return 16 random bytes that name a transaction for ever."""
    return os.urandom(TRANSACTION_ID_BYTES)


_RESTORE = "provision this terminal, or restore the file from where its identity was made"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFileError(f"{path}: is missing", _RESTORE) from error
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}", "let the agent's account read it") from error
    if not 0 < len(data) <= _MAX_FILE_BYTES:
        raise KeyFileError(f"{path}: is empty or far too large", _RESTORE)
    return data


def _read_head_office_keys(path: Path) -> Keyring:
    found: list[PublicKey] = []
    try:
        for line in _read(path).decode("ascii").splitlines():
            if line.strip():
                found.append(parse_public_key(line.strip()))
    except (UnicodeDecodeError, ContractError) as error:
        raise KeyFileError(f"{path}: line {len(found) + 1} is no key: {error}", _RESTORE) from error
    if not found:
        raise KeyFileError(f"{path}: holds no key", _RESTORE)
    return keyring(*found)


def _require_own_certificate(path: Path, address: TerminalAddress) -> None:
    try:
        certificate = x509.load_pem_x509_certificate(_read(path))
    except ValueError as error:
        raise KeyFileError(f"{path}: holds no PEM certificate", _RESTORE) from error
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [str(address)]:
        raise KeyFileError(
            f"{path}: names {', '.join(names) or 'nobody'} instead of {address}",
            "correct the terminal's name in the configuration, or use this terminal's own identity folder",
        )
