"""A worker whose role loses a right waits until it has it again: nothing is lost, and nothing is parked."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database, log
from ghsync.database import transaction
from ghsync.errors import DatabaseRefused
from ghsync.inbox.recorder import Recorder
from ghsync.worker import create_engine
from tests import roles
from tests.test_app import create, operator_of
from tests.test_worker import PATIENCE_SECONDS, STATUSES, arrive, delivery, pull_request, running, until, worker

pytestmark = pytest.mark.anyio

RIGHTS = [
    "SELECT ON webhook_deliveries",
    "UPDATE ON webhook_deliveries",
    "INSERT ON github_issues",
    "SELECT ON github_repositories",
    "UPDATE ON change_feed",
    "INSERT ON pr_tracking",
    "DELETE ON sync_jobs",
    "EXECUTE ON FUNCTION counted_checks(uuid, text, integer)",
    "USAGE ON SCHEMA public",
]
JOB = "INSERT INTO sync_jobs (kind, key) VALUES ('link_task', gen_random_uuid()::text)"
UNTOUCHED = """
SELECT (SELECT count(*) FROM webhook_deliveries WHERE attempts > 0 OR last_error IS NOT NULL)
     + (SELECT count(*) FROM sync_jobs WHERE attempts > 0 OR parked_at IS NOT NULL)
"""


@pytest.fixture
def service_url(database_url: str) -> Iterator[str]:
    """The database for a role that owns nothing."""
    with roles.service(database_url) as url:
        yield url


@pytest.fixture
def service(service_url: str) -> str:
    """That role's name."""
    with psycopg.connect(service_url) as connection:
        return connection.info.user


def change(connection: psycopg.Connection, verb: str, right: str, role: str) -> None:
    """Take a right away, from everybody where everybody has it, or give it back."""
    words = {"REVOKE": "REVOKE {} FROM PUBLIC, {}", "GRANT": "GRANT {} TO {}"}
    connection.execute(sql.SQL(words[verb]).format(sql.SQL(right), sql.Identifier(role)))


@pytest.mark.slow
@pytest.mark.parametrize("right", RIGHTS)
async def test_a_worker_goes_on_when_it_has_its_right_again(
    engine: AsyncEngine, connection: psycopg.Connection, service_url: str, service: str, right: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    log.configure("json", "warning")
    theirs = create_engine(service_url)
    async with running(worker(theirs, poll_seconds=0.05, max_attempts=1), service_url):
        await arrive(engine, delivery("a", "one", 1), pull_request("b", 2))
        await until(engine, STATUSES, [("a", "processed"), ("b", "processed")])
        change(connection, "REVOKE", right, service)
        connection.execute(JOB)
        await arrive(engine, delivery("c", "three", 3), pull_request("d", 4))
        told = await until_told(capsys)
        change(connection, "GRANT", right, service)
        await until(engine, STATUSES, [(guid, "processed") for guid in "abcd"])
        await until(engine, "SELECT FROM sync_jobs WHERE kind = 'link_task'", [])
    await theirs.dispose()
    log.configure("console", "error")

    assert "`ghsync grants" in told["detail"]
    assert connection.execute(UNTOUCHED).fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM github_issues").fetchone() == (2,)
    assert connection.execute("SELECT count(*) FROM pr_tracking").fetchone() == (2,)


async def until_told(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The first line of the log that is a warning."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (lines := capsys.readouterr().err.splitlines()):  # noqa: ASYNC110 (a stream tells nobody)
            await asyncio.sleep(0.01)
    told: dict[str, str] = json.loads(lines[0])
    assert told["event"] == "the database fails"
    return told


@pytest.mark.parametrize("right", ["INSERT ON webhook_deliveries", "USAGE ON SEQUENCE webhook_deliveries_id_seq"])
async def test_a_delivery_that_may_not_be_written_is_refused_and_the_next_one_is_taken(
    connection: psycopg.Connection, service_url: str, service: str, right: str
) -> None:
    theirs = database.create_engine(service_url)
    recorder = Recorder(theirs, 5)
    log.configure("console", "critical")
    change(connection, "REVOKE", right, service)
    with pytest.raises(DatabaseRefused, match=r"permission denied for .*`ghsync grants` prints"):
        await recorder.record(delivery("a", "one", 1))
    change(connection, "GRANT", right, service)
    assert await recorder.record(delivery("a", "one", 1)) == "queued"
    assert await recorder.record(delivery("a", "one", 1)) == "duplicate"  # for which something is written, too
    log.configure("console", "error")
    await recorder.close()
    await theirs.dispose()


async def test_a_process_that_lacks_a_right_is_not_ready_and_says_why(
    connection: psycopg.Connection, service_url: str, service: str
) -> None:
    async def ready() -> httpx.Response:
        theirs = database.create_engine(service_url)
        async with operator_of(create(theirs)) as client:
            answer = await client.get("/readyz")
        await theirs.dispose()
        return answer

    assert (await ready()).status_code == 200
    change(connection, "REVOKE", "SELECT ON webhook_deliveries", service)
    found = await ready()
    assert found.status_code == 503
    assert found.json()["reasons"][0].startswith(
        "PostgreSQL does not let the role do that (permission denied for table webhook_deliveries): "
    )


async def test_a_table_that_is_not_there_is_no_missing_right(service_url: str) -> None:
    theirs = database.create_engine(service_url)
    with pytest.raises(Exception, match="does not exist") as raised:
        async with transaction(theirs) as conn:
            await conn.exec_driver_sql("SELECT FROM elsewhere")
    await theirs.dispose()
    assert not isinstance(raised.value, DatabaseRefused)
