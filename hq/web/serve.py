"""The door as a program: configuration, database, uvicorn; stopped by SIGTERM or SIGINT."""

import logging
import sys
from pathlib import Path

import uvicorn

from contract import settings
from hq.config import read_config
from hq.db import migrate, open_database
from hq.documents import Desk
from hq.identity import load_signer
from hq.web.door import WebClient, build_door

MOST_AT_ONCE = 64
"""So many requests are answered at once; more are told to come again."""


def serve(config_path: Path) -> int:
    """Answer web shops until told to stop; return the exit status.

    Raises OSError, SettingsError or OfficeError where it cannot start.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    config = read_config(config_path)
    if config.web is None:
        problem = settings.Problem(
            "web",
            "is missing",
            "缺失",
            "Add [web] with host, port and [[web.clients]].",
            "请添加 [web]，写明 host、port 和 [[web.clients]]。",
        )
        raise settings.SettingsError((problem,), str(config_path))
    if not config.web.clients:
        problem = settings.Problem(
            "web.clients",
            "names nobody, so everybody would be refused",
            "没有写明任何客户端，所有请求都会被拒绝",
            "Add [[web.clients]] with a name and a token.",
            "请添加 [[web.clients]]，写明 name 和 token。",
        )
        raise settings.SettingsError((problem,), str(config_path))
    desk = Desk(load_signer(config), config.tenant, config.accept_days, config.lending)
    engine = open_database(config.database)
    try:
        migrate(engine)
        clients = tuple(WebClient(client.name, client.token) for client in config.web.clients)
        server = uvicorn.Server(
            uvicorn.Config(
                build_door(engine, desk, clients),
                host=config.web.host,
                port=config.web.port,
                limit_concurrency=MOST_AT_ONCE,
                access_log=False,
                server_header=False,
                log_config=None,
            )
        )
        server.run()
    finally:
        engine.dispose()
    return 0
