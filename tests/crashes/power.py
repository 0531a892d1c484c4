"""A disk that forgets, mounted for a test: its power goes, and it comes back with what was durable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.crashes.till_process import ROOT


class Power:
    """The forgetting file system of ``medium`` at ``mount``, which exist."""

    def __init__(self, medium: Path, mount: Path) -> None:
        self._medium = medium
        self._mount = mount
        self._server: subprocess.Popen[str] | None = None

    def on(self, room_bytes: int | None = None) -> None:
        """Bring up what is durable."""
        room = [] if room_bytes is None else [str(room_bytes)]
        command = [sys.executable, "-m", "tests.crashes.forgetting_fs", str(self._medium), str(self._mount), *room]
        self._server = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        said = self._answer()
        assert said == "ready", said + (self._server.stderr.read() if self._server.stderr else "")

    def cut(self, seed: int | None = None) -> None:
        """Forget what was not synced; with a ``seed``, half of it. Nobody may have a file of it open any more."""
        self._order("forget" if seed is None else f"keep {seed}")
        self.off()

    def fail_syncs(self, times: int) -> int:
        """Let so many syncs fail from now on; how many of those ordered before were still to come."""
        return self._order(f"fail {times}")

    def off(self) -> None:
        """Unmount, forgetting what was not synced; may be called again."""
        server, self._server = self._server, None
        if server is not None:
            server.kill()
            server.communicate()
            subprocess.run(["fusermount", "-u", "-z", str(self._mount)], check=True)

    def _order(self, words: str) -> int:
        assert self._server is not None and self._server.stdin is not None
        self._server.stdin.write(f"{words}\n")
        self._server.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self._server is not None and self._server.stdout is not None
        return self._server.stdout.readline().strip()
