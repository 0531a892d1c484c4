"""What a run came to, engine by engine, and the line everything is counted by."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_EXPRESSIBLE = "not expressible"


@dataclass(frozen=True, slots=True)
class Result:
    """One case: its id, the engine it came from, and why it did not pass, one sentence each."""

    case_id: str
    engine: str
    status: Status
    why: tuple[str, ...] = ()


def lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield the report: under each engine its counts and every case that did not pass, last the total."""
    by_engine: dict[str, list[Result]] = {}
    for result in results:
        by_engine.setdefault(result.engine, []).append(result)
    for engine, found in sorted(by_engine.items()):
        yield f"{engine}: {_counts(found)}"
        for status in (Status.FAILED, Status.NOT_EXPRESSIBLE):
            for result in found:
                if result.status is status:
                    yield f"  {status}: {result.case_id}: {'; '.join(result.why)}"
    yield f"total: {_counts([result for found in by_engine.values() for result in found])}"


def exit_status(results: Iterable[Result]) -> int:
    """Return 1 if any case failed, else 0: what is not expressible was decided, not broken."""
    return int(any(result.status is Status.FAILED for result in results))


def _counts(results: Iterable[Result]) -> str:
    statuses = [result.status for result in results]
    return ", ".join(f"{status} {statuses.count(status)}" for status in Status)
