"""The application: health, readiness, metrics, and errors as JSON."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from ghsync import app, connections, database, errors, metrics, migrate, probes, readiness
from ghsync.reports import status
from ghsync.settings import Settings
from tests.mirror import reports
from tests.service import sample

pytestmark = pytest.mark.anyio

SETTINGS = Settings(webhook_secrets=(SecretStr("secret"),))
NOWHERE = "postgresql://127.0.0.1:1/nowhere"

Connection = psycopg.Connection[Any]


def create(engine: AsyncEngine, *background: app.Background, settings: Settings = SETTINGS) -> Starlette:
    return app.create_app(settings, engine, handled=frozenset(), background=background)


def client_of(served: Starlette) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(served, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://ghsync")


def operator_of(served: Starlette) -> httpx.AsyncClient:
    """A client of what is told to those who operate an application."""
    return client_of(Starlette(routes=served.state.probes.routes))


@pytest.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create(engine)) as client:
        yield client


@pytest.fixture
async def operator(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with operator_of(create(engine)) as operator:
        yield operator


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a lock gives up at once, and whatever was found is not kept."""
    monkeypatch.setattr(readiness, "PATIENCE", sa.text("SET LOCAL lock_timeout = '50ms'"))
    monkeypatch.setattr(probes, "KEPT_SECONDS", 0.0)


def add_deliveries(connection: Connection, status: str, count: int, *, age: str) -> None:
    connection.execute(
        "INSERT INTO webhook_deliveries"
        " (hook_target, guid, event, status, received_at, processed_at, last_error, headers, body)"
        " SELECT 'integration:1', %(status)s || number, 'issues', %(status)s, now() - %(age)s::interval,"
        " CASE WHEN %(status)s <> 'pending' THEN now() END, 'odd', '{}', ''"
        " FROM generate_series(1, %(count)s) AS number",
        {"status": status, "count": count, "age": age},
    )


@pytest.mark.parametrize(("spooled", "status"), [(b"", 200), (b"!", 503)], ids=["room", "full"])
async def test_a_process_whose_spool_has_room_is_ready_without_a_database(
    tmp_path: Path, spooled: bytes, status: int
) -> None:
    (tmp_path / "held").write_bytes(spooled)
    settings = SETTINGS.model_copy(update={"spool_dir": tmp_path, "spool_bytes": 1})
    async with operator_of(create(database.create_engine(NOWHERE), settings=settings)) as operator:
        ready = await operator.get("/readyz")
    told = ["The database does not answer.", "Until that is over deliveries are spooled, 0 by now."]
    assert ready.status_code == status
    assert ready.json()["reasons"] == (told if status == 200 else told[:1])


async def test_a_process_without_a_database_is_alive_and_not_ready() -> None:
    async with operator_of(create(database.create_engine(NOWHERE))) as client:
        alive, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (
        503, {"status": "not ready", "reasons": ["The database does not answer."]},
    )  # fmt: skip


async def test_a_process_with_a_migrated_database_is_ready(operator: httpx.AsyncClient) -> None:
    ready = await operator.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {
        "status": "ready", "pending": 0, "parked": 0, "oldest_pending_seconds": 0, "hooks_only": True,
        "stale": False, "reasons": [],
    })  # fmt: skip


async def test_a_mirror_that_is_behind_says_that_it_is_stale(
    operator: httpx.AsyncClient, connection: Connection
) -> None:
    add_deliveries(connection, "pending", 3, age="2 minutes")
    add_deliveries(connection, "parked", 2, age="1 day")
    add_deliveries(connection, "processed", 1, age="1 day")
    ready = await operator.get("/readyz")
    found = ready.json()
    assert ready.status_code == 200
    assert (found["pending"], found["parked"], found["stale"]) == (3, 2, True)
    assert 120 <= found["oldest_pending_seconds"] < 180
    assert found["reasons"][0].startswith("3 deliveries wait, for 2 min at most")
    assert found["reasons"][1] == "2 deliveries are parked: see `ghsync deliveries list --status parked`."


async def test_a_short_backlog_is_not_stale(operator: httpx.AsyncClient, connection: Connection) -> None:
    add_deliveries(connection, "pending", 1, age="30 seconds")
    assert (await operator.get("/readyz")).json()["stale"] is False


async def test_status_sync_health_and_readiness_agree_that_a_parked_delivery_is_stale(
    operator: httpx.AsyncClient, connection: Connection, engine: AsyncEngine
) -> None:
    await reports.write(engine, reports.in_app())
    add_deliveries(connection, "parked", 1, age="1 day")
    connection.execute("UPDATE webhook_deliveries SET repository = 'acme/app'")
    async with engine.connect() as conn:
        told = await status.everything(conn, SETTINGS)
    seen = connection.execute("SELECT stale FROM sync_health").fetchall()
    assert ((await operator.get("/readyz")).json()["stale"], told["stale"], seen) == (True, True, [(True,)])


async def test_probes_ask_the_database_once_a_second(operator: httpx.AsyncClient, connection: Connection) -> None:
    assert (await operator.get("/readyz")).json()["pending"] == 0
    add_deliveries(connection, "pending", 1, age="1 second")
    answers = await asyncio.gather(*(operator.get("/metrics") for _ in range(20)))
    assert {sample(answer.text, "ghsync_deliveries_pending") for answer in answers} == {0}


async def test_metrics_tell_what_alerts_need(operator: httpx.AsyncClient, connection: Connection) -> None:
    add_deliveries(connection, "pending", 2, age="2 minutes")
    add_deliveries(connection, "parked", 1, age="1 day")
    connection.execute("INSERT INTO sync_jobs (kind, key) VALUES ('link_task', 'a'), ('link_task', 'b')")
    connection.execute("INSERT INTO sync_jobs (kind, key, parked_at) VALUES ('link_task', 'c', now())")
    connection.execute(
        "INSERT INTO sync_runs (kind, status, finished_at) VALUES ('sweep', 'succeeded', to_timestamp(1790000000))"
    )
    connection.execute(
        "INSERT INTO sync_budgets (credential, resource, request_limit, remaining, resets_at, updated_at)"
        " VALUES ('app', 'core', 5000, 1200, now() + interval '1 hour', now())"
    )
    connection.execute(
        "INSERT INTO github_installations (github_id, account_id, account_login, permissions, observed_at, observed_by,"
        " sync_source) VALUES ('5', '1', 'acme', '{\"issues\": \"read\"}', now(), 'api', 'backfill')"
    )
    connection.execute("SELECT make_partitions()")
    connection.execute(
        "DO $$ BEGIN EXECUTE format('DROP TABLE %I', (SELECT min(name) FROM partitions_by_month())); END $$"
    )
    text = (await operator.get("/metrics")).text
    assert [sample(text, name) for name in (
        "ghsync_database_up", "ghsync_deliveries_pending", "ghsync_deliveries_parked", "ghsync_leader",
        'ghsync_stale{reason="deliveries_wait"}', 'ghsync_stale{reason="deliveries_parked"}',
        'ghsync_jobs_due{kind="link_task"}', 'ghsync_jobs_parked{kind="link_task"}',
        'ghsync_jobs_due{kind="track_pull_request"}', 'ghsync_last_success_timestamp_seconds{run="sweep"}',
        'ghsync_last_success_timestamp_seconds{run="heal"}',
        'ghsync_api_budget_remaining{credential="app",resource="core"}',
        'ghsync_partitions_missing{table="audit_logs"}', 'ghsync_partitions_missing{table="change_events"}',
    )] == [1, 2, 1, 0, 1, 1, 2, 1, 0, 1790000000, 0, 1200, 1, 0]  # fmt: skip
    assert 120 <= sample(text, "ghsync_oldest_pending_seconds") < 180
    assert sample(text, 'ghsync_installations_lacking_permission{permission="issues"}') == 0
    assert sample(text, 'ghsync_installations_lacking_permission{permission="checks"}') == 1
    # A minute into the hour 3,800 are gone: at this rate far more than the rest would be.
    assert sample(text, 'ghsync_api_budget_forecast{credential="app",resource="core"}') < -100_000
    assert time.time() - sample(text, 'ghsync_newest_delivery_timestamp_seconds{source="webhook"}') < 180
    assert sample(text, 'ghsync_newest_delivery_timestamp_seconds{source="reconcile"}') == 0
    assert sample(text, 'ghsync_table_bytes{table="webhook_deliveries"}') > 8192
    assert sample(text, 'ghsync_database_connections{state="active"}') >= 1
    assert "ghsync_build_info{" in text


async def test_a_database_that_does_not_answer_is_told_by_a_gauge_too() -> None:
    async with operator_of(create(database.create_engine(NOWHERE))) as client:
        text = (await client.get("/metrics")).text
    assert sample(text, "ghsync_database_up") == 0
    assert "ghsync_deliveries_pending" not in text


async def test_known_series_start_at_zero(operator: httpx.AsyncClient) -> None:
    metrics.begin({"never_sent"}, {"github_never"})
    text = (await operator.get("/metrics")).text
    assert sample(text, 'ghsync_deliveries_received_total{event="never_sent",outcome="queued"}') == 0
    assert sample(text, 'ghsync_deliveries_projected_total{event="never_sent",status="parked"}') == 0
    assert sample(text, 'ghsync_deliveries_unknown_action_total{event="never_sent"}') == 0
    assert sample(text, 'ghsync_findings_total{table="github_never"}') == 0
    assert 'ghsync_deliveries_refused_total{reason="body_too_slow"}' in text


async def test_counts_are_bounded(operator: httpx.AsyncClient, connection: Connection) -> None:
    add_deliveries(connection, "pending", 10_001, age="1 second")
    assert (await operator.get("/readyz")).json()["pending"] == 10_000


async def test_a_database_that_is_not_migrated_is_not_ready(empty_database_url: str) -> None:
    engine = database.create_engine(empty_database_url)
    async with operator_of(create(engine)) as client:
        never = await client.get("/readyz")
    migrate.upgrade(empty_database_url, "0024")
    async with operator_of(create(engine)) as client:
        partly = await client.get("/readyz")
    await engine.dispose()
    assert (never.status_code, partly.status_code) == (503, 503)
    assert "at migration None, not at" in never.json()["reasons"][0]
    assert "at migration 0024, not at" in partly.json()["reasons"][0]


async def test_a_database_that_a_newer_version_migrated_is_ready(
    operator: httpx.AsyncClient, connection: Connection
) -> None:
    connection.execute("UPDATE alembic_version SET version_num = 'ffff'")
    assert (await operator.get("/readyz")).status_code == 200


async def test_strangers_learn_that_it_lives_and_whether_it_is_ready_and_nothing_else(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    add_deliveries(connection, "parked", 1, age="1 day")
    alive, ready, metrics_ = [await client.get(path) for path in ("/healthz", "/readyz", "/metrics")]
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert (metrics_.status_code, metrics_.json()["error"]) == (401, "not_authenticated")


async def test_strangers_do_not_learn_why_it_is_not_ready() -> None:
    async with client_of(create(database.create_engine(NOWHERE))) as client:
        ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready"})


async def test_where_operators_have_a_port_the_other_tells_only_that_it_lives(engine: AsyncEngine) -> None:
    settings = SETTINGS.model_copy(update={"operations_port": 9000})
    async with client_of(create(engine, settings=settings)) as client:
        answers = [await client.get(path) for path in ("/healthz", "/readyz", "/metrics")]
    assert [answer.status_code for answer in answers] == [200, 404, 401]
    assert [answer.json()["error"] for answer in answers[1:]] == ["not_found", "not_authenticated"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", ["SHARE", "ACCESS EXCLUSIVE"])
async def test_while_the_inbox_is_locked_it_is_not_ready(
    operator: httpx.AsyncClient, connection: Connection, mode: str
) -> None:
    with connection.transaction():
        connection.execute(f"LOCK TABLE webhook_deliveries IN {mode} MODE")
        ready = await operator.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (503, [readiness.LOCKED])
    assert (await operator.get("/readyz")).status_code == 200


@pytest.mark.usefixtures("impatient")
async def test_a_disk_that_is_full_is_told(operator: httpx.AsyncClient, connection: Connection) -> None:
    connection.execute("""
        CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
    """)
    connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON webhook_deliveries EXECUTE FUNCTION fill()")
    ready = await operator.get("/readyz")
    assert (ready.status_code, ready.json()["pending"], ready.json()["reasons"]) == (
        503, 0, ["The inbox takes no delivery: could not extend file: No space left on device."]
    )  # fmt: skip


@pytest.mark.parametrize("setting", ["default_transaction_read_only=on", "role=pg_read_all_data"])
async def test_who_may_not_write_is_not_ready(database_url: str, setting: str) -> None:
    name, _, value = setting.partition("=")
    engine = database.create_engine(database_url, **{name: value})
    async with operator_of(create(engine)) as operator:
        ready = await operator.get("/readyz")
    await engine.dispose()
    assert ready.status_code == 503
    (reason,) = ready.json()["reasons"]
    assert reason == database.ONLY_READS or "`ghsync grants` prints" in reason


async def test_what_could_not_be_committed_a_moment_ago_is_told_where_nothing_else_shows_it(
    engine: AsyncEngine,
) -> None:
    found = probes.Probes(engine, SETTINGS, trouble=lambda: "No space left on device")
    async with client_of(Starlette(routes=found.routes)) as operator:
        ready = await operator.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (
        503, ["The last delivery could not be committed: No space left on device."]
    )  # fmt: skip


async def test_what_is_rehearsed_leaves_nothing_behind(operator: httpx.AsyncClient, connection: Connection) -> None:
    assert (await operator.get("/readyz")).status_code == 200
    assert connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() == (0,)
    idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    assert connection.execute(idle).fetchone() == (0,)


async def test_readiness_is_found_out_once_a_second_and_for_all_who_ask(
    operator: httpx.AsyncClient, connection: Connection
) -> None:
    number = "SELECT nextval(pg_get_serial_sequence('webhook_deliveries', 'id'))"
    before = connection.execute(number).fetchone()
    answers = await asyncio.gather(*(operator.get("/readyz") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert before is not None
    assert connection.execute(number).fetchone() == (before[0] + 2,)


async def test_a_database_that_hangs_is_given_up_on_in_time(
    operator: httpx.AsyncClient, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.1)
    with connection.transaction():
        connection.execute("LOCK TABLE alembic_version")
        async with asyncio.timeout(1):
            ready = await operator.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["The database does not answer."])


async def test_metrics_are_what_prometheus_reads(operator: httpx.AsyncClient) -> None:
    shown = await operator.get("/metrics")
    assert shown.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE ghsync_deliveries_received_total counter" in shown.text
    assert "# TYPE ghsync_lag_seconds histogram" in shown.text


@pytest.mark.parametrize(("method", "path", "status", "error"), [
    ("GET", "/nowhere", 404, "not_found"),
    ("POST", "/webhooks/github/", 404, "not_found"),
    ("GET", "/webhooks/github", 405, "method_not_allowed"),
    ("DELETE", "/healthz", 405, "method_not_allowed"),
])  # fmt: skip
async def test_what_is_not_served_is_told_as_json(
    client: httpx.AsyncClient, method: str, path: str, status: int, error: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["detail"].endswith(".")


async def test_a_method_that_is_not_allowed_is_told_which_are(client: httpx.AsyncClient) -> None:
    assert (await client.get("/webhooks/github")).headers["allow"] == "POST"


@pytest.mark.parametrize(("error", "status", "name"), [
    (errors.RefusedRequest("No."), 400, "refused_request"),
    (errors.NotFound("No such delivery."), 404, "not_found"),
    (errors.RateLimited("hidden"), 503, "rate_limited"),
    (errors.NotConfigured("hidden"), 500, "not_configured"),
    (errors.MalformedPayload("hidden"), 500, "malformed_payload"),
    (RuntimeError("hidden"), 500, "internal_server_error"),
])  # fmt: skip
async def test_errors_are_answered_by_base_class_and_ours_without_details(
    engine: AsyncEngine, error: Exception, status: int, name: str
) -> None:
    async def fail(request: object) -> None:
        raise error

    served = create(engine)
    served.add_route("/fail", fail)  # type: ignore[arg-type]
    async with client_of(served) as client:
        answer = await client.get("/fail")
    assert (answer.status_code, answer.json()["error"]) == (status, name)
    assert "hidden" not in answer.text


async def test_background_work_runs_as_long_as_the_application(engine: AsyncEngine) -> None:
    running, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    served = create(engine, work)
    async with served.router.lifespan_context(served), operator_of(served) as client:
        await running.wait()
        assert (await client.get("/readyz")).status_code == 200
        assert not ended.is_set()
    assert ended.is_set()


async def test_the_end_of_the_application_is_the_end_of_its_connections(database_url: str) -> None:
    engine = database.create_engine(database_url)
    served = create(engine)
    async with served.router.lifespan_context(served), operator_of(served) as client:
        assert (await client.get("/readyz")).status_code == 200
        assert engine.pool.status().startswith("Pool size: 5  Connections in pool: 1")
    assert engine.pool.status().startswith("Pool size: 5  Connections in pool: 0")


async def test_an_application_that_ended_in_time_breaks_nothing_off(
    engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LONGEST_SECONDS", 0.1)
    hung_up = list[float]()
    monkeypatch.setattr(connections, "hang_up", hung_up.append)
    served = create(database.create_engine(database_url))
    async with served.router.lifespan_context(served):
        pass
    await asyncio.sleep(0.2)
    assert hung_up == []


async def test_background_work_that_crashed_makes_the_process_not_ready(engine: AsyncEngine) -> None:
    async def work() -> None:
        raise RuntimeError("the worker broke")

    served = create(engine, work)
    async with served.router.lifespan_context(served), operator_of(served) as client:
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["reasons"] == ["A background task has stopped: restart the process."]
    assert ready.json()["pending"] == 0
