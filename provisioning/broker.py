"""A mosquitto of one's own: its certificate, configuration and access list, all in one folder (mosquitto.conf(5)).

Files below the folder given: ``broker/mosquitto.conf``, ``broker/acl``, ``broker/ca.pem``, ``broker/crl.pem``,
``broker/server.key``, ``broker/server.pem`` and ``broker/data/``. Start it with
``mosquitto -c FOLDER/broker/mosquitto.conf``; it reads both lists when it starts and on SIGHUP.

Only holders of a certificate come in, and the certificate's name is all they are: user name and client id in one. The
access list itself is spelled by :mod:`contract.topics`. mosquitto grants a foreign SUBSCRIBE and delivers nothing, and
acknowledges a denied PUBLISH with a reason code; so nobody may take the broker's word for more than it says. It also
lets anybody into a shared subscription whose name is known, and drops that member's share of the messages: so head
office's workers share under a name that is a secret of theirs (:mod:`provisioning.headquarters`).
"""

import os
import pwd
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contract import topics
from provisioning.authority import Subject, ensure_authority, ensure_certificate
from provisioning.denial import ACCESS, denials
from provisioning.headquarters import check_worker_name
from provisioning.keyfiles import ProvisioningError, ensure_folder, publish
from provisioning.register import LIST

LOOPBACK = ("localhost", "127.0.0.1")
MAX_PACKET_BYTES = 2 * topics.MAX_MESSAGE_BYTES
"""The broker's own limit leaves room for topic and properties, and lets HQ refuse by name what is a bit too large."""

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?|::1?")


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """Where the broker listens, as whom it runs when root starts it, and the workers of head office that may come in.

    ``host`` is the name or address to listen on; ``port`` 1 to 65535; ``run_as`` an account of this machine; ``names``
    further names and addresses by which the others reach it, for the certificate.
    """

    host: str
    port: int
    workers: Sequence[str]
    run_as: str
    names: Sequence[str] = ()


def ensure_broker(folder: Path, plan: BrokerPlan, now: datetime) -> Path:
    """Write the broker's files below ``folder`` and return the path of its configuration.

    Started by root, the files are given to ``plan.run_as``. Raises ProvisioningError for a plan that cannot be carried
    out or a damaged file.
    """
    account = _check(plan, folder)
    home = ensure_folder((folder / "broker").absolute())
    ensure_folder(home / "data")
    hosts = tuple(dict.fromkeys((*LOOPBACK, plan.host, *plan.names)))
    authority = ensure_authority(folder, now)
    ensure_certificate(home, "server", Subject("Tapledger broker", hosts), authority, now)
    publish(home / LIST, (authority.home / LIST).read_bytes())
    allowed = access_list(plan.workers) + denials(authority.home)
    publish(home / ACCESS, allowed.encode("ascii"), mode=0o600)
    publish(home / "mosquitto.conf", configuration(home, plan).encode("utf-8"), mode=0o600)
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
    return home / "mosquitto.conf"


def configuration(home: Path, plan: BrokerPlan) -> str:
    """Return the text of ``mosquitto.conf`` for a broker whose files lie in ``home``."""
    return f"""\
# Written by `tapledger provision broker`; the next run writes it again.
user {plan.run_as}
per_listener_settings false
listener {plan.port} {plan.host}

# TLS 1.3 both ways: the certificate's name is the user name and the client id.
cafile {home}/ca.pem
crlfile {home}/crl.pem
certfile {home}/server.pem
keyfile {home}/server.key
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {home}/acl

# An acknowledgement of ours must not wait for a full packet: with Nagle's algorithm it runs at 11 round trips a second.
set_tcp_nodelay true
max_packet_size {MAX_PACKET_BYTES}
max_keepalive 300
max_inflight_messages 20
max_queued_messages 1000
max_queued_bytes 33554432
persistent_client_expiration 7d

# What is retained outlives a restart. Nothing relies on it: a terminal's hello and HQ's welcome say everything again.
persistence true
persistence_location {home}/data/
autosave_interval 60

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true
sys_interval 0
"""


def access_list(workers: Sequence[str]) -> str:
    """Return the text of the access list: every terminal below its own topics, the named workers across all."""
    lines = ["# Written by `tapledger provision broker`. %u is the name in the client's certificate."]
    lines += [f"pattern {access} {topic}" for access, topic in topics.acl_patterns()]
    for worker in workers:
        lines += ["", f"user {worker}"]
        lines += [f"topic {access} {topic}" for access, topic in topics.acl_hq()]
    return "\n".join(lines) + "\n"


def _check(plan: BrokerPlan, folder: Path) -> pwd.struct_passwd:
    for host in (plan.host, *plan.names):
        if not _HOST.fullmatch(host):
            raise ProvisioningError(
                f"{host!r}：不是主机名或地址，请改正。", f"{host!r}: is no host name or address; correct it."
            )
    if not 1 <= plan.port <= 65_535:
        raise ProvisioningError(
            f"{plan.port}：端口是 1 到 65535，请改正。", f"{plan.port}: a port is 1 to 65535; correct it."
        )
    if any(ord(char) < 0x20 for char in str(folder)):
        raise ProvisioningError(
            f"{str(folder)!r}：消息代理的配置写不下这样的文件夹名；请换一个。",
            f"{str(folder)!r}: the broker's configuration cannot name such a folder; choose another.",
        )
    for worker in plan.workers:
        check_worker_name(worker)
    try:
        return pwd.getpwnam(plan.run_as)
    except KeyError as error:
        raise ProvisioningError(
            f"{plan.run_as!r}：本机没有这个账户；请用 --run-as 给出 mosquitto 的账户。",
            f"{plan.run_as!r}: there is no such account on this machine; name mosquitto's with --run-as.",
        ) from error
