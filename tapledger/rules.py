"""``tapledger rules``: price, explain and refund a basket, check a pack, compile it, compare two of them.

Files are named, ``-`` is the standard input. People get tables in Chinese or English, programs ``--json``.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tapledger.told import complain
from tapledger.verbs import add_verb

if TYPE_CHECKING:
    from contract.basket import Basket
    from rules.engine.compiled import Compiled

_FILES = """\
A pack is the JSON that staff write, or the bytes that `rules compile` made; a basket is JSON like a golden basket's.
docs/rules/commands.md shows what each command prints, docs/rules/output.schema.json says what --json prints.
"""

_COMPARE = """\
Prices every basket of a file (JSON, one on each line) under both packs, and says what changes: for which tiers, by
which rules, which goods come to their floor, which baskets change most. Nothing is published or changed.
"""

_REFUND = """\
The sale is what `rules price --json` printed. It is refunded by the pack it was priced by: the one in it
(`rules price --keep-pack`), or the one named. --lines 0:1,2:3 gives back one unit of the first line and three of the
third.
"""


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``rules`` and its commands; each sets ``run``, which takes the arguments and returns the exit status."""
    group = groups.add_parser(
        "rules",
        help="price, explain, check and compare by a rule pack",
        description="The rules engine at the command line.",
        epilog=_FILES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    price = _add(commands, "price", "say what a basket comes to, and why", _price)
    _takes_pack(price)
    _takes_basket(price)
    price.add_argument("--keep-pack", action="store_true", help="put the pack into the sale, for `rules refund`")
    explain = _add(commands, "explain", "say of every rule why it applied or not, and what would change that", _explain)
    _takes_pack(explain)
    _takes_basket(explain)
    refund = _add(commands, "refund", "say what giving goods back means", _refund, _REFUND)
    refund.add_argument("--sale", required=True, metavar="S", help="the sale")
    refund.add_argument("--pack", metavar="P", help="the pack it was priced by (default: the one in the sale)")
    refund.add_argument(
        "--lines", required=True, metavar="L:N,...", help="line, counted from 0, and how many units of it come back"
    )
    lint = _add(commands, "lint", "find what can never happen, gets in its own way or costs too much", _lint)
    _takes_pack(lint)
    lint.add_argument("--baskets", metavar="FILE", help="baskets as they are sold, one on each line, to try as well")
    compile_ = _add(commands, "compile", "write a pack's canonical bytes, and say their SHA-256", _compile)
    _takes_pack(compile_)
    compile_.add_argument("--out", required=True, metavar="F", help="where to write them")
    compare = _add(commands, "compare", "say what a new pack changes, for whom", _compare, _COMPARE)
    compare.add_argument("--pack", required=True, metavar="NEW", help="the new pack")
    compare.add_argument("--against", required=True, metavar="OLD", help="the pack in force")
    compare.add_argument("--baskets", required=True, metavar="FILE", help="the baskets, one on each line")
    compare.add_argument("--jobs", type=_jobs, metavar="N", help="how many processes (default: one for each core)")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    act: Callable[[argparse.Namespace], int],
    text: str = "",
) -> argparse.ArgumentParser:
    command = add_verb(commands, name, what, text)
    command.add_argument("--json", action="store_true", help="print JSON, by docs/rules/output.schema.json")
    command.add_argument("--lang", choices=("zh", "en"), help="the language of tables (default: that of LANG)")
    command.set_defaults(run=_run(act, command))
    return command


def _takes_pack(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--pack", required=True, metavar="P", help="the pack, JSON or compiled; - for the standard input"
    )


def _takes_basket(command: argparse.ArgumentParser) -> None:
    command.add_argument("--basket", required=True, metavar="B", help="the basket, JSON; - for the standard input")


def _run(
    act: Callable[[argparse.Namespace], int], command: argparse.ArgumentParser
) -> Callable[[argparse.Namespace], int]:
    """Make a command of ``act``: what is refused is told in both languages, with status 1."""

    def run(arguments: argparse.Namespace) -> int:
        from contract.errors import ContractError
        from tapledger.rules_files import STDIN, Refusal

        named = [getattr(arguments, name, None) for name in ("pack", "basket", "sale", "against", "baskets")]
        if named.count(STDIN) > 1:
            command.error("the standard input can be read once only")
        try:
            return act(arguments)
        except Refusal as refusal:
            print(refusal.words(), file=sys.stderr)
        except ContractError as error:
            print(Refusal(command.prog, error).words(), file=sys.stderr)
        except OSError as error:
            complain(error, "tapledger rules")
        return 1

    return run


def _price(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from contract.named import write_named
    from rules.engine.price import price
    from tapledger.rules_answers import price_answer
    from tapledger.rules_files import reading
    from tapledger.rules_show import show_price

    compiled, basket = _read(arguments)
    with reading(arguments.basket):
        answer = price_answer(basket, price(basket, compiled), compiled.pack)
    if arguments.keep_pack:
        answer = replace(answer, sale=replace(answer.sale, pack=write_named(compiled.pack)))
    return _say(arguments, answer, show_price)


def _explain(arguments: argparse.Namespace) -> int:
    from rules.engine.verdicts import judge
    from tapledger.rules_answers import explain_answer
    from tapledger.rules_files import reading
    from tapledger.rules_progress import Bar
    from tapledger.rules_show import show_explain

    compiled, basket = _read(arguments)
    with reading(arguments.basket):
        judged = judge(basket, compiled)
    with Bar("rules", len(judged.verdicts)) as bar:
        answer = explain_answer(basket, judged, compiled, lambda done: bar.show(done, f"{done}"))
    return _say(arguments, answer, show_explain)


def _refund(arguments: argparse.Namespace) -> int:
    from contract.errors import ContractError, Reason
    from contract.named import read_named
    from rules.engine.compiled import compile_pack
    from rules.grammar.pack import Pack
    from rules.references import require_sense
    from rules.refund import Sold, refund
    from tapledger.rules_answers import refund_answer
    from tapledger.rules_files import Refusal, load_compiled, load_sale, reading
    from tapledger.rules_show import show_refund

    sale = load_sale(arguments.sale)
    if arguments.pack is not None:
        compiled = load_compiled(arguments.pack)
    elif sale.pack is not None:
        with reading(arguments.sale):
            pack = read_named(Pack, sale.pack, "sale.pack")
            require_sense(pack)
            compiled = compile_pack(pack)
    else:
        detail = "name the pack with --pack, or price with --keep-pack"
        raise Refusal(arguments.sale, ContractError(Reason.MISSING_FIELD, "sale.pack", detail))
    with reading("--lines"):
        units = _units(arguments.lines, len(sale.basket.lines))
    with reading(arguments.sale):
        found = refund(Sold(sale.basket, sale.effects, sale.payable_minor), compiled, units)
    return _say(arguments, refund_answer(found, compiled.pack), show_refund)


def _lint(arguments: argparse.Namespace) -> int:
    import time

    from rules.linting.lint import lint
    from tapledger.rules_answers import lint_answer
    from tapledger.rules_files import load_baskets, load_pack
    from tapledger.rules_progress import Bar
    from tapledger.rules_show import show_lint

    pack = load_pack(arguments.pack)
    baskets = [] if arguments.baskets is None else [basket for _line, basket in load_baskets(arguments.baskets)]
    with Bar("rules", len(pack.rules)) as bar:
        today = int(time.time()) // 86_400
        found = lint(pack, baskets, lambda done, _of: bar.show(done, f"{done}"), today)
    answer = lint_answer(len(pack.rules), found)
    _say(arguments, answer, show_lint)
    return 1 if answer.wrong else 0


def _compile(arguments: argparse.Namespace) -> int:
    import hashlib
    import time

    from contract.errors import ContractError, Reason
    from rules.engine.compiled import compile_pack
    from rules.engine.golden import failed_golden
    from rules.pack import write_pack
    from tapledger.rules_files import Refusal, load_pack, reading
    from tapledger.rules_output import CompileAnswer
    from tapledger.rules_show import show_compile

    pack = load_pack(arguments.pack)
    with reading(arguments.pack):
        content = write_pack(pack)
        started = time.monotonic()
        compiled = compile_pack(pack)
        milliseconds = int((time.monotonic() - started) * 1_000)
    failed = failed_golden(compiled)
    if failed is not None:
        error = ContractError(Reason.OUT_OF_RANGE, f"golden[{failed}]", "is priced differently by these rules")
        raise Refusal(arguments.pack, error)
    _write(Path(arguments.out), content)
    index = compiled.index_bytes()
    answer = CompileAnswer(
        rules=len(pack.rules),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        index_bytes=len(index),
        index_sha256=hashlib.sha256(index).hexdigest(),
        compile_ms=milliseconds,
    )
    return _say(arguments, answer, show_compile)


def _compare(arguments: argparse.Namespace) -> int:
    from tapledger.rules_answers import compare_answer
    from tapledger.rules_compare import compare_file, cores
    from tapledger.rules_files import STDIN, load_compiled
    from tapledger.rules_progress import Bar
    from tapledger.rules_show import show_compare

    new, old = load_compiled(arguments.pack), load_compiled(arguments.against)
    size = 0 if arguments.baskets == STDIN else Path(arguments.baskets).stat().st_size
    with Bar("baskets", size) as bar:
        tally = compare_file(
            arguments.baskets, old, new, arguments.jobs or cores(), lambda count, done: bar.show(done, f"{count}")
        )
    return _say(arguments, compare_answer(tally), show_compare)


def _read(arguments: argparse.Namespace) -> "tuple[Compiled, Basket]":
    from tapledger.rules_files import load_basket, load_compiled

    return load_compiled(arguments.pack), load_basket(arguments.basket)


def _say(arguments: argparse.Namespace, answer: Any, show: Callable[..., str]) -> int:
    """Print an answer as JSON or as people read it; returns status 0."""
    from contract.named import write_named
    from tapledger.rules_show import Words

    if arguments.json:
        text = json.dumps(write_named(answer), ensure_ascii=False, indent=1) + "\n"
    else:
        text = show(answer, Words(arguments.lang or _language()))
    encoding = sys.stdout.encoding or "utf-8"
    # A terminal that has no Chinese shows marks in its place rather than nothing at all.
    print(text.encode(encoding, "replace").decode(encoding), end="", flush=True)
    return 0


def _language() -> str:
    """The language of this terminal: Chinese where LC_ALL, LC_MESSAGES or LANG says so, the first that is set."""
    said = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "zh" if said.lower().startswith("zh") else "en"


def _units(text: str, lines: int) -> list[int]:
    """How many units of each line come back. Raises ContractError for anything but ``0:1,2:3`` with lines that are
    there, each once.
    """
    from contract.errors import ContractError, Reason

    units = [0] * lines
    for number, part in enumerate(text.split(",")):
        line, colon, count = part.strip().partition(":")
        plain = line.isascii() and count.isascii() and line.isdecimal() and count.isdecimal()
        if not colon or not plain or len(line) > 6 or len(count) > 6:
            raise ContractError(Reason.BAD_TEXT_FORM, f"[{number}]", "expected line:units, such as 0:1,2:3")
        if int(line) >= lines:
            raise ContractError(Reason.OUT_OF_RANGE, f"[{number}]", f"the sale has {lines} lines, counted from 0")
        if units[int(line)]:
            raise ContractError(Reason.OUT_OF_RANGE, f"[{number}]", "the line is named twice")
        units[int(line)] = int(count)
    return units


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError("expected 1 to 256")
    return int(text)


def _write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
