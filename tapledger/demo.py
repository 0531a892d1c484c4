"""``tapledger demo``: both sides and a virtual counter on this machine, with a page in the browser, or the story
played and checked.
"""

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from contract.said import Said, SaidError
from tapledger.columns import columns
from tapledger.told import complain

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from demo.page import Server
    from demo.story import Chapter, Check

SEEN_COLUMNS = 60
PAGE_PORT = 8800


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``demo``."""
    command = groups.add_parser(
        "demo",
        help="everything live on this machine, with a page in the browser",
        description="Starts broker, head office, till and a virtual counter on loopback, and a page that shows them.",
    )
    command.add_argument("--story", action="store_true", help="play the story without a person, print what was checked")
    command.add_argument("--lang", choices=("zh", "en"), default="zh", help="what the till begins with (default: zh)")
    command.add_argument("--port", type=int, help=f"the page's port on 127.0.0.1 (default: {PAGE_PORT})")
    command.add_argument(
        "--folder", type=Path, metavar="DIR", help="keep keys, databases and logs here (default: temporary)"
    )
    command.add_argument("--no-browser", action="store_true", help="only print the page's address")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C, or the story to its end. Status 0 only if everything asked for holds."""
    from demo.processes import ProcessError

    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _folder(arguments.folder) as folder:
            if not arguments.story:
                return _live(folder, arguments)
            if any(folder.iterdir()):
                raise ProcessError(
                    f"{folder} 不是空的；故事要从头演，请给一个空文件夹。",
                    f"{folder} is not empty; the story is played from the beginning: name a folder of its own.",
                )
            return _story(folder)
    except SaidError as error:
        return complain(error, "tapledger demo")


def _live(folder: Path, arguments: argparse.Namespace) -> int:
    from demo.page import page_app
    from demo.stage import open_stage
    from demo.view import DemoView

    with open_stage(folder, arguments.lang, Progress()) as stage, DemoView(stage) as view:
        server = _serve(page_app(view), arguments.port)
        try:
            print(
                f"\n  Tapledger is open:  {server.url}\n  Cashier 01, PIN 1234. Ctrl-C ends it."
                f"\n  Tapledger 已开张：  {server.url}\n  工号 01，密码 1234。按 Ctrl-C 结束。\n",
                flush=True,
            )
            if not arguments.no_browser:
                threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
            threading.Event().wait()
        finally:
            server.close()
    return 0


def _serve(app: "Starlette", port: int | None) -> "Server":
    """Serve the page on the port asked for; where none was, on the usual one or, that being taken, on any."""
    from demo.page import serve

    for candidate in (PAGE_PORT, 0) if port is None else (port,):
        server = serve(app, candidate)
        try:
            server.start()
        except OSError:
            if candidate in (0, port):
                raise
            continue
        return server
    raise OSError("no port for the page")


def _story(folder: Path) -> int:
    from demo.audit import Auditor
    from demo.stage import open_stage
    from demo.story import Story

    with open_stage(folder, "zh", Progress()) as stage:
        print(flush=True)
        auditor = Auditor(stage.office, stage.hq_keys())
        started = time.monotonic()
        chapters = Story(stage, auditor, _print_chapter).play()
    checks = [check for chapter in chapters for check in chapter.checks]
    held = sum(check.holds for check in checks)
    whole = len(chapters) == Story.CHAPTERS and held == len(checks)
    seconds = time.monotonic() - started
    print(f"\n{len(chapters)} of {Story.CHAPTERS} steps, {held} of {len(checks)} checks hold, {seconds:.0f} s")
    print(f"{Story.CHAPTERS} 步演了 {len(chapters)} 步，{len(checks)} 项检查 {held} 项成立，{seconds:.0f} 秒")
    return 0 if whole else 1


def _print_chapter(chapter: "Chapter") -> None:
    print(f"{'✔' if chapter.holds else '✘'} {chapter.number}. {chapter.title.en} · {chapter.title.zh}")
    width = max((columns(check.statement) for check in chapter.checks), default=0)
    for check in chapter.checks:
        print(_row(check, width))
    sys.stdout.flush()


def _row(check: "Check", width: int) -> str:
    padding = " " * (width - columns(check.statement))
    seen = check.seen if check.holds is False else _shortened(check.seen)
    return f"    {'✔' if check.holds else '✘'} {check.statement}{padding}  │ {seen}"


def _shortened(text: str) -> str:
    taken, width = "", 0
    for char in text:
        width += columns(char)
        if width > SEEN_COLUMNS:
            return f"{taken}…"
        taken += char
    return taken


class Progress:
    """Prints each step of the start with the time since the first."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._count = 0

    def __call__(self, what: Said) -> None:
        """Say that a step begins."""
        self._count += 1
        print(f"[{time.monotonic() - self._started:5.1f} s] {self._count}. {what.en} · {what.zh}", flush=True)


@contextlib.contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """The folder asked for, or a temporary one that goes away at the end."""
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="tapledger-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _interrupt(*_signal: object) -> None:
    raise KeyboardInterrupt
