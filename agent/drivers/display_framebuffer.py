"""A screen that the kernel drives itself: pictures are written into its framebuffer, only the rows that changed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.drivers.display import Display, changed, fitted
from agent.drivers.facts import Emit, Status
from agent.drivers.framebuffer_pixels import FIXED_BYTES, VARIABLE_BYTES, Layout
from agent.drivers.report import Report
from contract import settings

if TYPE_CHECKING:
    from PIL.Image import Image

FBIOGET_VSCREENINFO, FBIOPUT_VSCREENINFO, FBIOGET_FSCREENINFO, FBIOBLANK = 0x4600, 0x4601, 0x4602, 0x4611
"""linux/fb.h"""
ACTIVATE_BYTE, ACTIVATE_NOW_FORCED = 84, 128
UNBLANK = 0


@dataclass(frozen=True, slots=True)
class DisplayFramebufferOptions:
    """Where the framebuffer is: `path`, such as /dev/fb0."""

    path: str = "/dev/fb0"

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> DisplayFramebufferOptions:
        """Read a table of options. Raises SettingsError that names every mistake."""
        return cls(**settings.read(table, settings.Table({"path": settings.text("/dev/fb0")})))


class DisplayFramebuffer(Display):
    """Shows the newest picture, in the middle where the screen is larger."""

    def __init__(self, name: str, options: DisplayFramebufferOptions, emit: Emit) -> None:
        report = Report(name, emit)
        super().__init__(f"framebuffer {options.path}", report, lambda: _opened(options.path, report))


class Framebuffer:
    """An open framebuffer."""

    def __init__(self, fd: int, layout: Layout) -> None:
        self._fd = fd
        self._layout = layout
        self._shown: Image | None = None

    def draw(self, image: Image) -> None:
        """Write the rows that differ from the last picture. Raises OSError where the screen is gone."""
        screen = fitted(image, self._layout.width, self._layout.height)
        for _left, top, _right, bottom in changed(self._shown, screen):
            self._write(screen, top, bottom)
        self._shown = screen

    def _write(self, screen: Image, top: int, bottom: int) -> None:
        """Write whole rows, those of a band at once and never fewer than two: of a single row that is written up to its
        very end Linux 6.1 shows nothing (it reckons the change to be 0 pixels wide).
        """
        layout = self._layout
        first = min(top, max(bottom - 2, 0))
        rows = layout.packed(screen.crop((0, first, layout.width, bottom)))
        if layout.row_bytes == layout.width * layout.pixel_bytes:
            rows = [b"".join(rows)]
        for number, row in enumerate(rows):
            _write_whole(self._fd, row, layout.at(0, first + number))

    def close(self) -> None:
        """Let it go; the picture stays."""
        os.close(self._fd)


def _write_whole(fd: int, data: bytes, at: int) -> None:
    """Raises OSError where the screen is gone, or smaller than it said."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(fd, rest, at)
        if not written:
            raise OSError(errno.ENOSPC, "the framebuffer ends before its last row")
        rest, at = rest[written:], at + written


def _opened(path: str, report: Report) -> Framebuffer | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        report.say_refused(error)
        return None
    try:
        variable = fcntl.ioctl(fd, FBIOGET_VSCREENINFO, bytes(VARIABLE_BYTES))
        fixed = fcntl.ioctl(fd, FBIOGET_FSCREENINFO, bytes(FIXED_BYTES))
        layout = Layout.of(variable, fixed)
        _light(fd, variable)
        return Framebuffer(fd, layout)
    except ValueError:
        report.say(Status.CONFIG_ERROR, "screen_unsupported", "check_config")
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):
            report.say(Status.SELF_CHECK_FAILED, "wrong_device", "check_config")
        else:
            report.say_refused(error)
    os.close(fd)
    return None


def _light(fd: int, variable: bytes) -> None:
    """Have the screen show its memory: after a start without a word on the console nobody has switched it on yet, and a
    console that was idle may have switched it off. A screen that cannot be told so is on anyway.
    """
    as_it_is = bytearray(variable)
    struct.pack_into("=I", as_it_is, ACTIVATE_BYTE, ACTIVATE_NOW_FORCED)
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, FBIOPUT_VSCREENINFO, bytes(as_it_is))
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, FBIOBLANK, UNBLANK)
