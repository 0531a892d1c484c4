"""The authority behind every certificate of one head office: X.509 (RFC 5280) on P-256, for TLS between terminals,
broker and HQ's workers.

The broker takes the common name of a client's certificate as its user name and as its MQTT client id, so a common name
is an identity: ``tenant/shop/terminal`` for a terminal, ``hq-1`` for a worker, and neither passes for the other.

Files below the folder given: ``authority/ca.key`` (private, PKCS#8 PEM), ``authority/ca.pem``, and what
:mod:`provisioning.register` keeps there.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.keyfiles import ProvisioningError, damaged, ensure_folder, ensure_secret, publish, unusable
from provisioning.register import LIST, issued_to, note_issued, publish_list, revoked_serials

AUTHORITY_VALID = timedelta(days=20 * 365)
CERTIFICATE_VALID = timedelta(days=5 * 365)
RENEW_BEFORE_END = timedelta(days=365)
"""A certificate with less left is renewed by the next run, so that a terminal away for months is not shut out."""

CLOCK_ALLOWANCE = timedelta(days=1)
"""Certificates start this much earlier than they are made: a terminal's clock may lag behind."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The key and the certificate that sign all others, and the folder where they lie. Made by
    :func:`ensure_authority`.
    """

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    home: Path

    @property
    def pem(self) -> bytes:
        """The authority's certificate, as it lies beside every other certificate as ``ca.pem``."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issued(self, certificate: x509.Certificate) -> bool:
        """Tell whether this authority signed ``certificate``."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate names. ``hosts`` (names or addresses) makes it a server's certificate, none a client's."""

    common_name: str
    hosts: tuple[str, ...] = ()


def ensure_authority(folder: Path, now: datetime) -> Authority:
    """Return the authority kept below ``folder``, made where it is missing. ``now`` is an aware time.

    Raises ProvisioningError where a file is damaged or key and certificate are not a pair.
    """
    home = ensure_folder(folder / "authority")
    key = ensure_key(home / "ca.key")
    path = home / "ca.pem"
    if not path.exists():
        publish(path, _self_signed(key, now).public_bytes(Encoding.PEM))
    certificate = read_certificate(path)
    if certificate.public_key() != key.public_key():
        raise damaged(path, "不是旁边那把密钥的证书", "is not the certificate of the key beside it")
    if not (home / LIST).exists():
        publish_list(home, key, certificate, (), now)
    return Authority(key, certificate, home)


def ensure_certificate(folder: Path, name: str, subject: Subject, authority: Authority, now: datetime) -> None:
    """Make ``name.key``, ``name.pem`` and ``ca.pem`` in ``folder`` fit ``subject``.

    The key is made once. The certificate is kept while it names the subject, belongs to the key, comes from this
    authority and has more than RENEW_BEFORE_END left; otherwise it is issued anew for the same key. Raises
    ProvisioningError where a file is damaged or belongs to another authority, or the key's certificate was revoked.
    """
    if len(subject.common_name) > 64:
        raise ProvisioningError(
            f"{subject.common_name}：证书的名称最多 64 个字符，请取短一些。",
            f"{subject.common_name}: a certificate's name holds at most 64 characters; choose a shorter one.",
        )
    _refuse_foreign(folder / "ca.pem", authority)
    key = ensure_key(ensure_folder(folder) / f"{name}.key")
    path = folder / f"{name}.pem"
    if not subject.hosts:
        _refuse_revoked(path, subject.common_name, key, authority)
    if not path.exists() or not _serves(read_certificate(path), key, subject, authority, now):
        issued = _issue(subject, key.public_key(), authority, now)
        if not subject.hosts:
            note_issued(authority.home, subject.common_name, issued)
        publish(path, issued.public_bytes(Encoding.PEM))
    publish(folder / "ca.pem", authority.pem)


def ensure_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key at ``path``, made once. Raises ProvisioningError where the file holds anything else."""
    pem = ensure_secret(path, _new_key)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise damaged(path, "里面没有未加密的 PEM 私钥", "holds no unencrypted PEM private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise damaged(path, "里面没有 P-256 密钥", "holds no P-256 key")
    return key


def read_certificate(path: Path) -> x509.Certificate:
    """Return the certificate at ``path``. Raises ProvisioningError where there is none."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise unusable(path, error) from error
    except ValueError as error:
        raise damaged(path, "里面没有 PEM 证书", "holds no PEM certificate") from error


def common_name(certificate: x509.Certificate) -> str:
    """Return the common name of a certificate, empty where it has none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _new_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _refuse_foreign(path: Path, authority: Authority) -> None:
    if path.exists() and read_certificate(path) != authority.certificate:
        raise ProvisioningError(
            f"{path}：这些密钥出自另一个证书机构；请换一个文件夹。",
            f"{path}: these keys were made under another authority; choose another folder.",
        )


def _refuse_revoked(path: Path, name: str, key: ec.EllipticCurvePrivateKey, authority: Authority) -> None:
    revoked = revoked_serials(authority.home)
    for certificate in issued_to(authority.home, name) if revoked else ():
        if certificate.serial_number in revoked and certificate.public_key() == key.public_key():
            raise ProvisioningError(
                f"{path}：这把密钥的证书已作废；请在另一个文件夹里开通新的身份。",
                f"{path}: this key's certificate was revoked; make a new identity in another folder.",
            )


def _self_signed(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tapledger authority")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_ALLOWANCE)
        .not_valid_after(now + AUTHORITY_VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _issue(
    subject: Subject, public_key: ec.EllipticCurvePublicKey, authority: Authority, now: datetime
) -> x509.Certificate:
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if subject.hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name)]))
        .issuer_name(authority.certificate.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_ALLOWANCE)
        .not_valid_after(min(now + CERTIFICATE_VALID, authority.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if subject.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_host_names(subject)), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _serves(
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    subject: Subject,
    authority: Authority,
    now: datetime,
) -> bool:
    if not authority.issued(certificate):
        return False
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = set(named)
    except x509.ExtensionNotFound:
        hosts = set()
    return (
        certificate.public_key() == key.public_key()
        and common_name(certificate) == subject.common_name
        and hosts == set(_host_names(subject))
        and certificate.not_valid_before_utc <= now
        and certificate.not_valid_after_utc - now > RENEW_BEFORE_END
    )


def _host_names(subject: Subject) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in subject.hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _key_usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
