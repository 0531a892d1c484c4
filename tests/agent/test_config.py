"""The terminal's configuration: documented, complete with defaults, and every mistake in it named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import CAPABILITIES, AgentConfig, DeviceConfig, read_config, readable_devices
from agent.drivers.table import check_options
from contract.ids import TerminalAddress
from contract.settings import SettingsError, parse_toml

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "agent.toml"
LEAST = """\
[terminal]
tenant = "acme"
shop = "s01"
terminal = "t1"
identity = "identity"
store = "data/till.db"
[hq]
host = "hq.example.org"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> dict[str, str]:
    """Every mistake found: its path, and what to do about it."""
    with pytest.raises(SettingsError) as raised:
        read_config(written(folder, text))
    assert raised.value.source == str(folder / "agent.toml")
    assert all(problem.cause_zh and problem.suggestion_zh for problem in raised.value.problems)
    return {problem.path: problem.suggestion for problem in raised.value.problems}


def test_what_is_not_written_gets_its_default_and_paths_start_at_the_files_own_folder(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, LEAST)) == AgentConfig(
        address=TerminalAddress("acme", "s01", "t1"),
        epoch=1,
        identity=tmp_path / "identity",
        store=tmp_path / "data" / "till.db",
        language="zh",
        hq_host="hq.example.org",
        hq_port=8883,
        heartbeat_s=20,
        silence_s=65,
        devices=(),
    )


def test_an_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, LEAST.replace('"identity"', '"/etc/tapledger/identity"')))
    assert config.identity == Path("/etc/tapledger/identity")


def test_a_device_is_its_technology_and_the_options_its_driver_will_check(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, f'{LEAST}[devices.code]\ntechnology = "serial"\npath = "/dev/scanner"\n'))
    assert config.devices == (DeviceConfig("code", "serial", {"path": "/dev/scanner"}),)


def test_several_devices_may_serve_one_capability_and_one_may_be_switched_off(tmp_path: Path) -> None:
    text = f"""{LEAST}
[devices.card]
technology = "libnfc"
[devices.card-2]
technology = "pcsc"
enabled = false
"""
    first, second = read_config(written(tmp_path, text)).devices
    assert (first.name, first.capability, first.enabled) == ("card", "card", True)
    assert (second.name, second.capability, second.enabled) == ("card-2", "card", False)
    assert second.options == {}
    assert set(problems(tmp_path, text.replace("false", '"no"'))) == {"devices.card-2.enabled"}
    assert set(problems(tmp_path, text.replace("card-2", "card-9"))) == {"devices.card-9"}


def test_five_mistakes_in_one_file_are_five_named_mistakes_with_what_was_probably_meant(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """\
        [terminal]
        tenant = "Acme Ltd"
        shop = "s01"
        terminal = "t1"
        identity = "identity"
        stroe = "till.db"
        language = "cn"
        [hq]
        host = "hq.example.org"
        port = "8883"
        [devices.kepad]
        technology = "serial"
        """,
    )
    assert set(found) == {"terminal.tenant", "terminal.stroe", "terminal.language", "hq.port", "devices.kepad"}
    assert "Did you mean terminal.store?" in found["terminal.stroe"]
    assert "Did you mean devices.keypad?" in found["devices.kepad"]


def test_a_device_without_a_driver_is_named_beside_every_other_mistake(tmp_path: Path) -> None:
    text = f'{LEAST}prot = 8884\n[devices.glass]\naddress = "/run/glass"\n[devices.card]\ntechnology = 3\n'
    assert set(problems(tmp_path, text)) == {"hq.prot", "devices.glass.technology", "devices.card.technology"}


def test_an_empty_file_lacks_whatever_has_no_default(tmp_path: Path) -> None:
    missing = {"terminal.tenant", "terminal.shop", "terminal.terminal", "terminal.identity", "terminal.store"}
    assert set(problems(tmp_path, "")) == {*missing, "hq.host"}


@pytest.mark.parametrize("text", ["[terminal", "x = ", "\x00", "[a]\n[a]", "[" * 5_000])
def test_a_file_that_is_no_toml_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    assert set(problems(tmp_path, text)) == {""}


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_bytes(b"\xff\xfe[terminal]")
    with pytest.raises(SettingsError, match="UTF-8"):
        read_config(tmp_path / "agent.toml")


def test_the_documented_example_is_a_good_configuration_whose_devices_all_have_a_driver() -> None:
    config = read_config(EXAMPLE)
    assert {device.name for device in config.devices} == set(CAPABILITIES)
    for device in config.devices:
        check_options(device.capability, device.technology, device.options)


def test_the_devices_of_a_file_that_is_wrong_elsewhere_can_still_be_made_out() -> None:
    plain = parse_toml('[terminal]\nx = 1\n[devices]\nglass = 3\n[devices.code]\ntechnology = "serial"\n')
    assert [device.name for device in readable_devices(plain)] == ["code"]
    assert readable_devices({"devices": 3}) == ()


@pytest.mark.parametrize("host", ["hq..example.org", ".example.org", "hq example.org", "h" * 64, "h\\u0000"])
def test_a_head_office_whose_name_nothing_can_look_up_is_refused_before_the_till_starts(
    tmp_path: Path, host: str
) -> None:
    assert set(problems(tmp_path, LEAST.replace("hq.example.org", host))) == {"hq.host"}
