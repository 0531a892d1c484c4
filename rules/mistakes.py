"""What is said of a pack that cannot be meant, with the path to where it stands."""

from collections.abc import Iterable, Sequence

from contract.errors import ContractError, Reason
from contract.settings import most_like


def require_ascending(figures: Sequence[int], path: str, field: str) -> None:
    """Raise ContractError(OUT_OF_RANGE) unless each figure is above the one before."""
    for index in range(1, len(figures)):
        if figures[index] <= figures[index - 1]:
            raise wrong(f"{path}[{index}].{field}", "not above the step before")


def once(names: Sequence[str], path: str, field: str) -> frozenset[str]:
    """Return the names; raise ContractError(OUT_OF_RANGE) where one stands twice."""
    found = frozenset(names)
    if len(found) != len(names):
        seen: set[str] = set()
        for index, name in enumerate(names):
            if name in seen:
                raise wrong(f"{path}[{index}].{field}", "used twice")
            seen.add(name)
    return found


def refer(name: str, names: Iterable[str], what: str, path: str) -> None:
    """Raise ContractError(OUT_OF_RANGE) where no such thing is declared, with the name that was probably meant."""
    if name not in names:
        guess = most_like(name, names)
        raise wrong(path, f"no {what} is called {name}" + (f"; did you mean {guess}?" if guess else ""))


def wrong(path: str, detail: str) -> ContractError:
    """What is raised for something that cannot be meant."""
    return ContractError(Reason.OUT_OF_RANGE, path, detail)
