"""A file of cases from the first line to the last: read, priced, compared."""

from collections.abc import Iterable, Iterator

from conformance.cases import AllocationCase, CartCase, Case, LedgerCase, engine_of, parse, read_case
from conformance.check import differences
from conformance.outcome import NotExpressibleError, Outcome
from conformance.pricing import priced_case
from conformance.profiles import Profile, profile_of
from conformance.reading import CaseError
from conformance.report import Result, Status
from conformance.returns import balance_after
from conformance.shares import allocated, tiered

UNNAMED = "unnamed"


def run_lines(lines: Iterable[str]) -> Iterator[Result]:
    """Yield what becomes of the case on each line; empty lines are none. A line that is no case of the format fails,
    and so does a case with the id of an earlier one.
    """
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        result = run_line(line, f"line {number}")
        if result.case_id in seen:
            result = Result(result.case_id, result.engine, Status.FAILED, (f"line {number}: an id used before",))
        seen.add(result.case_id)
        yield result


def run_line(line: str, name: str) -> Result:
    """Return what becomes of the case on one line. ``name`` stands for one that has no id."""
    case_id = name
    try:
        plain = parse(line)
        told = plain.get("id")
        case_id = told if isinstance(told, str) else name
        case = read_case(plain)
        found = differences(case.expect, outcome_of(case, profile_of(case.engine)))
    except NotExpressibleError as reason:
        return Result(case_id, engine_of(case_id), Status.NOT_EXPRESSIBLE, (str(reason),))
    except CaseError as error:
        engine = UNNAMED if case_id == name else engine_of(case_id)
        return Result(case_id, engine, Status.FAILED, (str(error),))
    return Result(case_id, case.engine, Status.FAILED if found else Status.PASSED, found)


def outcome_of(case: Case, profile: Profile) -> Outcome:
    """Return what a case comes to under the policies of ``profile``."""
    body = case.body
    match body:
        case CartCase():
            return priced_case(body, case.scale, profile)
        case AllocationCase():
            return allocated(body, profile)
        case LedgerCase():
            return balance_after(body, profile, case.scale)
    return tiered(body)
