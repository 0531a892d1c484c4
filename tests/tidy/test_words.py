"""The repository speaks of the product alone: nothing left for later, no machine's paths, no registry's hosts."""

import re

from tests.tidy.tree import ROOT, files, modules

# The patterns are put together from halves so that this file does not find itself.
LEFT_FOR_LATER = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
ONE_MACHINE = re.compile(r"(?<![\w.~-])/(?:home|Users|work|mnt|farm)/[\w.-]+")
A_REGISTRY = re.compile(
    r"(?:pypi|pythonhosted|npmjs|jfrog|artifactory|pkg\.dev)[\w.-]*\.?(?:org|com|io|dev)?/", re.IGNORECASE
)
AN_ADDRESS_OF_ONES_OWN = re.compile(r"\b(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2}\b")
BINARY = {".png", ".ttf", ".ico", ".jpg", ".gif", ".woff2", ".otf", ".pcap", ".bin", ".cbor"}


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in files()
        if path.suffix not in BINARY
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_nothing_is_left_for_later() -> None:
    assert _found(LEFT_FOR_LATER) == []


def test_no_path_of_one_machine() -> None:
    assert _found(ONE_MACHINE) == []


def test_no_registry_and_no_private_address() -> None:
    assert _found(A_REGISTRY) == []
    assert _found(AN_ADDRESS_OF_ONES_OWN) == []


def test_every_line_that_silences_a_check_names_the_check() -> None:
    # A bare one would silence what nobody meant; pytest's skips would hide a test that no longer runs.
    bare = re.compile(r"#\s*type:\s*ignore(?!\[)|#\s*no" + r"qa(?!:\s*[A-Z])|pytest\.mark\.skip\b|pytest\.skip\(")
    silenced = [
        f"{module.path}:{number}"
        for module in modules()
        if module.path.name != "test_words.py"
        for number, line in enumerate(module.text.splitlines(), start=1)
        if bare.search(line)
    ]
    assert silenced == []
