"""What the simulated printer reads out of ESC/POS bytes, good ones and bad."""

from __future__ import annotations

import pytest
from escpos.printer import Dummy
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simulator.escpos_decoder import EscposDecoder
from simulator.printed import (
    CutPaper,
    FedPaper,
    Printed,
    PrintedImage,
    PrintedLine,
    PrintedQr,
    Run,
    StatusAsked,
    Style,
)


def decoded(data: bytes) -> list[Printed]:
    return everything(decoder_of(data))


def decoder_of(data: bytes) -> EscposDecoder:
    decoder = EscposDecoder()
    decoder.put(data)
    return decoder


def everything(decoder: EscposDecoder) -> list[Printed]:
    things = []
    while (thing := decoder.take()) is not None:
        things.append(thing)
    return things


def only_line(data: bytes) -> PrintedLine:
    (line,) = decoded(data)
    assert isinstance(line, PrintedLine)
    return line


def test_chinese_is_read_in_kanji_mode_only() -> None:
    chinese = "会员".encode("gbk") + b"\n"
    assert only_line(b"\x1c&" + chinese).text == "会员"
    assert only_line(chinese).text == "会员".encode("gbk").decode("cp437")
    assert only_line(b"\x1c&\x1c." + chinese).text != "会员"
    assert only_line(b"\x1c&\x1b@" + chinese).text != "会员"


def test_a_character_of_four_bytes_is_one_character() -> None:
    assert only_line(b"\x1c&" + "𠮷".encode("gb18030") + b"\n").text == "𠮷"


def test_styles_hold_until_they_are_changed() -> None:
    line = only_line(b"a\x1bE\x01b\x1d!\x11c\x1bE\x00\x1d!\x00d\n")
    assert line.runs == (
        Run("a", Style()),
        Run("b", Style(bold=True)),
        Run("c", Style(bold=True, width=2, height=2)),
        Run("d", Style()),
    )


def test_a_line_longer_than_the_paper_goes_on_in_the_next() -> None:
    lines = decoded(b"x" * 50 + b"\n")
    assert [line.text for line in lines if isinstance(line, PrintedLine)] == ["x" * 48, "xx"]


@pytest.mark.parametrize(("code", "align"), [(0, "left"), (1, "center"), (2, "right"), (50, "right")])
def test_lines_stand_where_they_are_told_to(code: int, align: str) -> None:
    assert only_line(b"\x1ba" + bytes((code,)) + b"x\n").align == align


def test_feeds_and_cuts_come_in_their_place() -> None:
    assert decoded(b"\x1bd\x03\x1dV\x00\x1dV\x42\x00") == [
        FedPaper(90),
        CutPaper(partial=False),
        FedPaper(96),
        CutPaper(partial=True),
    ]


@pytest.mark.parametrize("way", ["bitImageRaster", "graphics"])
def test_an_image_of_python_escpos_is_read_dot_by_dot(way: str) -> None:
    picture = Image.new("1", (16, 3), 1)
    picture.putpixel((0, 0), 0)
    picture.putpixel((15, 2), 0)
    device = Dummy()
    device.image(picture, impl=way)
    (image,) = [thing for thing in decoded(device.output) if isinstance(thing, PrintedImage)]
    assert image.width_dots == 16
    assert image.rows == (b"\x80\x00", b"\x00\x00", b"\x00\x01")


def test_a_qr_code_of_python_escpos_is_read_with_its_size_and_level() -> None:
    device = Dummy()
    device.qr("会员一", ec=2, size=5, native=True)
    assert decoded(device.output) == [PrintedQr("会员一".encode(), 5, "Q", "left")]


def test_questions_come_in_the_order_of_the_data() -> None:
    assert decoded(b"x\n\x1dr\x01\x1d(H\x06\x0000abcd\x1dI\x41")[1:] == [
        StatusAsked("status", b"\x01"),
        StatusAsked("process", b"abcd"),
        StatusAsked("identity", b"A"),
    ]


def test_an_unknown_command_is_recorded_and_the_rest_is_read() -> None:
    decoder = decoder_of(b"\x1d(Z\x03\x00abc\x1b\x99\x07ok\n")
    assert [thing.text for thing in everything(decoder) if isinstance(thing, PrintedLine)] == ["ok"]
    assert decoder.unknown == [b"\x1d(Z\x03\x00abc", b"\x1b\x99", b"\x07"]


@pytest.mark.parametrize(
    "command",
    [
        b"\x1b*\x21\x02\x00" + b"x" * 6,
        b"\x1dk\x04123\x00",
        b"\x1dkI\x03abc",
        b"\x1bD\x08\x10\x00",
    ],
    ids=["column image", "bar code to NUL", "bar code of a length", "tabs"],
)
def test_commands_without_effect_here_are_passed_over_whole(command: bytes) -> None:
    decoder = decoder_of(command + b"ok\n")
    assert [thing.text for thing in everything(decoder) if isinstance(thing, PrintedLine)] == ["ok"]
    assert decoder.unknown == [command]


def test_a_command_that_announces_more_than_any_printer_takes_does_not_swallow_the_rest() -> None:
    decoder = decoder_of(b"\x1dv0\x00\xff\xff\xff\xffok\n")
    assert [thing.text for thing in everything(decoder) if isinstance(thing, PrintedLine)] == ["ok"]
    assert len(decoder.unknown) == 1


def test_a_command_broken_off_waits_for_its_rest() -> None:
    decoder = decoder_of(b"\x1ba")
    assert decoder.take() is None
    assert decoder.waiting_bytes == 2
    decoder.put(b"\x01x\n")
    (line,) = everything(decoder)
    assert isinstance(line, PrintedLine)
    assert line.align == "center"


def test_the_bytes_that_were_read_can_be_had_for_the_record() -> None:
    decoder = decoder_of(b"one\ntwo\nthr")
    decoder.take()
    assert decoder.take_read() == b"one\n"
    everything(decoder)
    assert decoder.take_read() == b"two\nthr"
    assert decoder.take_read() == b""


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_upset_the_decoder_however_they_are_cut(pieces: list[bytes]) -> None:
    whole, parts = decoder_of(b"".join(pieces)), EscposDecoder()
    cut: list[Printed] = []
    for piece in pieces:
        parts.put(piece)
        cut += everything(parts)
    assert cut == everything(whole)
    assert parts.unknown == whole.unknown
