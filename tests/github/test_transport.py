"""Over real HTTP: how much is asked at one time, and what becomes of answers that break off or never end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ghsync.database import transaction
from ghsync.errors import AccessLost, GitHubUnreachable, GraphQLUnavailable, RefusedByGitHub, TooHeavy, UnreadableAnswer
from ghsync.github import etags
from ghsync.github.client import GitHub, Meter
from tests.github.answers import answer, get, refusal
from tests.github.conftest import APP_ID, TOKEN, Make
from tests.github.server import serving

pytestmark = pytest.mark.anyio


class Crowd:
    """Counts how many are being answered at one time; nobody is before ``wanted`` are there, or for a moment."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._here: Counter[str] = Counter()
        self._enough = asyncio.Event()
        self.most: Counter[str] = Counter()

    @property
    def application(self) -> Starlette:
        routes = [Route("/user", self._answer), Route("/graphql", self._answer, methods=["POST"])]
        return Starlette(routes=routes)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        self._here[path] += 1
        self.most[path] = max(self.most[path], self._here[path])
        if self._here.total() >= self._wanted:
            self._enough.set()
        await self._enough.wait()
        await asyncio.sleep(0.01)  # for those that should not be there
        self._here[path] -= 1
        return JSONResponse({"data": {}})


async def query(github: GitHub) -> None:
    credential = await github.credential_for(None)
    await github.graphql(credential, "query { viewer }", {}, priority="event", meter=Meter())


async def test_few_requests_are_under_way_at_one_time_and_one_query(client: Make) -> None:
    crowd = Crowd(wanted=4)
    async with serving(crowd.application) as url:
        github = client(api_url=url, token=TOKEN, api_concurrency=4)
        await asyncio.gather(*(query(github) for _ in range(5)), *(get(github) for _ in range(20)))

    assert crowd.most["/graphql"] == 1
    assert crowd.most["/user"] in (3, 4)


async def test_an_answer_that_is_cut_off_is_no_answer(client: Make) -> None:
    asked = 0

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[1, 2, 3")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(GitHubUnreachable, match=r"at 127\.0\.0\.1"):
            await get(client(api_url=f"http://127.0.0.1:{port}", token=TOKEN))

    assert asked == 3


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"[" * 3000 + b"]" * 3000, {}), (b"no gzip", {"Content-Encoding": "gzip"}), (b"<html>", {}), (b"[1, 2", {})],
)
async def test_an_answer_that_cannot_be_read_is_one_that_did_not_come(
    client: Make, body: bytes, headers: dict[str, str]
) -> None:
    async def answer(_: Request) -> Response:
        return Response(body, media_type="application/json", headers=headers)

    async with serving(Starlette(routes=[Route("/user", answer)])) as url:
        with pytest.raises(UnreadableAnswer, match="The answer to /user"):
            await get(client(api_url=url, token=TOKEN))


async def test_a_refusal_that_is_nested_too_deeply_is_a_refusal(client: Make) -> None:
    async def answer(_: Request) -> Response:
        return Response(b"[" * 3000, 403, media_type="application/json")

    async with serving(Starlette(routes=[Route("/user", answer)])) as url:
        with pytest.raises(AccessLost, match="/user"):
            await get(client(api_url=url, token=TOKEN))


async def test_a_token_that_no_header_takes_is_not_told(client: Make, api: respx.MockRouter) -> None:
    api.get("/user").mock(side_effect=httpx.LocalProtocolError("Illegal header value b'Bearer ghs_secret\\n'"))
    with pytest.raises(GitHubUnreachable, match=r"LocalProtocolError") as problem:
        await get(client())
    assert "ghs_secret" not in str(problem.value)


async def test_a_refusal_that_quotes_the_token_is_told_without_it(client: Make, api: respx.MockRouter) -> None:
    api.get("/user").respond(422, json={"message": f"No {TOKEN} here"})
    with pytest.raises(RefusedByGitHub, match=r"No \*{8} here"):
        await get(client(token=TOKEN))


async def test_graphql_that_has_moved_is_done_without(client: Make) -> None:
    async def answer(_: Request) -> Response:
        return Response(b'{"message": "Moved"}', 301, {"Location": "https://elsewhere.test/graphql"})

    async with serving(Starlette(routes=[Route("/graphql", answer, methods=["POST"])])) as url:
        with pytest.raises(GraphQLUnavailable, match="301"):
            await query(client(api_url=url, token=TOKEN))


async def test_an_answer_that_trickles_is_given_up(client: Make) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    async def answer(_: Request) -> StreamingResponse:
        return StreamingResponse(trickle(), media_type="application/json")

    application: Any = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])
    async with serving(application) as url:
        with pytest.raises(TooHeavy, match=r"no whole answer within 0\.3 s"):
            await query(client(api_url=url, token=TOKEN, api_timeout_seconds=0.3))


async def test_a_server_that_is_not_there_is_unreachable(client: Make) -> None:
    with pytest.raises(GitHubUnreachable, match=r"cannot be reached at 127\.0\.0\.1"):
        await get(client(api_url="http://127.0.0.1:9", token=TOKEN))


async def test_connections_are_kept_for_whoever_asks_next(client: Make) -> None:
    """githubkit has a client for each request, and one for the task that entered it: neither is what is kept here."""
    ports = set()

    async def tell(request: Request) -> Response:
        ports.add(request.client.port if request.client else None)
        return JSONResponse({})

    async with serving(Starlette(routes=[Route("/user", tell)])) as url:
        github = client(api_url=url, token=TOKEN)
        for _ in range(5):
            await asyncio.create_task(get(github))

    assert len(ports) == 1


async def test_a_proxy_of_the_environment_is_asked(client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def tell(request: Request) -> Response:
        return JSONResponse({"host": request.headers["host"]})

    async with serving(Starlette(routes=[Route("/{path:path}", tell)])) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        answer = await get(client(api_url="http://github.corp.test", token=TOKEN))

    assert answer.body == b'{"host":"github.corp.test"}'


async def test_another_token_is_asked_with_no_etag_of_the_one_that_is_not_accepted(
    client: Make, api: respx.MockRouter, engine: AsyncEngine, private_key: str
) -> None:
    issued = answer({"token": "ghs_1", "expires_at": "2099-01-01T00:00:00Z"}, 201)
    another = answer({"token": "ghs_2", "expires_at": "2099-01-01T00:00:00Z"}, 201)
    api.post("/app/installations/8/access_tokens").mock(side_effect=[issued, another])
    asked = api.get("/user").mock(
        side_effect=[answer({"as": 1}, etag='"one"'), refusal("Bad credentials", 401), answer({"as": 2}, etag='"two"')]
    )
    github = client(app_id=APP_ID, private_key=private_key)
    first = await get(github, installation=8, conditional=True)
    assert first.etag is not None
    async with transaction(engine) as conn:
        await etags.keep(conn, first.etag)

    assert (await get(github, installation=8, conditional=True)).body == b'{"as":2}'
    sent = [(call.request.headers["authorization"], call.request.headers.get("if-none-match")) for call in asked.calls]
    assert sent == [("Bearer ghs_1", None), ("Bearer ghs_1", '"one"'), ("Bearer ghs_2", None)]


@pytest.mark.slow
async def test_who_is_held_back_holds_up_nobody_else(client: Make, private_key: str) -> None:
    """githubkit's own throttler lets a hundred requests go on at once, whoever asks."""
    gate = asyncio.Event()

    async def issue(request: Request) -> Response:
        return JSONResponse({"token": "ghs_slow", "expires_at": "2099-01-01T00:00:00Z"}, 201)

    async def tell(request: Request) -> Response:
        if request.headers["authorization"] == "Bearer ghs_slow":
            await gate.wait()
        return JSONResponse({})

    token = Route("/app/installations/{installation}/access_tokens", issue, methods=["POST"])
    async with serving(Starlette(routes=[Route("/user", tell), token])) as url:
        github = client(api_url=url, token=TOKEN, app_id=APP_ID, private_key=private_key)
        waiting = [asyncio.create_task(get(github, installation=8)) for _ in range(120)]
        await asyncio.sleep(0.5)
        async with asyncio.timeout(10):
            await get(github)
        gate.set()
        await asyncio.gather(*waiting)
