"""What stands where on a paper, and that the bytes for it say exactly that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.printer_commands import compile_paper
from agent.drivers.printer_layout import Line, layout, printable, width
from agent.drivers.printer_options import PrinterEscposOptions
from agent.drivers.printer_port import pulse_in_order
from agent.paper import FEED_MOST_LINES, QR_MOST_BYTES, Cut, Feed, Pair, Paper, Qr, Row, Rule, Text
from simulator.escpos_decoder import EscposDecoder
from simulator.printed import DrawerPulse, Printed, PrintedLine, PrintedQr, StatusAsked

OPTIONS = PrinterEscposOptions("network")
ANY_TEXT = st.text(max_size=120)
ANY_ROW: st.SearchStrategy[Row] = st.one_of(
    st.builds(
        Text,
        ANY_TEXT,
        align=st.sampled_from(["left", "center", "right"]),
        bold=st.booleans(),
        size=st.sampled_from([1, 2]),
    ),
    st.builds(Pair, ANY_TEXT, ANY_TEXT, bold=st.booleans()),
    st.builds(Qr, st.text(min_size=1, max_size=100).filter(lambda text: text.isprintable())),
    st.builds(Feed, st.integers(1, FEED_MOST_LINES)),
    st.just(Rule()),
    st.just(Cut()),
)


def lines(*rows: Row, columns: int = 48) -> list[str]:
    return [item.text for item in layout(Paper(rows), columns) if isinstance(item, Line)]


def printed(data: bytes) -> tuple[list[Printed], list[bytes]]:
    decoder = EscposDecoder()
    decoder.put(data)
    things = []
    while (thing := decoder.take()) is not None:
        things.append(thing)
    assert decoder.waiting_bytes == 0
    return things, decoder.unknown


def test_a_chinese_character_takes_two_columns_and_a_latin_one_takes_one() -> None:
    assert width("会员A1") == 6


def test_a_pair_stands_at_both_margins() -> None:
    assert lines(Pair("商品", "268.00"), columns=20) == ["商品" + " " * 10 + "268.00"]


def test_a_pair_too_long_for_one_line_keeps_its_amount_at_the_right() -> None:
    assert lines(Pair("金卡会员全场商品九折优惠", "-26.80"), columns=24) == [
        "金卡会员全场商品九折优惠",
        " " * 18 + "-26.80",
    ]


def test_a_long_text_is_broken_between_words_and_chinese_characters() -> None:
    assert lines(Text("gold members pay less"), columns=12) == ["gold members", "pay less"]
    assert lines(Text("满减优惠每单限用一次"), columns=12) == ["满减优惠每单", "限用一次"]


def test_a_closing_mark_does_not_begin_a_line() -> None:
    assert lines(Text("满减优惠每单，限用"), columns=12) == ["满减优惠每", "单，限用"]


def test_a_word_longer_than_the_paper_is_cut() -> None:
    assert lines(Text("x" * 25), columns=12) == ["x" * 12, "x" * 12, "x"]


def test_double_size_has_half_the_columns() -> None:
    assert lines(Text("一二三四五六七", size=2), columns=24) == ["一二三四五六", "七"]


def test_characters_no_chinese_printer_has_are_shown_by_their_likes() -> None:
    assert printable("¥5\u00a0•") == "￥5 ·"


def test_a_character_outside_the_printers_set_becomes_a_question_mark() -> None:
    assert printable("𠮷野家", "gbk") == "?野家"
    assert printable("𠮷野家", "gb18030") == "𠮷野家"


def test_control_characters_never_reach_the_printer() -> None:
    assert printable("a\x1b@\x00\x7f\u2028b\ud800\n会") == "a?@???b?\n会"


@pytest.mark.parametrize("data", ["", "x" * (QR_MOST_BYTES + 1), "会" * 334])
def test_a_qr_code_that_could_not_be_read_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="QR"):
        Qr(data)


@pytest.mark.parametrize("count", [0, -1, FEED_MOST_LINES + 1])
def test_a_feed_has_bounds(count: int) -> None:
    with pytest.raises(ValueError, match="feed"):
        Feed(count)


def test_chinese_is_sent_in_kanji_mode_and_comes_out_as_it_was() -> None:
    data = b"".join(compile_paper(Paper((Text("会员一：储值卡余额 88.00 元（含赠送）"),)), OPTIONS))
    assert data.startswith(b"\x1b@\x1c&")
    things, unknown = printed(data)
    assert [thing.text for thing in things if isinstance(thing, PrintedLine)] == [
        "会员一：储值卡余额 88.00 元（含赠送）"
    ]
    assert unknown == []


def test_the_largest_qr_code_fits_on_the_paper() -> None:
    things, _ = printed(b"".join(compile_paper(Paper((Qr("x" * QR_MOST_BYTES),)), OPTIONS)))
    (code,) = [thing for thing in things if isinstance(thing, PrintedQr)]
    assert code.data == b"x" * QR_MOST_BYTES
    # Version 25 is the first that holds 1,000 bytes at level M: 117 modules and the quiet margin of 8.
    assert code.module_dots * (117 + 8) <= 576


@given(st.lists(ANY_ROW, max_size=8))
def test_what_was_laid_out_is_what_the_bytes_print(rows: list[Row]) -> None:
    paper = Paper(tuple(rows))
    things, unknown = printed(b"".join(compile_paper(paper, OPTIONS)))
    wanted = [item for item in layout(paper) if isinstance(item, Line)]
    came = [thing for thing in things if isinstance(thing, PrintedLine)]
    assert [line.text for line in came] == [line.text for line in wanted]
    assert [line.align for line in came] == [line.align for line in wanted]
    assert all(width(line.text) * line.size <= 48 for line in wanted)
    assert [thing.data.decode() for thing in things if isinstance(thing, PrintedQr)] == [
        row.data for row in rows if isinstance(row, Qr)
    ]
    assert not [thing for thing in things if isinstance(thing, StatusAsked)]
    assert unknown == []


@given(st.lists(ANY_ROW, max_size=4))
def test_the_drawer_may_be_opened_between_any_two_pieces_and_nothing_prints_otherwise(rows: list[Row]) -> None:
    pieces = compile_paper(Paper(tuple(rows)), OPTIONS)
    alone, _ = printed(b"".join(pieces))
    between, unknown = printed(pulse_in_order(2).join(pieces))
    pulses = [thing for thing in between if isinstance(thing, DrawerPulse)]
    assert len(pulses) == len(pieces) - 1
    assert [thing for thing in between if not isinstance(thing, DrawerPulse)] == alone
    assert unknown == []
