"""What is born keeps its keys: the second run changes nothing, a stranger's folder is refused, secrets stay private."""

import stat
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from contract.signing import SoftwareSigner, parse_public_key
from provisioning.authority import CERTIFICATE_VALID, RENEW_BEFORE_END, common_name, ensure_authority, read_certificate
from provisioning.birth import check_address, ensure_terminal
from provisioning.headquarters import ensure_head_office
from provisioning.keyfiles import ProvisioningError, ensure_secret

NOW = datetime(2031, 5, 4, 12, tzinfo=UTC)
A1 = check_address("acme", "shop-a", "a1")


def _content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_newborn_has_every_file_of_its_identity_and_its_slip_tells_head_office_the_rest(tmp_path: Path) -> None:
    hq = ensure_head_office(tmp_path, "hq-1", NOW)
    newborn = ensure_terminal(tmp_path, A1, tmp_path / "till", NOW)
    identity = newborn.identity_folder

    assert {path.name for path in identity.iterdir()} == {
        "ca.pem",
        "client.pem",
        "client.key",
        "journal.key",
        "device.key",
        "hq.pub",
    }
    assert common_name(read_certificate(identity / "client.pem")) == "acme/shop-a/a1"
    assert parse_public_key((identity / "hq.pub").read_text().strip()) == hq.document_public
    assert len((identity / "device.key").read_bytes()) == 32
    slip = tomllib.loads(newborn.enrolment.read_text())
    journal_key = SoftwareSigner((identity / "journal.key").read_bytes())
    assert slip == {
        "tenant": "acme",
        "shop": "shop-a",
        "terminal": "a1",
        "epoch": 1,
        "journal_public_key": journal_key.public.text(),
    }


def test_private_files_are_their_owners_alone(tmp_path: Path) -> None:
    ensure_head_office(tmp_path, "hq-1", NOW)
    ensure_terminal(tmp_path, A1, tmp_path / "till", NOW)
    secrets = [path for path in tmp_path.rglob("*.key")]
    assert len(secrets) == 6
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path.parent


def test_a_second_run_changes_no_byte(tmp_path: Path) -> None:
    ensure_head_office(tmp_path, "hq-1", NOW)
    ensure_terminal(tmp_path, A1, tmp_path / "till", NOW)
    before = _content(tmp_path)
    ensure_head_office(tmp_path, "hq-1", NOW + timedelta(hours=1))
    ensure_terminal(tmp_path, A1, tmp_path / "till", NOW + timedelta(hours=1))
    assert _content(tmp_path) == before


def test_a_certificate_near_its_end_is_renewed_for_the_same_key(tmp_path: Path) -> None:
    ensure_head_office(tmp_path, "hq-1", NOW)
    ensure_terminal(tmp_path, A1, tmp_path / "till", NOW)
    before = _content(tmp_path / "till")
    later = NOW + CERTIFICATE_VALID - RENEW_BEFORE_END + timedelta(days=1)
    ensure_terminal(tmp_path, A1, tmp_path / "till", later)
    after = _content(tmp_path / "till")

    assert [path.name for path in before if before[path] != after[path]] == ["client.pem"]
    renewed = read_certificate(tmp_path / "till" / "identity" / "client.pem")
    assert renewed.not_valid_after_utc > later + RENEW_BEFORE_END


def test_the_longest_names_fit_a_certificate_and_stricter_ones_are_refused(tmp_path: Path) -> None:
    ensure_head_office(tmp_path, "hq-999", NOW)
    longest = check_address("t" * 16, "s" * 16, "u" * 16)
    newborn = ensure_terminal(tmp_path, longest, tmp_path / "till", NOW)
    assert common_name(read_certificate(newborn.identity_folder / "client.pem")) == str(longest)

    for bad in ("", "t" * 17, "Shop", "a/b", "a+", "#", "-a", "\u5e97", "a\n"):
        with pytest.raises(ProvisioningError):
            check_address("acme", bad, "a1")
    for bad in ("", "hq", "hq-0", "hq-1000", "hq-1\n", "acme/shop-a/a1"):
        with pytest.raises(ProvisioningError):
            ensure_head_office(tmp_path, bad, NOW)


def test_a_terminal_is_not_born_twice_into_one_folder_nor_under_a_second_authority(tmp_path: Path) -> None:
    for office in ("one", "two"):
        ensure_head_office(tmp_path / office, "hq-1", NOW)
    ensure_terminal(tmp_path / "one", A1, tmp_path / "till", NOW)
    before = _content(tmp_path / "till")
    with pytest.raises(ProvisioningError, match="acme/shop-a/a1"):
        ensure_terminal(tmp_path / "one", check_address("acme", "shop-a", "a2"), tmp_path / "till", NOW)
    with pytest.raises(ProvisioningError, match="another head office"):
        ensure_terminal(tmp_path / "two", A1, tmp_path / "till", NOW)
    assert _content(tmp_path / "till") == before


def test_a_terminal_is_not_born_before_head_office_has_a_key_to_pin(tmp_path: Path) -> None:
    with pytest.raises(ProvisioningError, match="provision hq"):
        ensure_terminal(tmp_path, A1, tmp_path / "till", NOW)
    assert not (tmp_path / "till").exists()


@pytest.mark.parametrize(
    "damage", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\xff" * 64]
)
def test_a_damaged_private_key_is_named_and_left_as_it_is(damage: bytes, tmp_path: Path) -> None:
    ensure_head_office(tmp_path, "hq-1", NOW)
    for name in ("authority/ca.key", "hq/document.key"):
        path = tmp_path / name
        sound = path.read_bytes()
        path.write_bytes(damage)
        with pytest.raises(ProvisioningError, match=path.name):
            ensure_head_office(tmp_path, "hq-1", NOW)
        assert path.read_bytes() == damage
        path.write_bytes(sound)


def test_a_private_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    ensure_secret(path, lambda: b"secret")
    path.chmod(0o640)
    with pytest.raises(ProvisioningError, match="others can read"):
        ensure_secret(path, lambda: b"another")
    assert path.read_bytes() == b"secret"


def test_an_authority_whose_key_was_swapped_is_refused(tmp_path: Path) -> None:
    ensure_authority(tmp_path / "one", NOW)
    ensure_authority(tmp_path / "two", NOW)
    (tmp_path / "one" / "authority" / "ca.key").write_bytes((tmp_path / "two" / "authority" / "ca.key").read_bytes())
    with pytest.raises(ProvisioningError, match="not the certificate of the key"):
        ensure_authority(tmp_path / "one", NOW)


def test_the_authority_signs_certificates_and_a_client_may_be_nothing_but_a_client(tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path, NOW)
    ensure_head_office(tmp_path, "hq-1", NOW)
    worker = read_certificate(tmp_path / "hq" / "workers" / "hq-1" / "client.pem")
    worker.verify_directly_issued_by(authority.certificate)
    for certificate, signs in ((authority.certificate, True), (worker, False)):
        assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is signs
        assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is signs
    purposes = list(worker.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert purposes == [ExtendedKeyUsageOID.CLIENT_AUTH]
