"""The endpoint: what is answered, and that only what is verified is stored."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from ghsync import app, database
from ghsync.encryption import Encryption
from ghsync.inbox import journal
from ghsync.settings import Settings
from tests.inbox.test_recorder import until_blocked
from tests.receiver import hook
from tests.receiver.conversation import URL, Conversation
from tests.receiver.test_secrets import add_repository

pytestmark = pytest.mark.anyio

LIMIT = 25 * 1024 * 1024
KEY = SecretStr(Fernet.generate_key().decode())
SETTINGS = Settings(webhook_secrets=(SecretStr("new"), SecretStr(hook.SECRET)), encryption_keys=(KEY,))

Connection = psycopg.Connection[Any]


def app_of(engine: AsyncEngine, settings: Settings = SETTINGS) -> Starlette:
    return app.create_app(settings, engine, handled=frozenset({"issues"}))


def client_of(engine: AsyncEngine, settings: Settings = SETTINGS) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app_of(engine, settings)), base_url="http://ghsync")


@pytest.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(engine) as client:
        yield client


@pytest.fixture
async def client_without_database() -> AsyncIterator[httpx.AsyncClient]:
    engine = database.create_engine("postgresql://127.0.0.1:1/nowhere")
    async with client_of(engine) as client:
        yield client
    await engine.dispose()


def stored(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT guid, status, body FROM webhook_deliveries ORDER BY id").fetchall()


async def test_a_signed_delivery_is_queued_and_a_repeat_is_a_duplicate(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    body = hook.body()
    headers = hook.headers(body)
    guid = headers["x-github-delivery"]
    first = await client.post(URL, content=body, headers=headers)
    assert (first.status_code, first.json()) == (202, {"delivery": guid, "status": "queued"})
    assert first.headers["content-type"] == "application/json"
    again = await client.post(URL, content=body, headers=headers)
    assert (again.status_code, again.json()) == (202, {"delivery": guid, "status": "duplicate"})
    assert stored(connection) == [(guid, "pending", body)]


async def test_a_delivery_that_names_no_hook_is_queued(client: httpx.AsyncClient, connection: Connection) -> None:
    body = hook.body()
    headers = {name: value for name, value in hook.headers(body).items() if not name.startswith("x-github-hook-")}
    assert (await client.post(URL, content=body, headers=headers)).json()["status"] == "queued"
    assert connection.execute("SELECT hook_target FROM webhook_deliveries").fetchall() == [("unnamed",)]


async def test_a_ping_is_kept_as_ignored(client: httpx.AsyncClient, connection: Connection) -> None:
    body = b'{"zen": "Half measures are as bad as nothing at all.", "hook_id": 1}'
    answer = await client.post(URL, content=body, headers=hook.headers(body, event="ping"))
    assert (answer.status_code, answer.json()["status"]) == (202, "ignored")
    assert [status for _, status, _ in stored(connection)] == ["ignored"]


async def test_a_form_is_stored_as_it_was_signed(client: httpx.AsyncClient, connection: Connection) -> None:
    body = urlencode({"payload": hook.body()}).encode()
    headers = hook.headers(body, content_type="application/x-www-form-urlencoded")
    assert (await client.post(URL, content=body, headers=headers)).status_code == 202
    assert [kept for _, _, kept in stored(connection)] == [body]


@pytest.mark.parametrize("secret", ["new", hook.SECRET])
async def test_every_live_secret_may_sign(client: httpx.AsyncClient, secret: str) -> None:
    body = hook.body()
    assert (await client.post(URL, content=body, headers=hook.headers(body, secret=secret))).status_code == 202


async def test_headers_of_a_proxy_are_taken_and_not_kept(client: httpx.AsyncClient, connection: Connection) -> None:
    body = hook.body()
    extra = {f"x-extra-{number}": f"value {number}" for number in range(200)}
    assert (await client.post(URL, content=body, headers=hook.headers(body) | extra)).status_code == 202
    (headers,) = connection.execute("SELECT headers FROM webhook_deliveries").fetchone() or ()
    assert headers["x-github-event"] == "issues"
    assert not headers.keys() & extra.keys()


ODD_BODIES = {
    "escaped NUL": rb'{"action": "nul \u0000"}',
    "half a surrogate pair": rb'{"action": "half \ud83d"}',
    "byte order mark": b'\xef\xbb\xbf{"action": "opened"}',
    "invalid UTF-8": b'{"action": "\xff"}',
    "number beyond 2^53": b'{"installation": {"id": 9007199254740993}}',
}


@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES.keys())
async def test_odd_bytes_are_kept_as_they_came(client: httpx.AsyncClient, connection: Connection, body: bytes) -> None:
    assert (await client.post(URL, content=body, headers=hook.headers(body))).status_code == 202
    assert [kept for _, _, kept in stored(connection)] == [body]


BROKEN_BODIES = {
    "empty": b"",
    "truncated": hook.body()[:-1],
    "no object": b"[1]",
    "raw NUL": b'{"action": "\x00"}',
    "deep": b'{"deep": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep and large": b'{"deep": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
}


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES.keys())
async def test_a_broken_body_is_refused_and_not_stored(
    client: httpx.AsyncClient, connection: Connection, body: bytes
) -> None:
    answer = await client.post(URL, content=body, headers=hook.headers(body))
    assert (answer.status_code, answer.json()["error"]) == (400, "malformed_request")
    assert stored(connection) == []


@pytest.mark.parametrize(("changed", "status", "error"), [
    ({"x_hub_signature_256": "sha256=" + "0" * 64}, 401, "signature_mismatch"),
    ({"x_hub_signature_256": "sha1=" + "0" * 40}, 401, "signature_mismatch"),
    ({"x_github_event": "no event"}, 400, "malformed_request"),
    ({"content_type": "text/plain"}, 415, "unsupported_content_type"),
    ({"content_length": "many"}, 400, "malformed_request"),
])  # fmt: skip
async def test_a_refused_delivery_is_told_why_and_not_stored(
    client: httpx.AsyncClient, connection: Connection, changed: dict[str, str], status: int, error: str
) -> None:
    body = hook.body()
    answer = await client.post(URL, content=body, headers=hook.headers(body, **changed))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["detail"].endswith(".")
    assert hook.SECRET not in answer.text
    assert stored(connection) == []


async def test_a_signature_that_came_twice_is_refused(client: httpx.AsyncClient, connection: Connection) -> None:
    body = hook.body()
    headers = [*hook.headers(body).items(), ("X-Hub-Signature-256", hook.signature(body))]
    answer = await client.post(URL, content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (401, "X-Hub-Signature-256 came more than once.")
    assert stored(connection) == []


@pytest.mark.parametrize("missing", ["x-hub-signature-256", "content-type", "x-github-event", "x-github-delivery"])
async def test_what_the_headers_tell_is_refused_before_the_body_is_read(engine: AsyncEngine, missing: str) -> None:
    headers = hook.headers(b"", content_length="1000")
    del headers[missing]
    held = await Conversation(headers, [b"too late"]).hold(app_of(engine))
    assert held.answer["status"] in {400, 401, 415}
    assert held.happened[1:] == ["read", "ended"]


async def chunks_of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_body_may_come_in_chunks(client: httpx.AsyncClient, connection: Connection) -> None:
    body = hook.body()
    chunks = chunks_of(body[:10], body[10:20], body[20:])
    assert (await client.post(URL, content=chunks, headers=hook.headers(body))).status_code == 202
    assert [kept for _, _, kept in stored(connection)] == [body]


async def test_a_body_of_25_mib_is_taken(client: httpx.AsyncClient, connection: Connection) -> None:
    body = hook.body().ljust(LIMIT)
    assert (await client.post(URL, content=body, headers=hook.headers(body))).status_code == 202
    size = connection.execute("SELECT octet_length(body) FROM webhook_deliveries")
    assert size.fetchone() == (LIMIT,)


async def test_one_byte_more_is_too_large(client: httpx.AsyncClient, connection: Connection) -> None:
    body = hook.body().ljust(LIMIT + 1)
    answer = await client.post(URL, content=body, headers=hook.headers(body))
    assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"
    assert stored(connection) == []


async def test_a_body_announced_as_too_large_is_refused_before_it_is_read(engine: AsyncEngine) -> None:
    headers = hook.headers(b"", content_length=str(LIMIT + 1))
    held = await Conversation(headers, [b"too late"]).hold(app_of(engine))
    assert held.happened == ["answered 413", "read", "ended"]


async def test_a_chunked_body_is_refused_at_the_limit_and_its_rest_thrown_away(engine: AsyncEngine) -> None:
    headers = hook.headers(b"", transfer_encoding="chunked")
    held = await Conversation(headers, [bytes(LIMIT // 4)] * 7).hold(app_of(engine))
    assert held.happened == ["read"] * 5 + ["answered 413"] + ["read"] * 2 + ["ended"]


async def test_a_coding_that_is_not_understood_is_refused(client: httpx.AsyncClient, connection: Connection) -> None:
    body = hook.body()
    answer = await client.post(URL, content=body, headers=hook.headers(body, transfer_encoding="gzip, chunked"))
    assert (answer.status_code, answer.json()["error"]) == (400, "malformed_request")
    assert stored(connection) == []


async def test_a_body_that_does_not_end_is_answered_408_and_not_stored(
    engine: AsyncEngine, connection: Connection
) -> None:
    body = hook.body()
    headers = hook.headers(body, transfer_encoding="chunked")
    hurried = SETTINGS.model_copy(update={"body_timeout_seconds": 0.05})
    held = await Conversation(headers, [body], hangs=True).hold(app_of(engine, hurried))
    assert held.happened == ["read", "waited", "answered 408", "waited", "ended"]
    assert held.headers["connection"] == "close"
    assert stored(connection) == []


async def test_bodies_that_there_is_no_room_for_are_answered_503_until_others_are_done(
    engine: AsyncEngine, connection: Connection
) -> None:
    one, other = hook.body(), hook.body()
    cramped = SETTINGS.model_copy(update={"max_body_bytes": len(one), "body_memory_bytes": 2 * len(one) - 1})
    async with client_of(engine, cramped) as client:
        with connection.transaction():
            connection.execute("LOCK TABLE webhook_deliveries")
            waiting = asyncio.create_task(client.post(URL, content=one, headers=hook.headers(one)))
            await until_blocked(connection)
            refused = await client.post(URL, content=other, headers=hook.headers(other))
        assert (refused.status_code, refused.json()["error"]) == (503, "overloaded")
        assert refused.headers["retry-after"] == "10"
        assert (await waiting).status_code == 202
        assert (await client.post(URL, content=other, headers=hook.headers(other))).status_code == 202


async def test_one_body_of_the_largest_size_always_has_room(engine: AsyncEngine) -> None:
    body = hook.body()
    cramped = SETTINGS.model_copy(update={"max_body_bytes": len(body), "body_memory_bytes": 1})
    async with client_of(engine, cramped) as client:
        assert (await client.post(URL, content=body, headers=hook.headers(body))).status_code == 202


async def test_a_repository_s_hook_may_have_a_secret_of_its_own(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    add_repository(connection, "1296269", Encryption([KEY]).encrypt("its own"))
    body = hook.body()
    target = {"x_github_hook_installation_target_type": "repository", "x_github_hook_installation_target_id": "1296269"}
    own = await client.post(URL, content=body, headers=hook.headers(body, secret="its own", **target))
    shared = await client.post(URL, content=body, headers=hook.headers(body, **target))
    app_s = await client.post(URL, content=body, headers=hook.headers(body, secret="its own"))
    assert (own.status_code, shared.status_code, app_s.status_code) == (202, 202, 401)


async def test_a_database_that_is_down_is_answered_503_without_its_name(
    client_without_database: httpx.AsyncClient,
) -> None:
    body = hook.body()
    async with asyncio.timeout(2):
        answer = await client_without_database.post(URL, content=body, headers=hook.headers(body))
    assert (answer.status_code, answer.json()["error"]) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "10"
    assert "127.0.0.1" not in answer.text


async def test_a_signature_that_cannot_be_checked_is_answered_503(client_without_database: httpx.AsyncClient) -> None:
    body = hook.body()
    headers = hook.headers(body, secret="its own", x_github_hook_installation_target_type="repository")
    answer = await client_without_database.post(URL, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (503, "database_unavailable")


@pytest.fixture
async def spooling(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A process with a spool, and no database."""
    engine = database.create_engine("postgresql://127.0.0.1:1/nowhere")
    served = app_of(engine, SETTINGS.model_copy(update={"spool_dir": tmp_path}))
    async with (
        served.router.lifespan_context(served),
        httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://ghsync") as client,
    ):
        yield client


async def test_with_a_spool_a_delivery_is_answered_202_without_a_database(spooling: httpx.AsyncClient) -> None:
    body = hook.body()
    headers = hook.headers(body)
    answer = await spooling.post(URL, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (
        202,
        {"delivery": headers["x-github-delivery"], "status": "spooled"},
    )


async def test_nothing_is_spooled_but_what_is_verified_and_of_its_headers_githubs_own(
    spooling: httpx.AsyncClient, tmp_path: Path
) -> None:
    body = hook.body()
    forged = hook.headers(body, secret="guessed")
    unknown = hook.headers(body, secret="its own", x_github_hook_installation_target_type="repository")
    for unproved in (forged, unknown):  # the database may have a secret that signed it
        assert (await spooling.post(URL, content=body, headers=unproved)).status_code == 503
    assert journal.used_bytes(tmp_path) == 0
    headers = hook.headers(body, cookie="a secret", authorization="a secret")
    assert (await spooling.post(URL, content=body, headers=headers)).status_code == 202
    (kept,) = (path.read_text() for path in tmp_path.iterdir())  # noqa: ASYNC240
    assert headers["x-github-delivery"] in kept
    assert "a secret" not in kept
    assert headers["x-hub-signature-256"] not in kept


async def test_a_slow_database_is_answered_503_in_time(engine: AsyncEngine, connection: Connection) -> None:
    body = hook.body()
    async with client_of(engine, SETTINGS.model_copy(update={"commit_timeout_seconds": 0.2})) as client:
        with connection.transaction():
            connection.execute("LOCK TABLE webhook_deliveries")
            async with asyncio.timeout(2):
                answer = await client.post(URL, content=body, headers=hook.headers(body))
        assert answer.status_code == 503
        assert (await client.post(URL, content=body, headers=hook.headers(body))).status_code == 202


async def test_a_connection_that_ends_early_is_no_crash(engine: AsyncEngine, connection: Connection) -> None:
    served = app.create_app(SETTINGS, engine, handled=frozenset())
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"act', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[dict[str, Any]] = []
    scope = {"type": "http", "method": "POST", "path": URL, "headers": [
        (name.encode(), value.encode()) for name, value in hook.headers(b"").items()
    ]}  # fmt: skip

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await served(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["detail"] == "The connection ended before the body did."
    assert stored(connection) == []


async def test_deliveries_are_counted(client: httpx.AsyncClient) -> None:
    def counted() -> tuple[float, float]:
        taken = REGISTRY.get_sample_value(
            "ghsync_deliveries_received_total", {"event": "watch", "outcome": "duplicate"}
        )
        refused = REGISTRY.get_sample_value("ghsync_deliveries_refused_total", {"reason": "signature_mismatch"})
        return taken or 0, refused or 0

    body = hook.body()
    headers = hook.headers(body, event="watch")
    before = counted()
    for _ in range(3):
        await client.post(URL, content=body, headers=headers)
    await client.post(URL, content=body, headers=hook.headers(body, secret="wrong"))
    assert counted() == (before[0] + 2, before[1] + 1)
