"""The log: one line an event, whatever is in it."""

import io
import logging

from agent.log import MAX_VALUE_CHARS, event, pair_value, set_up_logging


def test_an_event_is_one_line_of_pairs() -> None:
    assert event("link_down", reason="lost", port=8883) == "event=link_down reason=lost port=8883"


def test_a_value_of_several_words_is_quoted_and_its_quotes_are_escaped() -> None:
    assert pair_value('no "answer" in time') == '"no \\"answer\\" in time"'
    assert pair_value("") == '""'


def test_bytes_are_written_as_hex() -> None:
    assert pair_value(b"\x01\xff") == "01ff"


def test_what_comes_from_outside_cannot_begin_a_line_of_its_own() -> None:
    assert "\n" not in event("topic", name="a\nlevel=error event=forged\x1b[2J")


def test_a_value_is_never_longer_than_a_line_may_be() -> None:
    assert len(pair_value("x" * 10_000)) <= MAX_VALUE_CHARS + 2


def test_everything_the_agent_logs_comes_out_once_on_the_stream_that_was_set_up_last() -> None:
    first, second = io.StringIO(), io.StringIO()
    set_up_logging("INFO", first)
    set_up_logging("INFO", second)
    logger = logging.getLogger("agent.till")
    logger.info(event("ready", ms=12))
    logger.debug(event("not_asked_for"))
    try:
        raise OSError("device\ngone")
    except OSError:
        logger.exception(event("trouble"))
    assert first.getvalue() == ""
    assert second.getvalue().splitlines() == [
        "level=info from=agent.till event=ready ms=12",
        'level=error from=agent.till event=trouble error="OSError: device\\x0agone"',
    ]
