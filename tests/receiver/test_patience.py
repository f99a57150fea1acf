"""Patience: a body has so long to arrive, and whoever is answered early is heard out."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ghsync.errors import BodyTooSlow
from ghsync.receiver.patience import Patience
from tests.receiver.conversation import Conversation

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 5
SOON_SECONDS = 0.05

CHUNKED = {"transfer-encoding": "chunked"}


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await Response(body, 202)(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await Response("No.", 401)(scope, receive, send)


async def test_an_early_answer_is_sent_before_the_rest_is_read_and_then_ends_the_connection() -> None:
    held = await Conversation(CHUNKED, [b"one", b"two"]).hold(Patience(refuse, PATIENCE_SECONDS))
    assert held.happened == ["answered 401", "read", "read", "ended"]
    assert held.headers["connection"] == "close"


async def test_an_answer_to_a_whole_body_leaves_the_connection_open() -> None:
    held = await Conversation(CHUNKED, [b"one", b"two"]).hold(Patience(read_all, PATIENCE_SECONDS))
    assert held.happened == ["read", "read", "answered 202", "ended"]
    assert "connection" not in held.headers


async def test_the_rest_of_a_body_is_not_waited_for_forever() -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        held = await Conversation(CHUNKED, [b"one"], hangs=True).hold(Patience(refuse, SOON_SECONDS))
    assert held.happened == ["answered 401", "read", "waited", "ended"]


async def test_a_body_that_stops_arriving_is_too_slow() -> None:
    with pytest.raises(BodyTooSlow, match=r"not arrive within 0\.05 s"):
        await Conversation(CHUNKED, [b"one"], hangs=True).hold(Patience(read_all, SOON_SECONDS))


async def test_a_body_that_arrives_steadily_but_never_ends_is_too_slow() -> None:
    async def drip() -> dict[str, object]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": True}

    async def send(message: object) -> None:
        raise AssertionError(f"{message} was sent")

    scope = {"type": "http", "headers": [(b"content-length", b"100")]}
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(BodyTooSlow):
            await Patience(read_all, SOON_SECONDS)(scope, drip, send)


@pytest.mark.parametrize("headers", [{}, {"content-length": "0"}])
async def test_a_request_without_a_body_is_answered_at_leisure(headers: dict[str, str]) -> None:
    async def take_time(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        with pytest.raises(TimeoutError):  # and not BodyTooSlow
            await asyncio.wait_for(receive(), 2 * SOON_SECONDS)
        await Response("At last.")(scope, receive, send)

    held = await Conversation(headers, [b""]).hold(Patience(take_time, SOON_SECONDS))
    assert held.happened == ["read", "waited", "answered 200", "ended"]
    assert "connection" not in held.headers
