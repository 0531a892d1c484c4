"""``tapledger hq``: head office's program, and what its staff do, by :mod:`hq`.

The room is imported when one of its commands runs: the till's own process passes through this module, and stays small.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from contract.said import Said
from tapledger.hq_clerk import add_clerk
from tapledger.hq_settle import add_settlement
from tapledger.hq_value import add_code_options, add_value, code_options, document_said, published
from tapledger.verbs import Act, add_verb

if TYPE_CHECKING:
    from hq.office import Office

_EXAMPLES = """\
From nothing to the first sale:

  tapledger hq terminal add --config hq.toml a1/enrolment.toml
  tapledger hq members load --config hq.toml members.json
  tapledger hq cashiers load --config hq.toml cashiers.json
  tapledger hq catalogue load --config hq.toml catalogue.json
  tapledger hq pack sign --config hq.toml pack.json
  tapledger hq pack publish --config hq.toml
  tapledger hq run --config hq.toml

All but `run` may be used while head office runs; it tells the tills within a second.
"""

_MEMBERS = """\
The file is the whole list of members; who is not in it is no longer recognised. Points stay in the ledger.

JSON:  {"members": [{"member": "m1", "name": "...", "tier": "gold", "tags": ["vip"], "cards": ["04a1b2c3"],
                     "phone": "13800000001", "pin": "1234"}]}
CSV:   member,name,tier,tags,cards,phone      (tags and cards separated by spaces)

Tills are told what changed. Of a PIN only a verifier is kept; remove the file afterwards.
"""

_CASHIERS = """\
The file is the whole list of cashiers. Of a PIN (4 to 8 digits) only a verifier is kept; remove the file afterwards.

JSON:  {"cashiers": [{"number": "01", "name": "...", "pin": "1234"}]}
CSV:   number,name,pin
"""

_CATALOGUE = """\
The file is the whole catalogue. Prices are in minor units (fen). The item named by open_sku is what a keyed amount is
booked on.

JSON:  {"currency": "CNY", "shop_name": "...", "open_sku": "open",
        "items": [{"sku": "open", "name": "...", "name_en": "...", "category": "general", "price_minor": 0,
                   "barcode": "6901234567892"}]}
"""

_SIGN = """\
Checks the pack and its golden baskets, signs it as the next version and keeps it. No till hears of it before
`tapledger hq pack publish`. docs/rules/ describes the file.
"""


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``hq`` and its commands; each sets ``run``, which takes the arguments and returns the exit status."""
    group = groups.add_parser(
        "hq",
        help="run head office, and do what its staff do",
        description="Head office: ingest of journals, the ledger, and the signed documents tills live by.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    started = _add(commands, "run", "answer tills until told to stop (SIGTERM)", _run)
    started.add_argument("--worker", metavar="NAME", help="as which worker, such as hq-2 (default: as hq.toml says)")
    _add_pack(commands)
    terminal = _group(commands, "terminal", "the tills whose journals are let in")
    add = _add(terminal, "add", "enrol a till, or a new epoch of one", _office(_terminal_add))
    add.add_argument(
        "file", type=Path, metavar="ENROLMENT.toml", help="the slip made by `tapledger provision terminal`"
    )
    members = _add_members(commands)
    for name, what, text, act in (
        ("cashiers", "who may sign in at a till", _CASHIERS, _cashiers_load),
        ("catalogue", "what is sold", _CATALOGUE, _catalogue_load),
    ):
        load = _add(_group(commands, name, what), "load", f"say {what}, and publish it", _office(act), text)
        load.add_argument("file", type=Path, metavar="FILE", help="JSON, or CSV for cashiers")
    _add(
        commands,
        "books",
        "print sales, balances, tills, what they reported and what people must settle",
        _office(_books),
    )
    add_settlement(commands, _office)
    add_clerk(commands, terminal, _office)
    add_value(commands, members, _office)


def _add_pack(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    pack = _group(commands, "pack", "the rules that price")
    sign = _add(pack, "sign", "check and sign a rule pack as the next version", _office(_pack_sign), _SIGN)
    sign.add_argument("file", type=Path, metavar="PACK.json", help="the rules as staff write them")
    publish = _add(pack, "publish", "let the tills have a signed pack", _office(_pack_publish))
    publish.add_argument(
        "--version", type=int, metavar="N", help="which one (default: the newest signed); versions never go down"
    )


def _add_members(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    members = _group(commands, "members", "whom tills recognise")
    load = _add(members, "load", "say who the members are, and publish it", _office(_members_load), _MEMBERS)
    load.add_argument("file", type=Path, metavar="FILE", help="JSON or CSV")
    code = _add(members, "code", "print the text of a member's QR code", _office(_members_code))
    code.add_argument("member", metavar="MEMBER", help="the member's id")
    code.add_argument("--days", type=int, default=366, metavar="N", help="valid for so long (default: %(default)s)")
    add_code_options(code)
    return members


def _group(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    return commands.add_parser(name, help=what, description=what.capitalize() + ".").add_subparsers(
        metavar="COMMAND", required=True
    )


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    act: Callable[[argparse.Namespace], int],
    text: str = "",
) -> argparse.ArgumentParser:
    command = add_verb(commands, name, what, text)
    command.add_argument("--config", type=Path, required=True, metavar="FILE", help="hq.toml")
    command.set_defaults(run=act)
    return command


def _office(act: "Act") -> Callable[[argparse.Namespace], int]:
    """Make a command of what staff do: open the books, and print what came of it."""

    def run(arguments: argparse.Namespace) -> int:
        from hq.office import open_office

        with open_office(arguments.config) as office:
            print(act(office, arguments))
        return 0

    return run


def _run(arguments: argparse.Namespace) -> int:
    from hq.main import run

    return run(arguments.config, arguments.worker)


def _pack_sign(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.office import sign_authored_pack

    signed = document_said(sign_authored_pack(office, arguments.file))
    return Said(f"已签名，尚未发布：{signed.zh}", f"signed {signed.en}")


def _pack_publish(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.office import publish_pack

    return published(publish_pack(office, arguments.version))


def _terminal_add(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.office import add_terminal

    return add_terminal(office, arguments.file)


def _members_load(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.office import load_members

    return published(load_members(office, arguments.file))


def _members_code(office: "Office", arguments: argparse.Namespace) -> str:
    from hq.office import member_code

    return member_code(office, arguments.member, arguments.days, **code_options(arguments))


def _cashiers_load(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.office import load_cashiers

    return published(load_cashiers(office, arguments.file))


def _catalogue_load(office: "Office", arguments: argparse.Namespace) -> Said:
    from hq.office import load_catalogue

    return published(load_catalogue(office, arguments.file))


def _books(office: "Office", _arguments: argparse.Namespace) -> str:
    from hq.office import show_books

    return show_books(office).rstrip()
