"""What the rules commands read: packs, baskets and sales from files or the standard input, bounded and strict.

A mistake in them is a ``Refusal`` with the file, the path to the field, and words in Chinese and English.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from contract.basket import Basket
from contract.errors import ContractError, Reason
from contract.named import parse_json, read_named
from rules.authoring import MAX_AUTHORED_BYTES, read_authored, read_authored_basket
from rules.engine.compiled import Compiled, compile_pack
from rules.grammar.pack import Pack
from rules.pack import read_pack
from tapledger.rules_output import Sale
from tapledger.told import REASONS, shown

STDIN = "-"


class Refusal(Exception):
    """Something read or asked for that cannot be used: where it came from, and what is wrong with it."""

    def __init__(self, source: str, error: ContractError) -> None:
        super().__init__(f"{source}: {error}")
        self.source = source
        self.error = error

    def words(self) -> str:
        """What is wrong, in English and in Chinese, each on a line of its own."""
        path = shown(self.error.path)
        detail = shown(self.error.detail)
        where = f"{self.source}: {path}" if path else self.source
        en = f"{where}: {self.error.reason.value}" + (f": {detail}" if detail else "")
        zh = f"{where}：{REASONS[self.error.reason][0]}" + (f"（{detail}）" if detail else "")
        return f"tapledger rules: refused: {en}\ntapledger rules: 拒绝：{zh}"


@contextlib.contextmanager
def reading(source: str) -> Iterator[None]:
    """Whatever is refused within was wrong in ``source``."""
    try:
        yield
    except ContractError as error:
        raise Refusal(source, error) from error


def read_text(name: str) -> str:
    """Return the text of a file, or of the standard input for ``-``. Raises Refusal for more than an authored pack may
    have and for what is not UTF-8; OSError for what cannot be read.
    """
    return _text(_content(name), name)


def load_pack(name: str) -> Pack:
    """Return the pack of a file: as people write it, or the bytes that ``rules compile`` made. Raises Refusal with the
    path to the first field that is wrong; OSError for what cannot be read.
    """
    content = _content(name)
    with reading(name):
        if content.lstrip()[:1] in (b"{", b"[") or content.startswith(b"\xef\xbb\xbf") or not content:
            return pack_of_text(_text(content, name))
        return read_pack(content)


def load_compiled(name: str) -> Compiled:
    """Return the pack of a file made ready to price by. Raises as :func:`load_pack` does."""
    return compile_pack(load_pack(name))


def load_basket(name: str) -> Basket:
    """Return the basket of a file. Raises as :func:`load_pack` does."""
    text = read_text(name)
    with reading(name):
        return read_authored_basket(text)


def load_sale(name: str) -> Sale:
    """Return the sale of a file: what ``rules price --json`` gives, or its ``sale`` alone. Raises as
    :func:`load_pack` does.
    """
    text = read_text(name)
    with reading(name):
        plain = parse_json(text, MAX_AUTHORED_BYTES)
        if type(plain) is dict and "sale" in plain:
            return read_named(Sale, plain["sale"], "sale")
        return read_named(Sale, plain)


def load_baskets(name: str) -> Iterator[tuple[int, Basket]]:
    """The baskets of a file that has one on each line, with the number of the line from 1; empty lines are passed over.
    Raises as :func:`load_pack` does, naming the line.
    """
    with open_lines(name) as lines:
        for number, line in lines:
            if line.strip():
                yield number, basket_of_line(line, name, number)


def basket_of_line(line: bytes, name: str, number: int) -> Basket:
    """The basket of one line. Raises Refusal that names the line."""
    source = f"{name}:{number}"
    with reading(source):
        return read_authored_basket(_text(line, source))


@contextlib.contextmanager
def open_lines(name: str) -> Iterator[Iterator[tuple[int, bytes]]]:
    """The lines of a file with their numbers from 1. A line longer than an authored pack may be is a Refusal."""
    with contextlib.ExitStack() as stack:
        stream = sys.stdin.buffer if name == STDIN else stack.enter_context(Path(name).open("rb"))

        def lines() -> Iterator[tuple[int, bytes]]:
            number = 0
            while line := stream.readline(MAX_AUTHORED_BYTES + 1):
                number += 1
                if len(line) > MAX_AUTHORED_BYTES:
                    raise Refusal(f"{name}:{number}", ContractError(Reason.TOO_LARGE, detail="a line of so many bytes"))
                yield number, line

        yield lines()


def pack_of_text(text: str) -> Pack:
    """The pack that people wrote, with time zones from the machine's database. Raises ContractError."""
    from hq.zones import zone_steps

    return read_authored(text, zone_steps)


def _content(name: str) -> bytes:
    if name == STDIN:
        content = sys.stdin.buffer.read(MAX_AUTHORED_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            content = file.read(MAX_AUTHORED_BYTES + 1)
    if len(content) > MAX_AUTHORED_BYTES:
        raise Refusal(name, ContractError(Reason.TOO_LARGE, detail=f"at most {MAX_AUTHORED_BYTES} bytes"))
    return content


def _text(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(source, ContractError(Reason.WRONG_TYPE, detail=f"not UTF-8: {error.reason}")) from error
