"""``tapledger devices``: how every device of a terminal is, live; while the till runs, by the till's own word."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from contract.said import Said

if TYPE_CHECKING:
    from agent.config import DeviceConfig
    from agent.device_view import DeviceState
    from tapledger.device_source import Devices

LOOK_S = 0.25
DESCRIPTION = """\
Shows every device in CONFIG: status, reason, what to do, and the driver's grade (docs/drivers.md), live until Ctrl-C or
for --seconds. While the till runs it is asked; else the devices are opened here, and let go when the till starts.
Status 1 where in the end a device that is switched on is not ready.

显示配置里的每个设备：状态、原因、下一步和驱动等级，直到 Ctrl-C 或 --seconds。收银程序运行时以它的话为准，
否则直接打开设备。
"""
_HOME = "\x1b[H\x1b[2J"
_NO_WORD = Said("尚无消息", "no word yet")
_READY = Said("可以使用", "can be used")


def add_commands(groups: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``devices``."""
    command = groups.add_parser(
        "devices",
        help="show how every device is, live",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("config", type=Path, metavar="CONFIG", help="agent.toml")
    command.add_argument("--json", action="store_true", help="one line of JSON for each change")
    command.add_argument("--seconds", type=seconds, metavar="N", help="end after so long (default: at Ctrl-C)")
    command.set_defaults(run=lambda arguments: watch(arguments.config, arguments.json, arguments.seconds))


def seconds(text: str) -> float:
    """A length of time on the command line: more than 0, up to a day."""
    number = float(text)
    if not 0 < number <= 86_400:
        raise argparse.ArgumentTypeError(f"{text}: expected more than 0 and at most 86400")
    return number


def watch(path: Path, as_json: bool, for_s: float | None) -> int:
    """Show the devices until then. Raises OSError and SettingsError where the configuration cannot be read."""
    from agent.config import read_config
    from tapledger.device_source import Devices

    config = read_config(path)
    until_s = time.monotonic() + (for_s or float("inf"))
    show = _json_lines if as_json else _redrawn if sys.stdout.isatty() else _lines
    states: Mapping[str, DeviceState] = {}
    with closing(Devices(config)) as devices:
        shown: dict[str, str] = {}
        try:
            while True:
                states = devices.states()
                show(config.devices, states, devices, shown)
                if time.monotonic() >= until_s:
                    break
                time.sleep(min(LOOK_S, max(0.0, until_s - time.monotonic())))
        except KeyboardInterrupt:
            pass
    wanted = [device.name for device in config.devices if device.enabled]
    return 0 if all(name in states and states[name].status == "ready" for name in wanted) else 1


def words(device: DeviceConfig, state: DeviceState | None) -> tuple[Said, Said]:
    """How a device is and what to do about it; the second is empty where there is nothing to do."""
    from agent.txn.state import Lang
    from agent.ui_tft.words import device_words

    if state is None:
        return _NO_WORD, Said("", "")
    if state.status == "ready" and not state.reason:
        return _READY, Said("", "")
    (zh, next_zh), (en, next_en) = (
        device_words(device.name, state.status, state.reason, lang) for lang in (Lang.ZH, Lang.EN)
    )
    return Said(zh, en), Said(next_zh, next_en)


def grade_of(device: DeviceConfig) -> int | None:
    """The grade of a device's driver; None where there is no such driver."""
    from agent.drivers.grades import GRADES

    graded = GRADES.get((device.capability, device.technology))
    return None if graded is None else int(graded.grade)


def _json_lines(
    configured: tuple[DeviceConfig, ...], states: Mapping[str, DeviceState], devices: Devices, shown: dict[str, str]
) -> None:
    for device in configured:
        state = states.get(device.name)
        how, what = words(device, state)
        said = {
            "device": device.name,
            "technology": device.technology,
            "status": state.status if state else None,
            "reason": state.reason if state else "",
            "next_step": state.next_step if state else "",
            "since_ms": state.since_ms if state else None,
            "grade": grade_of(device),
            "zh": _joined(how.zh, what.zh, "，"),
            "en": _joined(how.en, what.en, "; "),
            "by": "till" if devices.live else "here",
            "till_runs": devices.live and devices.left_at_ms is None,
        }
        _say_if_new(device.name, json.dumps(said, ensure_ascii=False), shown)


def _lines(
    configured: tuple[DeviceConfig, ...], states: Mapping[str, DeviceState], devices: Devices, shown: dict[str, str]
) -> None:
    for line in _heading(devices):
        _say_if_new("", line, shown)
    for device in configured:
        if device.name in states:
            _say_if_new(device.name, _line(device, states[device.name]), shown)


def _redrawn(
    configured: tuple[DeviceConfig, ...], states: Mapping[str, DeviceState], devices: Devices, shown: dict[str, str]
) -> None:
    lines = list(_heading(devices))
    for device in configured:
        state = states.get(device.name)
        lines.append(f"{_line(device, state)}{_age(state)}")
    _say_if_new("", "\n".join([_HOME + lines[0], *lines[1:]]), shown)


def _heading(devices: Devices) -> tuple[str]:
    if not devices.live:
        return ("the till does not run; devices are opened here · 收银程序没有运行，在此直接打开设备",)
    if devices.left_at_ms is None:
        return ("the till runs; by its own word · 收银程序正在运行，以下是它所说的",)
    at = time.strftime("%H:%M:%S", time.localtime(devices.left_at_ms // 1000))
    return (f"the till has ended; last known {at} · 收银程序已停止，以下是 {at} 的状态",)


def _line(device: DeviceConfig, state: DeviceState | None) -> str:
    how, what = words(device, state)
    grade = grade_of(device)
    status = state.status.value if state else "-"
    code = f" ({state.reason})" if state and state.reason else ""
    told = f"{_joined(how.en, what.en, '; ')} · {_joined(how.zh, what.zh, '，')}"
    graded = "-" if grade is None else str(grade)
    return f"{device.name:<9} {device.technology:<12} {status:<17} grade {graded}  {told}{code}"


def _age(state: DeviceState | None) -> str:
    if state is None:
        return ""
    age_s = max(0, time.time_ns() // 1_000_000 - state.since_ms) // 1000
    return f"  [{age_s} s]" if age_s < 600 else f"  [{age_s // 60} min]"


def _joined(how: str, what: str, by: str) -> str:
    return f"{how}{by}{what}" if what else how


def _say_if_new(name: str, line: str, shown: dict[str, str]) -> None:
    if shown.get(name) != line:
        shown[name] = line
        print(line, flush=True)
