"""When the next connection is made: never all tills at once, never one right after the other."""

import random

from agent.sync.facts import LinkProblem
from agent.sync.patience import Patience

LOST, SILENT = LinkProblem.LOST, LinkProblem.SILENT


def longest() -> float:
    return 1.0


def test_the_bound_doubles_with_each_failure_up_to_the_longest() -> None:
    patience = Patience(0.5, 30.0, longest)
    assert [patience.after(LinkProblem.REFUSED, 0) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    for _ in range(5_000):
        assert patience.after(LinkProblem.REFUSED, 0) == 30


def test_a_connection_that_served_for_a_while_begins_the_count_anew_and_a_short_one_does_not() -> None:
    patience = Patience(0.5, 30.0, longest)
    assert [patience.after(LOST, 1) for _ in range(3)] == [0.5, 1, 2]
    assert [patience.after(LOST, 31), patience.after(LOST, 31)] == [0.5, 0.5]


def test_while_head_office_says_nothing_over_good_connections_they_are_made_ever_more_seldom() -> None:
    patience = Patience(0.5, 30.0, longest)
    assert [patience.after(SILENT, 65) for _ in range(7)] == [0.5, 1, 2, 4, 8, 16, 30]


def test_the_wait_is_any_part_of_the_bound() -> None:
    chance = random.Random(1)
    waits = [Patience(8.0, 30.0, chance.random).after(LOST, 0) for _ in range(4_000)]
    assert 0 <= min(waits) < 0.1 and 7.9 < max(waits) < 8
    assert 3.8 < sum(waits) / len(waits) < 4.2
