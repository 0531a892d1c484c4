"""The page's server takes exactly what the page sends, from this machine's own browser only, and never falls over."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from demo.page import MAX_BODY_BYTES, Server, page_app, serve
from demo.page_state import StageRefusal
from tests.demo.memory_stage import MemoryStage
from tests.waiting import eventually


@pytest.fixture
def stage() -> MemoryStage:
    return MemoryStage()


@pytest.fixture
def server(stage: MemoryStage) -> Iterator[Server]:
    made = serve(page_app(stage), 0)
    made.start()
    yield made
    made.close()


def port_of(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1].strip("/"))


def ask(
    server: Server, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def post(server: Server, action: str, body: object) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer, _headers = ask(server, "POST", f"/api/{action}", data, {"Content-Type": "application/json"})
    return status, json.loads(answer)


@pytest.mark.parametrize(
    ("action", "body", "done"),
    [
        ("press", {"key": "00"}, ("press", "00")),
        ("tap", {"card": "gold"}, ("tap", "gold")),
        ("scan", {"text": "member-2"}, ("scan", "member-2")),
        ("scan", {"text": "x" * 4_000}, ("scan", "x" * 4_000)),
        ("network", {"on": False}, ("network", False)),
        ("paper", {"on": True}, ("paper", True)),
        ("publish", {"pack": "pack2"}, ("publish", "pack2")),
    ],
)
def test_each_action_reaches_the_stage(
    server: Server, stage: MemoryStage, action: str, body: object, done: tuple[str, object]
) -> None:
    assert post(server, action, body) == (200, {"ok": True})
    assert stage.done == [done]


@pytest.mark.parametrize(
    ("action", "body", "reason"),
    [
        ("press", {"key": "1", "times": 5}, "unknown_field"),
        ("press", {}, "missing_field"),
        ("press", {"key": 1}, "wrong_type"),
        ("press", {"key": ""}, "out_of_range"),
        ("press", {"key": "power"}, "unknown_key"),
        ("press", ["1"], "wrong_type"),
        ("press", b"", "not_json"),
        ("press", b"\xff\xfe", "not_json"),
        ("press", b"[" * 20_000, "not_json"),
        ("network", {"on": 1}, "wrong_type"),
        ("network", {"on": "true"}, "wrong_type"),
        ("network", {"on": None}, "wrong_type"),
        ("scan", {"text": "\ud800"}, "out_of_range"),
        ("scan", {"text": "x" * 9_000}, "out_of_range"),
        ("tap", b"x" * (MAX_BODY_BYTES + 1), "too_large"),
    ],
)
def test_a_malformed_request_is_refused_with_its_reason_and_does_nothing(
    server: Server, stage: MemoryStage, action: str, body: object, reason: str
) -> None:
    status, answer = post(server, action, body)
    assert (status, answer["reason"]) == (400, reason)
    assert stage.done == []


def test_an_action_nobody_knows_is_not_found(server: Server) -> None:
    assert post(server, "shutdown", {})[0] == 404


def test_what_the_stage_refuses_comes_back_in_both_languages(server: Server, stage: MemoryStage) -> None:
    stage.refuse = StageRefusal("terminal_down", "终端没有运行", "The terminal is not running")
    assert post(server, "press", {"key": "1"}) == (
        409,
        {"reason": "terminal_down", "detail": "The terminal is not running", "detail_zh": "终端没有运行"},
    )


def test_a_stage_that_breaks_is_an_answer_and_not_the_end(server: Server, stage: MemoryStage) -> None:
    stage.broken = "no database"
    assert ask(server, "GET", "/api/state")[0] == 503
    stage.broken = ""
    eventually(lambda: ask(server, "GET", "/api/state")[0] == 200)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example:1"])
def test_a_page_under_another_name_cannot_reach_the_till(server: Server, stage: MemoryStage, host: str) -> None:
    headers = {"Host": host, "Content-Type": "application/json"}
    assert ask(server, "POST", "/api/press", b'{"key":"1"}', headers)[0] == 400
    assert ask(server, "GET", "/api/state", headers={"Host": host})[0] == 400
    assert stage.done == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_on_another_page_cannot_press_a_key(server: Server, stage: MemoryStage, kind: str) -> None:
    assert ask(server, "POST", "/api/press", b'{"key":"1"}', {"Content-Type": kind})[0] == 400
    assert stage.done == []


def test_every_answer_forbids_what_does_not_come_from_here(server: Server) -> None:
    for path in ("/", "/static/page.js", "/static/page.css", "/tft.png?frame=1", "/api/state"):
        status, data, headers = ask(server, "GET", path)
        assert status == 200 and data
        assert headers["content-security-policy"].startswith("default-src 'self'")
    for path in ("/", "/static/page.js", "/static/page.css", "/static/words.js", "/static/hands.js"):
        page = ask(server, "GET", path)[1].decode()
        assert "https://" not in page and "http://" not in page.replace("http://www.w3.org", "")


def test_pictures_are_png_and_one_that_is_not_there_is_not_found(server: Server, stage: MemoryStage) -> None:
    stage.sell()
    for path in ("/tft.png?frame=1", "/receipts/5.png", "/qr/member-2.png"):
        status, data, headers = ask(server, "GET", path)
        assert (status, data[:4], headers["content-type"]) == (200, b"\x89PNG", "image/png")
    for path in (
        "/receipts/99.png",
        "/qr/nobody.png",
        "/receipts/x.png",
        "/static/../page.py",
        "/static/%2e%2e/page.py",
    ):
        assert ask(server, "GET", path)[0] == 404
    assert ask(server, "GET", "/qr/..%2f..%2fsecret.png")[0] == 404


def test_changes_are_streamed_at_most_ten_times_a_second_however_many_look(server: Server, stage: MemoryStage) -> None:
    streams = [http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10) for _ in range(3)]
    answers = []
    for stream in streams:
        stream.request("GET", "/api/state", headers={"Accept": "text/event-stream"})
        answers.append(stream.getresponse())
    events: list[dict[str, Any]] = []

    def read() -> None:
        with contextlib.suppress(http.client.HTTPException, OSError):
            for line in answers[0]:
                if line.startswith(b"data: "):
                    events.append(json.loads(line[6:]))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    eventually(lambda: len(events) == 1)
    before = stage.snapshots
    for number in range(200):
        stage.show([str(number)])
        threading.Event().wait(0.005)
    eventually(lambda: events[-1]["tft"]["text"] == ["199"])
    assert stage.snapshots - before <= 30
    assert 2 <= len(events) <= 30
    server.close()
    reader.join(5)
    for stream in streams:
        stream.close()


def test_the_server_listens_on_loopback_only_and_gives_its_port_back(stage: MemoryStage) -> None:
    server = serve(page_app(stage), 0)
    server.start()
    port = port_of(server)
    assert server.url == f"http://127.0.0.1:{port}/"
    with pytest.raises(OSError):
        serve(page_app(stage), port).start()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", port), timeout=2)
    server.close()
    server.close()
    again = serve(page_app(stage), port)
    again.start()
    again.close()


def test_closing_ends_open_streams_at_once(stage: MemoryStage) -> None:
    server = serve(page_app(stage), 0)
    server.start()
    stream = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    stream.request("GET", "/api/state", headers={"Accept": "text/event-stream"})
    answer = stream.getresponse()
    assert answer.readline().startswith(b"event: state")
    closing = threading.Thread(target=server.close)
    closing.start()
    closing.join(30)
    assert not closing.is_alive()
    stream.close()
