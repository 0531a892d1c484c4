"""Signed entries found in the bytes of a damaged file, page by page, whatever held the pages together.

Nothing of the file's structure is believed but what a single page says of itself (sqlite.org/fileformat2.html, sections
1.5, 1.6 and 4.1); what is found proves itself by its signature, which is the caller's to verify.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from contract import envelope
from contract.envelope import ContentType
from contract.journal import MAX_PAYLOAD_BYTES
from contract.making import dataclass
from contract.signing import PublicKey

PAGE_BYTES = 4096
"""The size of a store's pages."""

_FILE_HEADER_BYTES = 100
_LEAF = 0x0D
_MOST_CELL_BYTES = MAX_PAYLOAD_BYTES + 1_024
_LOG_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_SIGNATURE = b"\x58\x40"
_SIGNATURE_BYTES = 64


def found_entries(path: Path, key: PublicKey) -> Iterator[bytes]:
    """Yield whatever looks like an entry signed by ``key`` in the file and its log, newest first as far as that can be
    told; the same may come more than once. Raises OSError where the file cannot be opened at all.
    """
    opening = envelope.opening(ContentType.ENTRY, key)
    log = path.with_name(f"{path.name}-wal")
    with path.open("rb") as file:
        if not log.exists():
            yield from _in_pages(_Images(file, None, {}), opening, [])
            return
        with log.open("rb") as frames:
            offsets = _committed(frames)
            newest = {number: offset for number, offset in offsets}
            yield from _in_pages(_Images(file, frames, newest), opening, [offset for _number, offset in offsets])


@dataclass(frozen=True, slots=True)
class _Images:
    """The pages of a file, as its log has them where that holds newer ones."""

    file: BinaryIO
    log: BinaryIO | None
    newest: dict[int, int]

    def page(self, number: int) -> bytes:
        """The newest image of a page, counted from 1; what cannot be read is empty."""
        if self.log is not None and number in self.newest:
            return _read(self.log, self.newest[number])
        return self.at(number)

    def at(self, number: int) -> bytes:
        """The page as it stands in the file itself."""
        return _read(self.file, (number - 1) * PAGE_BYTES)


def _in_pages(images: _Images, opening: bytes, logged: list[int]) -> Iterator[bytes]:
    if images.log is not None:
        for offset in reversed(logged):
            yield from _in_page(images, _read(images.log, offset), 0, opening)
    size = images.file.seek(0, 2)
    for number in range(-(-size // PAGE_BYTES), 0, -1):
        yield from _in_page(images, images.at(number), _FILE_HEADER_BYTES if number == 1 else 0, opening)


def _in_page(images: _Images, page: bytes, header: int, opening: bytes) -> Iterator[bytes]:
    """What a page holds whole, wherever it lies in it, and what its cells begin and other pages go on with."""
    yield from _cut_out(page, opening)
    if page[header : header + 1] != bytes([_LEAF]):
        return
    count = int.from_bytes(page[header + 3 : header + 5], "big")
    for index in range(min(count, PAGE_BYTES // 4)):
        pointer = header + 8 + 2 * index
        payload = _spilled(images, page, int.from_bytes(page[pointer : pointer + 2], "big"))
        if payload:
            yield from _cut_out(payload, opening)


def _cut_out(data: bytes, opening: bytes) -> Iterator[bytes]:
    """Each envelope in ``data`` that is there whole."""
    start = data.find(opening)
    while start >= 0:
        payload = _byte_string(data, start + len(opening) + 1)
        if payload is not None:
            end = payload + len(_SIGNATURE) + _SIGNATURE_BYTES
            if data[payload : payload + 2] == _SIGNATURE and end <= len(data):
                yield data[start:end]
        start = data.find(opening, start + 1)


def _byte_string(data: bytes, start: int) -> int | None:
    """Where the byte string at ``start`` (RFC 8949 section 3.1) ends; None where there is none."""
    head = data[start : start + 1]
    more = {b"\x58": 1, b"\x59": 2}.get(head)
    if more is None:
        return None
    end = start + 1 + more + int.from_bytes(data[start + 1 : start + 1 + more], "big")
    return end if end <= len(data) else None


def _spilled(images: _Images, page: bytes, start: int) -> bytes:
    """The content of a cell that does not fit into its page; empty for others, and for what is no cell."""
    size, after_size = _varint(page, start)
    _rowid, begin = _varint(page, after_size)
    most = PAGE_BYTES - 35
    if not most < size <= _MOST_CELL_BYTES:
        return b""
    least = (PAGE_BYTES - 12) * 32 // 255 - 23
    local = least + (size - least) % (PAGE_BYTES - 4)
    local = local if local <= most else least
    content = page[begin : begin + local]
    following = int.from_bytes(page[begin + local : begin + local + 4], "big")
    while len(content) < size and following:
        more = images.page(following)
        if len(more) < PAGE_BYTES:
            return b""
        content += more[4:]
        following = int.from_bytes(more[:4], "big")
    return content[:size]


def _varint(data: bytes, start: int) -> tuple[int, int]:
    """The number at ``start`` (section 1.6) and where it ends."""
    value = 0
    for index in range(8):
        byte = data[start + index] if start + index < len(data) else 0
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, start + index + 1
    return value << 8 | (data[start + 8] if start + 8 < len(data) else 0), start + 9


def _committed(log: BinaryIO) -> list[tuple[int, int]]:
    """Page number and offset of each image of the log's present round, up to its last commit. What a frame's checksum
    says is not asked: one that is damaged hides none behind it.
    """
    size = log.seek(0, 2)
    frames = range(_LOG_HEADER_BYTES, size - _FRAME_HEADER_BYTES, _FRAME_HEADER_BYTES + PAGE_BYTES)
    heads = [(offset + _FRAME_HEADER_BYTES, _read(log, offset, _FRAME_HEADER_BYTES)) for offset in frames]
    rounds = [head[8:16] for _offset, head in heads]
    # The log's header and its first frame both say which round this is; one of them may be damaged.
    said = (_read(log, 0, _LOG_HEADER_BYTES)[16:24], *rounds[:1])
    present = max(said, key=rounds.count)
    found: list[tuple[int, int]] = []
    committed = 0
    for offset, head in heads:
        if head[8:16] != present:
            continue
        found.append((int.from_bytes(head[:4], "big"), offset))
        if head[4:8] != bytes(4):
            committed = len(found)
    return found[:committed]


def _read(file: BinaryIO, offset: int, size: int = PAGE_BYTES) -> bytes:
    """What stands there; empty where the disk does not give it back."""
    try:
        file.seek(offset)
        return file.read(size)
    except OSError:
        return b""
