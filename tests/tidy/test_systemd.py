"""The service files say only what systemd, udev and tmpfiles understand, and start commands that exist."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT

FOLDER = ROOT / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
UDEV_TERM = re.compile(r'[A-Z]+(?:\{\w+\})?(?:==|!=|\+=|=)"[^"]*"')


def _settings(unit: str) -> dict[str, list[str]]:
    """The settings of a unit as ``Section.Key`` with every value given, in order (systemd.syntax(7))."""
    settings: dict[str, list[str]] = {}
    section = ""
    for line in (FOLDER / unit).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert section and equals and re.fullmatch(r"[A-Z][A-Za-z]+", key), f"{unit}: {line}"
            settings.setdefault(f"{section}.{key}", []).append(value)
    return settings


def test_there_is_a_unit_for_the_terminal_and_for_each_program_of_head_office() -> None:
    assert UNITS == [
        "tapledger-agent.service",
        "tapledger-hq-web.service",
        "tapledger-hq-worker@.service",
        "tapledger-hq.service",
    ]


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_starts_a_command_that_exists(unit: str) -> None:
    from tapledger.main import build_parser

    (start,) = _settings(unit)["Service.ExecStart"]
    program, *words = shlex.split(start)
    assert program == "/opt/tapledger/bin/tapledger"
    assert callable(build_parser().parse_args([word.replace("%i", "2") for word in words]).run)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_gains_nothing_and_leaks_no_key(unit: str) -> None:
    settings = _settings(unit)
    for key, value in {
        "Service.User": "tapledger",
        "Service.NoNewPrivileges": "yes",
        "Service.CapabilityBoundingSet": "",
        "Service.ProtectSystem": "strict",
        "Service.DevicePolicy": "closed",
        "Service.LimitCORE": "0",
        "Service.UMask": "0077",
        "Service.Restart": "always",
    }.items():
        assert settings[key] == [value], key


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_itself_finds_no_fault_where_it_is_at_hand(unit: str, tmp_path: Path) -> None:
    text = (FOLDER / unit).read_text(encoding="utf-8")
    assert text.count("/opt/tapledger/bin/tapledger") == 1
    program = shutil.which("systemd-analyze")
    if program is not None:
        # A program that is there stands for the installed one, which need not be.
        copy = tmp_path / unit.replace("@.", "@2.")
        copy.write_text(text.replace("/opt/tapledger/bin/tapledger", sys.executable), encoding="utf-8")
        verdict = subprocess.run(
            [program, "verify", str(copy)], capture_output=True, text=True, check=False, timeout=60
        )
        assert (verdict.returncode, copy.name in verdict.stderr) == (0, False), verdict.stderr


def test_every_udev_rule_is_a_list_of_terms_and_leaves_removals_alone() -> None:
    rules = [
        line for line in (FOLDER / "70-tapledger.rules").read_text("utf-8").splitlines() if line and line[0] != "#"
    ]
    assert rules
    for rule in rules:
        terms = rule.split(", ")
        assert all(UDEV_TERM.fullmatch(term) for term in terms), rule
        assert terms[0] == 'ACTION!="remove"'
        assert any(term.startswith("GROUP=") for term in terms)


def test_the_account_and_the_folders_the_units_rely_on_are_made() -> None:
    accounts = (FOLDER / "tapledger.sysusers.conf").read_text("utf-8")
    folders = (FOLDER / "tapledger.tmpfiles.conf").read_text("utf-8")
    assert re.search(r"^u tapledger ", accounts, re.MULTILINE)
    for unit in UNITS:
        words = _settings(unit)["Service.ExecStart"][0].split()
        config = words[words.index("--config") + 1]
        assert re.search(rf"^d {Path(config).parent} 0750 root tapledger ", folders, re.MULTILINE)
    assert re.search(r"^d /var/lib/tapledger 0700 tapledger tapledger ", folders, re.MULTILINE)


def test_the_account_is_in_every_group_that_the_devices_are_given_to() -> None:
    given = set(re.findall(r'GROUP="(\w+)"', (FOLDER / "70-tapledger.rules").read_text("utf-8")))
    members = re.findall(
        r"^m tapledger (\w+)$", (FOLDER / "tapledger-terminal.sysusers.conf").read_text("utf-8"), re.MULTILINE
    )
    assert given | {"video"} == set(members)
    # A group that a system lacks keeps a unit which names it from starting: these every Debian has.
    (named,) = _settings("tapledger-agent.service")["Service.SupplementaryGroups"]
    assert set(named.split()) == set(members) - {"gpio", "spi", "i2c"}


def test_the_account_is_let_in_by_pcscd_for_what_pcscd_asks_polkit() -> None:
    rule = (FOLDER / "tapledger.polkit.rules").read_text("utf-8")
    assert re.findall(r'subject\.user === "(\w+)"', rule) == ["tapledger"]
    wanted = re.findall(r'"org\.debian\.pcsc-lite\.(\w+)"', rule)
    asked = re.findall(rb"\0(access_\w+)\0", Path("/usr/sbin/pcscd").read_bytes())
    assert set(wanted) == {action.decode() for action in asked}
    installed = "systemd/tapledger.polkit.rules /etc/polkit-1/rules.d/70-tapledger.rules"
    assert installed in (ROOT / "docs" / "installing.md").read_text("utf-8")


def test_systemd_makes_the_account_and_puts_it_in_groups_that_were_missing(tmp_path: Path) -> None:
    program = shutil.which("systemd-sysusers")
    if program is None:
        return
    (tmp_path / "etc").mkdir()
    confs = [str(FOLDER / name) for name in ("tapledger.sysusers.conf", "tapledger-terminal.sysusers.conf")]
    made = subprocess.run(
        [program, "--root", str(tmp_path), *confs], capture_output=True, text=True, check=False, timeout=60
    )
    assert made.returncode == 0, made.stderr
    groups = dict(line.split(":")[::3] for line in (tmp_path / "etc" / "group").read_text("utf-8").splitlines())
    assert {name for name, members in groups.items() if members == "tapledger"} >= {"gpio", "spi", "i2c", "dialout"}
