"""A verb of a command group, with one line in the group's help and a page of its own."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from contract.said import Said

if TYPE_CHECKING:
    from hq.office import Office

Groups: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where the commands of a group are added."""

Act: TypeAlias = "Callable[[Office, argparse.Namespace], Said | str]"
"""What staff do with the books open. It returns a sentence in both languages; or text that is in both already, or in
none: a table with both heads, JSON, the text of a code.
"""

Opened: TypeAlias = "Callable[[Act], Callable[[argparse.Namespace], int]]"
"""What makes a command of it."""


def add_verb(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str, text: str = ""
) -> argparse.ArgumentParser:
    """Add the verb ``name``: ``what`` in the group's help, and as a sentence on its own page unless ``text`` stands
    there instead.
    """
    return commands.add_parser(
        name,
        help=what,
        description=text or what[0].upper() + what[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
