"""The demo's own shop and head office on disk: keys, certificates, configurations, and what head office knows before
the doors open.
"""

import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from contract.ids import TerminalAddress
from hq import office as staff
from hq.office import open_office
from provisioning.authority import ensure_authority
from provisioning.birth import ensure_terminal
from provisioning.broker import BrokerPlan, ensure_broker
from provisioning.headquarters import ensure_head_office

TENANT = "demo"
TILL = TerminalAddress(TENANT, "a", "a1")
OTHER_TILL = TerminalAddress(TENANT, "a", "a2")
"""A second terminal, enrolled like the first: in the story it is the one that misbehaves."""

WORKER = "hq-1"
OUTSIDER = "hq-2"
"""A certificate that the broker lets in as head office. In the story it stands for a broker that lies."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the demo's files lie, below one folder."""

    folder: Path

    @property
    def keys(self) -> Path:
        """The authority's, the broker's and head office's keys."""
        return self.folder / "keys"

    @property
    def hq_config(self) -> Path:
        """Head office's configuration."""
        return self.folder / "hq.toml"

    @property
    def database(self) -> Path:
        """Head office's database."""
        return self.folder / "hq.db"

    @property
    def broker_config(self) -> Path:
        """The broker's configuration."""
        return self.keys / "broker" / "mosquitto.conf"

    def terminal(self, address: TerminalAddress) -> Path:
        """The folder of a terminal: its identity, configuration and store."""
        return self.folder / address.terminal

    def agent_config(self) -> Path:
        """The till's configuration."""
        return self.terminal(TILL) / "agent.toml"


def fixture(name: str) -> Path:
    """A file that comes with the demo."""
    return Path(str(files("demo") / "fixtures" / name))


def make_keys(site: Site, broker_port: int) -> None:
    """Make every key, certificate and identity, and the broker's configuration, as the provisioning commands do."""
    now = datetime.now(UTC)
    ensure_authority(site.keys, now)
    plan = BrokerPlan("127.0.0.1", broker_port, (WORKER, OUTSIDER), getpass.getuser())
    ensure_broker(site.keys, plan, now)
    for worker in (WORKER, OUTSIDER):
        ensure_head_office(site.keys, worker, now)
    for address in (TILL, OTHER_TILL):
        ensure_terminal(site.keys, address, site.terminal(address), now)


def write_hq_config(site: Site, broker_port: int) -> None:
    """Write head office's configuration."""
    site.hq_config.write_text(
        f'tenant = "{TENANT}"\nidentity = "keys/hq"\n\n[database]\nurl = "sqlite:///hq.db"\n\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {broker_port}\nworker = "{WORKER}"\nheartbeat_s = 5\n'
    )


def write_agent_config(
    site: Site, cable: tuple[str, int], devices: Mapping[str, Mapping[str, object]], lang: str
) -> None:
    """Write the till's configuration: head office is at the far end of ``cable``, the devices are those of the
    counter.
    """
    host, port = cable
    lines = [
        "[terminal]",
        f'tenant = "{TILL.tenant}"\nshop = "{TILL.shop}"\nterminal = "{TILL.terminal}"\nepoch = 1',
        f'identity = "identity"\nstore = "tapledger.db"\nlanguage = "{lang}"\n',
        "[hq]",
        f'host = "{host}"\nport = {port}\nheartbeat_s = 2\nsilence_s = 6\n',
    ]
    for name, table in devices.items():
        lines.append(f"[devices.{name}]")
        # A JSON string or number without an exponent is the same value in TOML.
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        lines.append("")
    site.agent_config().write_text("\n".join(lines))


def load_head_office(site: Site) -> None:
    """Tell head office its terminals, members, cashiers and catalogue. Raises OfficeError and the like where it
    refuses.
    """
    with open_office(site.hq_config) as office:
        for address in (TILL, OTHER_TILL):
            staff.add_terminal(office, site.terminal(address) / "enrolment.toml")
        staff.load_members(office, fixture("members.json"))
        staff.load_cashiers(office, fixture("cashiers.json"))
        staff.load_catalogue(office, fixture("catalogue.json"))


def publish_pack(site: Site, name: str) -> None:
    """Let head office sign the rule pack in ``fixtures/NAME.json`` and publish it, beside its running worker."""
    with open_office(site.hq_config) as office:
        signed = staff.sign_authored_pack(office, fixture(f"{name}.json"))
        staff.publish_pack(office, signed.version)
