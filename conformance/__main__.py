"""``python -m conformance [FILE.jsonl]``: runs the cases of a file, those that ship with the product where none is
named, and prints what became of them.
"""

import sys
from pathlib import Path

from conformance.report import exit_status, lines
from conformance.run import run_lines

SHIPPED = Path(__file__).with_name("cases.jsonl")
USAGE = """usage: ./dev conformance [FILE.jsonl]

Turns each neutral case of FILE (one JSON object a line; conformance/README.md) into a pack and a basket, prices it, and
compares. Without FILE the cases that ship with the product are run. Exit status: 0 if none failed, 1 if any did, 2 if
the file cannot be read."""


def main(arguments: list[str]) -> int:
    """Run one file and return the exit status."""
    if "-h" in arguments or "--help" in arguments:
        print(USAGE)
        return 0
    if len(arguments) > 1:
        print(USAGE, file=sys.stderr)
        return 2
    path = Path(arguments[0]) if arguments else SHIPPED
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        print(f"conformance: {path}: {error}", file=sys.stderr)
        return 2
    results = list(run_lines(text.split("\n")))
    print("\n".join(lines(results)))
    return exit_status(results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
