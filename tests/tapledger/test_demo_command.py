"""``tapledger demo``: comes up by itself, shows its page, and leaves nothing behind when it is told to stop."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tapledger.demo import PAGE_PORT
from tests.processes import started
from tests.waiting import eventually

PATIENCE_S = 60


def test_the_demo_shows_its_page_wherever_there_is_a_port_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with usual_port_taken(), running_demo(tmp_path) as demo:
        said: list[str] = []
        url = page_of(demo, said)
        assert f":{PAGE_PORT}/" not in url
        steps = [line for line in said if " s] " in line]
        assert len(steps) == 7 and all(" · " in line and has_chinese(line) for line in steps)
        assert demo.stdout is not None
        assert "Ctrl-C ends it" in demo.stdout.readline() and has_chinese(demo.stdout.readline())
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"Tapledger" in answer.read()
        parts = below(demo.pid)
        assert {"mosquitto", "agent run", "hq run"} <= {name for name in parts.values() if name}
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(PATIENCE_S) == 130
    eventually(lambda: not [pid for pid in parts if Path(f"/proc/{pid}").exists()], PATIENCE_S)


def test_the_demo_started_again_in_the_same_folder_goes_on_with_the_same_keys_and_books(tmp_path: Path) -> None:
    keys: list[bytes] = []
    for _ in range(2):
        with running_demo(tmp_path) as demo:
            page_of(demo)
            keys.append((tmp_path / "keys" / "hq" / "document.key").read_bytes())
            demo.send_signal(signal.SIGINT)
            assert demo.wait(PATIENCE_S) == 130
    assert keys[0] == keys[1]


def test_a_page_port_that_is_taken_is_said_where_it_was_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [*demo_command(tmp_path), "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 1
    assert "the port is in use" in ended.stderr and "Traceback" not in ended.stderr


def test_a_story_is_not_played_in_a_folder_that_is_used_and_both_languages_say_so(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    command = [*demo_command(tmp_path), "--story"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 1
    assert "is not empty" in ended.stderr and "不是空的" in ended.stderr and "Traceback" not in ended.stderr


@contextmanager
def usual_port_taken() -> Iterator[None]:
    """Somebody listens on the page's usual port: we, or whoever was there before."""
    try:
        listener = socket.create_server(("127.0.0.1", PAGE_PORT))
    except OSError:
        yield
        return
    with listener:
        yield


def demo_command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tapledger.main", "demo", "--no-browser", "--folder", str(folder)]


@contextmanager
def running_demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo as a process of its own; at the end it is gone, and so is all that it started."""
    with started(demo_command(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as demo:
        yield demo


def has_chinese(line: str) -> bool:
    """Whether anything of it is Chinese."""
    return re.search("[\u4e00-\u9fff]", line) is not None


def page_of(demo: subprocess.Popen[str], said: list[str] | None = None) -> str:
    """Read what the demo says until it names its page; its lines are added to ``said``."""
    assert demo.stdout is not None
    said = [] if said is None else said
    for line in demo.stdout:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
            return found[0]
    raise AssertionError("".join(said))


def below(parent: int) -> dict[int, str]:
    """The processes that came of ``parent``, each with what it is."""
    found: dict[int, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            above = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except (OSError, ValueError, IndexError):
            continue
        if above == parent:
            name = Path(words[0]).name if "tapledger.main" not in words else " ".join(words[3:5])
            found |= {int(process.name): name, **below(int(process.name))}
    return found
