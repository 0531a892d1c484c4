"""A file system that forgets what was not synced, as a process of its own: ``forgetting_fs.py DISK MOUNT [BYTES]``.

The model, which is no kinder than POSIX (fsync(2), and what file systems are known to do beyond its letter):

- What is written or truncated is seen by everybody at once, and is durable when an fsync or fdatasync of that very file
  has returned. Nothing else makes it so: no other file's sync, no close, no passing of time.
- A name (created, removed, renamed) is durable when an fsync of the folder it stands in has returned; a file's own sync
  brings its content to the disk and not its name.
- When the power goes, what is not durable is gone: all of it, or, told to keep a half, a random half of the 512-byte
  sectors written, of the truncations and of the names, each drawn by itself: writes may reach a disk in any order.
- A sync that fails answers EIO once. What it should have brought to the disk will never get there, unless it is written
  again; it is still read as if all were well, as Linux does with pages whose write-back failed.

The folder DISK is the medium: a file of ``names``, and each file's content under its number. What is not durable is in
this process only, so that SIGKILL is a power cut too. On its standard input it takes one order a line: ``forget``;
``keep SEED``; ``fail COUNT``, so many syncs fail from now on. It answers ``ready`` once mounted, and each order by the
number of syncs that were still to fail. With BYTES on it the disk is full.
"""

from __future__ import annotations

import errno
import json
import os
import random
import stat
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import mfusepy

SECTOR_BYTES = 512
BLOCK_BYTES = 4_096
ROOMY_BYTES = 1 << 34


@dataclass(frozen=True, slots=True)
class Change:
    """One thing done to a file's content: ``data`` written at ``offset``, or, without data, the end put there."""

    offset: int
    data: bytes | None

    def sectors(self) -> Iterator[Change]:
        """The parts of it that reach a disk each by itself."""
        if self.data is None:
            yield self
            return
        at = 0
        while at < len(self.data):
            most = SECTOR_BYTES - (self.offset + at) % SECTOR_BYTES
            yield Change(self.offset + at, self.data[at : at + most])
            at += most

    def apply(self, content: bytearray) -> None:
        """Do it."""
        end = self.offset if self.data is None else self.offset + len(self.data)
        if len(content) < end:
            content.extend(bytes(end - len(content)))
        if self.data is None:
            del content[end:]
        else:
            content[self.offset : end] = self.data


@dataclass
class Node:
    """A file or folder as everybody sees it. ``waiting`` is what a sync would bring to the disk."""

    number: int
    mode: int
    content: bytearray = field(default_factory=bytearray)
    waiting: list[Change] = field(default_factory=list)


class Medium:
    """What survives: names and contents in a folder of the machine's own file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names_file = folder / "names"
        self.names: dict[str, tuple[int, int]] = {"/": (0, stat.S_IFDIR | 0o755)}
        if self._names_file.exists():
            found = json.loads(self._names_file.read_text(encoding="utf-8"))
            self.names = {path: (number, mode) for path, (number, mode) in found.items()}

    def content(self, number: int) -> bytearray:
        """What is durable of a file."""
        path = self._folder / str(number)
        return bytearray(path.read_bytes() if path.exists() else b"")

    def put(self, number: int, changes: list[Change]) -> None:
        """Make changes durable, in their order."""
        content = self.content(number)
        for change in changes:
            change.apply(content)
        (self._folder / str(number)).write_bytes(content)

    def put_names(self, names: dict[str, tuple[int, int]]) -> None:
        """Make these the durable names."""
        self.names = names
        self._names_file.write_text(json.dumps(names), encoding="utf-8")

    def next_number(self) -> int:
        """A number no file on it has, forgotten ones included."""
        return 1 + max((int(path.name) for path in self._folder.iterdir() if path.name.isdigit()), default=0)


class ForgettingDisk:
    """The files as everybody sees them, over a medium; raises OSError as a file system does."""

    def __init__(self, medium: Medium, room_bytes: int = ROOMY_BYTES) -> None:
        self._medium = medium
        self._room_bytes = room_bytes
        self._next = medium.next_number()
        self.failing = 0
        self.nodes: dict[str, Node] = {}
        for path, (number, mode) in sorted(medium.names.items()):
            # A folder whose own name was lost takes what is in it along.
            if path == "/" or _folder(path) in self.nodes:
                self.nodes[path] = Node(number, mode, medium.content(number))

    def node(self, path: str) -> Node:
        """What that name stands for."""
        try:
            return self.nodes[path]
        except KeyError:
            raise OSError(errno.ENOENT, path) from None

    def make(self, path: str, mode: int) -> None:
        """Make a file or folder."""
        if path in self.nodes:
            raise OSError(errno.EEXIST, path)
        self.node(_folder(path))
        self.nodes[path] = Node(self._next, mode)
        self._next += 1

    def change(self, path: str, change: Change) -> None:
        """Write or truncate."""
        node = self.node(path)
        grows = change.offset + len(change.data or b"") - len(node.content)
        if grows > 0 and self.used_bytes() + grows > self._room_bytes:
            raise OSError(errno.ENOSPC, path)
        change.apply(node.content)
        node.waiting.append(change)

    def remove(self, path: str) -> None:
        """Take a name away."""
        if any(_folder(other) == path for other in self.nodes if other != "/"):
            raise OSError(errno.ENOTEMPTY, path)
        self.node(path)
        del self.nodes[path]

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        self.nodes[new] = self.node(old)
        del self.nodes[old]

    def sync(self, path: str) -> None:
        """Bring a file's content to the medium."""
        node = self.node(path)
        waiting, node.waiting = node.waiting, []
        if self.failing:
            self.failing -= 1
            raise OSError(errno.EIO, path)
        self._medium.put(node.number, waiting)

    def sync_names(self, folder: str) -> None:
        """Bring a folder's names to the medium."""
        kept = {path: known for path, known in self._medium.names.items() if path == "/" or _folder(path) != folder}
        self._medium.put_names(kept | {path: seen for path, seen in self._seen().items() if _folder(path) == folder})

    def keep_a_half(self, seed: int) -> None:
        """Let a random half of what is not durable get to the medium after all."""
        draw = random.Random(seed)
        for _path, node in sorted(self.nodes.items()):
            sectors = [sector for change in node.waiting for sector in change.sectors()]
            self._medium.put(node.number, [sector for sector in sectors if draw.random() < 0.5])
        names, seen = dict(self._medium.names), self._seen()
        for path in sorted(names.keys() | seen.keys()):
            if names.get(path) != seen.get(path) and draw.random() < 0.5:
                names.pop(path, None)
                names |= {path: seen[path]} if path in seen else {}
        self._medium.put_names(names)

    def used_bytes(self) -> int:
        """How much is on it."""
        return sum(len(node.content) for node in self.nodes.values())

    def free_bytes(self) -> int:
        """How much more it takes."""
        return max(0, self._room_bytes - self.used_bytes())

    def _seen(self) -> dict[str, tuple[int, int]]:
        return {path: (node.number, node.mode) for path, node in self.nodes.items()}


class Doors:
    """The kernel's questions, answered from a disk; each raises OSError as a system call fails."""

    use_ns = True

    def __init__(self, disk: ForgettingDisk) -> None:
        self._disk = disk

    def init(self, _path: str) -> None:
        """Say that it is there."""
        print("ready", flush=True)

    def getattr(self, path: str, _handle: int | None = None) -> Mapping[str, int]:
        """What stat(2) tells."""
        node = self._disk.node(path)
        return {"st_mode": node.mode, "st_size": len(node.content), "st_nlink": 1, "st_uid": os.getuid()}

    def readdir(self, path: str, _handle: int) -> list[str]:
        """The names in a folder."""
        names = [PurePosixPath(other).name for other in self._disk.nodes if other != "/" and _folder(other) == path]
        return [".", "..", *names]

    def mkdir(self, path: str, mode: int) -> int:
        """Make a folder."""
        self._disk.make(path, stat.S_IFDIR | mode)
        return 0

    def create(self, path: str, mode: int, _flags: int) -> int:
        """Make a file and open it."""
        self._disk.make(path, stat.S_IFREG | stat.S_IMODE(mode))
        return 0

    def open(self, path: str, _flags: int) -> int:
        """Open a file."""
        self._disk.node(path)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        """Change who may do what."""
        self._disk.node(path).mode = mode
        return 0

    def read(self, path: str, size: int, offset: int, _handle: int) -> bytes:
        """Read."""
        return bytes(self._disk.node(path).content[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, _handle: int) -> int:
        """Write."""
        self._disk.change(path, Change(offset, data))
        return len(data)

    def truncate(self, path: str, length: int, _handle: int | None = None) -> int:
        """Cut off or lengthen."""
        self._disk.change(path, Change(length, None))
        return 0

    def unlink(self, path: str) -> int:
        """Take a file's name away."""
        self._disk.remove(path)
        return 0

    def rmdir(self, path: str) -> int:
        """Take a folder's name away."""
        self._disk.remove(path)
        return 0

    def rename(self, old: str, new: str) -> int:
        """Give another name."""
        self._disk.rename(old, new)
        return 0

    def utimens(self, _path: str, _times: tuple[int, int] | None = None) -> int:
        """Times are not kept."""
        return 0

    def fsync(self, path: str, _data_only: int, _handle: int) -> int:
        """Bring a file's content to the medium."""
        self._disk.sync(path)
        return 0

    def fsyncdir(self, path: str, _data_only: int, _handle: int) -> int:
        """Bring a folder's names to the medium."""
        self._disk.sync_names(path)
        return 0

    def statfs(self, _path: str) -> Mapping[str, int]:
        """How much room there is."""
        free = self._disk.free_bytes() // BLOCK_BYTES
        return {"f_bsize": BLOCK_BYTES, "f_frsize": BLOCK_BYTES, "f_bfree": free, "f_bavail": free, "f_blocks": free}


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)


def _obey(disk: ForgettingDisk) -> None:
    """Carry out what standard input orders; its end is an order to forget."""
    for line in sys.stdin:
        order, *argument = line.split()
        still_to_fail = disk.failing
        if order == "fail":
            disk.failing = int(argument[0])
        elif order == "keep":
            disk.keep_a_half(int(argument[0]))
        print(still_to_fail, flush=True)
        if order in ("keep", "forget"):
            break
    os._exit(0)


def main() -> None:
    """Serve until the power goes."""
    medium, mount, *room = sys.argv[1:]
    disk = ForgettingDisk(Medium(Path(medium)), *(int(number) for number in room))
    threading.Thread(target=_obey, args=(disk,), daemon=True).start()
    mfusepy.FUSE(Doors(disk), mount, foreground=True, nothreads=True, fsname="forgetting")


if __name__ == "__main__":
    main()
