"""The file system that forgets keeps to its own model: what was synced is there after the power went, and only that."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crashes.power import Power

pytestmark = pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="this machine has no /dev/fuse")


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    (tmp_path / "medium").mkdir()
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


@pytest.fixture
def power(mount: Path) -> Iterator[Power]:
    power = Power(mount.with_name("medium"), mount)
    power.on()
    yield power
    power.off()


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def test_what_was_synced_is_there_and_what_was_not_is_gone(power: Power, mount: Path) -> None:
    kept, lost, nameless = mount / "kept", mount / "lost", mount / "nameless"
    kept.write_bytes(b"durable")
    sync(kept)
    sync(mount)
    kept.write_bytes(b"not yet")
    lost.write_bytes(b"never synced")
    nameless.write_bytes(b"its content was")
    sync(nameless)
    assert kept.read_bytes() == b"not yet"
    power.cut()
    power.on()
    assert sorted(path.name for path in mount.iterdir()) == ["kept"]
    assert kept.read_bytes() == b"durable"


def test_a_name_that_was_taken_away_is_back_unless_its_folder_was_synced(power: Power, mount: Path) -> None:
    for name in ("old", "gone"):
        (mount / name).write_bytes(b"x")
    sync(mount)
    (mount / "gone").unlink()
    sync(mount)
    (mount / "old").rename(mount / "new")
    power.cut()
    power.on()
    assert sorted(path.name for path in mount.iterdir()) == ["old"]


def test_a_random_half_of_the_sectors_may_stay_and_a_seed_says_which(power: Power, mount: Path) -> None:
    path = mount / "file"
    found = []
    for _ in range(2):
        path.write_bytes(bytes(64 * 512))
        sync(path)
        sync(mount)
        path.write_bytes(b"\xff" * (64 * 512))
        power.cut(seed=7)
        power.on()
        content = path.read_bytes().ljust(64 * 512, b"\0")
        found.append([content[at : at + 512] for at in range(0, len(content), 512)])
    assert found[0] == found[1]
    assert set(found[0]) == {bytes(512), b"\xff" * 512}


def test_what_a_failed_sync_should_have_kept_is_read_on_and_lost_whatever_the_next_sync_says(
    power: Power, mount: Path
) -> None:
    path = mount / "file"
    path.write_bytes(b"a" * 512)
    sync(mount)
    sync(path)
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), b"b" * 512, 0)
        power.fail_syncs(1)
        with pytest.raises(OSError) as refused:
            os.fsync(file.fileno())
        assert refused.value.errno == errno.EIO
        os.fsync(file.fileno())
    assert path.read_bytes() == b"b" * 512
    power.cut()
    power.on()
    assert path.read_bytes() == b"a" * 512


def test_it_is_full_when_it_is_full(power: Power, mount: Path) -> None:
    power.cut()
    power.on(room_bytes=8_192)
    (mount / "file").write_bytes(bytes(8_192))
    with pytest.raises(OSError, match="No space"):
        (mount / "more").write_bytes(b"x")


def test_two_processes_may_share_memory_over_it_as_a_write_ahead_log_needs(power: Power, mount: Path) -> None:
    path = mount / "shared"
    path.write_bytes(bytes(4_096))
    with (
        path.open("r+b") as one,
        path.open("r+b") as other,
        mmap.mmap(one.fileno(), 4_096) as mine,
        mmap.mmap(other.fileno(), 4_096) as theirs,
    ):
        mine[10] = 7
        assert theirs[10] == 7
