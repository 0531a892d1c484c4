"""How much of the disk is free: asked for each sale where there is little, once in a while where there is plenty."""

from pathlib import Path

from agent.offline_store.room import ASKED_AGAIN_S, PLENTY_BYTES, RESERVE_BYTES, LatelyFree, Room, free_bytes


class Disk:
    """A disk that counts who asks, and a clock."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.asked = 0
        self.now_s = 5.0

    def ask(self, _path: Path) -> int:
        self.asked += 1
        return self.free

    @property
    def room(self) -> Room:
        return Room(free_bytes=LatelyFree(self.ask, lambda: self.now_s))


def test_where_there_is_plenty_the_disk_is_asked_once_in_a_while(tmp_path: Path) -> None:
    disk = Disk(PLENTY_BYTES)
    room = disk.room
    assert [room.free(tmp_path) for _ in range(3)] == [PLENTY_BYTES] * 3
    assert disk.asked == 1
    disk.free, disk.now_s = RESERVE_BYTES - 1, disk.now_s + ASKED_AGAIN_S
    assert room.free(tmp_path) == RESERVE_BYTES - 1


def test_where_there_is_little_it_is_asked_each_time(tmp_path: Path) -> None:
    disk = Disk(PLENTY_BYTES - 1)
    room = disk.room
    assert room.free(tmp_path) == PLENTY_BYTES - 1
    disk.free = RESERVE_BYTES - 1
    assert room.free(tmp_path) == RESERVE_BYTES - 1
    disk.free = 0
    assert (room.free(tmp_path), disk.asked) == (0, 3)


def test_a_room_of_its_own_asks_the_file_system(tmp_path: Path) -> None:
    assert Room().free(tmp_path / "till.db") > 0
    assert free_bytes(tmp_path / "till.db") > 0
