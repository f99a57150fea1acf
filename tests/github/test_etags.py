"""Conditional requests: what has not changed costs nothing."""

from typing import Any

import httpx
import psycopg
import pytest
import respx
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.github import etags
from ghsync.github.client import Answer, GitHub
from tests.github.answers import answer, get, headers
from tests.github.conftest import Make

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]
ETAG = 'W/"72d3162ecc7811e3"'


@pytest.fixture
def route(api: respx.MockRouter) -> respx.Route:
    """A resource that does not change."""

    def reply(request: httpx.Request) -> httpx.Response:
        if request.headers.get("if-none-match") == ETAG:
            return httpx.Response(304, headers=headers(4000, etag=ETAG))
        return answer({"id": 1}, remaining=4000, etag=ETAG)

    return api.get("/user").mock(side_effect=reply)


async def kept(engine: AsyncEngine, github: GitHub, **params: object) -> Answer:
    """An answer whose ETag is kept, as it is once what it told is written."""
    answered = await get(github, conditional=True, params=params)
    assert answered.etag
    async with transaction(engine) as conn:
        await etags.keep(conn, answered.etag)
    return answered


async def test_what_has_not_changed_is_free(
    client: Make, engine: AsyncEngine, route: respx.Route, connection: Connection
) -> None:
    first = await kept(engine, client())
    again = await kept(engine, client())

    assert (first.unchanged, first.body) == (False, b'{"id":1}')
    assert (again.unchanged, again.body, again.status) == (True, b"", 304)
    assert connection.execute("SELECT remaining FROM sync_budgets").fetchall() == [(4000,)]


async def test_what_was_not_written_comes_again(client: Make, route: respx.Route) -> None:
    await get(client(), conditional=True)

    assert (await get(client(), conditional=True)).body == b'{"id":1}'


async def test_only_who_asks_for_it_is_answered_that_nothing_changed(
    client: Make, engine: AsyncEngine, route: respx.Route
) -> None:
    await kept(engine, client())

    assert (await get(client())).body == b'{"id":1}'
    assert "if-none-match" not in route.calls.last.request.headers


async def test_another_question_or_another_token_has_an_etag_of_its_own(
    client: Make, engine: AsyncEngine, route: respx.Route
) -> None:
    await kept(engine, client(token="one"))

    assert not (await kept(engine, client(token="one"), page=2)).unchanged
    assert not (await kept(engine, client(token="two"))).unchanged
    assert (await kept(engine, client(token="one"))).unchanged


async def test_an_etag_of_the_last_token_is_not_used(
    client: Make, engine: AsyncEngine, route: respx.Route, connection: Connection
) -> None:
    await kept(engine, client())
    connection.execute("UPDATE sync_etags SET token = 'another'")

    assert not (await kept(engine, client())).unchanged
    assert (await kept(engine, client())).unchanged


async def test_etags_that_nobody_asked_for_in_a_day_are_forgotten(
    client: Make, engine: AsyncEngine, route: respx.Route, connection: Connection
) -> None:
    await kept(engine, client())
    connection.execute("UPDATE sync_etags SET seen_at = now() - interval '25 hours', url = url || '/old'")
    await kept(engine, client())

    [(url,)] = connection.execute("SELECT url FROM sync_etags").fetchall()
    assert not url.endswith("/old")
