"""``tapledger``: the one entry point. Exit status 0 means done, 1 means refused or failed with the reason on stderr,
2 means the call was wrong.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from contract.errors import ContractError
from contract.said import SaidError
from contract.settings import SettingsError
from tapledger import agent, config, demo, device, devices, hq, journal, provision, rules
from tapledger.summaries import say_in_chinese
from tapledger.told import complain

DESCRIPTION = """\
The membership till that keeps its promises when the network is gone.

  On a terminal       tapledger agent run --config FILE
  Its devices         tapledger devices FILE
  At head office      tapledger hq run --config FILE
  What rules do       tapledger rules --help
  A new terminal      tapledger provision --help
  See it all at once  tapledger demo
"""


class Parser(argparse.ArgumentParser):
    """A parser that says in both languages that a call is wrong, and where it is told how to write it."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong, and exit with status 2."""
        self.print_usage(sys.stderr)
        self.exit(
            2,
            f"{self.prog}: error: {message}; `{self.prog} --help` tells how to write it\n"
            f"{self.prog}: 写法不对（{message}）；用 {self.prog} --help 查看写法\n",
        )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="tapledger", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    groups = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for room in (agent, devices, device, journal, hq, rules, provision, demo, config):
        room.add_commands(groups)
    say_in_chinese(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (SaidError, ContractError, SettingsError, OSError) as error:
        return complain(error)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
