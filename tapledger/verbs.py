"""A verb of a command group, with one line in the group's help and a page of its own."""

import argparse


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
