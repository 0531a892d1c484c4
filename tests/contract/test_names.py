"""Names, topics and receipt numbers: one spelling each, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.documents import DocumentKind
from contract.errors import ContractError, Reason
from contract.ids import TerminalAddress, parse_address, receipt_number
from contract.topics import Down, Up, announce, down, read_down, read_up, up
from tests.contract.samples import ADDRESS

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,15}", fullmatch=True)
ADDRESSES = st.builds(TerminalAddress, NAMES, NAMES, NAMES)


@given(ADDRESSES)
def test_an_address_reads_back_from_its_text(address: TerminalAddress) -> None:
    assert parse_address(str(address)) == address
    assert len(str(address)) <= 64


@pytest.mark.parametrize(
    "text", ["", "a/b", "a/b/c/d", "A/b/c", "a//c", "-a/b/c", "a/b/c\n", "a/b/+", "a/#/c", "会/b/c", "a/b/" + "c" * 17]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_address(text)
    assert caught.value.reason is Reason.BAD_ID


@given(ADDRESSES, st.sampled_from(Up))
def test_what_a_terminal_publishes_on_is_read_back(address: TerminalAddress, kind: Up) -> None:
    assert read_up(up(address, kind)) == (address, kind)


@given(ADDRESSES, st.sampled_from([Down.WELCOME, Down.ACK, Down.CHUNK]))
def test_what_hq_publishes_on_is_read_back(address: TerminalAddress, kind: Down) -> None:
    assert read_down(down(address, kind)) == (address, kind)


@given(ADDRESSES, st.sampled_from(DocumentKind))
def test_an_announcement_has_a_topic_for_each_kind_of_document(address: TerminalAddress, kind: DocumentKind) -> None:
    assert read_down(announce(address, kind)) == (address, Down.ANNOUNCE)


def test_an_announcement_of_a_kind_that_does_not_exist_yet_is_still_an_announcement() -> None:
    assert read_down(announce(ADDRESS, "notices")) == (ADDRESS, Down.ANNOUNCE)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "tl/1",
        "tl/1/acme/s01/t1/up",
        "tl/1/acme/s01/t1/up/hello/",
        "tl/1/acme/s01/t1/up/ack",
        "tl/2/acme/s01/t1/up/hello",
        "/tl/1/acme/s01/t1/up/hello",
        "tl/1/acme/s01/up/hello",
        "tl/1/acme/s01/t1/down/hello",
        "tl/1/+/s01/t1/up/hello",
    ],
)
def test_any_other_topic_is_no_message_of_a_terminal(topic: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_up(topic)
    assert caught.value.reason is Reason.BAD_TOPIC


@pytest.mark.parametrize(
    "rest",
    [
        "down/ack/",
        "down/ack/pack",
        "down/announce",
        "down/announce/",
        "down/announce/pack/",
        "down/announce/Pack",
        "down/announce/a/b",
        "up/ack",
        "down/",
        "down/hello",
    ],
)
def test_any_other_topic_is_no_message_of_hq(rest: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_down(f"tl/1/{ADDRESS}/{rest}")
    assert caught.value.reason is Reason.BAD_TOPIC


def test_a_foreign_topic_in_an_error_is_cut_short() -> None:
    with pytest.raises(ContractError) as caught:
        read_up("x" * 60_000)
    assert len(str(caught.value)) < 200


@given(st.lists(st.tuples(ADDRESSES, st.integers(1, 2**31), st.integers(1, 2**53)), min_size=2, max_size=2))
def test_two_entries_of_a_tenant_never_share_a_receipt_number(points: list[tuple[TerminalAddress, int, int]]) -> None:
    (one, *one_rest), (other, *other_rest) = points
    same = (one.shop, one.terminal, *one_rest) == (other.shop, other.terminal, *other_rest)
    assert (receipt_number(one, *one_rest) == receipt_number(other, *other_rest)) is same


def test_a_dash_in_a_name_does_not_make_two_tills_one() -> None:
    one, other = TerminalAddress("acme", "a-b", "c"), TerminalAddress("acme", "a", "b-c")
    assert receipt_number(one, 1, 1) != receipt_number(other, 1, 1)
    assert receipt_number(ADDRESS, 1, 42) == "S01.T1-1-000042"
