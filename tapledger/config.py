"""``tapledger config``: is this file right, and what would be used?"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent import config as agent_config
from agent.drivers.table import check_options
from contract import settings


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``config check``."""
    group = groups.add_parser("config", help="check a configuration file")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    command = commands.add_parser(
        "check",
        help="name every mistake in a file at once, or show what would be used",
        description="Which side a file is for follows from its tables: head office's has [database] or [broker].",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="agent.toml or hq.toml")
    command.set_defaults(run=lambda arguments: check(arguments.file))


def check(path: Path) -> int:
    """Print all mistakes in ``path`` (status 1), or its values with secrets masked (status 0)."""
    plain = settings.parse_toml(path.read_bytes(), str(path))
    is_hq = "database" in plain or "broker" in plain
    shape = _hq_shape() if is_hq else agent_config.SHAPE
    problems = _hq_problems(plain, path) if is_hq else _agent_problems(plain, path)
    if problems:
        print(f"{path}: {len(problems)} mistake{'s' if len(problems) > 1 else ''}", file=sys.stderr)
        for problem in problems:
            print(f"  {problem}\n  {problem.text_zh()}", file=sys.stderr)
        return 1
    print(f"{path}: good. What would be used:")
    _show(settings.masked(settings.check(plain, shape).values, shape), "")
    return 0


def _agent_problems(plain: dict[str, Any], path: Path) -> list[settings.Problem]:
    try:
        devices = agent_config.build_config(plain, path.parent).devices
        problems: list[settings.Problem] = []
    except settings.SettingsError as error:
        problems = list(error.problems)
        devices = agent_config.readable_devices(plain)
    for device in devices:
        try:
            check_options(device.capability, device.technology, device.options)
        except settings.SettingsError as error:
            problems += [
                replace(problem, path=f"devices.{device.name}.{problem.path}".rstrip(".")) for problem in error.problems
            ]
    return problems


def _hq_problems(plain: dict[str, Any], path: Path) -> list[settings.Problem]:
    from hq import config as hq_config

    try:
        hq_config.build_config(plain, path.parent)
    except settings.SettingsError as error:
        return list(error.problems)
    return []


def _hq_shape() -> settings.Table:
    from hq import config as hq_config

    return hq_config.SHAPE


def _show(values: dict[str, Any], indent: str) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            print(f"{indent}[{name}]")
            _show(value, indent + "  ")
        else:
            print(f"{indent}{name} = {value!r}")
