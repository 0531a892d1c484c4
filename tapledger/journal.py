"""``tapledger journal``: a terminal's journal checked, or written into a file, without head office."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.config import read_config
from agent.keys import Identity, KeyFileError, load_identity
from agent.offline_store.chain import Place, Source
from agent.offline_store.export import export_journal, verify_export
from agent.offline_store.faults import StoreCause, StoreError
from agent.offline_store.reading import whose
from agent.offline_store.verify import ChainReport, Progress, verify_journal
from contract.ids import TerminalAddress
from contract.said import SaidError
from contract.signing import PublicKey, parse_public_key
from tapledger.rules_progress import Bar
from tapledger.told import complain, shown
from tapledger.verbs import add_verb

_SQLITE = b"SQLite format 3\0"
_MEND = (
    "请保留这份文件，让终端照常运行（它会自动另起一代），并通知技术人员",
    "Keep this file, let the till go on (it begins an epoch by itself), and tell a technician",
)
_CAUSES = {
    StoreCause.CORRUPT: ("流水在此处不符", *_MEND),
    StoreCause.FOREIGN: ("不是这台终端的流水", "请核对文件和公钥属于哪台终端", "Check whose the file and the key are"),
    StoreCause.ABSENT: ("没有找到", "请核对路径", "Check the path"),
    StoreCause.IO: ("磁盘读取失败", "请复制到好的磁盘上再试", "Copy it to a sound disk and try again"),
    StoreCause.LOCKED: ("另一个程序正在使用", "请先停下它，或检查一份副本", "Stop that program, or check a copy"),
    StoreCause.NEWER: ("由更新版本的程序写成", "请用同一版本的程序", "Use a program of the same version"),
}
"""Of each cause its name in Chinese, and the next step in Chinese and in English."""

VERIFY = """\
Check every entry of a journal: signature, chain, order, totals, and what was carried from one epoch into the next.

  tapledger journal verify --config agent.toml       this terminal's store, also while it sells
  tapledger journal verify till.db --key KEY         a store, or a copy of one
  tapledger journal verify journal.tlj --key KEY     a file that `journal export` wrote

Without --key or --config a file is checked by the key that it names itself: whole, but whose is not proved. Status 1
where it breaks, and it says where.

逐条检查流水：签名、链、顺序、累计数，以及代次之间的结转。出错时指出在哪一条，退出状态为 1。
"""

EXPORT = """\
Write the journal into FILE, signed, for head office to bring in from a stick (`tapledger hq ingest FILE`). It may run
while the till sells. All that is kept is written, or what follows --from-seq in --epoch (default: the open one).

把流水写入带签名的文件，供总部从 U 盘导入。收银时也可以运行。
"""


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``journal verify`` and ``journal export``."""
    group = groups.add_parser("journal", help="check a terminal's journal, or write it into a file")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    verify = add_verb(commands, "verify", "check every entry of a store or of an exported file", VERIFY)
    verify.add_argument("file", type=Path, nargs="?", metavar="FILE", help="a store or an exported journal")
    verify.add_argument("--config", type=Path, metavar="FILE", help="agent.toml: its store, and its key")
    verify.add_argument("--key", metavar="KEY", help="the terminal's public journal key, eddsa:HEX or es256:HEX")
    verify.set_defaults(run=_told(_verify))
    export = add_verb(commands, "export", "write the journal into a signed file", EXPORT)
    export.add_argument("file", type=Path, metavar="FILE", help="the file to write; it must not exist")
    export.add_argument("--config", type=Path, required=True, metavar="FILE", help="agent.toml")
    export.add_argument("--from-seq", type=_seq, metavar="N", help="the first entry to write")
    export.add_argument("--epoch", type=_seq, metavar="N", help="the epoch that --from-seq counts in")
    export.set_defaults(run=_told(_export))


def _seq(text: str) -> int:
    number = int(text)
    if not 1 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


def _told(act: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Make a command of ``act``: where it breaks is told in both languages, with status 1."""

    def run(arguments: argparse.Namespace) -> int:
        try:
            return act(arguments)
        except StoreError as error:
            return complain(_of_store(error))
        except KeyFileError as error:
            zh = f"终端的身份文件有问题（{error.cause}）；请从备份恢复身份文件夹，或重新开通。"
            return complain(SaidError(zh, f"{error.cause}; {error.next_step}."))

    return run


def _of_store(error: StoreError) -> SaidError:
    """Where a store or an exported journal is not what it should be, and what to do about it."""
    cause_zh, next_zh, next_en = _CAUSES.get(error.cause, ("读取失败", *_MEND))
    epoch, seq = error.entry or (0, 0)
    place = f"第 {epoch} 代第 {seq} 条：" if error.entry else ""
    return SaidError(f"{cause_zh}：{place}{shown(error.detail)}。{next_zh}。", f"{error}. {next_en}.")


def _verify(arguments: argparse.Namespace) -> int:
    identity = None if arguments.config is None else _identity(arguments.config)
    if arguments.file is None and identity is None:
        print("tapledger journal: name a FILE or --config\ntapledger journal: 请给出 FILE 或 --config", file=sys.stderr)
        return 2
    path: Path = arguments.file or read_config(arguments.config).store
    asked = _Asked(
        None if identity is None else identity.address,
        parse_public_key(arguments.key) if arguments.key else None if identity is None else identity.signer.public,
    )
    with _Shown() as shown:
        if arguments.file is None or _is_store(path):
            found, report = _checked_store(path, asked, shown.show)
        else:
            found, report = _checked_export(path, asked, shown.show)
    _print(path, found.address, report)
    if asked.key is None:
        print(f"by the key it names itself, {found.key.text()}: compare it with head office's")
        print(f"按文件自带的公钥检查：{found.key.text()}，请与总部登记的公钥核对")
    return 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose journal it is to be, as far as the caller says."""

    address: TerminalAddress | None
    key: PublicKey | None


def _is_store(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _checked_store(path: Path, asked: _Asked, progress: Progress) -> tuple[Source, ChainReport]:
    own = whose(path)
    address, key = asked.address or own.address, asked.key or own.key
    return Source(address, own.epoch, key), verify_journal(path, address, key, progress)


def _checked_export(path: Path, asked: _Asked, progress: Progress) -> tuple[Source, ChainReport]:
    manifest, report = verify_export(lambda: path.open("rb"), asked.key, progress)
    if asked.address not in (None, manifest.address):
        raise StoreError(StoreCause.FOREIGN, f"the file belongs to {manifest.address}")
    newest = manifest.epochs[-1]
    return Source(manifest.address, newest.epoch, newest.public_key()), report


def _print(path: Path, address: TerminalAddress, report: ChainReport) -> None:
    print(f"{path}: {address}, good\n{path}：{address}，完好")
    for part in report.epochs:
        first, last = part.start.seq + 1, part.head.seq
        acked = "" if part.acked is None else f", acknowledged up to {part.acked.seq}"
        acked_zh = "" if part.acked is None else f"，已签收到 {part.acked.seq}"
        print(f"  epoch {part.epoch}: entries {first} to {last}{acked}, carried over {part.carried}")
        print(f"  第 {part.epoch} 代：第 {first} 至 {last} 条{acked_zh}，结转 {part.carried} 条")
        if part.lost:
            names = ", ".join(map(str, part.lost[:20])) + (" ..." if len(part.lost) > 20 else "")
            print(f"    known to be lost: {names}\n    已登记丢失：{names}")
    if report.totals is not None:
        totals = report.totals
        print(f"  sales {totals.sales}, refunds {totals.refunds}, top-ups {totals.top_ups} since birth")
        print(f"  累计：销售 {totals.sales} 笔，退货 {totals.refunds} 笔，充值 {totals.top_ups} 笔")


def _export(arguments: argparse.Namespace) -> int:
    store, identity = read_config(arguments.config).store, _identity(arguments.config)
    after = Place(1, 0)
    if arguments.from_seq or arguments.epoch:
        after = Place(arguments.epoch or whose(store).epoch, (arguments.from_seq or 1) - 1)
    now_ms = time.time_ns() // 1_000_000
    # What members bought stands in it: for its owner alone.
    with os.fdopen(os.open(arguments.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as sink:
        try:
            manifest = export_journal(store, identity.address, identity.signer, sink, after, now_ms)
            sink.flush()
            os.fsync(sink.fileno())
        except (StoreError, OSError):
            arguments.file.unlink()
            raise
    missing = sum(len(part.missing) for part in manifest.epochs)
    print(f"{arguments.file}: {manifest.count} entries of {manifest.address}, {missing} could not be read")
    print(f"{arguments.file}：{manifest.address} 的流水 {manifest.count} 条，{missing} 条无法读取")
    return 0


def _identity(config_path: Path) -> Identity:
    config = read_config(config_path)
    return load_identity(config.identity, config.address, config.epoch)


class _Shown:
    """A progress bar that begins once it is known how much there is."""

    def __init__(self) -> None:
        self._bar: Bar | None = None

    def __enter__(self) -> "_Shown":
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)

    def show(self, done: int, whole: int) -> None:
        """Show that so many entries of so many are checked."""
        self._bar = self._bar or Bar("entries", whole)
        self._bar.show(done, f"{done} / {whole}")
