"""The routes below ``/api``: callers let in, bodies read, operations done, and answers written."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ghsync.administration import sessions
from ghsync.api import openapi
from ghsync.api.callers import COOKIE, Callers
from ghsync.api.operations import OPERATIONS, Call, Operation, SessionBegun
from ghsync.database import first_line, transaction
from ghsync.errors import BodyTooLarge, MalformedRequest, NotPossible, Permanent, UnsupportedContentType
from ghsync.receiver.proxies import Proxies

JSON = "application/json"

LARGEST_BODY_BYTES = 16 * 1024

Handler = Callable[[Request], Awaitable[Response]]


class Api:
    """What can be done over HTTP, and the sessions of those who do it."""

    def __init__(self, engine: AsyncEngine, proxies: Proxies) -> None:
        self._engine = engine
        self._callers = Callers(engine, proxies)

    @property
    def routes(self) -> list[Route]:
        """All of it; a path is one route, so that Allow names all that it may be asked with."""
        acts: dict[str, dict[str, Handler]] = {"/api/session": {"POST": self.sign_in, "DELETE": self.sign_out}}
        for one in OPERATIONS:
            acts.setdefault(one.path, {})[one.method] = partial(self.operate, one)
        told = Route("/api/openapi.json", self.describe)
        return [told, *(Route(path, _by_method(these), methods=list(these)) for path, these in acts.items())]

    async def describe(self, request: Request) -> Response:
        """What there is, as OpenAPI has it; anybody may read that."""
        return Response(openapi.document(), media_type=JSON)

    async def operate(self, operation: Operation, request: Request) -> Response:
        """Do one thing for who asks."""
        body = _decoded(await _body(request), operation.takes)
        async with self._callers.admitted(request, operation.scope) as caller:
            answer = await _done(operation, Call(caller, request.path_params, body))
        return _json(answer, operation.status)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session with a key, whose place its cookie takes."""
        async with self._callers.admitted(request, "read") as caller, transaction(self._engine) as conn:
            token, until = await sessions.begin(conn, caller.bearer, actor=caller.actor)
        bearer = caller.bearer
        answer = _json(SessionBegun(bearer.person, bearer.key, bearer.scope, until), 201)
        answer.set_cookie(COOKIE, token, expires=until, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    async def sign_out(self, request: Request) -> Response:
        """End the session of the cookie that is shown."""
        token = request.cookies.get(COOKIE, "")
        async with self._callers.admitted(request, "read") as caller, transaction(self._engine) as conn:
            await sessions.end(conn, token, actor=caller.actor)
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer


def _by_method(handlers: Mapping[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return handle


async def _done(operation: Operation, call: Call) -> msgspec.Struct:
    try:
        return await operation.act(call)
    except sa.exc.DataError as error:  # what was asked for is longer or larger than what a column takes
        raise MalformedRequest(f"PostgreSQL does not take a value ({first_line(error)}): give another.") from error
    except Permanent as error:
        if type(error) is Permanent:  # what operators are told of what they ask for
            raise NotPossible(str(error)) from error
        raise


async def _body(request: Request) -> bytes:
    """What came; raises `UnsupportedContentType` for what is no JSON, and `BodyTooLarge`."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY_BYTES:
                raise BodyTooLarge(f"The body is larger than {LARGEST_BODY_BYTES} bytes.")
    except ClientDisconnect:
        raise MalformedRequest("The connection ended within the body.") from None
    said = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if body and said != JSON:
        raise UnsupportedContentType(f"Content-Type must be {JSON}.")
    return bytes(body)


def _decoded(body: bytes, form: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        return msgspec.json.decode(body or b"{}", type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequest(f"The body is not what this takes: {error}.") from error


def _json(answer: msgspec.Struct, status: int) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type=JSON)
