"""The page: shows a stage (till, receipt roll, head office's books) in a browser and hands what people do to it.

Everything shown comes from one :class:`StageView`; the page has no idea of processes, protocols or databases. The
server listens on loopback only, reads every body strictly, and survives a stage that fails: the browser is told why.
"""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.page_state import KEYS, StageRefusal, StageView

__all__ = ["Server", "StageRefusal", "StageView", "page_app", "serve"]

STATIC = Path(__file__).parent / "static"
PERIOD_S = 0.1
"""The state is read and sent at most this often: ten times a second."""
KEEPALIVE_S = 10.0
MAX_BODY_BYTES = 32_768
MAX_TEXT_CHARS = 8_192
HOST = "127.0.0.1"

_LOG = logging.getLogger("demo.page")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def page_app(stage: StageView) -> Starlette:
    """Return the page of ``stage`` as an ASGI application: `/`, `/static`, the pictures, and `/api`."""
    page = _Page(stage)
    app = Starlette(
        routes=[
            Route("/", page.index),
            Route("/tft.png", page.tft),
            Route("/receipts/{number:int}.png", page.receipt),
            Route("/qr/{name}.png", page.qr),
            Route("/api/state", page.state),
            Route("/api/{action}", page.act, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
    )
    app.add_middleware(_OwnPagesOnly)
    app.state.closing = page.closing
    return app


def serve(app: Starlette, port: int) -> "Server":
    """Return a server for ``app`` on loopback, not yet started. Port 0 takes a free one."""
    return Server(app, port)


class Server:
    """A web server in a thread of its own, on 127.0.0.1 only."""

    def __init__(self, app: Starlette, port: int) -> None:
        self._app = app
        self._port = port
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._uvicorn: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        """Where the page is, ending in a slash; after ``start`` with the port that was taken."""
        return f"http://{HOST}:{self._port}/"

    def start(self) -> None:
        """Listen, and return once connections are accepted. Raises OSError where the port is taken."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, self._port))
            listener.listen(64)
        except OSError:
            listener.close()
            raise
        self._port = int(listener.getsockname()[1])
        config = uvicorn.Config(self._app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        self._socket, self._uvicorn = listener, uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._uvicorn.run, kwargs={"sockets": [listener]}, name="demo page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving; open streams end. May be called again."""
        if self._uvicorn is None or self._thread is None or self._socket is None:
            return
        self._app.state.closing.set()
        self._uvicorn.should_exit = True
        self._thread.join(5)
        self._socket.close()
        self._uvicorn = self._thread = self._socket = None


class _Page:
    """The page's requests; one object an application."""

    def __init__(self, stage: StageView) -> None:
        self.closing = threading.Event()
        self._stage = stage
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._text = ""
        self._number = 0
        self._actions: dict[str, tuple[dict[str, type], Callable[[Mapping[str, Any]], None]]] = {
            "press": ({"key": str}, lambda body: stage.press(_key(body["key"]))),
            "tap": ({"card": str}, lambda body: stage.tap(body["card"])),
            "scan": ({"text": str}, lambda body: stage.scan(body["text"])),
            "network": ({"on": bool}, lambda body: stage.set_network(body["on"])),
            "paper": ({"on": bool}, lambda body: stage.set_paper(body["on"])),
            "publish": ({"pack": str}, lambda body: stage.publish(body["pack"])),
        }

    async def index(self, _request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def tft(self, _request: Request) -> Response:
        return await self._picture(self._stage.tft_png)

    async def receipt(self, request: Request) -> Response:
        number = int(request.path_params["number"])
        return await self._picture(lambda: self._stage.receipt_png(number))

    async def qr(self, request: Request) -> Response:
        name = str(request.path_params["name"])
        return await self._picture(lambda: self._stage.qr_png(name))

    async def state(self, request: Request) -> Response:
        """The state once as JSON, or, where the browser asks for it, as a stream of what changes."""
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(self._stream(), media_type="text/event-stream")
        _number, text = await self._newest()
        return Response(text, 200 if _number else 503, media_type="application/json")

    async def act(self, request: Request) -> Response:
        """Carry out one action, or say why not: 400 for a malformed request, 409 where the stage refuses."""
        action = str(request.path_params["action"])
        if action not in self._actions:
            return _problem(404, "unknown_action", action)
        shape, carry_out = self._actions[action]
        try:
            body = _checked(await _body(request), shape)
            await run_in_threadpool(carry_out, body)
        except ClientDisconnect:
            return Response(status_code=400)
        except _BadRequest as bad:
            return _problem(400, bad.reason, bad.detail)
        except StageRefusal as refused:
            return _problem(409, refused.reason, refused.en, refused.zh)
        except Exception as failure:
            # The stage is a whole machine room; whatever breaks in it must not take the page down with it.
            _LOG.exception("action=%s", action)
            return _problem(500, "stage_failed", f"{type(failure).__name__}: {failure}")
        return JSONResponse({"ok": True})

    async def _picture(self, take: Callable[[], bytes | None]) -> Response:
        try:
            data = await run_in_threadpool(take)
        except Exception as failure:
            # A picture that cannot be drawn is a missing picture, for the same reason.
            _LOG.warning("picture failed: %s: %s", type(failure).__name__, failure)
            return _problem(500, "stage_failed", type(failure).__name__)
        return Response(data, media_type="image/png") if data else _problem(404, "no_such_picture", "")

    async def _newest(self) -> tuple[int, str]:
        """The state's number and text, read anew at most once a period however many browsers look; number 0: failed."""
        async with self._lock:
            if time.monotonic() - self._read_at < PERIOD_S:
                return self._number, self._text
            self._read_at = time.monotonic()
            try:
                text = json.dumps(await run_in_threadpool(self._stage.snapshot), ensure_ascii=False)
            except Exception as failure:
                _LOG.warning("snapshot failed: %s: %s", type(failure).__name__, failure)
                return 0, json.dumps({"reason": "stage_failed", "detail": f"{type(failure).__name__}: {failure}"})
            if text != self._text:
                self._text = text
                self._number += 1
            return self._number, self._text

    async def _stream(self) -> AsyncIterator[str]:
        """Server-sent events (WHATWG HTML, section 9.2): `state` at every change, `trouble` where the stage fails."""
        seen, said, sent_at = -1, "", time.monotonic()
        while not self.closing.is_set():
            number, text = await self._newest()
            if number != seen or (number == 0 and text != said):
                yield f"event: {'state' if number else 'trouble'}\ndata: {text}\n\n"
                seen, said, sent_at = number, text, time.monotonic()
            elif time.monotonic() - sent_at > KEEPALIVE_S:
                yield ": still here\n\n"
                sent_at = time.monotonic()
            await asyncio.sleep(PERIOD_S)


class _OwnPagesOnly:
    """Lets only this page's own requests in, so that no other site open in the same browser can press a key.

    The host must be loopback (a name that another site points here is not), and a POST must be JSON, which a foreign
    page cannot send without asking first. Also puts the safety headers on every answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        if host not in {HOST, "localhost"}:
            await _problem(400, "foreign_host", host[:80])(scope, receive, send)
            return
        if scope["method"] == "POST" and headers.get("content-type", "").split(";")[0].strip() != "application/json":
            await _problem(400, "not_json", "content-type must be application/json")(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(key.lower().encode(), value.encode()) for key, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class _BadRequest(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


async def _body(request: Request) -> object:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            raise _BadRequest("too_large", f"at most {MAX_BODY_BYTES} bytes")
    try:
        return json.loads(bytes(data).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _BadRequest("not_json", "the body is not JSON") from error


def _checked(plain: object, shape: Mapping[str, type]) -> dict[str, Any]:
    """Return the body if it holds exactly the fields of ``shape``, each of its type."""
    if type(plain) is not dict:
        raise _BadRequest("wrong_type", "expected an object")
    body = cast(dict[str, Any], plain)
    for name in body:
        if name not in shape:
            raise _BadRequest("unknown_field", name[:80])
    for name, kind in shape.items():
        if name not in body:
            raise _BadRequest("missing_field", name)
        value = body[name]
        if type(value) is not kind:
            raise _BadRequest("wrong_type", f"{name}: expected {'text' if kind is str else 'true or false'}")
        if isinstance(value, str) and not 1 <= len(value) <= MAX_TEXT_CHARS:
            raise _BadRequest("out_of_range", f"{name}: expected 1 to {MAX_TEXT_CHARS} characters")
        if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
            raise _BadRequest("out_of_range", f"{name}: not Unicode text")
    return body


def _key(name: str) -> str:
    if name not in KEYS:
        raise _BadRequest("unknown_key", name[:80])
    return name


def _problem(status: int, reason: str, detail: str, detail_zh: str = "") -> JSONResponse:
    return JSONResponse({"reason": reason, "detail": detail, "detail_zh": detail_zh}, status)
