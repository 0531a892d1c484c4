"""Head office's configuration: one TOML file, read strictly, every mistake named at once. docs/examples/hq.toml shows
all of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from contract import settings
from contract.basket import MAX_POINTS
from contract.money import MAX_AMOUNT_MINOR
from hq.placement import DEFAULT_LENDING, LendingPolicy

DATABASE_SCHEMES = ("sqlite", "postgresql+psycopg")

SHAPE = settings.Table(
    {
        "tenant": settings.name(),
        "identity": settings.text(),
        "database": settings.Table({"url": settings.url(DATABASE_SCHEMES, default="sqlite:///hq.db")}),
        "broker": settings.Table(
            {
                "host": settings.text(),
                "port": settings.whole(1, 65_535, default=8883),
                "worker": settings.text(default="hq-1", pattern="hq-[1-9][0-9]{0,2}"),
                "group": settings.text(default=None, pattern="[a-z0-9-]{1,16}"),
                "ca": settings.text(default=None),
                "cert": settings.text(default=None),
                "key": settings.text(default=None),
                "heartbeat_s": settings.whole(2, 300, default=15),
            }
        ),
        "documents": settings.Table({"accept_days": settings.whole(1, 3_650, default=366)}),
        "lending": settings.Table(
            {
                "home_bp": settings.whole(0, 10_000, default=DEFAULT_LENDING.home_bp),
                "next_bp": settings.whole(0, 10_000, default=DEFAULT_LENDING.next_bp),
                "tills_a_shop": settings.whole(1, 64, default=DEFAULT_LENDING.tills_a_shop),
                "most_minor": settings.whole(0, MAX_AMOUNT_MINOR, default=DEFAULT_LENDING.most_minor),
                "most_points": settings.whole(0, MAX_POINTS, default=DEFAULT_LENDING.most_points),
                "least": settings.whole(1, MAX_AMOUNT_MINOR, default=DEFAULT_LENDING.least),
                "lease_days": settings.whole(1, 366, default=DEFAULT_LENDING.lease_days),
                "habit_days": settings.whole(1, 3_660, default=DEFAULT_LENDING.habit_days),
                "seen_days": settings.whole(1, 366, default=DEFAULT_LENDING.seen_days),
                "shared_bp": settings.whole(0, 10_000, default=DEFAULT_LENDING.shared_bp),
                "lend_points": settings.flag(default=DEFAULT_LENDING.lend_points),
                "lend_uses": settings.flag(default=DEFAULT_LENDING.lend_uses),
            }
        ),
        "web": settings.Table(
            {
                "host": settings.text(default="127.0.0.1"),
                "port": settings.whole(1, 65_535, default=8080),
                "clients": settings.Tables(
                    settings.Table(
                        {
                            "name": settings.text(pattern="[a-z0-9-]{1,32}"),
                            "token": settings.text(
                                pattern="[!-~]{32,200}",
                                words=("32 to 200 characters without spaces", "32 至 200 个字符,不含空格"),
                                secret=True,
                            ),
                        }
                    ),
                    most=100,
                ),
            },
            optional=True,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """Where the broker is, and the certificate by which this worker comes in.

    ``worker`` is the certificate's common name, and so the MQTT client id; ``group`` names the workers that share the
    terminals' messages, a secret because the broker lets in whoever knows it; ``heartbeat_s`` is the longest silence on
    the connection.
    """

    host: str
    port: int
    worker: str
    group: str
    ca: Path
    cert: Path
    key: Path
    heartbeat_s: int


@dataclass(frozen=True, slots=True)
class WebClientConfig:
    """A web shop that may reserve and spend members' value, and the token by which it is known."""

    name: str
    token: str


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Where the door for web shops listens, and who is let in. It speaks plain HTTP: TLS ends in front of it."""

    host: str
    port: int
    clients: tuple[WebClientConfig, ...]


@dataclass(frozen=True, slots=True)
class HqConfig:
    """Everything head office is told. Paths are joined with the configuration file's folder already."""

    tenant: str
    database: URL
    document_key: Path
    broker: BrokerConfig
    accept_days: int
    lending: LendingPolicy
    web: WebConfig | None


def read_config(path: Path, worker: str | None = None) -> HqConfig:
    """Read and check the file at ``path``, for the worker it names or for ``worker``. Raises OSError where it cannot
    be read, SettingsError with every mistake in it.
    """
    plain = settings.parse_toml(path.read_bytes(), str(path))
    broker = plain.get("broker")
    if worker is not None and isinstance(broker, dict):
        plain = {**plain, "broker": {**broker, "worker": worker}}
    return build_config(plain, path.parent, str(path))


def build_config(plain: Mapping[str, object], folder: Path, source: str = "") -> HqConfig:
    """Return the configuration in parsed TOML. Raises SettingsError with every mistake."""
    checked = settings.check(plain, SHAPE)
    written = (checked.values.get("database") or {}).get("url")
    database = _database(written, folder) if written else None
    if checked.problems or database is None:
        unreadable = () if database or not written else (_unreadable_url(),)
        raise settings.SettingsError((*checked.problems, *unreadable), source)
    identity = folder / checked.values["identity"]
    return HqConfig(
        tenant=checked.values["tenant"],
        database=database,
        document_key=identity / "document.key",
        broker=_broker(checked.values["broker"], folder, identity),
        accept_days=checked.values["documents"]["accept_days"],
        lending=LendingPolicy(**checked.values["lending"]),
        web=None if checked.values["web"] is None else _web(checked.values["web"], source),
    )


def _web(values: Mapping[str, Any], source: str) -> WebConfig:
    clients = tuple(WebClientConfig(**client) for client in values["clients"])
    if len({client.name for client in clients}) < len(clients) or len({client.token for client in clients}) < len(
        clients
    ):
        problem = settings.Problem(
            "web.clients",
            "give one name or token twice",
            "名称或令牌重复",
            "Give each client a name and a token of its own.",
            "请为每个客户端分别设置名称和令牌。",
        )
        raise settings.SettingsError((problem,), source)
    return WebConfig(values["host"], values["port"], clients)


def _broker(values: Mapping[str, Any], folder: Path, identity: Path) -> BrokerConfig:
    home = identity / "workers" / values["worker"]
    return BrokerConfig(
        host=values["host"],
        port=values["port"],
        worker=values["worker"],
        group=values["group"] or _group(identity / "group"),
        ca=folder / values["ca"] if values["ca"] else home / "ca.pem",
        cert=folder / values["cert"] if values["cert"] else home / "client.pem",
        key=folder / values["key"] if values["key"] else home / "client.key",
        heartbeat_s=values["heartbeat_s"],
    )


def _group(path: Path) -> str:
    """The name that provisioning made; where it made none, the one of a broker on which nobody is a stranger."""
    return path.read_text(encoding="utf-8").strip() if path.exists() else "hq"


def _database(written: str, folder: Path) -> URL | None:
    try:
        url = make_url(written)
    except (ArgumentError, ValueError):
        return None
    if not url.drivername.startswith("sqlite"):
        return url
    return url.set(database=str((folder / url.database).absolute())) if url.database else None


def _unreadable_url() -> settings.Problem:
    return settings.Problem(
        "database.url",
        "names no database",
        "没有指明数据库",
        "Write sqlite:///hq.db, or postgresql+psycopg://user:password@host/name.",
        "请写 sqlite:///hq.db 或 postgresql+psycopg://用户:密码@主机/库名。",
    )
