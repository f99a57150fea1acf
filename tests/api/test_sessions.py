"""A key begins a session, whose cookie does what the key may, until either ends."""

from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from ghsync import keys
from ghsync.actor import Actor
from ghsync.administration import keys as key_acts
from ghsync.administration import sessions
from ghsync.database import transaction

pytestmark = pytest.mark.anyio

Row = dict[str, Any]
Held = dict[str, dict[str, str]]


async def sign_in(client: httpx.AsyncClient, shown: dict[str, str]) -> httpx.Response:
    answer = await client.post("/api/session", headers=shown)
    assert answer.status_code == 201
    return answer


async def status(client: httpx.AsyncClient) -> int:
    return (await client.get("/api/whoami")).status_code


async def test_a_session_does_what_its_key_may(client: httpx.AsyncClient, held: Held) -> None:
    told = await sign_in(client, held["operate"])
    assert (told.json()["user"], told.json()["scope"], "expires_at" in told.json()) == ("mona", "operate", True)
    assert (await client.get("/api/whoami")).json() == {"user": "mona", "key": "to operate", "scope": "operate"}
    refused = await client.put("/api/repositories/acme/web/project", json={"project": "acme/acme-ops"})
    assert refused.status_code == 403


async def test_its_cookie_is_for_this_site_and_no_script(client: httpx.AsyncClient, held: Held) -> None:
    cookie = (await sign_in(client, held["read"])).headers["set-cookie"]
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}


async def test_what_a_browser_shows_is_kept_as_a_hash(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection
) -> None:
    await sign_in(client, held["read"])
    token = client.cookies["ghsync_session"]
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        (row,) = cursor.execute("SELECT * FROM sessions").fetchall()
    assert row["token_hash"] == keys.digest(token)
    assert token not in str(row)
    assert (str(row["ip_address"]), row["user_agent"]) == ("192.0.2.7", "a test/1.0")


async def test_another_site_gets_nothing_done_with_it(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection
) -> None:
    await sign_in(client, held["operate"])
    (number,) = connection.execute("SELECT id FROM webhook_deliveries WHERE repository = 'acme/web'").fetchone() or ()
    path = f"/api/deliveries/{number}/replay"
    for site in ("cross-site", "same-site", "none"):
        answer = await client.post(path, headers={"Sec-Fetch-Site": site})
        assert (answer.status_code, "another site" in answer.json()["detail"]) == (403, True)
    assert (await client.post(path, headers={"Sec-Fetch-Site": "same-origin"})).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET expires_at = now()",
        "UPDATE sessions SET last_activity_at = now() - interval '2 hours'",
        "UPDATE api_keys SET revoked_at = now()",
        "UPDATE api_keys SET expires_at = now()",
        "UPDATE organization_members SET removed_at = now()",
        "UPDATE users SET deleted_at = now()",
        "DELETE FROM sessions",
        "DELETE FROM api_keys",
    ],
)
async def test_it_ends_by_time_by_hand_with_the_key_and_with_the_membership(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection, change: str
) -> None:
    await sign_in(client, held["read"])
    assert await status(client) == 200
    connection.execute(change.encode())
    assert await status(client) == 401


async def test_whoever_uses_it_keeps_it(client: httpx.AsyncClient, held: Held, connection: psycopg.Connection) -> None:
    await sign_in(client, held["read"])
    connection.execute("UPDATE sessions SET last_activity_at = now() - interval '119 minutes'")
    assert await status(client) == 200
    (recent,) = (
        connection.execute("SELECT last_activity_at > now() - interval '1 minute' FROM sessions").fetchone() or ()
    )
    assert recent


async def test_who_leaves_is_gone(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection, acts_of: Callable[[], list[Row]]
) -> None:
    await sign_in(client, held["read"])
    left = await client.delete("/api/session")
    assert (left.status_code, client.cookies.get("ghsync_session")) == (204, None)
    assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    assert await status(client) == 401
    assert [act["action"] for act in acts_of()] == ["session.begun", "session.ended"]


async def test_an_operator_ends_all_of_a_persons(client: httpx.AsyncClient, held: Held, engine: Any) -> None:
    for scope in keys.SCOPES:
        await sign_in(client, held[scope])
    async with transaction(engine) as conn:
        assert [row["key"] for row in await sessions.listing(conn)] == ["to read", "to operate", "to admin"]
        assert await sessions.end_all(conn, "mona", actor=Actor("a test")) == 3
    assert await status(client) == 401


async def test_those_that_are_over_go_when_the_next_begins(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection
) -> None:
    await sign_in(client, held["read"])
    connection.execute("UPDATE sessions SET expires_at = now()")
    await sign_in(client, held["read"])
    assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


async def test_a_person_who_belongs_nowhere_gets_no_key(engine: Any, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE organization_members SET removed_at = now()")
    async with transaction(engine) as conn:
        with pytest.raises(key_acts.Permanent, match="mona belongs to no organization or project"):
            await key_acts.create(conn, "late", "mona", "read", 1, actor=Actor("a test"))
