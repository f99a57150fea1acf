"""The history of runs does not grow for ever, and keeps what tells how the mirror is."""

from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.reconciler import history
from ghsync.reconciler.history import forget

pytestmark = pytest.mark.anyio

REPOSITORY = """
WITH account AS (INSERT INTO organizations (name, slug) VALUES ('acme', 'acme') RETURNING id),
     project AS (INSERT INTO projects (organization_id, name, slug) SELECT id, 'app', 'app' FROM account RETURNING id)
INSERT INTO github_repositories (project_id, github_id, owner, name, full_name, tracked_name,
                                 observed_at, observed_by, sync_source)
SELECT id, '1', 'acme', 'app', 'acme/app', 'acme/app', now(), 'api', 'backfill' FROM project RETURNING id::text
"""

RUN = """
INSERT INTO sync_runs (kind, repository_id, status, rows_written, last_error, started_at, finished_at)
VALUES (%(kind)s, %(repository)s, %(status)s, %(written)s, %(name)s, now() - make_interval(days => %(days)s),
        CASE WHEN %(ended)s THEN now() - make_interval(days => %(days)s) + interval '1 second' END)
RETURNING id::text
"""


def repository(connection: psycopg.Connection) -> str:
    """A repository to have runs over."""
    return str(connection.execute(REPOSITORY).fetchall()[0][0])


def ran(connection: psycopg.Connection, name: str, days: int, **values: Any) -> str:
    """A run that began so many days ago; ``name`` is what the tests call it."""
    given = {"kind": "sweep", "repository": None, "status": "succeeded", "written": 0} | values
    return str(
        connection.execute(RUN, given | {"name": name, "days": days, "ended": given["status"] != "running"}).fetchall()[
            0
        ][0]
    )


def names(connection: psycopg.Connection) -> set[str]:
    """The runs that are left."""
    return {name for (name,) in connection.execute("SELECT last_error FROM sync_runs").fetchall()}


async def test_runs_are_kept_for_a_month_and_idle_ones_for_a_day(
    engine: AsyncEngine, connection: psycopg.Connection
) -> None:
    for kind in ("sweep", "heal", "audit"):
        ran(connection, f"a new {kind}", 0, kind=kind)
        ran(connection, f"an idle {kind}", 2, kind=kind)
        ran(connection, f"a busy {kind}", 29, kind=kind, written=1)
        ran(connection, f"an old {kind}", 31, kind=kind, written=1)
        ran(connection, f"a killed {kind}", 31, kind=kind, status="running")
        ran(connection, f"a {kind} that is killed perhaps", 2, kind=kind, status="running")
    assert await forget(engine) == 8
    kept = {f"{which} {kind}" for which in ("a new", "a busy") for kind in ("sweep", "heal", "audit")}
    perhaps = {f"a {kind} that is killed perhaps" for kind in ("sweep", "heal", "audit")}
    assert names(connection) == kept | perhaps | {"an idle audit"}


async def test_the_newest_of_each_kind_and_repository_stay_however_old(
    engine: AsyncEngine, connection: psycopg.Connection
) -> None:
    place = repository(connection)
    for status in ("succeeded", "failed"):
        for where in (None, place):
            ran(connection, f"newest {status} {where}", 400, repository=where, status=status)
            ran(connection, f"older {status} {where}", 401, repository=where, status=status)
    ran(connection, "newest heal", 400, kind="heal")
    assert await forget(engine) == 4
    newest = {f"newest {status} {where}" for status in ("succeeded", "failed") for where in (None, place)}
    assert names(connection) == newest | {"newest heal"}


async def test_findings_are_kept_for_three_months_and_their_audits_with_them(
    engine: AsyncEngine, connection: psycopg.Connection
) -> None:
    for days in (0, 89, 91):
        audit = ran(connection, f"{days} days ago", days, kind="audit", written=1)
        connection.execute(
            "INSERT INTO sync_findings (run_id, entity_type, number, found_at) "
            "VALUES (%s, 'github_issues', 1, now() - make_interval(days => %s))",
            [audit, days],
        )
    assert await forget(engine) == 2
    assert names(connection) == {"0 days ago", "89 days ago"}
    assert connection.execute("SELECT count(*) FROM sync_findings").fetchall() == [(2,)]


async def test_what_a_listing_has_shown_goes_when_nobody_can_go_on_with_it(
    engine: AsyncEngine, connection: psycopg.Connection
) -> None:
    for name, days, status in (("long ago", 2, "failed"), ("today", 0, "failed"), ("at work", 2, "running")):
        run = ran(connection, name, days, kind="backfill", status=status)
        connection.execute("INSERT INTO sync_seen (run_id, number) SELECT %s, generate_series(1, 3)", [run])
    assert await forget(engine) == 3
    left = connection.execute(
        "SELECT r.last_error, count(*) FROM sync_seen s JOIN sync_runs r ON r.id = s.run_id GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert left == [("at work", 3), ("today", 3)]


async def test_a_long_history_goes_in_batches(
    engine: AsyncEngine, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 10)
    for days in range(40, 65):
        ran(connection, f"{days} days ago", days)
    assert await forget(engine) == 24
    assert await forget(engine) == 0
    assert names(connection) == {"40 days ago"}


@pytest.mark.slow
async def test_a_batch_does_not_read_the_history_from_end_to_end(
    engine: AsyncEngine, connection: psycopg.Connection
) -> None:
    repository(connection)
    connection.execute("""
        INSERT INTO sync_runs (kind, repository_id, status, rows_written, started_at, finished_at)
        SELECT CASE WHEN n % 3 = 0 THEN 'sweep' ELSE 'heal' END, CASE WHEN n % 6 = 0 THEN r.id END, 'succeeded',
               CASE WHEN n % 50 = 0 THEN 1 ELSE 0 END, now() - interval '1 minute' * n, now() - interval '1 minute' * n
        FROM generate_series(1, 50000) n, github_repositories r""")
    connection.execute("ANALYZE sync_runs")
    parameters = {"idle_kept": history.IDLE_KEPT, "at_once": history.AT_ONCE}
    async with transaction(engine) as conn:
        plan = "\n".join(await conn.scalars(sa.text(f"EXPLAIN {history._RUNS.text}"), parameters))
    assert "Seq Scan on sync_runs" not in plan, plan


REFETCH = """
INSERT INTO sync_jobs (kind, key, created_at)
VALUES (%(kind)s, %(key)s, now() - make_interval(days => %(days)s))
"""


def waiting(connection: psycopg.Connection) -> set[str]:
    """A new job and two old ones, one of them for the API."""
    for kind, key, days in (("refetch_issue", "new", 0), ("refetch_issue", "old", 2), ("link_task", "task", 2)):
        connection.execute(REFETCH, {"kind": kind, "key": key, "days": days})
    return left(connection)


def left(connection: psycopg.Connection) -> set[str]:
    """The jobs that are left."""
    return {key for (key,) in connection.execute("SELECT key FROM sync_jobs").fetchall()}


async def test_refetches_do_not_pile_up_where_nothing_may_read_the_api(
    engine: AsyncEngine, connection: psycopg.Connection
) -> None:
    assert waiting(connection) == {"new", "old", "task"}
    assert await history.forget_refetches(engine) == 1
    assert left(connection) == {"new", "task"}


async def test_refetches_wait_for_whoever_has_ever_swept(engine: AsyncEngine, connection: psycopg.Connection) -> None:
    ran(connection, "a sweep", 3)
    assert waiting(connection) == {"new", "old", "task"}
    assert await history.forget_refetches(engine) == 0
