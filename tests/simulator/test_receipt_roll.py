"""What the simulated paper shows: the words for a test, and a picture that a camera can read."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from agent.drivers.printer_commands import compile_paper
from agent.drivers.printer_options import PrinterEscposOptions
from agent.paper import Cut, Pair, Paper, Qr, Row, Rule, Text
from simulator.printer_engine import PrinterEngine
from simulator.receipt_roll import Receipt, ReceiptRoll

LINK = "https://example.invalid/r/1-000042?" + "x" * 80


def printed(*rows: Row) -> Receipt:
    roll = ReceiptRoll()
    engine = PrinterEngine(roll)
    engine.receive(b"".join(compile_paper(Paper(rows), PrinterEscposOptions("network"))), 0.0)
    engine.work(0.0)
    assert roll.last is not None
    return roll.last


def picture(receipt: Receipt) -> Image.Image:
    return Image.open(io.BytesIO(receipt.png()))


def dark_dots(image: Image.Image) -> int:
    """How much ink there is, in thousandths of black dots, on a white ground."""
    white = Image.new("RGBA", image.size, "white")
    grey = Image.alpha_composite(white, image.convert("RGBA")).convert("L")
    return sum(count for value, count in enumerate(grey.histogram()) if value < 110)


def test_a_receipt_keeps_its_rows_codes_and_bytes() -> None:
    receipt = printed(Text("会员小票", align="center"), Pair("商品", "268.00"), Qr(LINK), Cut())
    assert receipt.rows == ("会员小票", "商品" + " " * 38 + "268.00")
    assert receipt.codes == (LINK.encode(),)
    assert receipt.raw.startswith(b"\x1b@\x1c&")
    assert receipt.cut


def test_a_cut_ends_a_receipt_and_what_hangs_out_can_be_torn_off() -> None:
    roll = ReceiptRoll()
    engine = PrinterEngine(roll)
    engine.receive(b"one\n\x1dV\x00two\n", 0.0)
    engine.work(0.0)
    assert [receipt.text for receipt in roll.receipts] == ["one"]
    assert roll.current is not None
    assert roll.current.text == "two"
    torn = roll.tear_off()
    assert torn is not None
    assert (torn.number, torn.text, torn.cut) == (2, "two", False)
    assert roll.current is None
    assert roll.tear_off() is None


@pytest.mark.skipif(
    shutil.which("zbarimg") is None, reason="zbarimg (package zbar-tools) reads the code off the picture"
)
@pytest.mark.parametrize("data", [LINK, "会员一 HTTPS://例子.invalid/1", "0123456789" * 20, "z" * 600])
def test_a_printed_qr_code_can_be_read_off_the_picture(tmp_path: Path, data: str) -> None:
    path = tmp_path / "receipt.png"
    path.write_bytes(printed(Text("谢谢惠顾"), Qr(data), Text("扫码验证"), Cut()).png())
    done = subprocess.run(["zbarimg", "-q", "--raw", str(path)], capture_output=True, timeout=60, check=False)
    assert done.stdout.decode().rstrip("\n") == data


def test_the_picture_is_the_paper_with_a_soft_edge() -> None:
    image = picture(printed(Text("会员小票"), Rule(), Cut()))
    assert image.mode == "RGBA"
    assert image.width == 640 + 2 * 24
    assert image.getpixel((0, 0)) == (30, 32, 48, 0)
    middle = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(middle, tuple)
    assert middle[3] == 255


def test_bold_is_darker_and_double_size_is_larger() -> None:
    plain = dark_dots(picture(printed(Text("应付"), Cut())))
    assert dark_dots(picture(printed(Text("应付", bold=True), Cut()))) > plain * 5 // 4
    assert dark_dots(picture(printed(Text("应付", size=2), Cut()))) > plain * 3


def test_words_aligned_otherwise_stand_elsewhere() -> None:
    pictures = [
        picture(printed(Text("会员", align=align), Cut())).convert("L") for align in ("left", "center", "right")
    ]
    assert ImageChops.difference(pictures[0], pictures[1]).getbbox() is not None
    assert ImageChops.difference(pictures[1], pictures[2]).getbbox() is not None


def test_anything_that_was_printed_can_be_drawn() -> None:
    roll = ReceiptRoll()
    engine = PrinterEngine(roll)
    raster = b"\x1dv0\x03\x02\x00\x02\x00\xff\x00\x0f\xf0" + b"\x1dv0\x00\x00\x00\x00\x00"
    engine.receive(b"\x1b-\x01under\x1dB\x01white\n\x1d!\x70wide\n\x1d!\x07tall\n" + raster + b"\x1dV\x00", 0.0)
    engine.work(0.0)
    assert roll.last is not None
    assert picture(roll.last).height > 300
