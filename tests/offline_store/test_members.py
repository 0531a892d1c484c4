"""Members and cashiers: found by keyed hash, unreadable without the device key, wrong PINs counted for good."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.keys import Identity, new_transaction_id
from agent.offline_store.members import MemberRow
from agent.offline_store.pin_tries import PinTries
from agent.offline_store.rowkeys import RowKeys
from agent.offline_store.store import Store, StoreCause, StoreError
from tests.offline_store.counter import DEVICE_KEY, NOON_MS, HeadOffice, cashier, identity, member, opened, stamp

PHONE = "13812345678"
CARD = bytes.fromhex("04a1b2c3d4e5f6")
ROW = MemberRow("m-0001", "会员1", "gold", ("vip", "early"), 101, "5678")


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "till.db"


@pytest.fixture
def store(path: Path, who: Identity) -> Iterator[Store]:
    found = opened(path, who)
    office = HeadOffice()
    members = office.members(1, member(1, PHONE, CARD, b"OTHER"), member(2))
    cashiers = office.cashiers(1, cashier("1001"), cashier("1002"))
    for document in (members, cashiers):
        found.activate(document, new_transaction_id(), stamp())
    yield found
    found.close()


def test_a_member_is_found_by_any_card_by_phone_and_by_id(store: Store) -> None:
    assert store.member_by_card(CARD) == store.member_by_card(b"OTHER") == ROW
    assert store.member_by_phone(PHONE) == store.member_by_id("m-0001") == ROW


def test_what_rules_look_at_of_a_member_comes_back_as_head_office_wrote_it(store: Store) -> None:
    told = replace(
        member(9), segments=("parents",), card_type="staff", birthday=229, visits=12, visit_days=(20_000, 20_611)
    )
    store.activate(HeadOffice().members(2, told), new_transaction_id(), stamp())
    found = store.member_by_id(told.member)
    assert found is not None
    assert (found.segments, found.card_type, found.birthday) == (("parents",), "staff", 229)
    assert (found.visits, found.visit_days) == (12, (20_000, 20_611))


def test_a_member_without_a_phone_has_no_last_digits(store: Store) -> None:
    found = store.member_by_id("m-0002")
    assert found is not None
    assert found.phone_last4 is None


def test_whoever_is_not_cached_is_not_found(store: Store) -> None:
    assert store.member_by_card(b"NONE") is None
    assert store.member_by_phone("13812345679") is None
    assert store.member_by_id("m-0003") is None
    # A phone number is no card number, whatever its bytes.
    assert store.member_by_card(PHONE.encode()) is None


def test_a_new_document_replaces_all_members(store: Store) -> None:
    store.activate(HeadOffice().members(2, member(3, "13900000003")), new_transaction_id(), stamp())
    assert (store.member_by_card(CARD), store.member_by_phone(PHONE), store.member_by_id("m-0001")) == (None,) * 3
    assert store.member_by_phone("13900000003") is not None


def test_nothing_on_the_disk_names_a_member_or_gives_a_verifier_away(store: Store, path: Path) -> None:
    store.close()
    everything = b"".join(file.read_bytes() for file in path.parent.iterdir())
    secrets = (PHONE.encode(), CARD, "会员1".encode(), b"m-0001", "收银员一".encode(), b"13812345", DEVICE_KEY)
    assert [secret for secret in secrets if secret in everything] == []


def test_with_another_device_key_nobody_is_found(store: Store, path: Path, who: Identity) -> None:
    store.close()
    other = opened(path, identity(who.signer, device_key=bytes(32)))
    assert other.member_by_phone(PHONE) is None
    assert other.cashier("1001") is None
    other.close()


def test_rows_swapped_in_the_file_do_not_open(store: Store, path: Path) -> None:
    with sqlite3.connect(path) as connection:
        (other,) = connection.execute("SELECT sealed FROM members WHERE id = 2").fetchone()
        connection.execute("UPDATE members SET sealed = ? WHERE id = 1", (other,))
        connection.execute("UPDATE cashiers SET sealed = x'00'")
    connection.close()
    for lookup in (lambda: store.member_by_phone(PHONE), lambda: store.cashier("1001")):
        with pytest.raises(StoreError) as refused:
            lookup()
        assert refused.value.cause is StoreCause.CORRUPT


def test_a_cashier_comes_with_the_pin_verifier(store: Store) -> None:
    assert store.cashier("1001") == cashier("1001")
    assert store.cashier("9999") is None


def test_wrong_pins_are_counted_across_a_restart_until_a_right_one(store: Store) -> None:
    assert store.pin_tries("1001") == PinTries(0, 0)
    store.record_pin_try("1001", False, NOON_MS)
    store.record_pin_try("1001", False, NOON_MS + 1)
    store.close()
    store.open()
    assert store.pin_tries("1001") == PinTries(2, NOON_MS + 1)
    assert store.pin_tries("1002") == PinTries(0, 0)
    store.record_pin_try("1001", True, NOON_MS + 2)
    assert store.pin_tries("1001").count == 0
    store.record_pin_try("1001", False, NOON_MS + 3)
    assert store.pin_tries("1001") == PinTries(1, NOON_MS + 3)


def test_a_new_document_does_not_forgive_wrong_pins(store: Store) -> None:
    store.record_pin_try("1001", False, NOON_MS)
    store.record_pin_try("1002", False, NOON_MS)
    store.activate(HeadOffice().cashiers(2, cashier("1001")), new_transaction_id(), stamp())
    assert (store.pin_tries("1001").count, store.pin_tries("1002").count) == (1, 0)


def test_keying_numbers_nobody_has_leaves_no_trace(store: Store) -> None:
    store.record_pin_try("77777777", False, NOON_MS)
    assert store.pin_tries("77777777") == PinTries(0, 0)


def test_two_devices_hash_the_same_phone_differently() -> None:
    assert RowKeys(DEVICE_KEY).phone(PHONE) != RowKeys(bytes(32)).phone(PHONE)


def test_sealing_twice_gives_different_bytes_that_open_the_same() -> None:
    keys = RowKeys(DEVICE_KEY)
    one, two = keys.seal(b"row", b"plain"), keys.seal(b"row", b"plain")
    assert one != two
    assert keys.open(b"row", one) == keys.open(b"row", two) == b"plain"
