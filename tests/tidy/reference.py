"""``./dev docs``: writes what comes from the code into docs/, between two marks; the rest of a page is by hand.

docs/refusals.md lists every refusal a cashier can see, docs/commands.md every command and option, docs/drivers.md how
far each driver was proved, docs/rules/ the whole
grammar of rules and the JSON Schemas, docs/contract/ every record on the wire and test vectors. Tests hold the pages to
the code.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from agent.drivers.grades import GRADES
from contract.refusals import TEXTS, RefusalCode
from rules.schema import basket_schema, pack_schema
from tapledger.rules_output import output_schema
from tests.contract import vectors
from tests.tidy import transcripts
from tests.tidy.grammar_reference import grammar_reference
from tests.tidy.tree import ROOT
from tests.tidy.wire_reference import wire_reference

BEGIN, END = "<!-- from the code: ./dev docs -->", "<!-- end -->"


def with_block(text: str, block: str) -> str:
    """Return a page's text with what stands between its marks replaced. Raises ValueError where a mark is missing."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{block}\n{END}{after}"


def refusals_table() -> str:
    """Every refusal code with its cause and the next step, in both languages."""
    lines = ["| code | cause | next step | 原因 | 下一步 |", "|---|---|---|---|---|"]
    for code in RefusalCode:
        text = TEXTS[code]
        lines.append(f"| `{code}` | {text.cause_en} | {text.next_en} | {text.cause_zh} | {text.next_zh} |")
    return "\n".join(lines) + "\n"


def commands_list(parser: argparse.ArgumentParser) -> str:
    """Every command of the command line as a heading, what it does, and its arguments."""
    parts: list[str] = []
    for command, about in _commands(parser, ""):
        parts.append(f"## {command.prog}\n\n{about}\n")
        rows = [row for action in command._actions if (row := _argument(action))]
        if rows:
            parts.append("\n".join(["| argument | what it is |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def commands_page() -> str:
    """What docs/commands.md should hold between its marks."""
    from tapledger.main import build_parser

    return commands_list(build_parser())


def drivers_table() -> str:
    """Every driver with its grade, what was seen of it and what was not."""
    lines = ["| device | technology | grade | seen | not seen |", "|---|---|---|---|---|"]
    for (capability, technology), graded in GRADES.items():
        row = (f"`{capability}`", f"`{technology}`", str(int(graded.grade)), graded.seen, graded.not_seen)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "docs/refusals.md": refusals_table,
    "docs/commands.md": commands_page,
    "docs/drivers.md": drivers_table,
    "docs/contract/records.md": wire_reference,
    "docs/rules/reference.md": grammar_reference,
}
"""What each page holds between its marks, by the page's path below the root."""


FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "docs/contract/vectors.json": vectors.document,
    "docs/rules/pack.schema.json": pack_schema,
    "docs/rules/basket.schema.json": basket_schema,
    "docs/rules/output.schema.json": output_schema,
}
"""JSON that is written whole, by its path below the root."""


def file_text(path: str) -> str:
    """What the file at ``path``, one of FILES, should hold."""
    return json.dumps(FILES[path](), ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    """Write the pages and files anew."""
    for path in FILES:
        (ROOT / path).write_text(file_text(path), encoding="utf-8")
    for path, block in PAGES.items():
        page = ROOT / path
        page.write_text(with_block(page.read_text(encoding="utf-8"), block()), encoding="utf-8")
    page = ROOT / transcripts.PAGE
    page.write_text(transcripts.retold(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def _commands(parser: argparse.ArgumentParser, about: str) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for group in groups:
        helps = {choice.dest: choice.help or "" for choice in group._choices_actions}
        for name, command in group.choices.items():
            yield from _commands(command, _sentence(helps.get(name, "")))
    if not groups:
        yield parser, _sentence(parser.description or "") or about


def _argument(action: argparse.Action) -> str:
    if isinstance(action, argparse._HelpAction):
        return ""
    names = ", ".join(f"`{name}`" for name in action.option_strings) or f"`{action.metavar or action.dest}`"
    about = (action.help or "").replace("%(default)s", str(action.default)).replace("|", "\\|")
    needed = action.required and action.option_strings
    return f"| {names} | {_sentence(about)}{' Required.' if needed else ''} |"


def _sentence(text: str) -> str:
    words = text.split()
    if not words:
        return ""
    # A file's name keeps its own case.
    first = words[0] if "." in words[0] else words[0][0].upper() + words[0][1:]
    said = " ".join([first, *words[1:]])
    return said if said[-1] in ".!?。" else f"{said}."


if __name__ == "__main__":
    sys.exit(main())
