"""``tapledger hq settle``, ``hq period`` and ``hq shops``: who owes whom for stored value, and closing the books."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from contract.said import Said
from tapledger.verbs import Groups, Opened, add_verb

if TYPE_CHECKING:
    from hq.office import Office

_SETTLE = """\
Recomputes from signed entries who owes whom for stored value that was topped up in one shop and spent in another.
Without days: everything that is in no closed period. With --receipts every row lists the entries it comes from.

Direct shops of one company net among themselves; a franchise is owed by its rate; both stand in one report.
"""

_CLOSE = """\
Freezes which signed entries the books hold through that day: the root of a tree over their digests (RFC 6962), the
trial balance and the settlement report. A sale that comes in later stays in the open period, as late of this one.
"""

_SHOPS = """\
TOML. Of a shop that is not named, the tenant itself is the company; it is direct and bears the bonus it issues.

  [[shop]]
  shop = "north-3"
  company = "li-partners"
  settles = "franchise"        # or "direct"
  rate_bp = 9700               # of the principal spent there it keeps 97.00 %
  from_day = "2026-07-01"      # terms hold from a day on; not written: from the beginning
  bonus_issuer = 1000          # who bears the bonus this shop issues, in thousandths
  bonus_spender = 0
  bonus_office = 0
"""

_EVERY = 5_000


def add_settlement(commands: Groups, office: Opened) -> None:
    """Add ``settle``, ``period close``, ``period show`` and ``shops load`` to ``hq``; ``office`` makes a command of
    what is done with the books open.
    """
    settle = _command(add_verb(commands, "settle", "who owes whom for stored value", _SETTLE), office(_settle))
    settle.add_argument("--from", dest="first", metavar="DAY", help="the first day, such as 2026-07-01")
    settle.add_argument("--to", dest="last", metavar="DAY", help="the last day, counted too")
    settle.add_argument("--receipts", action="store_true", help="list the receipts of every row")
    settle.add_argument("--json", action="store_true", help="print JSON, amounts in minor units")
    period = _group(commands, "period", "closing the books, and closed books")
    close = _command(add_verb(period, "close", "close the books through a day, for good", _CLOSE), office(_close))
    close.add_argument("--to", dest="last", metavar="DAY", required=True, help="the last day of the period")
    close.add_argument("--name", metavar="NAME", help="what the period is called (default: its last day)")
    show = _command(add_verb(period, "show", "print a closed period and recompute it from its entries"), office(_show))
    show.add_argument("name", nargs="?", metavar="NAME", help="which one (default: the newest)")
    show.add_argument("--receipts", action="store_true", help="list the receipts of every row")
    show.add_argument("--json", action="store_true", help="print the report exactly as it was frozen")
    shops = _group(commands, "shops", "on what terms shops settle")
    load = _command(add_verb(shops, "load", "say on what terms shops settle", _SHOPS), office(_load))
    load.add_argument("file", type=Path, metavar="SHOPS.toml", help="the terms")


def _group(commands: Groups, name: str, what: str) -> Groups:
    described = what[0].upper() + what[1:] + "."
    return commands.add_parser(name, help=what, description=described).add_subparsers(metavar="COMMAND", required=True)


def _command(command: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    command.add_argument("--config", type=Path, required=True, metavar="FILE", help="hq.toml")
    command.add_argument(
        "--zone", default="UTC", metavar="NAME", help="where days begin, such as Asia/Shanghai (default: %(default)s)"
    )
    command.set_defaults(run=run)
    return command


def _settle(office: "Office", arguments: argparse.Namespace) -> str:
    from hq.accountant import settled, settled_text

    days = (arguments.first, arguments.last)
    said = settled(office, days, arguments.zone, arguments.receipts, _progress())
    return settled_text(said, arguments.json)


def _close(office: "Office", arguments: argparse.Namespace) -> str:
    from hq.accountant import close

    return close(office, arguments.last, arguments.name, arguments.zone, _progress())


def _show(office: "Office", arguments: argparse.Namespace) -> str:
    from hq.accountant import shown
    from hq.errors import OfficeError

    text, holds = shown(office, arguments.name, arguments.json, arguments.receipts, _progress())
    if not holds:
        print(text)
        raise OfficeError(
            "本期的签名流水已算不出当时的报表：账本被改过，请恢复备份并查明原因。",
            "the signed entries of this period no longer make its report: the books were tampered with. Restore a "
            "backup, and find out by whom.",
        )
    return text


def _load(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.accountant import load_shop_terms

    return load_shop_terms(office, arguments.file, arguments.zone)


def _progress() -> Callable[[int], None]:
    """Tell a person at a terminal how far it is, on standard error, every few thousand entries."""
    told = 0

    def tell(count: int) -> None:
        nonlocal told
        if count - told >= _EVERY and sys.stderr.isatty():
            told = count
            print(f"{count:,} 笔 entries ...", file=sys.stderr)

    return tell
