"""Whether a pack makes sense as a whole: names used once, references that lead somewhere, figures that can hold."""

from rules.grammar.pack import Pack


def require_sense(pack: Pack) -> None:
    """Raise ContractError with the path to the first thing in ``pack`` that cannot be meant."""
