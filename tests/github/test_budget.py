"""The budget: what GitHub grants is shared, kept for what is urgent, and never overdrawn."""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import psycopg
import pytest
import respx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ghsync.errors import PermissionMissing, RateLimited
from ghsync.github.client import GitHub, Meter
from tests.github.answers import WINDOW_SECONDS, answer, get, headers, refusal
from tests.github.conftest import APP_ID, TOKEN, Make, Time
from tests.github.server import serving

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]


def remaining(connection: Connection, resource: str = "core") -> int | None:
    row = connection.execute("SELECT remaining FROM sync_budgets WHERE resource = %s", [resource]).fetchone()
    return row[0] if row else None


def clock(connection: Connection) -> datetime:
    """The database's time."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row
    return row[0]


class Limited:
    """A GitHub with a limit that counts what it answers."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.answered = 0
        self.refused = 0

    @property
    def application(self) -> Starlette:
        return Starlette(routes=[Route("/user", self._answer)])

    async def _answer(self, _: Request) -> JSONResponse:
        if self.answered >= self.limit:
            self.refused += 1
            return JSONResponse({"message": "API rate limit exceeded"}, 403, headers(0, limit=self.limit))
        self.answered += 1
        await asyncio.sleep(0)  # others are answered meanwhile
        return JSONResponse({}, headers=headers(self.limit - self.answered, limit=self.limit))


@pytest.mark.slow
async def test_two_processes_share_one_budget_and_stop_at_the_sweep_s_floor(client: Make, database_url: str) -> None:
    limited = Limited(60)
    async with serving(limited.application) as url:
        await get(client(api_url=url, token=TOKEN))  # from here on the limit is known
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GHSYNC_")} | {
            "GHSYNC_DATABASE_URL": database_url,
            "GHSYNC_API_URL": url,
            "GHSYNC_TOKEN": TOKEN,
        }
        spenders = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.github.spender",
                env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )
            for _ in range(2)
        ]  # fmt: skip
        for spender in spenders:
            assert spender.stdout is not None
            assert await spender.stdout.readline() == b"here\n"
        said = await asyncio.gather(*(spender.communicate(b"\n") for spender in spenders))

    sent = [int(text) for text, _ in said]
    assert limited.answered == 1 + sum(sent) == 60 * 70 // 100
    assert limited.refused == 0
    assert min(sent) > 0


@pytest.mark.parametrize(
    ("left", "passes", "stops"),
    [
        (1501, ["sweep"], []),
        (1500, ["event"], ["sweep"]),
        (501, ["event"], ["sweep"]),
        (500, ["interactive"], ["sweep", "event"]),
        (1, ["interactive"], ["sweep", "event"]),
        (0, [], ["sweep", "event", "interactive"]),
    ],
)
async def test_what_is_left_is_kept_for_what_is_urgent(
    client: Make, api: respx.MockRouter, left: int, passes: list[str], stops: list[str]
) -> None:
    route = api.get("/user").mock(return_value=answer(remaining=left))
    await get(client())

    for priority in stops:
        with pytest.raises(RateLimited):
            await get(client(), priority=priority)
    assert route.call_count == 1
    for priority in passes:
        await get(client(), priority=priority)
    assert route.call_count == 1 + len(passes)


async def test_what_stops_says_when_it_goes_on(client: Make, api: respx.MockRouter, connection: Connection) -> None:
    api.get("/user").mock(return_value=answer(remaining=0))
    await get(client())

    with pytest.raises(
        RateLimited, match=r"all 5000 of this window are used; it goes on at \d\d:\d\d:\d\d UTC"
    ) as stop:
        await get(client())

    assert stop.value.retry_at is not None
    wait = stop.value.retry_at - clock(connection)
    assert WINDOW_SECONDS - 5 < wait.total_seconds() <= WINDOW_SECONDS + 1
    assert wait.total_seconds() <= stop.value.seconds <= WINDOW_SECONDS


async def test_the_next_window_begins_when_github_said(client: Make, api: respx.MockRouter, time: Time) -> None:
    route = api.get("/user").mock(side_effect=[answer(remaining=0), answer(remaining=4999)])
    await get(client())
    time.passes(WINDOW_SECONDS - 30)

    await get(client())  # half a minute is waited for

    assert route.call_count == 2
    assert 25 < sum(time.waits) <= 31


async def test_a_refusal_by_the_primary_limit_waits_for_its_reset(
    client: Make, api: respx.MockRouter, time: Time
) -> None:
    refused = refusal("API rate limit exceeded for installation ID 8.", 403, 0, left=20)
    api.get("/user").mock(side_effect=[refused, answer({"id": 1})])

    assert (await get(client())).body == b'{"id":1}'
    assert 18 < sum(time.waits) <= 21


@pytest.mark.parametrize("status", [403, 429])
async def test_retry_after_is_obeyed_to_the_second_by_everyone(
    client: Make, api: respx.MockRouter, connection: Connection, time: Time, status: int
) -> None:
    api.post("/graphql").mock(return_value=answer({"data": {}}))
    route = api.get("/user").mock(
        return_value=refusal("You have exceeded a secondary rate limit.", status, retry_after="90")
    )
    before = clock(connection)
    with pytest.raises(RateLimited) as stop:
        await get(client())
    after = clock(connection)

    seconds = timedelta(seconds=90)
    assert stop.value.retry_at is not None
    assert before + seconds <= stop.value.retry_at <= after + seconds
    with pytest.raises(RateLimited) as again:
        await get(client())  # another process
    assert again.value.retry_at == stop.value.retry_at
    other = client()
    with pytest.raises(RateLimited):
        await other.graphql(
            await other.credential_for(None), "query { viewer }", {}, priority="interactive", meter=Meter()
        )
    assert (route.call_count, time.waits) == (1, [])

    time.passes(89)
    route.mock(return_value=answer({"id": 1}))
    assert (await get(client())).body == b'{"id":1}'
    assert 0 < sum(time.waits) <= 1


async def test_retry_after_may_be_a_date(client: Make, api: respx.MockRouter, time: Time) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=31), True)
    api.get("/user").mock(side_effect=[refusal("Slow down", 429, None, retry_after=until), answer({"id": 1})])

    await get(client())

    assert 29 < sum(time.waits) <= 32


@pytest.mark.parametrize("asked", ["Fri, 31 Dec 9999 23:59:59 GMT", "inf", "1e99", "9" * 400])
async def test_no_pause_is_longer_than_a_day_whatever_is_asked_for(
    client: Make, api: respx.MockRouter, connection: Connection, time: Time, asked: str
) -> None:
    route = api.get("/user").mock(return_value=refusal("Slow down", 429, None, retry_after=asked))
    tomorrow = clock(connection) + timedelta(days=1)
    with pytest.raises(RateLimited, match=f"it goes on at {tomorrow:%Y-%m-%d} ") as stop:
        await get(client())
    assert stop.value.retry_at is not None
    assert tomorrow <= stop.value.retry_at <= tomorrow + timedelta(minutes=1)

    time.passes(24 * 3600)
    route.mock(return_value=answer({"id": 1}))
    assert (await get(client())).body == b'{"id":1}'


@pytest.mark.parametrize(
    "told", [{"limit": 10**12}, {"remaining": 10**12}, {"reset": 10**400}, {"limit": -(10**12)}, {"remaining": -1}]
)
async def test_limits_that_cannot_be_are_survived(client: Make, api: respx.MockRouter, told: dict[str, int]) -> None:
    headers = {"limit": 5000, "remaining": 10, "reset": 2_000_000_000} | told
    named = {f"x-ratelimit-{name}": str(value) for name, value in headers.items()}
    api.get("/user").mock(return_value=httpx.Response(200, json={"id": 1}, headers=named))

    assert [(await get(client())).body for _ in range(2)] == [b'{"id":1}'] * 2


async def test_a_pause_of_no_length_is_a_second(client: Make, api: respx.MockRouter, time: Time) -> None:
    api.get("/user").mock(side_effect=[refusal("Slow down", 429, retry_after="0"), answer({"id": 1})])

    await get(client())

    assert 0.9 < sum(time.waits) <= 1


async def test_the_last_request_of_a_window_may_be_refused_for_other_reasons(
    client: Make, api: respx.MockRouter
) -> None:
    api.get("/user").mock(return_value=refusal("Resource not accessible by integration", remaining=0))

    with pytest.raises(PermissionMissing):
        await get(client())


async def test_unavailable_for_a_while_is_waited_for(client: Make, api: respx.MockRouter, time: Time) -> None:
    api.get("/user").mock(side_effect=[refusal("Maintenance", 503, retry_after="40"), answer({"id": 1})])

    await get(client())

    assert 39 < sum(time.waits) <= 40


async def test_without_a_time_it_is_a_minute_and_longer_each_time(
    client: Make, api: respx.MockRouter, connection: Connection, time: Time
) -> None:
    route = api.get("/user").mock(return_value=refusal("You have exceeded a secondary rate limit."))
    waits = []
    for _ in range(7):
        with pytest.raises(RateLimited) as stop:
            await get(client(token=TOKEN, api_patience_seconds=1))
        assert stop.value.retry_at is not None
        waits.append(round((stop.value.retry_at - clock(connection)).total_seconds()))
        time.passes(waits[-1] + 1)
    assert waits == [60, 120, 240, 480, 960, 960, 960]

    route.mock(return_value=answer())
    await get(client())
    route.mock(return_value=refusal("You have exceeded a secondary rate limit."))
    with pytest.raises(RateLimited) as stop:
        await get(client(token=TOKEN, api_patience_seconds=1))
    assert stop.value.retry_at is not None
    assert round((stop.value.retry_at - clock(connection)).total_seconds()) == 60


async def test_the_app_and_its_installations_and_resources_have_limits_of_their_own(
    client: Make, api: respx.MockRouter, private_key: str
) -> None:
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    api.post(path__regex=r"/app/installations/\d/access_tokens").mock(
        return_value=answer({"token": "ghs_1", "expires_at": expires_at}, 201)
    )
    api.get("/user").mock(return_value=answer(remaining=0))
    api.get("/app").mock(return_value=answer())
    api.post("/graphql").mock(return_value=answer({"data": {}}, resource="graphql"))
    github = client(app_id=APP_ID, private_key=private_key)
    await get(github, installation=8)

    with pytest.raises(RateLimited):
        await get(github, installation=8)
    await get(github, installation=9)
    await get(github, "/app", credential=github.app)
    eighth = await github.credential_for(8)
    await github.graphql(eighth, "query { viewer }", {}, priority="sweep", meter=Meter())


async def test_what_is_under_way_counts(client: Make, api: respx.MockRouter, connection: Connection) -> None:
    told: list[int | None] = []

    def look(_: httpx.Request) -> httpx.Response:
        told.append(remaining(connection))
        return answer(remaining=98, limit=100)

    api.get("/user").mock(side_effect=[answer(remaining=99, limit=100), answer(remaining=98, limit=100)])
    await get(client())
    api.get("/user").mock(side_effect=look)
    await get(client())

    assert told == [98]
    assert remaining(connection) == 98


async def test_what_others_spend_counts(client: Make, api: respx.MockRouter, connection: Connection) -> None:
    api.get("/user").mock(side_effect=[answer(remaining=4999), answer(remaining=3000)])
    await get(client())
    await get(client())

    assert remaining(connection) == 3000


async def test_a_late_answer_of_the_last_window_changes_nothing(
    client: Make, api: respx.MockRouter, connection: Connection
) -> None:
    api.get("/user").mock(side_effect=[answer(remaining=4999), answer(remaining=3, left=-WINDOW_SECONDS)])
    await get(client())
    await get(client())

    assert remaining(connection) == 4998


async def test_another_window_or_another_limit_counts_anew(
    client: Make, api: respx.MockRouter, connection: Connection
) -> None:
    answers = [
        answer(remaining=3),
        answer(remaining=4000, left=3600),
        answer(remaining=11_000, limit=12_500, left=3600),
    ]
    api.get("/user").mock(side_effect=answers)
    found = []
    for _ in answers:
        await get(client())
        found.append(remaining(connection))

    assert found == [3, 4000, 11_000]


async def test_a_server_without_limits_is_asked_without_end(
    client: Make, api: respx.MockRouter, connection: Connection
) -> None:
    api.get("/user").mock(return_value=answer(remaining=None))
    for _ in range(3):
        await get(client(), priority="sweep")

    assert remaining(connection) is None


async def test_graphql_s_own_count_is_taken_where_headers_have_none(
    client: Make, api: respx.MockRouter, connection: Connection
) -> None:
    reset_at = (datetime.now(UTC) + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    budget = {"cost": 7, "limit": 5000, "remaining": 700, "used": 4300, "resetAt": reset_at}
    api.post("/graphql").mock(return_value=answer({"data": {"rateLimit": budget}}, remaining=None))
    github, meter = client(), Meter()

    async def query(priority: str, github: GitHub = github) -> None:
        await github.graphql(await github.credential_for(None), "query { viewer }", {}, priority=priority, meter=meter)

    await query("sweep")

    assert (meter.requests, meter.points) == (1, 7)
    assert remaining(connection, "graphql") == 700
    with pytest.raises(RateLimited, match="kept for more urgent requests"):
        await query("sweep")
    await query("event")
