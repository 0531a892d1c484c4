"""Both sides live on one machine: broker, head office, the till and a virtual counter, started in order and stopped
in reverse.

The stage only starts, stops and breaks things. What the till shows is read where a person would read it: on the
counter's glass and paper, and in head office's books.
"""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.envelope import Keyring, keyring
from contract.said import Said
from contract.signing import SoftwareSigner
from demo import site as places
from demo.processes import Process, ProcessError, free_port, wait_for_port
from demo.site import Site
from hq.db import open_database
from simulator.counter import Counter
from simulator.glass import Glass

PORT_TIMEOUT_S = 15.0
READY_TIMEOUT_S = 30.0

Progress = Callable[[Said], None]


class Stage:
    """The whole demo below ``folder``, which must exist. ``start`` raises ProcessError with the reason where a part
    does not come up.
    """

    def __init__(self, folder: Path, lang: str = "zh", line_s: float = 0.0) -> None:
        self.site = Site(folder)
        self.lang = lang
        self.office = open_database(f"sqlite:///{self.site.database}")
        self._broker_port = free_port()
        self.counter = Counter(folder, ("127.0.0.1", self._broker_port), line_s)
        self.broker = Process("mosquitto", [_mosquitto(), "-c", str(self.site.broker_config)], folder / "broker.log")
        self.hq = self._tapledger("hq", "run", "--config", str(self.site.hq_config))
        self.agent = self._tapledger("agent", "run", "--config", str(self.site.agent_config()))

    @property
    def broker_address(self) -> tuple[str, int]:
        """The broker itself, past the cable."""
        return ("127.0.0.1", self._broker_port)

    def hq_signer(self) -> SoftwareSigner:
        """Head office's signing key, for the codes on members' phones."""
        return SoftwareSigner((self.site.keys / "hq" / "document.key").read_bytes())

    def hq_keys(self) -> Keyring:
        """The key whose signature a terminal believes."""
        return keyring(self.hq_signer().public)

    def start(self, progress: Progress) -> None:
        """Bring everything up; ``progress`` is told each step before it begins."""
        for what, act in self._steps():
            progress(what)
            act()

    def close(self) -> None:
        """Stop everything; may be called again."""
        for process in (self.agent, self.hq, self.broker):
            process.stop()
        self.counter.close()
        self.office.dispose()

    def restart_broker(self) -> None:
        """Start the broker again after it was killed, and wait until it listens."""
        self.broker.start()
        wait_for_port(self.broker, self._broker_port, PORT_TIMEOUT_S)

    def start_agent(self) -> None:
        """Start the till's program and wait until its glass shows something new."""
        before = self.counter.glass.frame
        self.agent.start()
        if not self.counter.glass.wait_for(lambda glass: glass.frame is not before, READY_TIMEOUT_S):
            raise ProcessError(
                f"收银机没有画面。请看日志 {self.agent.log} 的结尾：",
                f"the till shows nothing. See the end of its log {self.agent.log}:",
                self.agent.log_tail(),
            )

    def _steps(self) -> Iterator[tuple[Said, Callable[[], None]]]:
        yield Said("密钥和证书", "keys and certificates"), lambda: places.make_keys(self.site, self._broker_port)
        yield (
            Said("消息代理（mosquitto，TLS，客户端证书）", "broker (mosquitto, TLS, client certificates)"),
            self.restart_broker,
        )
        counter = "virtual counter: reader, scanner, keypad, printer, screen, cable"
        yield Said("虚拟柜台：读卡器、扫码器、键盘、打印机、屏幕、网线", counter), self._start_counter
        office = "head office: members, cashiers, catalogue, rule pack 1"
        yield Said("总部：会员、收银员、商品、第 1 版规则", office), self._load_head_office
        yield Said("总部的工作进程", "head office's worker"), self.hq.start
        yield Said("收银机", "the till"), self.start_agent
        arriving = Said("资料正在送往收银机", "documents on their way to the till")
        yield arriving, self._wait_until_provisioned

    def _start_counter(self) -> None:
        self.counter.start()
        assert self.counter.cable is not None
        cable = (self.counter.cable.host, self.counter.cable.port)
        places.write_agent_config(self.site, cable, self.counter.device_table(), self.lang)

    def _load_head_office(self) -> None:
        places.write_hq_config(self.site, self._broker_port)
        places.load_head_office(self.site)
        places.publish_pack(self.site, "pack1")

    def _wait_until_provisioned(self) -> None:
        # Without cashiers nobody can sign in, and without rules nothing can be sold: the till says so until both are
        # there.
        if not self.counter.glass.wait_for(_is_provisioned, READY_TIMEOUT_S):
            raise ProcessError(
                f"资料没有送到收银机。请看日志 {self.agent.log} 和 {self.hq.log} 的结尾：",
                f"no documents arrived. See the end of the logs {self.agent.log} and {self.hq.log}:",
                f"{self.agent.log_tail()}\n{self.hq.log_tail()}",
            )

    def _tapledger(self, *arguments: str) -> Process:
        command = [sys.executable, "-m", "tapledger.main", *arguments]
        return Process(f"tapledger {arguments[0]}", command, self.site.folder / f"{arguments[0]}.log")


@contextmanager
def open_stage(folder: Path, lang: str, progress: Progress, line_s: float = 0.0) -> Iterator[Stage]:
    """A started stage that is closed at the end, whatever happens."""
    stage = Stage(folder, lang, line_s)
    try:
        stage.start(progress)
        yield stage
    finally:
        stage.close()


def _is_provisioned(glass: Glass) -> bool:
    """Whether the glass shows rules in force and head office in reach, in either language."""
    text = " ".join(glass.text)
    return re.search(r"\bv[1-9]", text) is not None and not any(word in text for word in ("离线", "Offline"))


def _mosquitto() -> str:
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if found is None:
        raise ProcessError(
            "没有安装 mosquitto；请运行 ./dev setup 安装。", "mosquitto is not installed; ./dev setup installs it."
        )
    return found
