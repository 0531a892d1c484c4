"""The birth of a terminal: its keys, its certificate, head office's key to pin, and the slip by which HQ learns of it.

Files below the folder given::

    identity/ca.pem       the authority's certificate; the broker must show one of its
    identity/client.pem   the terminal's certificate, named tenant/shop/terminal
    identity/client.key   private, P-256, PKCS#8 PEM
    identity/journal.key  private, Ed25519, PKCS#8 PEM; signs the journal
    identity/device.key   private, 32 random bytes; keys what lies on the terminal's disk
    identity/hq.pub       the pinned key of head office, ``eddsa:<hex>``
    enrolment.toml        public; head office imports it

``enrolment.toml`` holds ``tenant``, ``shop``, ``terminal``, ``epoch`` and ``journal_public_key`` (``eddsa:<hex>``).
"""

import secrets
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contract.errors import ContractError
from contract.ids import TerminalAddress, parse_address
from contract.signing import PublicKey
from provisioning.authority import Subject, ensure_authority, ensure_certificate
from provisioning.denial import let_in_again
from provisioning.headquarters import ensure_signing_key, read_document_public
from provisioning.keyfiles import ProvisioningError, damaged, ensure_folder, ensure_secret, publish

DEVICE_KEY_BYTES = 32
FIRST_EPOCH = 1
"""A unit that replaces another under the same till number starts a higher one; a newborn till starts here."""


@dataclass(frozen=True, slots=True)
class Newborn:
    """A terminal that has its identity."""

    address: TerminalAddress
    epoch: int
    identity_folder: Path
    enrolment: Path


def check_address(tenant: str, shop: str, terminal: str) -> TerminalAddress:
    """Return the address of a terminal. Raises ProvisioningError for names that are not strict ones."""
    try:
        return parse_address("/".join((tenant, shop, terminal)))
    except ContractError as error:
        raise ProvisioningError(
            f"{tenant!r}、{shop!r}、{terminal!r}：名称只用 a-z、0-9 和 '-'，各 1 到 16 个字符。",
            f"tenant {tenant!r}, shop {shop!r}, terminal {terminal!r}: each is 1 to 16 of a-z, 0-9 and '-'; "
            "write them so.",
        ) from error


def ensure_terminal(folder: Path, address: TerminalAddress, out: Path, now: datetime) -> Newborn:
    """Make the identity of ``address`` in ``out``, certified by the authority kept below ``folder``.

    Raises ProvisioningError where ``out`` holds the identity of another terminal or of another head office, where head
    office has no keys yet, or where a file is damaged.
    """
    authority = ensure_authority(folder, now)
    pinned = f"{read_document_public(folder).text()}\n".encode()
    enrolment = out / "enrolment.toml"
    _refuse_another(enrolment, address)
    identity = ensure_folder(out / "identity")
    pin = identity / "hq.pub"
    if pin.exists() and pin.read_bytes() != pinned:
        raise ProvisioningError(
            f"{pin}：这台终端是为另一个总部开通的；请换一个文件夹。",
            f"{pin}: this terminal was born to another head office; choose another folder.",
        )
    ensure_certificate(identity, "client", Subject(str(address)), authority, now)
    let_in_again(folder, str(address))
    public = ensure_signing_key(identity / "journal.key")
    device_key = identity / "device.key"
    if len(ensure_secret(device_key, lambda: secrets.token_bytes(DEVICE_KEY_BYTES))) != DEVICE_KEY_BYTES:
        raise damaged(
            device_key, f"里面没有 {DEVICE_KEY_BYTES} 字节的密钥", f"holds no key of {DEVICE_KEY_BYTES} bytes"
        )
    publish(pin, pinned)
    publish(enrolment, _enrolment_toml(address, public).encode("ascii"))
    return Newborn(address, FIRST_EPOCH, identity, enrolment)


def _enrolment_toml(address: TerminalAddress, public: PublicKey) -> str:
    # Strict names and hex digits need no quoting rules, so plain lines are valid TOML.
    return (
        "# A terminal's birth, for head office to import. Nothing in it is secret.\n"
        f'tenant = "{address.tenant}"\n'
        f'shop = "{address.shop}"\n'
        f'terminal = "{address.terminal}"\n'
        f"epoch = {FIRST_EPOCH}\n"
        f'journal_public_key = "{public.text()}"\n'
    )


def _refuse_another(enrolment: Path, address: TerminalAddress) -> None:
    if not enrolment.exists():
        return
    try:
        fields = tomllib.loads(enrolment.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise damaged(enrolment, f"无法读取（{error}）", f"cannot be read ({error})") from error
    born = "/".join(str(fields.get(name)) for name in ("tenant", "shop", "terminal"))
    if born != str(address):
        raise ProvisioningError(
            f"{enrolment}：这里放着 {born} 的身份；请为 {address} 换一个文件夹。",
            f"{enrolment}: here lies the identity of {born}; choose another folder for {address}.",
        )
