"""``tapledger agent``: the terminal's own program."""

import argparse
import gc
from pathlib import Path


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``agent run``."""
    group = groups.add_parser("agent", help="run the till on a terminal")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    command = commands.add_parser(
        "run",
        help="run the till until it is told to stop (SIGTERM)",
        description="Run the till until it is told to stop (SIGTERM).",
    )
    command.add_argument("--config", type=Path, required=True, metavar="FILE", help="agent.toml")
    command.set_defaults(run=lambda arguments: run_agent(arguments.config))


def run_agent(config: Path) -> int:
    """Run the till until it is told to stop; the room is imported here so that other commands stay light."""
    # Nothing that is made while the room is imported is garbage: looking for some takes a fifth of the start.
    gc.disable()
    from agent.main import run

    return run(config)
