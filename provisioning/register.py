"""What an authority remembers: which certificates it issued to whom, and which of them are void.

Files below the authority's folder::

    issued/NAME/SERIAL.pem   every client certificate, by the common name and the serial number (hexadecimal)
    crl.pem                  the certificate revocation list (RFC 5280 section 5), signed by the authority

A list runs as long as the authority itself: a broker with a list past its time lets nobody in at all.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from provisioning.keyfiles import damaged, ensure_folder, publish

LIST = "crl.pem"


def note_issued(home: Path, name: str, certificate: x509.Certificate) -> None:
    """Remember that ``certificate`` was issued to ``name``. Raises ProvisioningError where it cannot be written."""
    folder = ensure_folder(home / "issued" / name)
    publish(folder / f"{certificate.serial_number:x}.pem", certificate.public_bytes(Encoding.PEM))


def issued_to(home: Path, name: str) -> list[x509.Certificate]:
    """Return every certificate that ``name`` was issued. Raises ProvisioningError where one cannot be read."""
    found = []
    for path in sorted((home / "issued" / name).glob("*.pem")):
        try:
            found.append(x509.load_pem_x509_certificate(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise damaged(path, f"无法读取（{error}）", f"cannot be read ({error})") from error
    return found


def void_names(home: Path) -> list[str]:
    """Return the names that were issued certificates of which every one is void, in order. Raises ProvisioningError."""
    void = {f"{serial:x}" for serial in revoked_serials(home)}
    if not void:
        return []
    root = home / "issued"
    found: dict[str, bool] = {}
    for path in root.rglob("*.pem"):
        name = path.parent.relative_to(root).as_posix()
        found[name] = found.get(name, True) and path.stem in void
    return sorted(name for name, is_void in found.items() if is_void)


def read_list(home: Path) -> x509.CertificateRevocationList:
    """Return the revocation list. Raises ProvisioningError where there is none, or it is damaged."""
    path = home / LIST
    try:
        return x509.load_pem_x509_crl(path.read_bytes())
    except (OSError, ValueError) as error:
        raise damaged(path, f"无法读取（{error}）", f"cannot be read ({error})") from error


def revoked_serials(home: Path) -> frozenset[int]:
    """Return the serial numbers on the revocation list; none where there is no list yet. Raises ProvisioningError."""
    return frozenset(item.serial_number for item in read_list(home)) if (home / LIST).exists() else frozenset()


def publish_list(
    home: Path, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate, more: Iterable[int], now: datetime
) -> bytes:
    """Write the revocation list with the serial numbers in ``more`` added at ``now``; return it as PEM. What is on a
    list stays on it. Raises ProvisioningError.
    """
    kept = list(read_list(home)) if (home / LIST).exists() else []
    listed = {item.serial_number for item in kept}
    fresh = [
        x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        for serial in sorted(set(more) - listed)
    ]
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(min(now, issuer.not_valid_after_utc))
        .next_update(issuer.not_valid_after_utc)
    )
    for item in (*kept, *fresh):
        builder = builder.add_revoked_certificate(item)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    publish(home / LIST, pem)
    return pem
