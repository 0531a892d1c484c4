"""``tapledger hq ingest``, ``hq exceptions``, ``hq terminal revoke`` and ``hq restored``: what people do about journals
and what must be looked into.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from contract.said import Said
from tapledger.verbs import Groups, Opened, add_verb

if TYPE_CHECKING:
    from hq.office import Office
    from hq.stick import Brought, BroughtEpoch

_INGEST = """\
Brings in a journal that a till wrote to a file with `tapledger journal export`, by the same checks as over the air:
what head office has is passed over, what is new is stored, judged and posted. The till hears of it at its next hello.

Exit status 1 if anything was refused.
"""

_REVOKE = """\
Takes nothing more from the till: what it sends is refused and kept in quarantine. Withdraw its certificate too, with
`tapledger provision revoke`, and have the broker read the list.
"""

_RESTORED = """\
Say this after the database was brought back from a backup. Nothing is lent until every till that may speak has said
what it holds. Head office also notices by itself, where a till knows more than the books.
"""

_SETTLE = """\
Marks exceptions as looked into. The note is kept, and each is an entry of head office's own chain.
"""


def add_clerk(commands: Groups, terminal: Groups, office: Opened) -> None:
    """Add the verbs to ``hq`` and to ``hq terminal``; ``office`` makes a command of what is done with the books
    open.
    """
    ingest = _command(add_verb(commands, "ingest", "bring in a journal from a file", _INGEST), office(_ingest))
    ingest.add_argument("file", type=Path, metavar="FILE", help="what `tapledger journal export` wrote")
    exceptions = commands.add_parser(
        "exceptions", help="what people must look into", description="What people must look into."
    ).add_subparsers(metavar="COMMAND", required=True)
    listed = _command(add_verb(exceptions, "list", "show what waits for people"), office(_list))
    listed.add_argument("--all", action="store_true", help="also what was settled")
    settle = _command(add_verb(exceptions, "settle", "mark as looked into", _SETTLE), office(_settle))
    settle.add_argument("numbers", type=int, nargs="+", metavar="NUMBER", help="as `exceptions list` shows them")
    settle.add_argument("--note", required=True, metavar="TEXT", help="what was found")
    revoke = _command(add_verb(terminal, "revoke", "take nothing more from a till", _REVOKE), office(_revoke))
    revoke.add_argument("address", metavar="TENANT/SHOP/TERMINAL", help="which one")
    _command(add_verb(commands, "restored", "say that the books came from a backup", _RESTORED), office(_restored))


def _command(command: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    command.add_argument("--config", type=Path, required=True, metavar="FILE", help="hq.toml")
    command.set_defaults(run=run)
    return command


def _ingest(office: "Office", arguments: argparse.Namespace) -> str:
    from hq.clerk import bring_in_file
    from hq.errors import OfficeError

    brought = bring_in_file(office, arguments.file)
    said = brought_text(brought)
    if not brought.whole:
        print(said)
        raise OfficeError(
            "有内容被拒绝；用 hq exceptions list 和 hq books 查看是哪些。",
            "something was refused; `tapledger hq exceptions list` and `tapledger hq books` say what.",
        )
    return said


def brought_text(brought: "Brought") -> str:
    """What became of a file, in both languages."""
    lines = [str(brought.address)]
    for epoch in brought.epochs:
        lines += [f"  {_en(epoch)}", f"  {_zh(epoch)}"]
    return "\n".join(lines)


def _zh(epoch: "BroughtEpoch") -> str:
    parts = [f"第 {epoch.epoch} 代：新增 {epoch.new} 条，已有 {epoch.known} 条"]
    if epoch.unread:
        parts.append(f"{epoch.unread} 条暂时读不懂，已保存")
    if epoch.missing:
        parts.append(f"{epoch.missing} 条在终端上已读不出")
    if epoch.refused is not None:
        parts.append(f"从第 {epoch.refused.seq} 条起被拒绝：{epoch.refused.reason}")
    return "，".join(parts)


def _en(epoch: "BroughtEpoch") -> str:
    parts = [f"epoch {epoch.epoch}: {epoch.new} new, {epoch.known} known"]
    if epoch.unread:
        parts.append(f"{epoch.unread} stored that cannot be read yet")
    if epoch.missing:
        parts.append(f"{epoch.missing} that the till could not read")
    if epoch.refused is not None:
        parts.append(f"refused from {epoch.refused.seq} on: {epoch.refused.reason}")
    return ", ".join(parts)


def _list(office: "Office", arguments: argparse.Namespace) -> str:
    from hq.clerk import list_exceptions

    return list_exceptions(office, arguments.all)


def _settle(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.clerk import settle_exceptions

    return settle_exceptions(office, arguments.numbers, arguments.note)


def _revoke(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.clerk import revoke_terminal

    return revoke_terminal(office, arguments.address)


def _restored(office: "Office", _arguments: argparse.Namespace) -> Said:
    from hq.clerk import say_restored

    return say_restored(office)
