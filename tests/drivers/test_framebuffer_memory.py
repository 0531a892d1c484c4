"""What is written to a framebuffer, shown on memory that a kernel will not let grow: it takes a part, then nothing."""

from __future__ import annotations

import fcntl
import mmap
import os
import struct

import pytest
from PIL import Image

from agent.drivers.display_framebuffer import Framebuffer
from agent.drivers.framebuffer_pixels import FIXED_BYTES, VARIABLE_BYTES, Layout

WIDTH, HEIGHT = 96, 64
ROW_BYTES = 2 * WIDTH
LAYOUT = Layout.of(
    struct.pack("=8I 9I", WIDTH, HEIGHT, WIDTH, HEIGHT, 0, 0, 16, 0, 11, 5, 0, 5, 6, 0, 0, 5, 0).ljust(
        VARIABLE_BYTES, b"\0"
    ),
    struct.pack("@16s L 4I 3H I", b"test", 0, 0, 0, 0, 0, 0, 0, 0, ROW_BYTES).ljust(FIXED_BYTES, b"\0"),
)


def memory(size: int) -> int:
    """A file of so many bytes that can be written to and not grow."""
    fd = os.memfd_create("framebuffer", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    return fd


def test_a_framebuffer_that_takes_a_part_is_given_the_rest_and_one_that_ends_too_early_is_lost() -> None:
    red = Image.new("RGB", (WIDTH, HEIGHT), "red")
    whole = memory(ROW_BYTES * HEIGHT)
    screen = Framebuffer(whole, LAYOUT)
    screen.draw(red)
    assert os.pread(whole, ROW_BYTES * HEIGHT, 0) == struct.pack("<H", 0xF800) * WIDTH * HEIGHT
    screen.close()
    # It takes one page of what is written, as a kernel may, and refuses what is behind it.
    half = memory(mmap.PAGESIZE)
    screen = Framebuffer(half, LAYOUT)
    with pytest.raises(OSError):
        screen.draw(red)
    assert os.pread(half, mmap.PAGESIZE, 0) == struct.pack("<H", 0xF800) * (mmap.PAGESIZE // 2)
    screen.close()
