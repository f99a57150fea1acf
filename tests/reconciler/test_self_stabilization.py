"""I11: one complete reading of the API makes every row equal to its answers, whatever the rows held before."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ghsync import database
from ghsync.reconciler.gate import Mirror
from ghsync.reconciler.installations import refresh
from ghsync.simulator.generator import Plan
from tests.reconciler import damage
from tests.reconciler.conftest import Lab, opened
from tests.reconciler.damage import Damage

UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example that fails leaves the mirror wrong, and says which rows: a smaller one would begin with that."""


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for all examples, and so one set of connections."""
    with asyncio.Runner() as runner:
        yield runner.get_loop()


@contextmanager
def lab_in(loop: asyncio.AbstractEventLoop, url: str, connection: psycopg.Connection, key: str) -> Iterator[Lab]:
    """A small organization in which there is something of everything."""
    engine = database.create_engine(url, planned_once=True)
    plan = Plan(repositories=2, people=5, conversations=14, pull_request_share=0.6, security_alerts=True)
    opening = opened(engine, connection, key, plan)
    try:
        yield loop.run_until_complete(opening.__aenter__())
    finally:
        loop.run_until_complete(opening.__aexit__(None, None, None))
        loop.run_until_complete(engine.dispose())


async def read_all(lab: Lab) -> None:
    """What `ghsync resync --all --full` does."""
    app = lab.reconciler.app_session("resync", "interactive", gate=Mirror(lab.engine, insists=True))
    await refresh(lab.reconciler, app)
    await lab.resync_all()


@pytest.mark.slow
def test_a_complete_reading_puts_everything_right_that_was_changed_by_hand(
    loop: asyncio.AbstractEventLoop, database_url: str, connection: psycopg.Connection, private_key: str
) -> None:
    with lab_in(loop, database_url, connection, private_key) as lab:
        loop.run_until_complete(read_all(lab))
        assert lab.differences() == []
        right = damage.shown(connection)
        assert all(right.values()), [name for name, rows in right.items() if not rows]

        @given(damage.damages)
        @settings(
            max_examples=20, derandomize=True, deadline=None, phases=UNSHRUNK,
            suppress_health_check=[HealthCheck.too_slow],
        )  # fmt: skip
        def check(damages: list[Damage]) -> None:
            for one in damages:
                damage.do(connection, one)
            loop.run_until_complete(read_all(lab))
            assert damage.differences(right, damage.shown(connection)) == []

        check()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noun", "other"),
    [("github_pull_requests", "github_issues"), ("github_issues", "github_pull_requests")],
)
def test_a_row_stored_under_a_number_of_another_noun_is_buried(
    loop: asyncio.AbstractEventLoop,
    database_url: str,
    connection: psycopg.Connection,
    private_key: str,
    noun: str,
    other: str,
) -> None:
    with lab_in(loop, database_url, connection, private_key) as lab:
        loop.run_until_complete(read_all(lab))
        right = damage.shown(connection)
        connection.execute(
            f"""UPDATE {noun} t SET number = o.number, github_id = 'unheard of' FROM {other} o
                WHERE t.id = (SELECT min(id::text)::uuid FROM {noun}) AND o.repository_id = t.repository_id""".encode()
        )
        loop.run_until_complete(read_all(lab))
        assert damage.differences(right, damage.shown(connection)) == []


@pytest.mark.slow
@pytest.mark.parametrize("ahead", ["30 minutes", "3 hours", "900 years"])
def test_what_claims_to_be_of_a_time_to_come_is_put_right(
    loop: asyncio.AbstractEventLoop, database_url: str, connection: psycopg.Connection, private_key: str, ahead: str
) -> None:
    with lab_in(loop, database_url, connection, private_key) as lab:
        loop.run_until_complete(read_all(lab))
        right = damage.shown(connection)
        then = f"now() + interval '{ahead}'"
        connection.execute(
            f"UPDATE github_issues SET title = 'stale', observed_at = {then}, updated_at = {then}".encode()
        )
        connection.execute(f"UPDATE github_labels SET deleted_at = {then}".encode())
        connection.execute(f"UPDATE github_comments SET body = 'stale', observed_at = {then}".encode())
        loop.run_until_complete(read_all(lab))
        assert damage.differences(right, damage.shown(connection)) == []


@pytest.mark.slow
def test_an_invented_copy_under_another_id_buries_nothing_but_itself(
    loop: asyncio.AbstractEventLoop, database_url: str, connection: psycopg.Connection, private_key: str
) -> None:
    with lab_in(loop, database_url, connection, private_key) as lab:
        loop.run_until_complete(read_all(lab))
        right = damage.shown(connection)
        copied = ", ".join(
            name
            for (name,) in connection.execute(
                """SELECT attname FROM pg_attribute WHERE attrelid = 'github_reviews'::regclass AND attnum > 0
                   AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('id', 'github_id', 'synced_at')"""
            )
        )
        connection.execute(
            f"""INSERT INTO github_reviews (github_id, {copied})
                SELECT 'of nobody ' || github_id, {copied} FROM github_reviews""".encode()
        )
        assert damage.differences(right, damage.shown(connection)) != []
        loop.run_until_complete(read_all(lab))
        assert damage.differences(right, damage.shown(connection)) == []


TO_ANOTHER = """
UPDATE {table} SET number = (
  SELECT o.number FROM github_pull_requests o
  WHERE o.repository_id = {table}.repository_id AND o.number <> {table}.number
  ORDER BY o.number {order} LIMIT 1)
WHERE id IN (SELECT min(id::text)::uuid FROM {table} GROUP BY repository_id)
"""
JUDGED_ELSEWHERE = """
UPDATE github_reviews r
SET state = 'changes_requested', author_id = '1', repository_id = p.repository_id, number = p.number
FROM github_pull_requests p
WHERE p.state = 'open' AND p.repository_id <> r.repository_id
"""
RAN_FOR_OTHERS_OF_ANOTHER_HEAD = """
WITH heads AS (UPDATE github_pull_requests SET head_sha = repeat('0', 40))
UPDATE github_workflow_runs SET pull_requests = '[99]'
"""
PUSHED_IN_2999 = """
INSERT INTO github_branches (repository_id, name, head_sha, observed_at, observed_by, sync_source)
SELECT id, default_branch, repeat('f', 40), '2999-01-01', 'arrival', 'webhook' FROM github_repositories
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm",
    [
        *(
            TO_ANOTHER.format(table=table, order=order)
            for table in ("github_comments", "github_review_threads")
            for order in ("ASC", "DESC")
        ),
        JUDGED_ELSEWHERE,
        "UPDATE github_pull_requests SET merged_at = now() - interval '3 days' WHERE NOT merged",
        "UPDATE github_pull_requests SET merge_commit_sha = repeat('f', 40) WHERE NOT merged",
        "UPDATE github_workflow_runs SET pull_requests = '[99]'",
        "UPDATE github_workflow_runs SET pull_requests = '[99]', naming_updated_at = '2999-01-01'",
        RAN_FOR_OTHERS_OF_ANOTHER_HEAD,
        PUSHED_IN_2999,
        *(
            f"UPDATE {table} SET {column} = '{sign}infinity'"
            for table, column in (
                ("github_issues", "observed_at"),
                ("github_pull_requests", "updated_at"),
                ("github_security_alerts", "updated_at"),
                ("github_milestones", "due_on"),
                ("github_repository_aliases", "first_observed_at"),
            )
            for sign in ("", "-")
        ),
    ],
)
def test_what_others_wrote_is_put_right(
    loop: asyncio.AbstractEventLoop, database_url: str, connection: psycopg.Connection, private_key: str, harm: str
) -> None:
    with lab_in(loop, database_url, connection, private_key) as lab:
        loop.run_until_complete(read_all(lab))
        right = damage.shown(connection)
        assert connection.execute(harm.encode()).rowcount > 0
        loop.run_until_complete(read_all(lab))
        assert damage.differences(right, damage.shown(connection)) == []


@pytest.mark.slow
def test_what_workflow_runs_name_is_asked_for_where_it_cannot_be(
    loop: asyncio.AbstractEventLoop, database_url: str, connection: psycopg.Connection, private_key: str
) -> None:
    with lab_in(loop, database_url, connection, private_key) as lab:
        loop.run_until_complete(read_all(lab))
        told = {
            str(suite.workflow_run.id): [pull.number for pull in suite.pull_requests]
            for repository in lab.world.repositories.values()
            for suite in chain.from_iterable(repository.check_suites.values())
            if suite.workflow_run and suite.pull_requests
        }
        assert told
        connection.execute("UPDATE github_workflow_runs SET pull_requests = '[99]', naming_updated_at = '2999-01-01'")
        loop.run_until_complete(read_all(lab))
        named = dict(connection.execute("SELECT github_id, pull_requests FROM github_workflow_runs").fetchall())
        assert {run: named[run] for run in told} == told
        fed = connection.execute(
            "SELECT count(DISTINCT entity_id) FROM change_events WHERE new_values->'pull_requests' <> '[99]'"
        )
        assert fed.fetchone() == (len(told),)
