"""The manuals written by hand name all the code has: reasons, settings, verbs, layers; their examples are taken."""

import dataclasses
import importlib
import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum

import pytest

from agent import config as agent_config
from agent.drivers.facts import Status
from agent.drivers.grades import GRADES, Grade
from agent.drivers.table import DRIVERS, check_options
from agent.offline_store.faults import StoreCause
from agent.sync.facts import LinkProblem
from agent.sync.trust import Doubt
from agent.sync.uplink import Mistrust
from contract.settings import Table
from hq import config as hq_config
from hq import sources
from hq.unsettled import Cause
from rules.authoring import read_authored
from rules.engine.compiled import compile_pack
from rules.engine.golden import failed_golden
from tests.tidy.tree import ROOT, files

DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
PICTURE_BYTES = 400_000


@pytest.mark.parametrize("reasons", [Cause, Doubt, Mistrust, StoreCause, LinkProblem])
def test_every_reason_of_either_side_is_explained(reasons: type[StrEnum]) -> None:
    page = (DOCS / "refusals.md").read_text(encoding="utf-8")
    assert [reason.value for reason in reasons if f"| `{reason.value}` |" not in page] == []


def test_every_status_of_a_device_is_explained() -> None:
    page = (DOCS / "technicians.md").read_text(encoding="utf-8")
    assert [status.value for status in Status if f"| `{status.value}` |" not in page] == []


@pytest.mark.parametrize("shape", [agent_config.SHAPE, hq_config.SHAPE])
def test_every_setting_is_described(shape: Table) -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in _settings(shape) if f"`{name}`" not in page and f"`devices.{name}`" not in page] == []


def test_every_driver_and_each_of_its_options_is_described() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    lacking = []
    for (capability, technology), place in DRIVERS.items():
        module, _, name = place.partition(":")
        options = getattr(importlib.import_module(module), f"{name}Options")
        wanted = [
            f"`devices.{capability}` | `{technology}`",
            *(f"`{item.name}`" for item in dataclasses.fields(options)),
        ]
        lacking += [f"{capability}/{technology}: {words}" for words in wanted if words not in page]
    assert lacking == []


def test_every_driver_has_a_grade_and_every_grade_a_driver_and_a_meaning() -> None:
    assert set(GRADES) == set(DRIVERS)
    assert all(graded.seen and graded.not_seen for graded in GRADES.values())
    page = (DOCS / "drivers.md").read_text(encoding="utf-8")
    assert [grade for grade in Grade if f"| {int(grade)} | " not in page] == []


def test_every_verb_of_dev_is_described() -> None:
    verbs = re.findall(r"^    ([a-z]+)(?: \|[^)]*)?\)$", (ROOT / "dev").read_text(encoding="utf-8"), re.MULTILINE)
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert len(verbs) > 5
    assert [verb for verb in verbs if not re.search(rf"`\./dev {verb}\b", page)] == []


def test_the_layers_the_architecture_shows_are_the_ones_that_are_checked() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    shown = {" ".join(line.split()) for line in page.splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    lacking = []
    for contract in contracts:
        room = contract.get("containers", ["the house"])[0]
        if contract["type"] != "layers" or room not in ("the house", "agent", "hq", "contract", "rules"):
            continue
        first, *rest = contract["layers"]
        lacking += [line for line in (f"{room} {first}", *rest) if line not in shown]
    assert lacking == []


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "README.md", "docs/technicians.md"])
def test_every_module_a_page_names_exists(page: str) -> None:
    known = {part for path in files() for part in (path.name, str(path))}
    known |= {"/".join(path.parts[-2:]) for path in files()}
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)", (ROOT / page).read_text(encoding="utf-8")))
    assert sorted(named - known) == []


def test_every_example_is_taken() -> None:
    agent = agent_config.read_config(EXAMPLES / "agent.toml")
    for device in agent.devices:
        check_options(device.capability, device.technology, device.options)
    hq_config.read_config(EXAMPLES / "hq.toml")
    assert sources.read_members(EXAMPLES / "members.json") == sources.read_members(EXAMPLES / "members.csv")
    assert sources.read_cashiers(EXAMPLES / "cashiers.json")
    assert sources.read_catalogue(EXAMPLES / "catalogue.json")
    for pack in EXAMPLES.glob("pack*.json"):
        assert failed_golden(compile_pack(read_authored(pack.read_text(encoding="utf-8")))) is None


def test_the_rules_page_shows_the_example_pack_as_it_is() -> None:
    page = (DOCS / "rules" / "README.md").read_text(encoding="utf-8")
    shown = page.split("```json\n")[1].split("```")[0]
    assert read_authored(shown) == read_authored((EXAMPLES / "pack.json").read_text(encoding="utf-8"))


def test_every_picture_is_used_and_small() -> None:
    pages = "".join((ROOT / path).read_text(encoding="utf-8") for path in files() if path.suffix == ".md")
    pictures = [path for path in files() if path.parent.name == "pictures"]
    assert [path for path in pictures if f"pictures/{path.name}" not in pages] == []
    assert [path for path in pictures if (ROOT / path).stat().st_size > PICTURE_BYTES] == []
    shown = set(re.findall(r"pictures/([\w.-]+)", pages))
    assert sorted(shown - {path.name for path in pictures}) == []


def _settings(shape: Table) -> Iterator[str]:
    for name, field in shape.fields.items():
        yield from _settings(field) if isinstance(field, Table) else (name,)


def test_every_name_in_the_architecture_is_a_name_in_the_code() -> None:
    told = re.findall(r"`([A-Za-z_][\w.]*)(?:\([^`]*\))?`", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    code = {
        word
        for path in files()
        if path.suffix in (".py", ".toml", ".sql", ".lock")
        for word in re.findall(r"\w+", f"{path} " + (ROOT / path).read_text(encoding="utf-8"))
    }
    assert sorted({name for name in told if name.rpartition(".")[2] not in code}) == []
