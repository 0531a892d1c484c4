"""The files staff hand in, and head office's configuration, are read strictly: every mistake is named, with its row."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from contract.basket import TaxRate
from contract.calendar import day_of, yearly_of
from contract.settings import SettingsError
from hq.config import build_config, read_config
from hq.db import writing
from hq.errors import OfficeError
from hq.identity import check_certificates, load_signer
from hq.people import catalogue_now, enrol, member_records, replace_catalogue, replace_members
from hq.sources import Enrolment, read_cashiers, read_catalogue, read_enrolment, read_members
from tests.hq.tills import A1, B1, NOW_MS, TENANT, HeadOffice, Till, new_signer

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "hq.toml"

MEMBERS: list[dict[str, object]] = [
    {"member": "m1", "name": "会员一", "tier": "gold", "tags": ["vip"], "cards": ["04A1B2C3"], "phone": "13800000001"},
    {"member": "m2", "name": "Member 2", "tier": "silver"},
]
CATALOGUE: dict[str, Any] = {
    "currency": "CNY",
    "shop_name": "示范店",
    "open_sku": "open",
    "items": [{"sku": "open", "name": "商品", "name_en": "Goods", "category": "general", "price_minor": 0}],
}


def written(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def problems(raised: pytest.ExceptionInfo[SettingsError]) -> dict[str, str]:
    return {problem.path: problem.cause for problem in raised.value.problems}


def test_members_are_read_from_json_and_from_csv_alike(tmp_path: Path) -> None:
    as_csv = "member,name,tier,tags,cards,phone\nm1,会员一,gold,vip,04A1B2C3,13800000001\nm2,Member 2,silver,,,\n"
    from_json = read_members(written(tmp_path, "members.json", {"members": MEMBERS}))
    assert read_members(written(tmp_path, "members.csv", as_csv)) == from_json
    assert [row.cards for row in from_json] == [("04a1b2c3",), ()]


def test_what_rules_look_at_of_a_member_reaches_the_tills(hq: HeadOffice, tmp_path: Path) -> None:
    facts = {
        "segments": ["parents"],
        "card_type": "staff",
        "birthday": "02-29",
        "visits": 12,
        "visit_days": ["2026-06-01", "2026-06-18"],
    }
    as_csv = (
        "member,name,tier,segments,card_type,birthday,visits,visit_days\n"
        "m2,Member 2,silver,parents,staff,02-29,12,2026-06-01 2026-06-18\n"
    )
    rows = read_members(written(tmp_path, "members.json", {"members": [{**MEMBERS[1], **facts}]}))
    assert rows == read_members(written(tmp_path, "members.csv", as_csv))
    with writing(hq.engine) as connection:
        replace_members(connection, rows)
    (record,) = hq.look(member_records)
    assert (record.segments, record.card_type, record.birthday) == (("parents",), "staff", yearly_of("02-29"))
    assert (record.visits, record.visit_days) == (12, (day_of("2026-06-01"), day_of("2026-06-18")))


@pytest.mark.parametrize(
    ("field", "value"),
    [("birthday", "02-30"), ("birthday", "6-18"), ("visit_days", ["2026-02-29"]), ("visits", -1), ("visits", "many")],
)
def test_a_day_or_a_number_of_visits_that_cannot_be_is_named(tmp_path: Path, field: str, value: object) -> None:
    with pytest.raises(SettingsError) as raised:
        read_members(written(tmp_path, "members.json", {"members": [MEMBERS[0], {**MEMBERS[1], field: value}]}))
    assert set(problems(raised)) == {f"members[1].{field}"}


def test_what_rules_look_at_of_an_article_reaches_the_tills(hq: HeadOffice, tmp_path: Path) -> None:
    facts = {
        "more_categories": ["tea"],
        "brand": "mountain",
        "tags": ["spring"],
        "member_price_minor": 1_800,
        "floor_minor": 900,
        "reduced": True,
        "excluded": True,
        "taxes": [{"tax": "vat", "rate_bp": 1_300}],
    }
    items = [CATALOGUE["items"][0], {**CATALOGUE["items"][0], "sku": "told", **facts}]
    content = read_catalogue(written(tmp_path, "catalogue.json", {**CATALOGUE, "items": items}))
    with writing(hq.engine) as connection:
        replace_catalogue(connection, content)
    plain, told = hq.look(catalogue_now).items
    assert (plain, told) == content.items
    assert (told.categories, told.taxes) == (("general", "tea"), (TaxRate("vat", 1_300),))


def test_every_mistake_in_a_list_is_named_with_its_row(tmp_path: Path) -> None:
    wrong = [
        {"member": "M1", "name": "会员一", "tier": "gold"},
        {"member": "m2", "name": "", "teir": "gold"},
        {"member": "m3", "name": "Member 3", "tier": "gold", "cards": ["xyz"]},
    ]
    with pytest.raises(SettingsError) as raised:
        read_members(written(tmp_path, "members.json", {"members": wrong}))
    assert set(problems(raised)) == {"members[0].member", "members[1].teir", "members[1].name", "members[2].cards"}
    with pytest.raises(SettingsError) as raised:
        read_members(written(tmp_path, "members.csv", "member,name,tier\nm1,Member 1\nm2,Member 2,gold,extra\n"))
    assert "members[0].tier" in problems(raised) and len(problems(raised)) == 2


@pytest.mark.parametrize(
    "twice", [{"member": "m1"}, {"phone": "13800000001"}, {"cards": ["04a1b2c3"]}], ids=["member", "phone", "card"]
)
def test_two_members_share_no_number_no_phone_and_no_card(tmp_path: Path, twice: dict[str, object]) -> None:
    rows = [MEMBERS[0], {**MEMBERS[1], **twice}]
    with pytest.raises(SettingsError, match="more than once"):
        read_members(written(tmp_path, "members.json", {"members": rows}))


def test_a_wrong_pin_is_not_shown_in_the_message_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        read_cashiers(written(tmp_path, "cashiers.csv", "number,name,pin\n01,收银一,12-34\n"))
    assert set(problems(raised)) == {"cashiers[0].pin"} and "12-34" not in str(raised.value)


def test_a_catalogue_names_an_item_for_keyed_amounts(tmp_path: Path) -> None:
    assert read_catalogue(written(tmp_path, "catalogue.json", CATALOGUE)).open_sku == "open"
    with pytest.raises(SettingsError, match="names no item"):
        read_catalogue(written(tmp_path, "catalogue.json", {**CATALOGUE, "open_sku": "other"}))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"members": 3}', '{"members": [3]}', '{"member": []}', "\ud83d"])
def test_a_file_that_is_something_else_is_one_that_is_said_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "members.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    if text == '{"member": []}':
        with pytest.raises(SettingsError, match="Did you mean members"):
            read_members(path)
    else:
        with pytest.raises(SettingsError):
            read_members(path)


def test_a_csv_with_a_field_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not CSV"):
        read_members(written(tmp_path, "members.csv", f"member,name,tier\nm1,{'x' * 200_000},gold\n"))


def test_a_till_s_slip_is_read_and_a_spoilt_one_refused(tmp_path: Path) -> None:
    till = Till(A1, epoch=3)
    good = (
        'tenant = "acme"\nshop = "shop-a"\nterminal = "a1"\nepoch = 3\n'
        f'journal_public_key = "{till.signer.public.text()}"\n'
    )
    assert read_enrolment(written(tmp_path, "enrolment.toml", good)) == till.enrolment
    for spoilt in (good.replace("eddsa:", "es256:"), good.replace('"a1"', '"A 1"'), good.replace("epoch = 3", "")):
        with pytest.raises(SettingsError):
            read_enrolment(written(tmp_path, "enrolment.toml", spoilt))


def test_a_till_is_enrolled_once_under_one_key_and_epochs_only_go_up(hq: HeadOffice) -> None:
    till = hq.enrolled(A1, epoch=2)
    with writing(hq.engine) as connection:
        assert enrol(connection, till.enrolment, TENANT, NOW_MS) is False
        with pytest.raises(OfficeError, match="another key"):
            enrol(connection, Enrolment(A1, 2, new_signer().public), TENANT, NOW_MS)
        with pytest.raises(OfficeError, match="epochs only go up"):
            enrol(connection, Enrolment(A1, 1, new_signer().public), TENANT, NOW_MS)
        with pytest.raises(OfficeError, match="another tenant"):
            enrol(connection, Enrolment(B1, 1, new_signer().public), "other", NOW_MS)


def test_the_documented_example_is_a_good_configuration() -> None:
    config = read_config(EXAMPLE)
    assert (config.tenant, config.broker.worker, config.accept_days) == ("demo", "hq-1", 366)
    assert config.document_key == EXAMPLE.parent / "hq" / "document.key"
    assert config.broker.cert == EXAMPLE.parent / "hq" / "workers" / "hq-1" / "client.pem"
    assert config.database.database == str(EXAMPLE.parent / "hq.db")


def test_a_configuration_with_five_mistakes_is_refused_with_five(tmp_path: Path) -> None:
    wrong = """
        tenant = "ACME"
        identty = "hq"
        [database]
        url = "mysql://hq@localhost/hq"
        [broker]
        host = "localhost"
        port = "8883"
        worker = "worker-1"
    """
    with pytest.raises(SettingsError) as raised:
        build_config(tomllib.loads(wrong), tmp_path)
    assert set(problems(raised)) == {"tenant", "identty", "database.url", "broker.port", "broker.worker"}


def test_a_database_url_without_a_database_is_refused(tmp_path: Path) -> None:
    plain = {"tenant": "acme", "identity": "hq", "database": {"url": "sqlite://"}, "broker": {"host": "localhost"}}
    with pytest.raises(SettingsError, match="names no database"):
        build_config(plain, tmp_path)


def test_missing_keys_are_named_each_with_the_command_that_makes_them(tmp_path: Path) -> None:
    config = build_config({"tenant": "acme", "identity": "hq", "broker": {"host": "localhost"}}, tmp_path)
    with pytest.raises(SettingsError, match="tapledger provision hq"):
        load_signer(config)
    with pytest.raises(SettingsError) as raised:
        check_certificates(config.broker)
    assert len(raised.value.problems) == 3
