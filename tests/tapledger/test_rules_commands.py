"""The rules commands: true figures, documented JSON, a refusal in two languages for anything else, never a crash."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.errors import Reason
from rules.authoring import read_authored
from rules.pack import write_pack
from tapledger.main import main
from tapledger.rules_output import ANSWERS, output_schema
from tapledger.told import REASONS
from tests.tidy import transcripts
from tests.tidy.tree import ROOT

PACK = {
    "currency": "CNY",
    "zones": ["Asia/Shanghai"],
    "rules": [
        {"rule": "gold-10", "title": "金卡9折", "title_en": "Gold 10 % off", "lane": "line",
         "when": [{"tier": ["gold"]}],
         "then": [{"percent": {"rate_bp": 1_000, "scope": "line", "cap_minor": 50_000}}]},
        {"rule": "save-20", "title": "满200减20", "title_en": "Spend 200, save 20", "lane": "basket",
         "then": [{"spend_save": {"steps": [{"spend_minor": 20_000, "save_minor": 2_000}]}}]},
        {"rule": "points", "title": "积分", "title_en": "Points", "lane": "points", "when": [{"member": True}],
         "then": [{"points_per_money": {"points": 1, "spend_minor": 100}}]},
    ],
    "golden": [{"basket": {"lines": [{"sku": "open", "quantity": 1, "unit_price_minor": 26_800}],
                           "customer": {"tier": "gold"}}, "payable_minor": 22_120, "points": 221}],
}  # fmt: skip
LINE = {"sku": "茶".encode().hex(), "quantity": 1, "unit_price_minor": 18_750}
BASKET = {"lines": [LINE, {"sku": "cup", "quantity": 2, "unit_price_minor": 500}], "customer": {"tier": "gold"}}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a pack, a cheaper one, a basket and some of them."""
    cheaper = json.loads(json.dumps(PACK))
    cheaper["rules"][0]["then"][0]["percent"]["rate_bp"] = 2_000
    cheaper["golden"][0] |= {"payable_minor": 19_440, "points": 194}
    (tmp_path / "pack.json").write_text(json.dumps(PACK, ensure_ascii=False))
    (tmp_path / "new.json").write_text(json.dumps(cheaper))
    (tmp_path / "basket.json").write_text(json.dumps(BASKET))
    sold = [json.dumps({"lines": [LINE | {"quantity": count, "floor_minor": 16_000}]} | customer)
            for count in range(1, 300) for customer in ({}, {"customer": {"tier": "gold"}})]  # fmt: skip
    (tmp_path / "baskets.jsonl").write_text("\n".join(sold) + "\n\n")
    return tmp_path


def ran(*words: str | Path, stdin: bytes = b"") -> tuple[int, str, str]:
    """Status, output and errors of a call."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([str(word) for word in words])
    finally:
        sys.stdin = before
    return status, out.getvalue(), err.getvalue()


def answered(command: str, *words: str | Path) -> Any:
    """What a command answers with --json, once it has been held against its schema."""
    status, out, err = ran("rules", command, *words, "--json")
    # What takes longer than a moment, as anything does on a busy machine, says how far it is.
    assert status == 0 and all(re.match(r" *\d+ % \d", line) for line in err.splitlines()), err
    answer = json.loads(out)
    schema = output_schema()
    jsonschema.validate(answer, schema | {"oneOf": [{"$ref": f"#/$defs/{ANSWERS[command].__name__}"}]})
    return answer


def test_a_basket_is_priced_with_every_step_it_took(here: Path) -> None:
    answer = answered("price", "--pack", here / "pack.json", "--basket", here / "basket.json")
    assert (answer["list_minor"], answer["payable_minor"], answer["points"]) == (19_750, 17_775, 177)
    assert [(effect["rule"], effect["off_minor"]) for effect in answer["effects"]] == [
        ("gold-10", 1_975),
        ("points", 0),
    ]


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("zh", "✘ 还差 22.25 元  再消费 24.72 元可减 20\n"),
        ("en", "✘ 22.25 short of the amount  Spend 24.72 more to save 20\n"),
    ],
)
def test_every_rule_is_explained_with_the_nearest_single_change(here: Path, lang: str, told: str) -> None:
    words = ("--pack", here / "pack.json", "--basket", here / "basket.json")
    status, out, _err = ran("rules", "explain", *words, "--lang", lang)
    assert status == 0 and told in out
    answer = answered("explain", *words)
    (missed,) = [verdict for verdict in answer["verdicts"] if not verdict["applied"]]
    assert missed["nearest"]["missing"] == 2_472
    (here / "more.json").write_text(json.dumps(missed["nearest"]["basket"]))
    more = answered("price", "--pack", here / "pack.json", "--basket", here / "more.json")
    assert "save-20" in [effect["rule"] for effect in more["effects"]]


def test_the_language_is_the_terminals_unless_it_is_named(here: Path) -> None:
    words = ("rules", "price", "--pack", here / "pack.json", "--basket", here / "basket.json")
    with language("zh_CN.UTF-8"):
        assert "应付" in ran(*words)[1]
        assert "to pay" in ran(*words, "--lang", "en")[1]
    with language("C.UTF-8"):
        assert "to pay" in ran(*words)[1]


@contextlib.contextmanager
def language(name: str) -> Any:
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = name
    try:
        yield
    finally:
        os.environ.pop("LC_ALL")
        if before is not None:
            os.environ["LC_ALL"] = before


def test_what_was_priced_can_be_given_back_by_the_pack_it_was_priced_by(here: Path) -> None:
    words = ("rules", "price", "--pack", here / "pack.json", "--basket", here / "basket.json", "--json")
    (here / "sale.json").write_text(ran(*words, "--keep-pack")[1])
    (here / "bare.json").write_text(ran(*words)[1])
    whole = answered("refund", "--sale", here / "sale.json", "--lines", "0:1,1:2")
    assert (whole["refund_minor"], whole["points_back"]) == (17_775, 177)
    part = answered("refund", "--sale", here / "bare.json", "--pack", here / "pack.json", "--lines", "1:1")
    assert (part["refund_minor"], part["units"]) == (450, [0, 1])
    status, _out, err = ran("rules", "refund", "--sale", here / "bare.json", "--lines", "1:1")
    assert status == 1 and "sale.pack: missing_field" in err and "缺少字段" in err


@pytest.mark.parametrize("lines", ["", "x", "0", "0:-1", "0:9", "5:1", "0:1,0:1", "0:1:1", "１:1", "0:0", "0:9999999"])
def test_goods_that_cannot_come_back_are_refused(here: Path, lines: str) -> None:
    words = ("rules", "price", "--pack", here / "pack.json", "--basket", here / "basket.json", "--json", "--keep-pack")
    (here / "sale.json").write_text(ran(*words)[1])
    status, out, err = ran("rules", "refund", "--sale", here / "sale.json", "--lines", lines)
    assert (status, out) == (1, "") and "refused" in err and "拒绝" in err


def test_a_pack_without_a_fault_has_status_0_and_one_with_a_fault_status_1(here: Path) -> None:
    assert answered("lint", "--pack", here / "pack.json")["wrong"] == 0
    faulty = json.loads(json.dumps(PACK))
    faulty["rules"][1]["when"] = [{"tier": ["gold"]}, {"member": False}]
    status, out, _err = ran("rules", "lint", "--pack", "-", "--json", stdin=json.dumps(faulty).encode())
    answer = json.loads(out)
    jsonschema.validate(answer, output_schema())
    assert status == 1 and {finding["kind"] for finding in answer["findings"]} >= {"unreachable", "golden"}
    assert (
        "条件 member、tier 不能同时成立"
        in ran("rules", "lint", "--pack", "-", "--lang", "zh", stdin=json.dumps(faulty).encode())[1]
    )


def test_a_compiled_pack_is_the_canonical_bytes_and_prices_like_the_written_one(here: Path) -> None:
    written = here / "compiled.pack"
    answer = answered("compile", "--pack", here / "pack.json", "--out", written)
    assert written.read_bytes() == write_pack(read_authored(json.dumps(PACK)))
    again = answered("compile", "--pack", written, "--out", here / "again.pack")
    assert (again["sha256"], again["index_sha256"]) == (answer["sha256"], answer["index_sha256"])
    prices = [
        answered("price", "--pack", pack, "--basket", here / "basket.json") for pack in (here / "pack.json", written)
    ]
    assert prices[0] == prices[1]
    assert sorted(path.name for path in here.iterdir() if "pack" in path.name) == [
        "again.pack",
        "compiled.pack",
        "pack.json",
    ]


def test_a_pack_that_prices_its_golden_baskets_otherwise_is_not_compiled(here: Path) -> None:
    wrong = json.loads(json.dumps(PACK))
    wrong["golden"][0]["payable_minor"] = 1
    status, out, err = ran("rules", "compile", "--pack", "-", "--out", here / "x", stdin=json.dumps(wrong).encode())
    assert (status, out) == (1, "") and "golden[0]" in err and not (here / "x").exists()


def test_what_changes_is_the_same_however_many_processes_reckon_it(here: Path) -> None:
    words = ("--pack", here / "new.json", "--against", here / "pack.json", "--baskets", here / "baskets.jsonl")
    alone, crew = (answered("compare", *words, "--jobs", jobs) for jobs in ("1", "3"))
    assert alone == crew
    assert (alone["whole"]["baskets"], alone["whole"]["losers"]) == (598, 0)
    tiers = {group["tier"]: group for group in alone["tiers"]}
    assert tiers["-"]["winners"] == 0 and tiers["gold"]["winners"] > 0
    assert alone["floors"][0]["times"] > 0 and alone["clamps"][0]["payable_minor"] > alone["clamps"][0]["wanted_minor"]
    status, out, err = ran("rules", "compare", *words, "--lang", "en", "--jobs", "2")
    assert status == 0 and "pay less" in out and "at its floor" in out and "Traceback" not in err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_first_line_that_is_no_basket_is_named(here: Path, jobs: str) -> None:
    lines = (here / "baskets.jsonl").read_text().splitlines()
    lines[450] = '{"lines": [{"sku": "a", "quantity": 0, "unit_price_minor": 5}]}'
    lines[451] = "not a basket"
    (here / "bad.jsonl").write_text("\n".join(lines))
    words = ("--pack", here / "new.json", "--against", here / "pack.json", "--baskets", here / "bad.jsonl")
    status, out, err = ran("rules", "compare", *words, "--jobs", jobs)
    assert (status, out) == (1, "")
    assert "bad.jsonl:451: lines[0].quantity: out_of_range" in err and "超出允许的范围" in err


def test_the_standard_input_is_read_once_only(here: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        ran("rules", "price", "--pack", "-", "--basket", "-")
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("pack", "told"),
    [
        (b"", "not JSON"),
        (b"[]", "expected an object"),
        (b"{", "not JSON"),
        (b"\xff\xfe{", "not_cbor"),
        (b'{"a": 1.5}', "a: wrong_type"),
        (
            b'{"currency": "CNY", "rules": [{"rule": "a", "lnae": "line"}]}',
            "rules[0].lnae: unknown_field: did you mean lane?",
        ),
        (b'{"currency": "CNY", "zones": ["Asia/Shangai"], "rules": [], "golden": []}', "zones[0]"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"currency": "\x1b[2J", "rules": [], "golden": []}', "refused"),
    ],
)
def test_a_pack_that_is_none_is_refused_with_the_way_to_the_field(here: Path, pack: bytes, told: str) -> None:
    status, out, err = ran("rules", "price", "--pack", "-", "--basket", here / "basket.json", stdin=pack)
    assert (status, out) == (1, "") and told in err and "拒绝" in err and "\x1b" not in err


def test_a_file_that_is_not_there_is_told(here: Path) -> None:
    status, _out, err = ran("rules", "price", "--pack", here / "absent.json", "--basket", here / "basket.json")
    assert status == 1 and "absent.json: there is no such file" in err and "没有这个文件" in err


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*PACK, *BASKET, "sale", "effects", "payable_minor", "basket"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    ).map(lambda plain: json.dumps(plain).encode()),
    st.sampled_from(
        [
            "price --pack -",
            "price --basket -",
            "explain --basket -",
            "lint --pack -",
            "refund --lines 0:1 --sale -",
            "compile --out {here}/o --pack -",
            "compare --jobs 1 --against {here}/pack.json --pack {here}/new.json --baskets -",
        ]
    ),
)
def test_nothing_that_is_read_makes_a_command_crash(here: Path, content: bytes, command: str) -> None:
    words = command.format(here=here).split()
    if words[0] in ("price", "explain"):
        words += ["--basket", str(here / "basket.json")] if "--pack" in words else ["--pack", str(here / "pack.json")]
    status, out, err = ran("rules", *words, stdin=content)
    assert status == 0 or (status == 1 and (("refused" in err and "拒绝" in err) or "wrong" in out))


def test_every_reason_has_chinese_words() -> None:
    assert set(REASONS) == set(Reason)


def test_the_published_schema_is_that_of_the_declarations() -> None:
    published = json.loads((ROOT / "docs" / "rules" / "output.schema.json").read_text(encoding="utf-8"))
    assert published == output_schema()
    jsonschema.Draft202012Validator.check_schema(published)


def test_the_page_of_the_commands_shows_what_they_print() -> None:
    page = (ROOT / transcripts.PAGE).read_text(encoding="utf-8")
    assert page == transcripts.retold(page), "run ./dev docs"
    assert {f"tapledger rules {command} " for command in ANSWERS} <= {
        line[2 : line.index("--")] for line in page.splitlines() if line.startswith("$ ")
    }
