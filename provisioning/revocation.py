"""The end of an identity: a terminal's certificates are void, and the broker's list of them says so.

The name is free again: a unit that replaces the one that was lost is born anew, with keys of its own.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from provisioning.authority import common_name, ensure_authority, read_certificate
from provisioning.keyfiles import ProvisioningError, publish
from provisioning.register import LIST, issued_to, note_issued, publish_list, revoked_serials


@dataclass(frozen=True, slots=True)
class Revoked:
    """``fresh`` of the ``known`` certificates of a name became void now. ``broker_list`` is the list of the broker
    below the same folder, where there is one.
    """

    known: int
    fresh: int
    broker_list: Path | None


def revoke(folder: Path, name: str, now: datetime, certificate: Path | None = None) -> Revoked:
    """Make every certificate of ``name`` (``tenant/shop/terminal``, or a worker's) void, as the authority kept below
    ``folder`` knows them, and the one in the file ``certificate`` besides.

    Raises ProvisioningError where there is no authority, none of its certificates has that name, or a file is damaged.
    """
    if not (folder / "authority" / "ca.key").exists():
        raise ProvisioningError(f"{folder}: there is no authority here")
    authority = ensure_authority(folder, now)
    if certificate is not None:
        given = read_certificate(certificate)
        if common_name(given) != name or not authority.issued(given):
            raise ProvisioningError(f"{certificate}: is not a certificate of {name} by this authority")
        note_issued(authority.home, name, given)
    serials = {item.serial_number for item in issued_to(authority.home, name)}
    if not serials:
        raise ProvisioningError(f"{name}: no certificate of that name is known here; show it with --certificate")
    fresh = serials - revoked_serials(authority.home)
    pem = publish_list(authority.home, authority.key, authority.certificate, fresh, now)
    return Revoked(len(serials), len(fresh), _tell_broker(folder / "broker", pem))


def _tell_broker(home: Path, pem: bytes) -> Path | None:
    if not home.is_dir():
        return None
    path = home / LIST
    publish(path, pem)
    if os.geteuid() == 0:
        owner = home.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
    return path
