"""The terminal's configuration: one TOML file, read strictly, every mistake named at once. docs/examples/agent.toml
shows all of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract import settings
from contract.ids import TerminalAddress
from contract.making import dataclass

CAPABILITIES = ("card", "code", "keypad", "touch", "printer", "pole", "panel", "glass")
"""What a till can have a device for."""
INPUTS = ("card", "code", "keypad")
MOST_OF_AN_INPUT = 3
DEVICES = (
    *CAPABILITIES,
    *(f"{capability}-{number}" for capability in INPUTS for number in range(2, MOST_OF_AN_INPUT + 1)),
)
"""The names of devices; each is one optional table ``[devices.NAME]``. Cards, codes and keys may come from several
devices at once: ``card-2`` is another device of the capability ``card``.
"""

_DEVICE_SHAPE = settings.opaque(default=None)

SHAPE = settings.Table(
    {
        "terminal": settings.Table(
            {
                "tenant": settings.name(),
                "shop": settings.name(),
                "terminal": settings.name(),
                "epoch": settings.whole(1, 2**31, default=1),
                "identity": settings.text(),
                "store": settings.text(),
                "language": settings.choice(("zh", "en"), default="zh"),
                "return_leases_at_close": settings.flag(default=False),
            }
        ),
        "hq": settings.Table(
            {
                "host": settings.host(),
                "port": settings.whole(1, 65_535, default=8883),
                "heartbeat_s": settings.whole(1, 600, default=20),
                "silence_s": settings.whole(2, 1_800, default=65),
            }
        ),
        "devices": settings.Table({name: _DEVICE_SHAPE for name in DEVICES}, optional=True),
    }
)


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One device: its name, the technology by which it serves its capability, the driver's own options, unchecked, and
    whether it is to be used at all.
    """

    name: str
    technology: str
    options: Mapping[str, Any]
    enabled: bool = True

    @property
    def capability(self) -> str:
        """What it is for: one of `CAPABILITIES`."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Everything the agent is told. Paths are absolute or relative to the configuration file's folder, already
    joined.
    """

    address: TerminalAddress
    epoch: int
    identity: Path
    store: Path
    language: str
    hq_host: str
    hq_port: int
    heartbeat_s: int
    silence_s: int
    devices: tuple[DeviceConfig, ...]
    return_leases_at_close: bool = False


def read_config(path: Path) -> AgentConfig:
    """Read and check the file at ``path``. Raises OSError where it cannot be read, SettingsError with every mistake
    in it.
    """
    return build_config(settings.parse_toml(path.read_bytes(), str(path)), path.parent, str(path))


def build_config(plain: Mapping[str, object], folder: Path, source: str = "") -> AgentConfig:
    """Return the configuration in parsed TOML. Raises SettingsError with every mistake."""
    checked = settings.check(plain, SHAPE)
    devices, problems = _devices(checked.values.get("devices") or {})
    if checked.problems or problems:
        raise settings.SettingsError((*checked.problems, *problems), source)
    terminal, hq = checked.values["terminal"], checked.values["hq"]
    return AgentConfig(
        address=TerminalAddress(terminal["tenant"], terminal["shop"], terminal["terminal"]),
        epoch=terminal["epoch"],
        identity=folder / terminal["identity"],
        store=folder / terminal["store"],
        language=terminal["language"],
        return_leases_at_close=terminal["return_leases_at_close"],
        hq_host=hq["host"],
        hq_port=hq["port"],
        heartbeat_s=hq["heartbeat_s"],
        silence_s=hq["silence_s"],
        devices=devices,
    )


def readable_devices(plain: Mapping[str, object]) -> tuple[DeviceConfig, ...]:
    """The devices that can be made out in parsed TOML, however wrong the rest is: for naming all mistakes at once."""
    tables = plain.get("devices")
    if not isinstance(tables, dict):
        return ()
    return _devices({name: table for name, table in tables.items() if isinstance(table, dict)})[0]


def _devices(tables: Mapping[str, Any]) -> tuple[tuple[DeviceConfig, ...], list[settings.Problem]]:
    devices, problems = [], []
    for name in DEVICES:
        table = tables.get(name)
        if table is None:
            continue
        technology = table.get("technology")
        if not isinstance(technology, str):
            problems.append(
                settings.Problem(
                    f"devices.{name}.technology",
                    "is missing",
                    "缺少此项",
                    "Write which driver serves it.",
                    "请写明由哪个驱动负责。",
                )
            )
            continue
        enabled = table.get("enabled", True)
        if not isinstance(enabled, bool):
            problems.append(
                settings.Problem(
                    f"devices.{name}.enabled",
                    "is neither true nor false",
                    "既不是 true 也不是 false",
                    "Write true or false, without quotation marks.",
                    "请写 true 或 false，不加引号。",
                )
            )
            continue
        options = {key: value for key, value in table.items() if key not in ("technology", "enabled")}
        devices.append(DeviceConfig(name, technology, options, enabled))
    return tuple(devices), problems
