"""``tapledger provision``: authority, broker, head office's keys and terminals, by :mod:`provisioning`.

The room is imported when one of its commands runs: the till's own process passes through this module, and stays small.
"""

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``provision`` and its commands; each sets ``run``, which takes the arguments and returns the exit status."""
    group = subparsers.add_parser(
        "provision",
        help="make keys, certificates, the broker's files and terminals' identities",
        description="Makes what is missing and keeps what exists; a private key is never overwritten.",
    )
    commands = group.add_subparsers(metavar="COMMAND", required=True)

    authority = _command(commands, "authority", "the authority that signs every certificate", _authority)
    broker = _command(commands, "broker", "a mosquitto's certificate, configuration and access list", _broker)
    hq = _command(commands, "hq", "head office's signing key and a worker's certificate", _hq)
    terminal = _command(commands, "terminal", "a terminal's identity and its enrolment slip", _terminal)
    for command in (authority, broker, hq, terminal):
        command.add_argument("--folder", type=Path, required=True, help="where the authority and head office keep keys")

    broker.add_argument("--host", default="127.0.0.1", help="the name or address to listen on (default: %(default)s)")
    broker.add_argument("--port", type=int, default=8883, help="the port to listen on (default: %(default)s)")
    broker.add_argument(
        "--name",
        action="append",
        default=[],
        dest="names",
        help="a further name or address by which terminals reach the broker; may be given again",
    )
    broker.add_argument(
        "--worker",
        action="append",
        dest="workers",
        help="a worker of head office that may come in; may be given again (default: hq-1)",
    )
    broker.add_argument(
        "--run-as", default=getpass.getuser(), help="the account mosquitto runs as when root starts it (default: yours)"
    )
    hq.add_argument("--name", default="hq-1", help="the worker's name, hq-1 to hq-999 (default: %(default)s)")
    _add_revoke(commands)
    terminal.add_argument("--tenant", required=True, help="1 to 16 of a-z, 0-9 and '-'")
    terminal.add_argument("--shop", required=True, help="1 to 16 of a-z, 0-9 and '-'")
    terminal.add_argument("--terminal", required=True, help="1 to 16 of a-z, 0-9 and '-'")
    terminal.add_argument("--out", type=Path, required=True, help="where the terminal's identity is made")


def _add_revoke(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    revoke = _command(
        commands,
        "revoke",
        "an identity void: its certificates go on the list by which the broker turns it away",
        _revoke,
        "A revoked key never gets another certificate; a unit that replaces it is made in a folder of its own.",
    )
    revoke.add_argument("--folder", type=Path, required=True, help="where the authority and head office keep keys")
    revoke.add_argument("name", metavar="ADDRESS", help="tenant/shop/terminal, or a worker's name")
    revoke.add_argument(
        "--certificate", type=Path, help="the certificate itself (client.pem), should the authority not know of it"
    )


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    act: Callable[[argparse.Namespace], str],
    more: str = "What exists is kept.",
) -> argparse.ArgumentParser:
    def run(arguments: argparse.Namespace) -> int:
        from provisioning.keyfiles import ProvisioningError

        try:
            print(act(arguments))
        except ProvisioningError as error:
            print(f"tapledger provision {name}: {error}", file=sys.stderr)
            return 1
        return 0

    command = commands.add_parser(name, help=what, description=f"Makes {what}. {more}")
    command.set_defaults(run=run)
    return command


def _authority(arguments: argparse.Namespace) -> str:
    from provisioning.authority import ensure_authority

    authority = ensure_authority(arguments.folder, _now())
    return f"authority in {arguments.folder / 'authority'}, valid until {authority.certificate.not_valid_after_utc:%F}"


def _broker(arguments: argparse.Namespace) -> str:
    from provisioning.broker import BrokerPlan, ensure_broker

    plan = BrokerPlan(
        host=arguments.host,
        port=arguments.port,
        workers=tuple(arguments.workers or ("hq-1",)),
        run_as=arguments.run_as,
        names=tuple(arguments.names),
    )
    return f"start the broker with: mosquitto -c {ensure_broker(arguments.folder, plan, _now())}"


def _hq(arguments: argparse.Namespace) -> str:
    from provisioning.headquarters import ensure_head_office

    keys = ensure_head_office(arguments.folder, arguments.name, _now())
    return f"head office signs as {keys.document_public.text()}\n{arguments.name} connects with {keys.worker_folder}"


def _terminal(arguments: argparse.Namespace) -> str:
    from provisioning.birth import check_address, ensure_terminal

    address = check_address(arguments.tenant, arguments.shop, arguments.terminal)
    newborn = ensure_terminal(arguments.folder, address, arguments.out, _now())
    return (
        f"{newborn.address} has its identity in {newborn.identity_folder}\n"
        f"give {newborn.enrolment} to head office, which learns the terminal from it"
    )


def _revoke(arguments: argparse.Namespace) -> str:
    from provisioning.revocation import revoke

    done = revoke(arguments.folder, arguments.name, _now(), arguments.certificate)
    told = f"{arguments.name}: {done.fresh} of {done.known} certificates revoked now, the rest were before"
    if done.broker_list is None:
        return (
            f"{told}\ncopy {arguments.folder / 'authority' / 'crl.pem'} beside the broker's other files and restart it"
        )
    return f"{told}\nrestart the broker: it reads {done.broker_list} when it starts, and ends the connections it has"


def _now() -> datetime:
    return datetime.now(UTC)
