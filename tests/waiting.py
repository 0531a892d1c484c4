"""Waiting for what must come true: a condition and a generous deadline instead of a guessed sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], timeout_s: float = 30) -> T:
    """Call `check` until it returns something true, and return that; fail the test after `timeout_s`.

    A check that raises AssertionError is not true yet; its message is the one shown in the end.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        last: AssertionError | None = None
        try:
            if result := check():
                return result
        except AssertionError as not_yet:
            last = not_yet
        if time.monotonic() > deadline:
            raise AssertionError(f"not so after {timeout_s} s: {check!r}") from last
        time.sleep(0.005)


def ends(work: Callable[[], object], timeout_s: float = 15) -> None:
    """Do `work` beside the test and fail where it has not come to its end after so long: for what must not wait for
    something that never comes. What it raises is raised.
    """
    beside = ThreadPoolExecutor(1)
    try:
        beside.submit(work).result(timeout_s)
    finally:
        beside.shutdown(wait=False)
