"""Documentation is tested: every command, option, refusal and reason of the code stands in docs/, word for word."""

import re

import pytest

from contract.errors import Reason
from tests.tidy import reference
from tests.tidy.tree import ROOT, files

LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", reference.PAGES)
def test_a_page_that_comes_from_the_code_is_what_the_code_says(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text == reference.with_block(text, reference.PAGES[page]()), "run ./dev docs"


def test_every_reason_why_outside_bytes_are_refused_is_explained() -> None:
    text = (ROOT / "docs" / "refusals.md").read_text(encoding="utf-8")
    assert [reason.value for reason in Reason if f"| `{reason.value}` |" not in text] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    dead = [
        f"{path}: {target}"
        for path in files()
        if path.suffix == ".md"
        for target in LINK.findall((ROOT / path).read_text(encoding="utf-8"))
        if not (ROOT / path.parent / target).exists()
    ]
    assert dead == []
