"""The door for web shops as they meet it: real HTTP to the real process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contract.settings import SettingsError
from contract.signing import SoftwareSigner
from contract.value import Account, Asset
from hq.db import open_database, writing
from hq.documents import Desk
from hq.granting import lend_from
from hq.grants import pay_in
from hq.holds import HoldRefusal
from hq.ledger import balance
from hq.people import enrol, replace_members
from hq.placement import DEFAULT_LENDING
from hq.sources import Enrolment
from hq.web.door import MAX_BODY_BYTES
from hq.web.refusals import SAID, DoorRefusal
from hq.web.serve import serve
from tests.hq.premises import ROOT, answers, free_port
from tests.hq.tills import A1, GOLD, NOW_MS, TENANT, new_signer, new_signer_pem
from tests.processes import started
from tests.waiting import eventually

TOKEN = "0123456789abcdef0123456789abcdef"


class Shop:
    """A web shop that asks a door."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder

    def ask(
        self, method: str, path: str, body: bytes | dict[str, object] = b"", token: str = TOKEN, key: str = ""
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, sent, headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return answer.status, told

    def reserve(self, amount: int, key: str) -> tuple[int, dict[str, Any]]:
        return self.ask("POST", "/v1/holds", {"member": "m1", "amount": amount}, key=key)


@contextmanager
def open_door(folder: Path) -> Iterator[Shop]:
    port = free_port()
    (folder / "hq").mkdir()
    pem = new_signer_pem()
    (folder / "hq" / "document.key").write_bytes(pem)
    config = folder / "hq.toml"
    config.write_text(
        f'tenant = "{TENANT}"\nidentity = "hq"\n[broker]\nhost = "127.0.0.1"\n'
        f'[web]\nport = {port}\n[[web.clients]]\nname = "shop"\ntoken = "{TOKEN}"\n'
    )
    command = [sys.executable, "-m", "tapledger.main", "hq", "web", "--config", str(config)]
    with started(command) as process:
        eventually(lambda: process.poll() is not None or answers(port))
        engine = open_database(f"sqlite:///{folder}/hq.db")
        with writing(engine) as connection:
            replace_members(connection, (GOLD,))
            desk = Desk(SoftwareSigner(pem), TENANT, 366)
            pay_in(connection, desk, "m1", 10_000, 0, b"paid in online!!", NOW_MS)
        engine.dispose()
        yield Shop(port, folder)
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_door(tmp_path_factory.mktemp("web")) as found:
        yield found


def test_five_at_once_with_one_key_reserve_once_and_five_captures_charge_once(shop: Shop) -> None:
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: shop.reserve(3_000, "order-1"), range(5)))
    assert {status for status, _ in found} == {200}
    (hold,) = {told["hold"] for _, told in found}
    with ThreadPoolExecutor(5) as pool:
        spent = list(pool.map(lambda _: shop.ask("POST", f"/v1/holds/{hold}/capture", {"amount": 2_500}), range(5)))
    assert {(status, told["taken"], told["state"]) for status, told in spent} == {(200, 2_500, "captured")}
    engine = open_database(f"sqlite:///{shop.folder}/hq.db")
    with engine.connect() as connection:
        assert balance(connection, "shop/office/sales", "CNY") == -2_500
        assert balance(connection, "member/m1/principal", "CNY") == -7_500
    engine.dispose()


@pytest.mark.row("W26")
def test_a_reservation_is_taken_out_of_what_tills_are_lent_until_it_is_captured_or_released(tmp_path: Path) -> None:
    with open_door(tmp_path) as shop:
        engine = open_database(f"sqlite:///{tmp_path}/hq.db")
        with writing(engine) as connection:
            enrol(connection, Enrolment(A1, 1, new_signer().public), TENANT, NOW_MS)

        def lent() -> int:
            """What a till is lent of all there is, taken back at once."""
            with engine.connect() as connection, connection.begin() as trial:
                found = lend_from(connection, A1, Account(Asset.STORED, "m1"), 10_000, DEFAULT_LENDING, NOW_MS)
                trial.rollback()
            return found

        assert lent() == 10_000
        reserved = [shop.reserve(6_000, "order-1") for _ in range(5)]
        (hold,) = {told["hold"] for _, told in reserved}
        assert lent() == 4_000
        assert shop.ask("GET", f"/v1/holds/{hold}")[1]["state"] == "open"
        spent = [shop.ask("POST", f"/v1/holds/{hold}/capture", {"amount": 6_000}) for _ in range(5)]
        assert {(status, told["taken"]) for status, told in spent} == {(200, 6_000)}
        assert lent() == 4_000
        other = shop.reserve(4_000, "order-2")[1]["hold"]
        assert (lent(), shop.reserve(1, "order-3")[1]["refused"]) == (0, "not_enough")
        assert shop.ask("POST", f"/v1/holds/{other}/release")[1]["state"] == "released"
        assert shop.ask("POST", f"/v1/holds/{other}/capture", {"amount": 100})[1]["refused"] == "hold_over"
        assert lent() == 4_000
        with engine.connect() as connection:
            assert balance(connection, "member/m1/principal", "CNY") == -4_000
        engine.dispose()


@pytest.mark.parametrize(
    ("body", "refused", "status"),
    [
        (b"", "wrong_fields", 422),
        (b"{", "not_json", 400),
        (b"[]", "not_json", 400),
        (b"\xff", "not_json", 400),
        (b'{"member": "m1", "amount": 1, "amount": 2}', "not_json", 400),
        (b'{"member": "m1", "amount": 1.0}', "wrong_fields", 422),
        (b'{"member": "m1", "amount": true}', "wrong_fields", 422),
        (b'{"member": "m1", "amount": NaN}', "not_json", 400),
        (b'{"member": "m1", "amount": -1}', "wrong_fields", 422),
        (b'{"member": "m1", "amount": 1e2}', "wrong_fields", 422),
        (b'{"member": "m1", "amount": 1, "amuont": 1}', "wrong_fields", 422),
        (b'{"member": "m1\\u0000", "amount": 1}', "wrong_fields", 422),
        (b'{"member": "m1", "amount": ' + b"9" * 400 + b"}", "wrong_fields", 422),
        (b'{"member": "m9", "amount": 1}', "member_unknown", 404),
        (b'{"member": "m1", "amount": 99999999}', "not_enough", 409),
        (b"[" * 4_000, "not_json", 400),
        (b" " * 5_000, "too_large", 413),
    ],
)
def test_what_is_no_request_is_refused_by_name_in_both_languages(
    shop: Shop, body: bytes, refused: str, status: int
) -> None:
    found, told = shop.ask("POST", "/v1/holds", body, key="odd")
    assert (found, told["refused"]) == (status, refused)
    assert told["zh"] and told["en"]


def test_every_refusal_is_told_in_both_languages_and_explained_to_web_shops() -> None:
    page = (ROOT / "docs" / "web-shops.md").read_text(encoding="utf-8")
    for code in (*HoldRefusal, *DoorRefusal):
        said = SAID[code]
        assert said.zh and said.en
        assert f"| `{code.value}` | {said.status} |" in page


def test_a_body_of_the_largest_size_is_read(shop: Shop) -> None:
    body = b'{"member": "m1", "amount": 1, "seconds": 10}'
    assert shop.ask("POST", "/v1/holds", body.ljust(MAX_BODY_BYTES), key="long")[0] == 200


def test_a_door_that_was_not_configured_does_not_open(tmp_path: Path) -> None:
    config = tmp_path / "hq.toml"
    config.write_text('tenant = "acme"\nidentity = "hq"\n[broker]\nhost = "localhost"\n')
    with pytest.raises(SettingsError, match="web: is missing"):
        serve(config)


def test_who_has_no_token_or_another_is_not_let_in(shop: Shop) -> None:
    for token in ("", "x", TOKEN[:-1], TOKEN + "0", "ü".encode().decode("latin-1")):
        assert shop.ask("POST", "/v1/holds", {"member": "m1", "amount": 1}, token=token, key="k")[0] == 401
    assert shop.ask("POST", "/v1/holds", {"member": "m1", "amount": 1})[1]["refused"] == "no_key"
    assert shop.ask("GET", "/v1/holds/../../etc")[0] == 404
    assert shop.ask("GET", f"/v1/holds/{os.urandom(16).hex()}")[1]["refused"] == "hold_unknown"
    assert shop.ask("DELETE", "/v1/holds")[1]["refused"] == "not_found"
