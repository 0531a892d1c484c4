"""Head office's own keys, from the files that provisioning made."""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from contract import settings
from contract.errors import ContractError
from contract.signing import SoftwareSigner
from hq.config import BrokerConfig, HqConfig


def load_signer(config: HqConfig) -> SoftwareSigner:
    """Return the key that signs documents and acknowledgements. Raises SettingsError where its file holds none."""
    try:
        return SoftwareSigner(config.document_key.read_bytes())
    except OSError as error:
        raise settings.SettingsError((_missing(config.document_key, error),)) from error
    except ContractError as error:
        problem = settings.Problem(
            str(config.document_key),
            f"holds no signing key: {error.detail}",
            "不是签名私钥",
            "Restore it from a backup.",
            "请从备份恢复。",
        )
        raise settings.SettingsError((problem,)) from error


def check_certificates(broker: BrokerConfig) -> None:
    """Raise SettingsError, naming each file, unless the worker's certificate files are there and carry its name."""
    problems = list(_unreadable(broker.ca, broker.cert, broker.key))
    if not problems:
        problems += _misnamed(broker)
    if problems:
        raise settings.SettingsError(problems)


def _unreadable(*paths: Path) -> Iterator[settings.Problem]:
    for path in paths:
        try:
            path.read_bytes()
        except OSError as error:
            yield _missing(path, error)


def _misnamed(broker: BrokerConfig) -> Iterator[settings.Problem]:
    # The broker takes the certificate's name for the client id whatever we claim: a worker that believes to be another
    # would throw that one out.
    try:
        certificate = x509.load_pem_x509_certificate(broker.cert.read_bytes())
    except ValueError:
        yield settings.Problem(
            str(broker.cert), "holds no PEM certificate", "不是 PEM 证书", "Provision it again.", "请重新签发。"
        )
        return
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [broker.worker]:
        yield settings.Problem(
            "broker.worker",
            f"is {broker.worker}, but the certificate names {', '.join(names) or 'nobody'}",
            f"是 {broker.worker},但证书上是 {', '.join(names) or '空'}",
            "Name the worker as its certificate does.",
            "请与证书上的名字一致。",
        )


def _missing(path: Path, error: OSError) -> settings.Problem:
    return settings.Problem(
        str(path),
        error.strerror or "cannot be read",
        "文件读不到",
        "Make it with `tapledger provision hq`, or correct the path.",
        "请用 `tapledger provision hq` 生成,或改正路径。",
    )
