"""What grows with the mirror: the cost of a delivery with a hundred times the rows, and of a claim beside five million
that are done.

Rows are made set-based in the repositories that the deliveries are of, so that every lookup has them around it.
"""

import statistics
import time
from pathlib import Path

import psycopg
import sqlalchemy as sa
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import migrate, worker
from ghsync.inbox import queue
from ghsync.worker import Worker
from tests import postgres, traffic
from tests.benchmarks import deliveries
from tests.benchmarks.figures import Figure

BATCH = 100
CLAIMS = 60
FIRST_NUMBER = 1_000_000  # beyond all that the deliveries tell of

# Of ten conversations three are pull requests, and every second has a comment. It is the past that grows: as many are
# open as ever.
FILL = """
SET LOCAL session_replication_role = replica;  -- no triggers: nothing is to be linked
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT r.id AS repository_id, r.tracked_name, n, %(first)s + n AS number, n %% 10 < 3 AS pull,
       CASE WHEN n <= 500 THEN 'open' ELSE 'closed' END AS state
FROM generate_series(1, %(rows)s) n
JOIN (SELECT id, tracked_name, row_number() OVER (ORDER BY github_id) - 1 AS place FROM github_repositories
      WHERE EXISTS (SELECT FROM github_issues i WHERE i.repository_id = github_repositories.id)) r
  ON r.place = n %% (SELECT count(DISTINCT repository_id) FROM github_issues);

INSERT INTO github_issues (repository_id, github_id, number, title, body, state, created_by, created_at, updated_at,
                           observed_at, observed_by, sync_source)
SELECT repository_id, 9000000000 + n, number, 'The lamp goes out ' || n, repeat('It drifts. ', 30), state,
       'octocat-' || n %% 50, now(), now(), now(), 'api', 'backfill' FROM made WHERE NOT pull;
INSERT INTO github_pull_requests (repository_id, github_id, number, title, body, state, head_ref, head_sha, base_ref,
                                  created_by, created_at, updated_at, observed_at, observed_by, sync_source)
SELECT repository_id, 9000000000 + n, number, 'Change the orbit ' || n, repeat('It drifts. ', 30), state,
       'orbit-' || n, md5(n::text), 'main', 'octocat-' || n %% 50, now(), now(), now(), 'api', 'backfill'
FROM made WHERE pull;
INSERT INTO pr_tracking (repository_id, pull_request_id, pr_number, pr_url, repository_name, title, branch_name, status,
                         author)
SELECT p.repository_id, p.id, p.number, '', m.tracked_name, p.title, p.head_ref,
       CASE p.state WHEN 'open' THEN 'open' ELSE 'closed' END, p.created_by
FROM made m JOIN github_pull_requests p ON p.repository_id = m.repository_id AND p.number = m.number WHERE m.pull;
INSERT INTO github_comments (repository_id, github_id, kind, number, body, author, observed_at, observed_by,
                             sync_source)
SELECT repository_id, 9000000000 + n, 'issue_comment', number, 'So it is.', 'octocat', now(), 'api', 'backfill'
FROM made WHERE n %% 2 = 0;
INSERT INTO github_mentions (repository_id, kind, number, source, target_number, evidence, observed_at)
SELECT repository_id, 'pull_request', number, 'closing_keyword', number - 1, 'Fixes it', now() FROM made WHERE pull;
"""

DONE = """
INSERT INTO webhook_deliveries (hook_target, guid, event, repository, status, headers, body, received_at, processed_at)
SELECT 'integration:1', n::text, 'issues', 'acme/repository-' || n %% 50, 'processed', '{}', '{}',
       now() - interval '1 second' * (%(rows)s - n), now()
FROM generate_series(1, %(rows)s) n
"""


async def milliseconds_of_a_delivery(url: str, rows: int, count: int) -> float:
    """Of a delivery in a batch, where the mirror has so many rows besides."""
    engine = worker.create_engine(url)
    try:
        await deliveries.fill(engine, traffic.busy(2 * count).deliveries)
        one = Worker(engine, batch_size=BATCH, poll_seconds=1, max_attempts=1)
        for _ in range(count // BATCH):
            await one.step()
        with psycopg.connect(url, autocommit=True) as connection:
            with connection.transaction():
                psycopg.ClientCursor(connection).execute(FILL, {"rows": rows, "first": FIRST_NUMBER})
            connection.execute("VACUUM ANALYZE")
        await _warm(one)
        started = time.perf_counter()
        done = await one.drain()
        return (time.perf_counter() - started) / done * 1000
    finally:
        await engine.dispose()


async def _warm(one: Worker) -> None:
    """Let plans be made and pages be read."""
    for _ in range(2):
        await one.step()


async def milliseconds_of_a_claim(url: str, rows: int) -> float:
    """Of a claim of what is pending, where so many deliveries are done; nothing is done with what is claimed."""
    engine = worker.create_engine(url)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            psycopg.ClientCursor(connection).execute(DONE, {"rows": rows})
        await deliveries.fill(engine, traffic.busy(500).deliveries)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE webhook_deliveries")
        taken = [await _claim(engine) for _ in range(CLAIMS)]
        return statistics.median(taken) * 1000
    finally:
        await engine.dispose()


async def _claim(engine: AsyncEngine) -> float:
    async with engine.connect() as conn:
        await conn.execute(sa.text("SELECT"))
        started = time.perf_counter()
        claimed = await queue.claim(conn, BATCH)
        seconds = time.perf_counter() - started
        await conn.rollback()
    assert len(claimed) == BATCH
    return seconds


def figures(url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """Of large and small ones, each on a database of its own; the short mode has a tenth of the rows."""
    few, many, done, count = (1_000, 100_000, 200_000, 500) if short else (10_000, 1_000_000, 5_000_000, 2_000)
    costs, claims = {}, {}
    for rows in (few, many):
        with postgres.database(url) as own:
            migrate.upgrade(own)
            costs[rows] = uvloop.run(milliseconds_of_a_delivery(own, rows, count))
    for rows in (10_000, done):
        with postgres.database(url) as own:
            migrate.upgrade(own)
            claims[rows] = uvloop.run(milliseconds_of_a_claim(own, rows))
    return [
        Figure(
            "growth of a delivery",
            f"a delivery beside {many:,} items, of beside {few:,}",
            costs[many] / costs[few],
            "x",
            at_most=1.2,
        ),
        Figure(
            "growth of a claim",
            f"a claim beside {done:,} done, of beside 10,000",
            claims[done] / claims[10_000],
            "x",
            at_most=1.1,
        ),
    ]
