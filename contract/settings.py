"""Settings as people write them: a declared shape over parsed TOML, checked as a whole, every mistake named at once.

Terminal and head office declare what they can be told; this module says what is wrong with what they were told,
where, and what was probably meant, in Chinese and English. It reads no file: :func:`parse_toml` takes what was in
one, :func:`check` takes the parsed tables. Values that must not be shown are masked in every message and in
:func:`masked`.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from contract.ids import NAME_PATTERN
from contract.making import dataclass

MASK = "********"
HOST_MOST_CHARS = 253
"""RFC 1035, 2.3.4: 255 bytes on the wire, of which a name as people write it has two less."""
_BARE_KEY = re.compile("[A-Za-z0-9_-]{1,60}")
_URL_PASSWORD = re.compile(r"(?<=://)([^/@:]*):.*@")


class Absent(Enum):
    """The default of a setting that has none: it must be given."""

    REQUIRED = "required"


REQUIRED = Absent.REQUIRED


@dataclass(frozen=True, slots=True)
class Setting:
    """One value: what is accepted, how that is said to people, and what holds where nothing is written.

    ``options`` are the values there are, where they can be listed; ``mask`` turns the value into what may be shown.
    """

    accepts: Callable[[object], bool]
    wanted: str
    wanted_zh: str
    default: object = REQUIRED
    options: tuple[str, ...] = ()
    mask: Callable[[object], object] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A TOML table with these fields and no others. An ``optional`` one that is not written is None."""

    fields: Mapping[str, "Setting | Table | Tables"]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Tables:
    """An array of TOML tables of one shape, at most ``most``."""

    of: Table
    most: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the dotted path to it, its cause, and what to do, each in English and Chinese."""

    path: str
    cause: str
    cause_zh: str
    suggestion: str
    suggestion_zh: str

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.cause}. {self.suggestion}"

    def text_zh(self) -> str:
        """The whole problem in Chinese, on one line."""
        place = f"{self.path}:" if self.path else ""
        return f"{place}{self.cause_zh}。{self.suggestion_zh}"


class SettingsError(Exception):
    """Settings that cannot be used: all their ``problems``, and ``source``, where they were written."""

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        head = f"{source or 'settings'}: {len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


@dataclass(frozen=True, slots=True)
class Checked:
    """Values with every default filled in, and the problems found. With problems, the values are not to be used."""

    values: dict[str, Any]
    problems: tuple[Problem, ...]


def parse_toml(written: str | bytes, source: str = "") -> dict[str, Any]:
    """Return the tables of a TOML 1.0 document. Raises SettingsError where it is none, naming line and column, or
    where bytes are not UTF-8.
    """
    try:
        return tomllib.loads(written.decode("utf-8") if isinstance(written, bytes) else written)
    except UnicodeDecodeError as error:
        problem = Problem("", "is not UTF-8 text", "不是 UTF-8 文本", "Save it as UTF-8.", "请保存为 UTF-8。")
        raise SettingsError((problem,), source) from error
    except (ValueError, RecursionError) as error:
        cause, cause_zh = f"not TOML: {error}", f"不是有效的 TOML:{error}"
        problem = Problem("", cause, cause_zh, "Correct that line.", "请改正这一行。")
        raise SettingsError((problem,), source) from error


def read(plain: Mapping[str, object], shape: Table, source: str = "") -> dict[str, Any]:
    """Return the values of :func:`check`. Raises SettingsError with every problem where there is one."""
    checked = check(plain, shape)
    if checked.problems:
        raise SettingsError(checked.problems, source)
    return checked.values


def check(plain: Mapping[str, object], shape: Table) -> Checked:
    """Check parsed tables against ``shape``; lists in values become tuples. Raises nothing."""
    everywhere = tuple(_paths(shape, ""))
    values, problems = _table(plain, shape, "", everywhere)
    return Checked(values, tuple(problems))


def masked(values: Mapping[str, Any], shape: Table) -> dict[str, Any]:
    """Return ``values`` (as :func:`check` gives them) with everything secret replaced, fit to be shown."""
    shown: dict[str, Any] = {}
    for name, field in shape.fields.items():
        value = values[name]
        match field:
            case Setting():
                shown[name] = value if value is None or field.mask is None else field.mask(value)
            case Table():
                shown[name] = None if value is None else masked(value, field)
            case Tables():
                shown[name] = tuple(masked(item, field.of) for item in value)
    return shown


def text(
    default: str | Absent | None = REQUIRED,
    *,
    max_chars: int = 400,
    pattern: str = "",
    words: tuple[str, str] | None = None,
    secret: bool = False,
) -> Setting:
    """Text of 1 to ``max_chars`` characters without control characters, matching ``pattern`` whole where one is
    given. ``words`` say in English and Chinese what is wanted, better than a pattern does. A ``secret`` one is never
    shown.
    """
    shape = re.compile(pattern) if pattern else None

    def accepts(value: object) -> bool:
        return (
            type(value) is str
            and 1 <= len(value) <= max_chars
            and value.isprintable()
            and (shape is None or shape.fullmatch(value) is not None)
        )

    form, form_zh = (f" of the form {pattern}", f",格式为 {pattern}") if pattern else ("", "")
    wanted, wanted_zh = words or (
        f"text of 1 to {max_chars} characters{form}",
        f"1 至 {max_chars} 个字符的文字{form_zh}",
    )
    return Setting(accepts, wanted, wanted_zh, default, mask=_hide if secret else None)


def name() -> Setting:
    """The name of a tenant, shop or terminal (:data:`contract.ids.NAME_PATTERN`)."""
    words = ("1 to 16 of a-z, 0-9 and '-', not beginning with '-'", "1 至 16 个 a-z、0-9 或 “-”，不以 “-” 开头")
    return text(pattern=NAME_PATTERN, words=words)


def url(schemes: Iterable[str], default: str | Absent = REQUIRED) -> Setting:
    """A URL with one of these schemes (RFC 3986). A password in it is never shown."""
    known = tuple(schemes)
    listed = ", ".join(f"{scheme}://" for scheme in known)

    def accepts(value: object) -> bool:
        return type(value) is str and len(value) <= 1_000 and value.isprintable() and _scheme(value) in known

    return Setting(
        accepts, f"a URL that begins with one of {listed}", f"以 {listed} 开头的 URL", default, mask=_hide_password
    )


def host() -> Setting:
    """The name or number of a machine in the network."""
    return Setting(is_host, "the name or IP address of a host", "主机名或 IP 地址")


def is_host(value: object) -> bool:
    """Whether it can be looked up at all: an IP address, or a name of at most ``HOST_MOST_CHARS`` that IDNA has a form
    for (RFC 3490), as the system's own look-up of names will ask for.
    """
    if type(value) is not str or not 1 <= len(value) <= HOST_MOST_CHARS:
        return False
    if not value.isprintable() or " " in value:
        return False
    try:
        return 1 <= len(value.encode("idna")) <= HOST_MOST_CHARS + 1
    except UnicodeError:
        return False


def whole(low: int, high: int, default: int | Absent | None = REQUIRED) -> Setting:
    """A whole number from ``low`` to ``high``, both included."""
    return Setting(
        lambda value: type(value) is int and low <= value <= high,
        f"a whole number from {low} to {high}",
        f"{low} 至 {high} 的整数",
        default,
    )


def flag(default: bool | Absent = REQUIRED) -> Setting:
    """True or false."""
    return Setting(lambda value: type(value) is bool, "true or false", "true 或 false", default, ("true", "false"))


def choice(options: Iterable[str], default: str | Absent | None = REQUIRED) -> Setting:
    """One of these words."""
    known = tuple(options)
    listed = ", ".join(known)
    return Setting(
        lambda value: type(value) is str and value in known, f"one of {listed}", f"以下之一:{listed}", default, known
    )


def several(of: Setting, most: int, default: tuple[object, ...] | Absent = REQUIRED) -> Setting:
    """A list of at most ``most`` values, each as ``of`` accepts."""
    return Setting(
        lambda value: type(value) is list and len(value) <= most and all(of.accepts(item) for item in value),
        f"a list of at most {most}, each {of.wanted}",
        f"最多 {most} 项的列表,每项为{of.wanted_zh}",
        default,
        mask=None if of.mask is None else _hide,
    )


def opaque(default: object = REQUIRED) -> Setting:
    """A table whose fields somebody else checks, such as a driver its own options."""
    return Setting(lambda value: type(value) is dict, "a table", "一个表", default)


NEAR_PERCENT = 65
"""How much of two names must be alike for one to be taken for the other misspelt."""


def most_like(written: str, known: Iterable[str]) -> str:
    """Return the known name that ``written`` most resembles, or nothing where none is near."""
    by_folded = {name.lower().replace("-", "_"): name for name in known}
    folded = written[:100].lower().replace("-", "_")
    close = difflib.get_close_matches(folded, by_folded, n=1)
    return by_folded[close[0]] if close and _is_near(folded, close[0]) else ""


def _is_near(written: str, known: str) -> bool:
    alike = sum(block.size for block in difflib.SequenceMatcher(None, known, written).get_matching_blocks())
    return 2 * alike * 100 >= NEAR_PERCENT * (len(written) + len(known))


def _table(
    plain: Mapping[str, object], shape: Table, path: str, everywhere: tuple[str, ...]
) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    meant: set[str] = set()
    for name in plain:
        if name not in shape.fields:
            guess = most_like(name, [field for field in shape.fields if field not in plain])
            meant.add(guess)
            problems.append(_unknown(_join(path, name), _join(path, guess) if guess else _elsewhere(name, everywhere)))
    for name, field in shape.fields.items():
        here = _join(path, name)
        if name in plain:
            values[name], found = _value(plain[name], field, here, everywhere)
            problems += found
        elif name not in meant:
            # A field that was probably misspelt is reported once, as the misspelling.
            values[name], found = _absent(field, here, everywhere)
            problems += found
    return values, problems


def _value(
    value: object, field: Setting | Table | Tables, path: str, everywhere: tuple[str, ...]
) -> tuple[Any, list[Problem]]:
    match field:
        case Setting():
            if field.accepts(value):
                return (tuple(value) if type(value) is list else value), []
            return None, [_wrong(path, value, field)]
        case Table():
            if isinstance(value, dict):
                return _table(value, field, path, everywhere)
            return None, [_mistaken(path, "a table", "一个表", f"Write it as [{path}].", f"请写成 [{path}]。")]
        case Tables():
            return _array(value, field, path, everywhere)


def _array(value: object, field: Tables, path: str, everywhere: tuple[str, ...]) -> tuple[Any, list[Problem]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or len(value) > field.most:
        wanted, wanted_zh = f"a list of at most {field.most} tables", f"最多 {field.most} 个表的列表"
        return (), [_mistaken(path, wanted, wanted_zh, f"Write each as [[{path}]].", f"每个请写成 [[{path}]]。")]
    read_ones = [_table(item, field.of, f"{path}[{index}]", everywhere) for index, item in enumerate(value)]
    return tuple(values for values, _ in read_ones), [problem for _, found in read_ones for problem in found]


def _absent(field: Setting | Table | Tables, path: str, everywhere: tuple[str, ...]) -> tuple[Any, list[Problem]]:
    match field:
        case Setting():
            if field.default is not REQUIRED:
                return field.default, []
            return None, [
                Problem(path, "is missing", "缺少此项", f"Write {field.wanted}.", f"请填写{field.wanted_zh}。")
            ]
        case Table():
            return (None, []) if field.optional else _table({}, field, path, everywhere)
        case Tables():
            return (), []


def _wrong(path: str, value: object, field: Setting) -> Problem:
    shown = "the value written" if field.mask is not None else _shown(value)
    shown_zh = "所填的值" if field.mask is not None else _shown(value)
    guess = most_like(value, field.options) if isinstance(value, str) else ""
    return Problem(
        path,
        f"{shown} is not {field.wanted}",
        f"{shown_zh} 不是{field.wanted_zh}",
        f'Did you mean "{guess}"?' if guess else f"Write {field.wanted}.",
        f"是否想写 “{guess}”?" if guess else f"请填写{field.wanted_zh}。",
    )


def _mistaken(path: str, wanted: str, wanted_zh: str, suggestion: str, suggestion_zh: str) -> Problem:
    return Problem(path, f"is not {wanted}", f"不是{wanted_zh}", suggestion, suggestion_zh)


def _unknown(path: str, guess: str) -> Problem:
    if not guess:
        return Problem(path, "there is no such setting", "没有这个设置", "Remove it.", "请删除。")
    return Problem(path, "there is no such setting", "没有这个设置", f"Did you mean {guess}?", f"是否想写 {guess}?")


def _elsewhere(name: str, everywhere: tuple[str, ...]) -> str:
    """The path of a setting of this very name in another table, or nothing."""
    return next((path for path in everywhere if path.rpartition(".")[2] == name), "")


def _paths(shape: Table, path: str) -> Iterable[str]:
    for name, field in shape.fields.items():
        here = _join(path, name)
        yield here
        if isinstance(field, Table):
            yield from _paths(field, here)


def _join(path: str, name: str) -> str:
    shown = name if _BARE_KEY.fullmatch(name) else _shown(name)
    return f"{path}.{shown}" if path else shown


def _shown(value: object) -> str:
    written = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    return written if len(written) <= 60 else f"{written[:57]}..."


def _scheme(value: str) -> str:
    return value.partition("://")[0] if "://" in value else ""


def _hide(_value: object) -> object:
    return MASK


def _hide_password(value: object) -> object:
    return _URL_PASSWORD.sub(rf"\1:{MASK}@", str(value))
