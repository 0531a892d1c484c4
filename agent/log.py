"""The terminal's log: one line an event on standard error, ``key=value`` after ``key=value``, for journald to keep.

Nothing about a member goes into it: no name, no number of a phone or card. It says what the machine did; what was sold
to whom is in the journal, signed.
"""

import logging
import sys
from typing import TextIO

MAX_VALUE_CHARS = 300
ROOT = "agent"

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/+-@,")


class LineFormatter(logging.Formatter):
    """Writes a record as one line: level, module, message, and the kind of exception where one is attached."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. What came from outside cannot break out of it: control characters become escapes."""
        line = f"level={record.levelname.lower()} from={record.name} {_one_line(record.getMessage())}"
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line += f" error={pair_value(f'{type(error).__name__}: {error}')}"
        return line


def set_up_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send everything the agent logs to ``stream`` (standard error unless given). Of several calls the last wins."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger(ROOT)
    for old in logger.handlers[:]:
        logger.removeHandler(old)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


def event(name: str, /, **facts: object) -> str:
    """Return the text of an event, ``event=name key=value ...``, quoted where a value is more than one plain word."""
    return " ".join([f"event={name}", *(f"{key}={pair_value(value)}" for key, value in facts.items())])


def pair_value(value: object) -> str:
    """Return a value as it stands after ``key=``: bare where it is one plain word, else quoted, and never too long."""
    text = value.hex() if isinstance(value, bytes) else str(value)
    if len(text) > MAX_VALUE_CHARS:
        text = text[: MAX_VALUE_CHARS - 1] + "…"
    if text and all(char in _PLAIN for char in text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_one_line(escaped)}"'


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
