"""What the simulated screen takes for frames and sounds, and what it does with anything else."""

from __future__ import annotations

import io
import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from simulator.glass import Glass


@pytest.fixture
def glass(tmp_path: Path) -> Iterator[Glass]:
    glass = Glass(tmp_path / "glass")
    glass.start()
    yield glass
    glass.close()
    glass.close()


def connected(glass: Glass) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(10)
    line.connect(glass.address)
    return line


def message(header: object, body: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack(">IH", 2 + len(encoded) + len(body), len(encoded)) + encoded + body


def frame(number: int) -> bytes:
    png = io.BytesIO()
    Image.new("RGB", (480, 320)).save(png, "PNG")
    header = {"t": "frame", "n": number, "w": 480, "h": 320, "text": ["应付 ¥221.20"], "made_ns": 5}
    return message(header, png.getvalue())


def test_frames_and_sounds_are_taken_however_the_bytes_are_cut(glass: Glass) -> None:
    with connected(glass) as line:
        for byte in frame(1) + message({"t": "sound", "name": "success", "n": 1}):
            line.send(bytes((byte,)))
        assert glass.wait_for(lambda glass: len(glass.sounds) == 1)
    assert glass.number == 1
    assert glass.text == ("应付 ¥221.20",)
    assert glass.wait_for_text("221")
    assert glass.sounds[0].after_frame == 1
    assert glass.frame is not None
    assert glass.frame.shown_ns < glass.sounds[0].heard_ns


@pytest.mark.parametrize(
    "bad",
    [
        message({"t": "weather"}),
        message([]),
        message({"t": "frame", "n": 1}),
        message({"t": "frame", "n": "1", "w": 1, "h": 1, "text": [], "made_ns": 0}, b"\x89PNG"),
        message({"t": "frame", "n": 1, "w": 1, "h": 1, "text": [], "made_ns": 0}, b"GIF89a"),
        struct.pack(">IH", 6, 4) + b"\xff\xfe{}",
        struct.pack(">I", 1) + b"x",
        struct.pack(">I", 2**32 - 1) + b"x" * (5 * 1024 * 1024),
    ],
    ids=["unknown", "no header", "fields missing", "wrong type", "no PNG", "no JSON", "too short", "endless"],
)
def test_what_is_no_message_ends_the_connection_and_the_next_is_served(glass: Glass, bad: bytes) -> None:
    with connected(glass) as line:
        try:
            line.sendall(bad)
            assert line.recv(1) == b""
        except ConnectionError:
            pass
    assert glass.faults == 1
    with connected(glass) as line:
        line.sendall(frame(2))
        assert glass.wait_for(lambda glass: glass.number == 2)


def test_waiting_in_vain_ends() -> None:
    glass = Glass(("127.0.0.1", 0))
    assert not glass.wait_for(lambda glass: glass.number == 1, timeout_s=0.05)
    assert not glass.wait_for_text("x", timeout_s=0.05)
