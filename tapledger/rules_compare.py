"""``rules compare`` at work: the baskets of a file, priced under two packs by as many processes as there are cores.

The packs are read and compiled once; the processes are forks that share them. Lines go out in pieces and come back as
tallies; what they add up to does not depend on how many processes there were.
"""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from contract.errors import ContractError, Reason
from rules.compare import Tally
from rules.engine.compiled import Compiled
from tapledger.rules_files import Refusal, basket_of_line, open_lines, reading

LINES_AT_ONCE = 200

Progress = Callable[[int, int], None]
"""Told how many baskets were priced so far, and how many bytes of the file they took."""

Lines = list[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class _Told:
    """A refusal on its way between processes."""

    source: str
    reason: Reason
    path: str
    detail: str


def compare_file(name: str, old: Compiled, new: Compiled, jobs: int, progress: Progress) -> Tally:
    """Return what changes for the baskets of a file that has one on each line. Raises Refusal for the first line that
    is no basket or cannot be priced; OSError for what cannot be read.
    """
    with open_lines(name) as lines:
        pieces = _pieces(lines)
        if jobs <= 1:
            return _alone(name, old, new, pieces, progress)
        return _Crew(name, old, new, jobs).compare(pieces, progress)


def cores() -> int:
    """How many cores this process may use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _pieces(lines: Iterator[tuple[int, bytes]]) -> Iterator[Lines]:
    piece: Lines = []
    for line in lines:
        piece.append(line)
        if len(piece) == LINES_AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece


def _alone(name: str, old: Compiled, new: Compiled, pieces: Iterator[Lines], progress: Progress) -> Tally:
    whole = Tally()
    size = 0
    for piece in pieces:
        _count(whole, name, piece, old, new)
        size += sum(len(line) for _number, line in piece)
        progress(whole.whole.baskets, size)
    return whole


def _count(tally: Tally, name: str, piece: Lines, old: Compiled, new: Compiled) -> None:
    for number, line in piece:
        if line.strip():
            basket = basket_of_line(line, name, number)
            with reading(f"{name}:{number}"):
                tally.take(basket, number, old, new)


class _Crew:
    """The processes, each at the other end of a pipe."""

    def __init__(self, name: str, old: Compiled, new: Compiled, jobs: int) -> None:
        context = multiprocessing.get_context("fork")
        # What both packs hold is shared only as long as nobody's garbage collector writes into it.
        gc.freeze()
        self._name = name
        self._processes = []
        self._pipes: list[Connection] = []
        for _job in range(jobs):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, ours, name, old, new), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._pipes.append(ours)

    def compare(self, pieces: Iterator[Lines], progress: Progress) -> Tally:
        """Hand out all pieces and add up what comes back. Of several refusals the one that stands first in the file is
        raised.
        """
        whole = Tally()
        busy: dict[Connection, int] = {}
        size = 0
        refused: list[tuple[int, _Told]] = []
        try:
            for pipe in self._pipes:
                self._hand_out(pipe, pieces, busy)
            while busy:
                answered = wait(list(busy))
                for pipe in [pipe for pipe in busy if pipe in answered]:
                    first = busy.pop(pipe)
                    answer, size_of_piece = pipe.recv()
                    if isinstance(answer, _Told):
                        refused.append((first, answer))
                    else:
                        whole.add(answer)
                    size += size_of_piece
                    progress(whole.whole.baskets, size)
                    if not refused:
                        self._hand_out(pipe, pieces, busy)
        finally:
            self._dismiss()
        if refused:
            told = min(refused, key=lambda item: item[0])[1]
            raise Refusal(told.source, ContractError(told.reason, told.path, told.detail))
        return whole

    @staticmethod
    def _hand_out(pipe: Connection, pieces: Iterator[Lines], busy: dict[Connection, int]) -> None:
        """Give a process that waits its next piece. Only who waits is sent anything, so that nobody waits for both
        ends of a full pipe.
        """
        piece = next(pieces, None)
        if piece is not None:
            busy[pipe] = piece[0][0]
            pipe.send(piece)

    def _dismiss(self) -> None:
        gc.unfreeze()
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(1)
            if process.is_alive():
                process.terminate()
                process.join()


def _work(pipe: Connection, other_end: Connection, name: str, old: Compiled, new: Compiled) -> None:
    """A process of the crew: one piece after another, until nobody is at the other end any more."""
    other_end.close()
    try:
        while True:
            piece: Lines = pipe.recv()
            tally = Tally()
            answer: Tally | _Told = tally
            try:
                _count(tally, name, piece, old, new)
            except Refusal as refusal:
                error = refusal.error
                answer = _Told(refusal.source, error.reason, error.path, error.detail)
            pipe.send((answer, sum(len(line) for _number, line in piece)))
    except (EOFError, OSError, KeyboardInterrupt):
        return
