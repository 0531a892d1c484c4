"""Names of the cases made into names of ours: short, lower case, never two for one, and in the order we choose."""

import re

_STRANGE = re.compile("[^a-z0-9]+")
_SLUG_CHARS = 14


class Names:
    """Gives each name of a case one of ours, the same whenever it is asked again.

    Ours sort in the order in which they were first asked for: where our engine breaks a tie by name, the tie keeps the
    order of the case.
    """

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Return our name: a number of four digits, and what reads of the case's own."""
        if name not in self._given:
            self._given[name] = f"{len(self._given):04d}-{_STRANGE.sub('-', name.lower())[:_SLUG_CHARS]}"
        return self._given[name]

    def known(self) -> dict[str, str]:
        """Return, for each of our names, the case's own."""
        return {ours: theirs for theirs, ours in self._given.items()}
