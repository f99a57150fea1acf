"""Tokens of installations: fetched once for all processes, renewed in time, and read by nobody else."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from types import SimpleNamespace
from typing import Any

import httpx
import psycopg
import pytest
import respx
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from ghsync.errors import AccessLost, BadCredentials, GitHubUnavailable, PermissionMissing, Suspended
from ghsync.github import tokens
from tests.github.answers import answer, get, refusal
from tests.github.conftest import APP_ID, KEY, Make

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]
OTHER_KEY = "b2tvb2tvb2tvb2tvb2tvb2tvb2tvb2tvb2tvb2tvb2s="


class Issuer:
    """Issues tokens as GitHub does, and answers those that have one."""

    def __init__(self, api: respx.MockRouter) -> None:
        self._numbers = count(1)
        self.lasts = timedelta(hours=1)
        self.revoked: set[str] = set()
        self.lacking: set[str] = set()
        self.fetches = api.post("/app/installations/8/access_tokens").mock(side_effect=self._issue)
        self.requests = api.get("/user").mock(side_effect=self._answer)

    def _issue(self, _: httpx.Request) -> httpx.Response:
        expires_at = (datetime.now(UTC) + self.lasts).isoformat(timespec="milliseconds")
        return answer({"token": f"ghs_{next(self._numbers)}", "expires_at": expires_at}, 201)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        if token in self.lacking:
            return refusal("Resource not accessible by integration", 403)
        return refusal("Bad credentials", 401) if token in self.revoked else answer(token)


@pytest.fixture
def issuer(api: respx.MockRouter) -> Issuer:
    return Issuer(api)


@pytest.fixture
def app(private_key: str) -> dict[str, Any]:
    """Settings with keys to share tokens with."""
    return {"app_id": APP_ID, "private_key": private_key, "encryption_keys": (KEY,)}


def stored(connection: Connection) -> Iterator[tuple[Any, ...]]:
    return iter(connection.execute("SELECT token, expires_at, leased_until FROM sync_tokens").fetchall())


async def test_processes_that_begin_together_fetch_one_token(client: Make, issuer: Issuer, app: dict[str, Any]) -> None:
    processes = [client(**app) for _ in range(3)]

    answers = await asyncio.gather(*(get(process, installation=8) for process in processes for _ in range(3)))

    assert {found.body for found in answers} == {b'"ghs_1"'}
    assert issuer.fetches.call_count == 1


async def test_the_database_does_not_show_a_token(
    client: Make, issuer: Issuer, app: dict[str, Any], connection: Connection
) -> None:
    await get(client(**app), installation=8)

    [(token, expires_at, leased_until)] = stored(connection)
    assert "ghs_1" not in token
    assert timedelta(minutes=59) < expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert leased_until is None


async def test_without_keys_a_token_stays_in_its_process(
    client: Make, issuer: Issuer, app: dict[str, Any], connection: Connection
) -> None:
    app["encryption_keys"] = ()
    one, another = client(**app), client(**app)

    assert [(await get(github, installation=8)).body for github in (one, another, one)] == [
        b'"ghs_1"', b'"ghs_2"', b'"ghs_1"'
    ]  # fmt: skip
    assert list(stored(connection)) == []


async def test_a_token_is_renewed_before_it_expires(client: Make, issuer: Issuer, app: dict[str, Any]) -> None:
    issuer.lasts = timedelta(minutes=4)
    await get(client(**app), installation=8)
    issuer.lasts = timedelta(minutes=6)

    assert (await get(client(**app), installation=8)).body == b'"ghs_2"'
    assert (await get(client(**app), installation=8)).body == b'"ghs_2"'


async def test_a_token_that_lacks_a_permission_is_replaced_with_a_growing_pause(
    client: Make, issuer: Issuer, app: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been granted since the token was made."""
    passed, made_at = 0.0, []
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: passed))
    issuer.lacking = {"ghs_1"}
    github = client(**app)
    assert (await get(github, installation=8)).body == b'"ghs_2"'

    issuer.lacking = {f"ghs_{number}" for number in range(100)}
    while passed < 1300:
        before = issuer.fetches.call_count
        with pytest.raises(PermissionMissing):
            await get(github, installation=8)
        made_at += [passed] * (issuer.fetches.call_count - before)
        passed += 5
    pauses = [later - earlier for earlier, later in pairwise(made_at)]
    assert [made_at[0], *pauses[:7]] == [0, 5, 5, 10, 20, 40, 80, 160]
    assert set(pauses[7:]) == {300}

    passed += 300
    issuer.lacking = {f"ghs_{issuer.fetches.call_count}"}
    assert (await get(github, installation=8)).body == f'"ghs_{issuer.fetches.call_count}"'.encode()


async def test_permissions_that_come_and_go_cost_one_token_each_time(
    client: Make, issuer: Issuer, app: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = 0.0
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: passed))
    github = client(**app)
    for number in range(1, 10):
        issuer.lacking.add(f"ghs_{number}")
        assert (await get(github, installation=8)).body == f'"ghs_{number + 1}"'.encode()
        passed += 1


async def test_all_who_asked_with_a_token_that_lacks_a_permission_ask_with_the_next_one(
    client: Make, issuer: Issuer, app: dict[str, Any]
) -> None:
    issuer.lacking = {"ghs_1"}
    github = client(**app)
    answers = await asyncio.gather(*(get(github, installation=8) for _ in range(5)))
    assert {answer.body for answer in answers} == {b'"ghs_2"'}
    assert issuer.fetches.call_count == 2


async def test_a_token_that_was_revoked_is_replaced_once(client: Make, issuer: Issuer, app: dict[str, Any]) -> None:
    one, another = client(**app), client(**app)
    await get(one, installation=8)
    await get(another, installation=8)
    issuer.revoked = {"ghs_1"}

    assert (await get(one, installation=8)).body == b'"ghs_2"'
    assert (await get(another, installation=8)).body == b'"ghs_2"'

    issuer.revoked = {"ghs_2", "ghs_3"}
    with pytest.raises(BadCredentials):
        await get(one, installation=8)
    assert issuer.fetches.call_count == 3


async def test_a_process_that_died_over_it_holds_nobody_up(
    client: Make, issuer: Issuer, app: dict[str, Any], connection: Connection
) -> None:
    connection.execute(
        "INSERT INTO sync_tokens (installation_id, leased_until) VALUES ('8', now() + interval '1 hour')"
    )
    waiting = asyncio.create_task(get(client(**app), installation=8))
    await asyncio.wait([waiting], timeout=0.3)
    assert not waiting.done()
    assert issuer.fetches.call_count == 0

    connection.execute("UPDATE sync_tokens SET leased_until = now()")
    assert (await waiting).body == b'"ghs_1"'


async def test_while_another_renews_it_the_old_one_is_used(
    client: Make, issuer: Issuer, app: dict[str, Any], connection: Connection
) -> None:
    issuer.lasts = timedelta(minutes=4)
    await get(client(**app), installation=8)
    connection.execute("UPDATE sync_tokens SET leased_until = now() + interval '1 hour'")

    assert (await get(client(**app), installation=8)).body == b'"ghs_1"'
    assert issuer.fetches.call_count == 1


async def test_a_fetch_that_failed_lets_the_next_one_try(
    client: Make, issuer: Issuer, app: dict[str, Any], api: respx.MockRouter, connection: Connection
) -> None:
    issuer.fetches.mock(return_value=refusal("Server Error", 500))
    with pytest.raises(GitHubUnavailable):
        await get(client(**app), installation=8)
    assert list(stored(connection)) == [(None, None, None)]

    issuer.fetches.mock(side_effect=issuer._issue)
    assert (await get(client(**app), installation=8)).body == b'"ghs_1"'


async def test_a_token_under_a_key_that_was_taken_away_is_replaced(
    client: Make, issuer: Issuer, app: dict[str, Any]
) -> None:
    await get(client(**app), installation=8)

    assert (await get(client(**app | {"encryption_keys": (OTHER_KEY, KEY)}), installation=8)).body == b'"ghs_1"'
    assert (await get(client(**app | {"encryption_keys": (OTHER_KEY,)}), installation=8)).body == b'"ghs_2"'


async def test_an_installation_that_is_suspended_or_gone_is_named(
    client: Make, issuer: Issuer, app: dict[str, Any]
) -> None:
    issuer.fetches.mock(return_value=refusal("This installation has been suspended"))
    with pytest.raises(Suspended, match="owner can lift"):
        await get(client(**app), installation=8)

    issuer.fetches.mock(return_value=refusal("Not Found", 404))
    with pytest.raises(AccessLost, match=r"not installed any more \(installation 8\)"):
        await get(client(**app), installation=8)


async def test_an_installation_is_not_gone_where_the_app_is_not_known(
    client: Make, issuer: Issuer, app: dict[str, Any]
) -> None:
    issuer.fetches.mock(return_value=refusal("Integration not found", 404))
    with pytest.raises(BadCredentials, match="knows no such app: GHSYNC_APP_ID or GHSYNC_API_URL is wrong"):
        await get(client(**app), installation=8)


async def test_no_connection_is_held_while_github_answers(
    client: Make, issuer: Issuer, app: dict[str, Any], engine: AsyncEngine
) -> None:
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    held: list[int] = []

    def look(request: httpx.Request, answered: httpx.Response) -> httpx.Response:
        held.append(pool.checkedout())
        return answered

    issuer.fetches.mock(side_effect=lambda request: look(request, issuer._issue(request)))
    issuer.requests.mock(side_effect=lambda request: look(request, issuer._answer(request)))
    await get(client(**app), installation=8, conditional=True)

    assert held == [0, 0]
