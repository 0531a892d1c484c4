"""``tapledger provision``: authority, broker, head office's keys and terminals, by :mod:`provisioning`.

The room is imported when one of its commands runs: the till's own process passes through this module, and stays small.
"""

import argparse
import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from contract.said import Said


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
    act: Callable[[argparse.Namespace], Said],
    more: str = "What exists is kept.",
) -> argparse.ArgumentParser:
    def run(arguments: argparse.Namespace) -> int:
        print(act(arguments))
        return 0

    command = commands.add_parser(name, help=what, description=f"Makes {what}. {more}")
    command.set_defaults(run=run)
    return command


def _authority(arguments: argparse.Namespace) -> Said:
    from provisioning.authority import ensure_authority

    authority = ensure_authority(arguments.folder, _now())
    where, until = arguments.folder / "authority", f"{authority.certificate.not_valid_after_utc:%F}"
    return Said(f"证书机构在 {where}，有效至 {until}", f"authority in {where}, valid until {until}")


def _broker(arguments: argparse.Namespace) -> Said:
    from provisioning.broker import BrokerPlan, ensure_broker

    plan = BrokerPlan(
        host=arguments.host,
        port=arguments.port,
        workers=tuple(arguments.workers or ("hq-1",)),
        run_as=arguments.run_as,
        names=tuple(arguments.names),
    )
    command = f"mosquitto -c {ensure_broker(arguments.folder, plan, _now())}"
    return Said(f"启动消息代理：{command}", f"start the broker with: {command}")


def _hq(arguments: argparse.Namespace) -> Said:
    from provisioning.headquarters import ensure_head_office

    keys = ensure_head_office(arguments.folder, arguments.name, _now())
    key, name, folder = keys.document_public.text(), arguments.name, keys.worker_folder
    return Said(
        f"总部的签名公钥是 {key}\n{name} 用 {folder} 里的证书连接",
        f"head office signs as {key}\n{name} connects with {folder}",
    )


def _terminal(arguments: argparse.Namespace) -> Said:
    from provisioning.birth import check_address, ensure_terminal

    address = check_address(arguments.tenant, arguments.shop, arguments.terminal)
    newborn = ensure_terminal(arguments.folder, address, arguments.out, _now())
    return Said(
        f"{newborn.address} 的身份在 {newborn.identity_folder}\n"
        f"请把 {newborn.enrolment} 交给总部登记（hq terminal add）",
        f"{newborn.address} has its identity in {newborn.identity_folder}\n"
        f"give {newborn.enrolment} to head office, which learns the terminal from it (`tapledger hq terminal add`)",
    )


def _revoke(arguments: argparse.Namespace) -> Said:
    from provisioning.revocation import revoke

    done = revoke(arguments.folder, arguments.name, _now(), arguments.certificate)
    zh = f"{arguments.name}：{done.known} 张证书中现在作废 {done.fresh} 张，其余早已作废"
    en = f"{arguments.name}: {done.fresh} of {done.known} certificates revoked now, the rest were before"
    if done.broker is None:
        crl = arguments.folder / "authority" / "crl.pem"
        return Said(
            f"{zh}\n把 {crl} 复制到消息代理的文件旁并重启它",
            f"{en}\ncopy {crl} beside the broker's other files and restart it",
        )
    return Said(
        f"{zh}\n请让消息代理重读名单（systemctl reload mosquitto）：从此它连不上，已有的连接也收发不了任何东西。"
        "\n已有的连接要等重启消息代理（systemctl restart mosquitto）才断开",
        f"{en}\nhave the broker read its lists anew (systemctl reload mosquitto): from then on it cannot connect, and "
        "over a connection it has nothing goes in or out\n"
        "that connection ends when the broker is restarted (systemctl restart mosquitto)",
    )


def _now() -> datetime:
    return datetime.now(UTC)
