"""What a broker is told of revoked names: its list of revoked certificates, and that they may do nothing any more.

The list turns them away when they connect; mosquitto reads it anew on SIGHUP, and asks nobody who is connected already.
The access list holds for those too, from the same SIGHUP on: of a name all of whose certificates are revoked nothing is
taken and nothing is delivered to it (mosquitto.conf(5), ``acl_file``: what is denied comes before what is allowed). The
connection itself ends when the broker is restarted, or when a replacement of that name connects.
"""

import os
from pathlib import Path

from provisioning.keyfiles import publish, unusable
from provisioning.register import LIST, void_names

ACCESS = "acl"
"""The access list's name beside the broker's configuration."""

_MARK = "\n# Names all of whose certificates are revoked. `tapledger provision` writes what follows anew.\n"


def denials(home: Path) -> str:
    """Return the end of the access list of an authority whose files lie in ``home``; empty where nobody is revoked."""
    names = void_names(home)
    return _MARK + "".join(map(_denied, names)) if names else ""


def let_in_again(folder: Path, name: str) -> None:
    """Take ``name`` off the broker's access list, where it is denied and has been issued a certificate since. Raises
    ProvisioningError.
    """
    access = folder / "broker" / ACCESS
    if access.exists() and _denied(name) in access.read_text(encoding="ascii"):
        tell_broker(folder)


def tell_broker(folder: Path) -> Path | None:
    """Bring the broker's lists below ``folder`` up to date with the authority beside it; return its configuration's
    folder, None where there is none. Raises ProvisioningError where a file cannot be read or written.
    """
    home, broker = folder / "authority", folder / "broker"
    if not broker.is_dir():
        return None
    access = broker / ACCESS
    try:
        allowed = access.read_text(encoding="ascii").partition(_MARK)[0]
        revoked = (home / LIST).read_bytes()
    except OSError as error:
        raise unusable(access, error) from error
    publish(broker / LIST, revoked)
    publish(access, (allowed + denials(home)).encode("ascii"), mode=0o600)
    if os.geteuid() == 0:
        owner = broker.stat()
        for path in (broker / LIST, access):
            os.chown(path, owner.st_uid, owner.st_gid)
    return broker


def _denied(name: str) -> str:
    return f"user {name}\ntopic deny #\n"
