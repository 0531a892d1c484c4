"""What a person wrote is checked as a whole: every mistake is named at once, with what was probably meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.settings import (
    MASK,
    SettingsError,
    Table,
    Tables,
    check,
    choice,
    flag,
    masked,
    opaque,
    parse_toml,
    read,
    several,
    text,
    url,
    whole,
)

SHAPE = Table(
    {
        "tenant": text(pattern="[a-z0-9-]{1,16}"),
        "language": choice(["zh", "en"], default="zh"),
        "broker": Table(
            {
                "host": text(),
                "port": whole(1, 65_535, default=8883),
                "secret": text(default=None, secret=True),
                "database": url(["sqlite", "postgresql"], default="sqlite:///hq.db"),
                "check": flag(default=True),
            }
        ),
        "names": several(text(), 3, default=()),
        "options": opaque(default=None),
        "extra": Table({"level": whole(1, 3)}, optional=True),
        "shelves": Tables(Table({"name": text()}), most=2),
    }
)

GOOD = 'tenant = "acme"\n[broker]\nhost = "localhost"\n'


def test_what_is_not_written_gets_its_default() -> None:
    assert read(parse_toml(GOOD), SHAPE) == {
        "tenant": "acme",
        "language": "zh",
        "broker": {
            "host": "localhost",
            "port": 8883,
            "secret": None,
            "database": "sqlite:///hq.db",
            "check": True,
        },
        "names": (),
        "options": None,
        "extra": None,
        "shelves": (),
    }


def test_five_mistakes_are_five_problems_each_with_its_path_and_what_was_probably_meant() -> None:
    written = """
        tenant = "ACME!"
        langauge = "en"
        [broker]
        host = "localhost"
        prot = 8883
        check = "yes"
        [extra]
        level = 9
    """
    with pytest.raises(SettingsError) as raised:
        read(parse_toml(written), SHAPE, "hq.toml")
    found = {problem.path: problem for problem in raised.value.problems}
    assert set(found) == {"tenant", "langauge", "broker.prot", "broker.check", "extra.level"}
    assert found["langauge"].suggestion == "Did you mean language?"
    assert found["broker.prot"].suggestion == "Did you mean broker.port?"
    assert found["broker.prot"].suggestion_zh == "是否想写 broker.port?"
    assert found["extra.level"].cause == "9 is not a whole number from 1 to 3"
    assert found["extra.level"].cause_zh == "9 不是1 至 3 的整数"
    assert str(raised.value).startswith("hq.toml: 5 problems\n")
    assert all(str(problem) in str(raised.value) for problem in raised.value.problems)


def test_a_misspelt_setting_that_must_be_given_is_one_problem_not_two() -> None:
    found = check(parse_toml(GOOD.replace("tenant", "tennant")), SHAPE).problems
    assert [(problem.path, problem.suggestion) for problem in found] == [("tennant", "Did you mean tenant?")]


def test_a_setting_in_the_wrong_table_is_sent_to_the_right_one() -> None:
    found = check(parse_toml("port = 1\n" + GOOD), SHAPE).problems
    assert [(problem.path, problem.suggestion) for problem in found] == [("port", "Did you mean broker.port?")]


def test_a_missing_table_names_each_setting_it_must_hold() -> None:
    found = check({"tenant": "acme"}, SHAPE).problems
    assert [(problem.path, problem.cause) for problem in found] == [("broker.host", "is missing")]


def test_a_word_close_to_a_known_one_is_suggested() -> None:
    (found,) = check(parse_toml('language = "zhh"\n' + GOOD), SHAPE).problems
    assert found.suggestion == 'Did you mean "zh"?'


def test_a_table_that_is_a_value_and_a_list_that_is_too_long_are_said_in_toml_s_own_form() -> None:
    written = 'tenant = "acme"\nbroker = 3\nextra = 4\nshelves = [{name = "a"}, {name = "b"}, {name = "c"}]'
    found = {problem.path: problem.suggestion for problem in check(parse_toml(written), SHAPE).problems}
    assert found == {
        "broker": "Write it as [broker].",
        "extra": "Write it as [extra].",
        "shelves": "Write each as [[shelves]].",
    }


def test_a_mistake_inside_an_array_of_tables_names_which_one() -> None:
    found = check(parse_toml(GOOD + '[[shelves]]\nname = "a"\n[[shelves]]\nname = 3\n'), SHAPE).problems
    assert [problem.path for problem in found] == ["shelves[1].name"]


def test_true_is_no_number_and_a_number_with_a_fraction_is_none_either() -> None:
    for written in ("true", "8883.0", '"8883"'):
        found = check(parse_toml(GOOD + f"port = {written}"), SHAPE).problems
        assert [problem.path for problem in found] == ["broker.port"]


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    hidden = GOOD + 'secret = "open sesame"\ndatabase = "postgresql://hq:p@ss:word@db/books"\n'
    shown = masked(read(parse_toml(hidden), SHAPE), SHAPE)
    assert shown["broker"]["secret"] == MASK
    assert shown["broker"]["database"] == f"postgresql://hq:{MASK}@db/books"
    assert shown["broker"]["host"] == "localhost"


def test_a_wrong_secret_is_not_in_the_message_that_says_so() -> None:
    wrong = GOOD + 'secret = "open\\u0007sesame"\ndatabase = "mysql://hq:password@db/books"\n'
    said = " ".join(str(problem) + problem.text_zh() for problem in check(parse_toml(wrong), SHAPE).problems)
    assert "broker.secret" in said and "broker.database" in said
    assert "sesame" not in said and "password" not in said


def test_text_that_is_not_toml_is_one_problem_with_its_line() -> None:
    with pytest.raises(SettingsError, match="line 2") as raised:
        parse_toml('tenant = "acme"\nport = = 1\n', "hq.toml")
    assert len(raised.value.problems) == 1


NAMES = st.text(max_size=8) | st.sampled_from([*SHAPE.fields, "host", "port"])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(NAMES, PLAIN, max_size=6))
def test_whatever_is_written_the_answer_is_values_or_problems_and_never_an_exception(plain: dict[str, object]) -> None:
    checked = check(plain, SHAPE)
    assert checked.problems or set(checked.values) == set(SHAPE.fields)
    for problem in checked.problems:
        assert problem.path and str(problem) and problem.text_zh()
