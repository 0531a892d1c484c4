"""Debian's own pcscd with vpcd's two slots, for one test alone: in namespaces where nobody else sees it.

pcscd keeps its files under one fixed path, and vpcd listens on every address at a fixed port. So they get file systems
and a network of their own. Only the socket by which clients come lies outside, where the test wants it: pcscd takes one
that it inherits (sd_listen_fds(3)), and clients look where PCSCLITE_CSOCK_NAME says.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from simulator import vpcd
from simulator.vpcd import Slot
from tests.waiting import eventually

READER = "Shop reader"
LIBRARY = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_LOOK_S = 0.1
PREPARE = "ip link set lo up && mount -t tmpfs none /run && mkdir -p /run/pcscd"
"""What pcscd needs of namespaces of its own."""
_ANYBODY = "$(pcscd --help | grep -o -e --disable-polkit)"
RUN = f'LISTEN_FDS=1 LISTEN_PID=$$ pcscd --foreground {_ANYBODY} --config "$0" 3<&0 0</dev/null >/dev/null 2>"$1"'
"""How it is run, by `exec env` of a shell that is given its configuration and its log. From Debian 13 on it would ask
polkit about every client, which is not there.
"""


class SmartCardService:
    """One pcscd, which can be stopped and started; `socket_path` is where clients find it."""

    def __init__(self, folder: Path, name: str = READER) -> None:
        self.socket_path = folder / "pcscd.comm"
        self.environment = {**os.environ, "PCSCLITE_CSOCK_NAME": str(self.socket_path)}
        self.slots = tuple(Slot(partial(self._connected, vpcd.PORT + at)) for at in range(2))
        self._config = folder / "readers"
        self._config.mkdir()
        self._name = name
        self._log = folder / "pcscd.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, with_reader: bool = True) -> None:
        """Start it, with the reader or without any; wait until cards can come."""
        config = f'FRIENDLYNAME "{self._name}"\nDEVICENAME /dev/null\nLIBPATH {LIBRARY}\nCHANNELID {vpcd.PORT}\n'
        (self._config / "reader.conf").write_bytes(config.encode(errors="surrogateescape") if with_reader else b"")
        self._launch(f"{PREPARE} && exec env {RUN}")
        if with_reader:
            eventually(self._waits_for_cards)

    def stop(self) -> None:
        """Stop it as `systemctl stop` does, and take its socket away."""
        for slot in self.slots:
            slot.remove()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                # A card that is mute keeps it from ending.
                self._process.kill()
                self._process.wait()
            self._process = None
        self.socket_path.unlink(missing_ok=True)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a client of this service to its end."""
        return subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True, timeout=20)

    def wait_cards(self, count: int, timeout_s: float = 10) -> bool:
        """Wait until pcscd, which looks every 0.4 s, sees a card in so many slots, as opensc-tool tells it; False when
        `timeout_s` passed first.
        """
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            told = self.run("opensc-tool", "--list-readers")
            seen = sum(line.split()[1:2] == ["Yes"] for line in told.stdout.splitlines())
            if told.returncode == 0 and seen == count:
                return True
            # Each look is a process of its own.
            time.sleep(_LOOK_S)
        return False

    def _launch(self, script: str, *more: str) -> None:
        """Run pcscd by a script that gets its configuration, its log and whatever is given `more`."""
        self.socket_path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(self.socket_path))
            door.listen(16)
            command = ["unshare", "--mount", "--net", "sh", "-c", script, str(self._config), str(self._log), *more]
            self._process = subprocess.Popen(command, stdin=door.fileno(), stderr=subprocess.DEVNULL)

    def _waits_for_cards(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self._log.read_text()
        listening = Path(f"/proc/{self._process.pid}/net/tcp").read_text()
        return all(f":{vpcd.PORT + at:04X} 00000000:0000 0A" in listening for at in range(2))

    def _connected(self, port: int) -> socket.socket:
        """The way to the slot at this port."""
        return self._inside(lambda: socket.create_connection(("127.0.0.1", port), timeout=5))

    def _inside(self, made_by: Callable[[], socket.socket]) -> socket.socket:
        """A socket made inside the service's network, by a thread that goes there for that alone."""
        assert self._process is not None
        pid, made, errors = self._process.pid, [], []

        def make() -> None:
            try:
                with open(f"/proc/{pid}/ns/net") as network:
                    if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), 0) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                made.append(made_by())
            except OSError as error:
                errors.append(error)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return made[0]


@contextmanager
def smart_card_service(folder: Path, name: str = READER) -> Iterator[SmartCardService]:
    """Run one for as long as the block does; for tests marked `needs_pcscd`."""
    service = SmartCardService(folder, name)
    service.start()
    try:
        yield service
    finally:
        service.stop()


def _can_run() -> bool:
    tools = all(shutil.which(tool) for tool in ("pcscd", "opensc-tool", "pcsc_scan", "unshare", "ip"))
    if not tools or not LIBRARY.exists():
        return False
    return subprocess.run(["unshare", "--mount", "--net", "true"], check=False, capture_output=True).returncode == 0


CAN_RUN = _can_run()
needs_pcscd = pytest.mark.skipif(
    not CAN_RUN,
    reason="needs pcscd, vsmartcard-vpcd, opensc, pcsc-tools, iproute2, and to be allowed namespaces (root)",
)
"""On every module that starts one."""
