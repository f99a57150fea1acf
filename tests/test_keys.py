"""Keys let programs in over HTTP, for what they are for, until they end; nobody reads one again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import app, keys
from ghsync.actor import Actor
from ghsync.administration import keys as acts
from ghsync.database import create_engine, transaction
from ghsync.errors import NotAllowed, NotAuthenticated, NotFound, Permanent
from ghsync.settings import Settings
from tests import service

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]


@pytest.fixture(autouse=True)
def mona(connection: Connection) -> None:
    connection.execute("""
        INSERT INTO users (email, name, github_login) VALUES ('mona@acme.example', 'Mona', 'mona');
        INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme');
        INSERT INTO organization_members (organization_id, user_id, role, source)
        SELECT o.id, u.id, 'member', 'local' FROM organizations o, users u""")


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the application where deliveries are received."""
    served = app.create_app(Settings(operations_port=8011), create_engine(database_url), handled=frozenset())
    async with (
        served.router.lifespan_context(served),
        httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://ghsync") as client,
    ):
        yield client


async def create(engine: AsyncEngine, scope: str = "read", name: str = "prometheus", days: int | None = 1) -> str:
    async with transaction(engine) as conn:
        made = await acts.create(conn, name, "mona", scope, days, actor=Actor("a test"))
    return str(made["key"])


async def check(engine: AsyncEngine, key: str, scope: str) -> keys.Bearer:
    async with transaction(engine) as conn:
        return await keys.check(conn, key, scope)


async def test_a_key_is_kept_as_a_hash_and_shown_once(engine: AsyncEngine, connection: Connection) -> None:
    key = await create(engine)
    assert keys.FORM.fullmatch(key)
    kept = connection.execute("SELECT to_jsonb(k)::text FROM api_keys k").fetchall()
    written = connection.execute("SELECT to_jsonb(a)::text FROM audit_logs a").fetchall()
    async with transaction(engine) as conn:
        listed = await acts.listing(conn)
    for text in (*kept, *written, listed):
        assert key not in str(text)
        assert key.removeprefix(keys.PREFIX) not in str(text)
    assert "key.created" in str(written)


@pytest.mark.parametrize("scope", keys.SCOPES)
async def test_a_key_may_do_what_it_is_for_and_what_is_less(engine: AsyncEngine, scope: str) -> None:
    key = await create(engine, scope)
    for asked in keys.SCOPES:
        if keys.SCOPES.index(asked) <= keys.SCOPES.index(scope):
            assert (await check(engine, key, asked)).person == "mona"
        else:
            with pytest.raises(NotAllowed, match=f"it takes one that may {asked}"):
                await check(engine, key, asked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE api_keys SET expires_at = now()", "has expired"),
        ("UPDATE api_keys SET revoked_at = now()", "was revoked"),
        ("UPDATE users SET deleted_at = now()", "mona belongs to no organization or project here any more"),
        ("UPDATE organization_members SET removed_at = now()", "mona belongs to no organization"),
        ("DELETE FROM users", "is not known here"),
    ],
)
async def test_a_key_that_has_ended_lets_nobody_in(
    engine: AsyncEngine, connection: Connection, change: str, said: str
) -> None:
    key = await create(engine, "admin")
    await check(engine, key, "read")
    connection.execute(change.encode())
    with pytest.raises(NotAuthenticated, match=said):
        await check(engine, key, "read")


async def test_a_key_for_nothing_may_do_nothing(engine: AsyncEngine, connection: Connection) -> None:
    key = await create(engine)
    connection.execute("UPDATE api_keys SET permissions = '[]'")
    with pytest.raises(NotAllowed):
        await check(engine, key, "read")
    with pytest.raises(psycopg.errors.CheckViolation, match="permissions"):
        connection.execute("""UPDATE api_keys SET permissions = '["everything"]'""")


async def test_when_it_was_used_is_noted_once_a_minute(engine: AsyncEngine, connection: Connection) -> None:
    key = await create(engine)
    used = "SELECT last_used_at, xmin::text FROM api_keys"
    assert connection.execute(used).fetchall()[0][0] is None
    await check(engine, key, "read")
    first = connection.execute(used).fetchall()
    await check(engine, key, "read")
    assert first[0][0] is not None
    assert connection.execute(used).fetchall() == first
    connection.execute("UPDATE api_keys SET last_used_at = now() - interval '61 seconds'")
    await check(engine, key, "read")
    assert connection.execute(used).fetchall()[0][0] > first[0][0]


async def test_a_name_is_in_use_until_its_key_has_ended(engine: AsyncEngine) -> None:
    first = await create(engine)
    with pytest.raises(Permanent, match="A key prometheus is in use"):
        await create(engine)
    async with transaction(engine) as conn:
        await acts.revoke(conn, "prometheus", actor=Actor("a test"))
    assert await create(engine) != first
    async with transaction(engine) as conn:
        assert [row["state"] for row in await acts.listing(conn)] == ["revoked", "valid"]
        with pytest.raises(NotFound, match="No key grafana is in use"):
            await acts.revoke(conn, "grafana", actor=Actor("a test"))


async def test_metrics_are_for_who_shows_a_key(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = await create(engine)
    for scheme in ("Bearer", "bearer"):
        answer = await client.get("/metrics", headers={"Authorization": f"{scheme} {key}"})
        assert answer.status_code == 200
        assert "ghsync_deliveries_received_total" in answer.text


@pytest.mark.parametrize(
    "shown",
    [None, "", "Bearer", "Bearer ", "Basic bW9uYTptb25h", "Bearer ghsync_", f"Bearer {keys.PREFIX}{'x' * 43}",
     f"Bearer {keys.PREFIX}{'x' * 5000}", "Bearer ' OR true --", "Bearer \u00e9"],
)  # fmt: skip
async def test_others_are_told_to_show_one(client: httpx.AsyncClient, shown: str | None) -> None:
    headers = {} if shown is None else {"Authorization": shown.encode()}
    answer = await client.get("/metrics", headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"] == "not_authenticated"
    assert "ghsync keys create" in answer.json()["detail"]


async def test_however_many_show_keys_deliveries_have_the_other_connections(
    client: httpx.AsyncClient, connection: Connection, database_url: str
) -> None:
    unknown = {"Authorization": f"Bearer {keys.PREFIX}{'x' * 43}"}
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def is_waiting() -> bool:
        return connection.execute(waiting).fetchall() != [(0,)]

    with psycopg.connect(database_url) as holding:
        holding.execute("LOCK TABLE api_keys")
        asked = [asyncio.create_task(client.get("/metrics", headers=unknown)) for _ in range(20)]
        await service.until(is_waiting, "a key is looked for")
        await asyncio.sleep(0.2)  # for the others, if they may
        assert connection.execute(waiting).fetchall() == [(1,)]
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {401}


async def test_a_key_for_less_is_told_so(
    client: httpx.AsyncClient, engine: AsyncEngine, connection: Connection
) -> None:
    key = await create(engine)
    connection.execute("UPDATE api_keys SET permissions = '[]'")
    answer = await client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()["error"]) == (403, "not_allowed")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
