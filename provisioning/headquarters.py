"""Head office's keys: the one that signs documents and acknowledgements, and a certificate for each worker.

Files below the folder given::

    hq/document.key                private, Ed25519, PKCS#8 PEM; signs documents and acknowledgements
    hq/hq.pub                      the key that verifies them, ``eddsa:<hex>``; a terminal pins it at its birth
    hq/group                       private, the name under which the workers share the terminals' messages
    hq/workers/NAME/ca.pem         the authority's certificate; the broker must show one of its
    hq/workers/NAME/client.pem     the worker's certificate
    hq/workers/NAME/client.key     private, P-256, PKCS#8 PEM

Two workers never share a name: the broker takes the name for the MQTT client id, and a second connection under one id
throws the first out (MQTT 5 section 3.1.4). The group's name is a secret because the broker lets in whoever knows it.
"""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contract.errors import ContractError
from contract.signing import Algorithm, PublicKey, SoftwareSigner, parse_public_key
from provisioning.authority import Subject, ensure_authority, ensure_certificate
from provisioning.keyfiles import ProvisioningError, damaged, ensure_folder, ensure_secret, publish

_WORKER_NAME = re.compile(r"hq-[1-9][0-9]{0,2}")


@dataclass(frozen=True, slots=True)
class HeadOfficeKeys:
    """Where one worker finds its keys, and the key that verifies what head office signs."""

    document_key: Path
    document_public: PublicKey
    worker_folder: Path


def ensure_head_office(folder: Path, worker: str, now: datetime) -> HeadOfficeKeys:
    """Make head office's signing key and the certificate of ``worker`` (``hq-1`` to ``hq-999``) below ``folder``.

    Raises ProvisioningError where the name is another or a file is damaged.
    """
    check_worker_name(worker)
    home = ensure_folder(folder / "hq")
    public = ensure_signing_key(home / "document.key")
    publish(home / "hq.pub", f"{public.text()}\n".encode())
    ensure_secret(home / "group", _new_group)
    worker_folder = home / "workers" / worker
    ensure_certificate(worker_folder, "client", Subject(worker), ensure_authority(folder, now), now)
    return HeadOfficeKeys(home / "document.key", public, worker_folder)


def check_worker_name(name: str) -> None:
    """Raise ProvisioningError unless ``name`` is ``hq-1`` to ``hq-999``."""
    if not _WORKER_NAME.fullmatch(name):
        raise ProvisioningError(
            f"{name!r}：工作进程的名称是 hq-1 到 hq-999，请改正。",
            f"{name!r}: a worker's name is hq-1 to hq-999; correct it.",
        )


def ensure_signing_key(path: Path) -> PublicKey:
    """Return the key that verifies what the Ed25519 key at ``path``, made once, signs.

    Raises ProvisioningError where the file holds anything else.
    """
    try:
        public = SoftwareSigner(ensure_secret(path, _new_signing_key)).public
    except ContractError as error:
        raise damaged(path, f"不是密钥（{error.detail}）", f"is no key ({error.detail})") from error
    if public.algorithm is not Algorithm.EDDSA:
        raise damaged(path, "里面没有 Ed25519 密钥", "holds no Ed25519 key")
    return public


def read_document_public(folder: Path) -> PublicKey:
    """Return head office's verifying key from ``hq/hq.pub``. Raises ProvisioningError where there is none yet."""
    path = folder / "hq" / "hq.pub"
    try:
        return parse_public_key(path.read_text(encoding="ascii").strip())
    except FileNotFoundError as error:
        raise ProvisioningError(
            f"{path}：总部还没有密钥；请先运行 tapledger provision hq。",
            f"{path}: head office has no keys yet; run `tapledger provision hq` first.",
        ) from error
    except (OSError, UnicodeDecodeError, ContractError) as error:
        raise damaged(path, f"无法读取（{error}）", f"cannot be read ({error})") from error


def _new_group() -> bytes:
    """A name of 80 random bits, as the broker and a configuration file take it."""
    return base64.b32encode(secrets.token_bytes(10)).lower()


def _new_signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
