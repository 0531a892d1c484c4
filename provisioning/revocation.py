"""The end of an identity: a terminal's certificates are void, and the broker's list of them says so.

The name is free again: a unit that replaces the one that was lost is born anew, with keys of its own.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from provisioning.authority import common_name, ensure_authority, read_certificate
from provisioning.denial import tell_broker
from provisioning.keyfiles import ProvisioningError
from provisioning.register import issued_to, note_issued, publish_list, revoked_serials


@dataclass(frozen=True, slots=True)
class Revoked:
    """``fresh`` of the ``known`` certificates of a name became void now. ``broker`` is the folder of the broker below
    the same one, whose lists say so now, where there is one.
    """

    known: int
    fresh: int
    broker: Path | None


def revoke(folder: Path, name: str, now: datetime, certificate: Path | None = None) -> Revoked:
    """Make every certificate of ``name`` (``tenant/shop/terminal``, or a worker's) void, as the authority kept below
    ``folder`` knows them, and the one in the file ``certificate`` besides.

    Raises ProvisioningError where there is no authority, none of its certificates has that name, or a file is damaged.
    """
    if not (folder / "authority" / "ca.key").exists():
        raise ProvisioningError(
            f"{folder}：这里没有证书机构；请在总部保管密钥的机器上运行。",
            f"{folder}: there is no authority here; run this where head office keeps its keys.",
        )
    authority = ensure_authority(folder, now)
    if certificate is not None:
        given = read_certificate(certificate)
        if common_name(given) != name or not authority.issued(given):
            raise ProvisioningError(
                f"{certificate}：不是本机构发给 {name} 的证书；请核对文件和名称。",
                f"{certificate}: is not a certificate of {name} by this authority; check file and name.",
            )
        note_issued(authority.home, name, given)
    serials = {item.serial_number for item in issued_to(authority.home, name)}
    if not serials:
        raise ProvisioningError(
            f"{name}：这里没有发给它的证书；请核对名称，或用 --certificate 给出证书。",
            f"{name}: no certificate of that name is known here; check the name, or show it with --certificate.",
        )
    fresh = serials - revoked_serials(authority.home)
    publish_list(authority.home, authority.key, authority.certificate, fresh, now)
    return Revoked(len(serials), len(fresh), tell_broker(folder))
