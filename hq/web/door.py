"""The ASGI application: who asks, what is asked, read strictly; the books do the rest.

Bodies are JSON objects of at most 4 kB whose fields are all known; a field given twice is refused. A reservation needs
an ``Idempotency-Key``; capture and release are told by the reservation itself, so every request is safe to repeat.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from contract import settings
from contract.money import MAX_AMOUNT_MINOR
from contract.value import Asset
from hq.db import writing
from hq.documents import Desk
from hq.holds import LONGEST_S, SHORTEST_S, Asked, Hold, HoldRefusal, capture, find_hold, release, reserve
from hq.web.refusals import SAID, Code, DoorRefusal

MAX_BODY_BYTES = 4_096
MAX_KEY_CHARS = 64
HOLD_HEX_CHARS = 32

RESERVE = settings.Table(
    {
        "member": settings.text(pattern="[a-z0-9-]{1,24}"),
        "asset": settings.choice((Asset.STORED.value, Asset.POINTS.value), default=Asset.STORED.value),
        "amount": settings.whole(1, MAX_AMOUNT_MINOR),
        "seconds": settings.whole(SHORTEST_S, LONGEST_S, default=900),
    }
)
CAPTURE = settings.Table({"amount": settings.whole(1, MAX_AMOUNT_MINOR)})
RELEASE = settings.Table({})

Clock = Callable[[], int]
Act = Callable[[Connection, int], Hold | HoldRefusal]


@dataclass(frozen=True, slots=True)
class WebClient:
    """Who may ask: a name, and the token that proves it."""

    name: str
    token: str


class Refused(Exception):
    """A request that is not carried out."""

    def __init__(self, code: Code, problems: tuple[settings.Problem, ...] = ()) -> None:
        super().__init__(code.value)
        self.code = code
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Door:
    """The books behind the door and who is let in."""

    engine: Engine
    desk: Desk
    clients: tuple[WebClient, ...]
    now_ms: Clock

    async def reserve(self, request: Request) -> JSONResponse:
        """``POST /v1/holds``: reserve."""

        async def answer() -> JSONResponse:
            client = self._client(request)
            key = request.headers.get("idempotency-key", "")
            if not (1 <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
                raise Refused(DoorRefusal.NO_KEY)
            values = await _body(request, RESERVE)
            asset = Asset(values["asset"])
            asked = Asked(client, key, values["member"], asset, values["amount"], values["seconds"])
            return await self._act(lambda connection, now_ms: reserve(connection, asked, now_ms))

        return await _answered(answer)

    async def capture(self, request: Request) -> JSONResponse:
        """``POST /v1/holds/HOLD/capture``: spend of a reservation."""

        async def answer() -> JSONResponse:
            client, hold = self._client(request), _hold_id(request)
            amount = (await _body(request, CAPTURE))["amount"]
            return await self._act(
                lambda connection, now_ms: capture(connection, self.desk, client, hold, amount, now_ms)
            )

        return await _answered(answer)

    async def release(self, request: Request) -> JSONResponse:
        """``POST /v1/holds/HOLD/release``: let go of a reservation."""

        async def answer() -> JSONResponse:
            client, hold = self._client(request), _hold_id(request)
            await _body(request, RELEASE)
            return await self._act(lambda connection, now_ms: release(connection, client, hold, now_ms))

        return await _answered(answer)

    async def show(self, request: Request) -> JSONResponse:
        """``GET /v1/holds/HOLD``: a reservation as it stands."""

        async def answer() -> JSONResponse:
            client, hold = self._client(request), _hold_id(request)
            return await self._act(lambda connection, now_ms: find_hold(connection, client, hold, now_ms))

        return await _answered(answer)

    def _client(self, request: Request) -> str:
        """The name of who asks. Every token is compared, and in constant time."""
        scheme, _, told = request.headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(told.encode("utf-8", "replace")).digest()
        found = [
            client.name
            for client in self.clients
            if hmac.compare_digest(hashlib.sha256(client.token.encode()).digest(), digest)
        ]
        if scheme.lower() != "bearer" or not found:
            raise Refused(DoorRefusal.NOT_AUTHORISED)
        return found[0]

    async def _act(self, act: Act) -> JSONResponse:
        found = await run_in_threadpool(self._booked, act)
        if isinstance(found, HoldRefusal):
            raise Refused(found)
        return JSONResponse(
            {
                "hold": found.hold.hex(),
                "member": found.member,
                "asset": found.asset.value,
                "amount": found.amount,
                "taken": found.taken,
                "state": found.state.value,
                "until_ms": found.until_ms,
            }
        )

    def _booked(self, act: Act) -> Hold | HoldRefusal:
        for last in (False, True):
            try:
                with writing(self.engine) as connection:
                    return act(connection, self.now_ms())
            except IntegrityError:
                # Two requests with one key at once: the second time the other's reservation is there.
                if last:
                    raise Refused(DoorRefusal.BUSY) from None
            except OperationalError as error:
                # Nothing was committed, and the same request may be sent again.
                raise Refused(DoorRefusal.BUSY) from error
        raise Refused(DoorRefusal.BUSY)


def build_door(engine: Engine, desk: Desk, clients: tuple[WebClient, ...], now_ms: Clock | None = None) -> Starlette:
    """Return the application."""
    door = Door(engine, desk, clients, now_ms or _now_ms)
    routes = [
        Route("/v1/holds", door.reserve, methods=["POST"]),
        Route("/v1/holds/{hold}", door.show, methods=["GET"]),
        Route("/v1/holds/{hold}/capture", door.capture, methods=["POST"]),
        Route("/v1/holds/{hold}/release", door.release, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: _nothing_here, 405: _nothing_here})


async def _answered(answer: Callable[[], Any]) -> JSONResponse:
    try:
        found: JSONResponse = await answer()
    except Refused as refused:
        return _refusal(refused)
    return found


async def _nothing_here(_request: Request, _error: Exception) -> JSONResponse:
    return _refusal(Refused(DoorRefusal.NOT_FOUND))


def _refusal(refused: Refused) -> JSONResponse:
    said = SAID[refused.code]
    told: dict[str, object] = {"refused": refused.code.value, "zh": said.zh, "en": said.en}
    if refused.problems:
        told["problems"] = [{"zh": problem.text_zh(), "en": str(problem)} for problem in refused.problems]
    return JSONResponse(told, said.status)


async def _body(request: Request, shape: settings.Table) -> Mapping[str, Any]:
    """The fields of a request, strictly read."""
    gathered = b""
    async for part in request.stream():
        gathered += part
        if len(gathered) > MAX_BODY_BYTES:
            raise Refused(DoorRefusal.TOO_LARGE)
    try:
        plain = json.loads(gathered.decode("utf-8") or "{}", object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(DoorRefusal.NOT_JSON) from error
    if not isinstance(plain, dict):
        raise Refused(DoorRefusal.NOT_JSON)
    checked = settings.check(plain, shape)
    if checked.problems:
        raise Refused(DoorRefusal.WRONG_FIELDS, checked.problems)
    return checked.values


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a field is given twice")
    return dict(pairs)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _hold_id(request: Request) -> bytes:
    written = str(request.path_params["hold"])
    try:
        found = bytes.fromhex(written)
    except ValueError:
        found = b""
    if len(written) != HOLD_HEX_CHARS or found.hex() != written:
        raise Refused(HoldRefusal.HOLD_UNKNOWN)
    return found


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
