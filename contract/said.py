"""What is said to staff and technicians: every sentence in Chinese and in English, never in one alone."""

from contract.making import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """The same sentence, or lines, in Chinese and in English."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.en}\n{self.zh}"


class SaidError(Exception):
    """Something people asked for cannot be done: ``said`` is the cause and what to do next, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{en} {zh}")
        self.said = Said(zh, en)
