"""What grows with the mirror: the cost of a delivery with a hundred times the rows, and of a claim beside five million
that are done.

Rows are made set-based in the repositories that the deliveries are of, so that every lookup has them around it.
"""

import statistics
import time
from datetime import date
from pathlib import Path

import psycopg
import sqlalchemy as sa
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import migrate, worker
from ghsync.inbox import queue
from ghsync.inbox.recording import RecordedDelivery
from ghsync.worker import Worker
from tests import postgres, traffic
from tests.benchmarks import deliveries
from tests.benchmarks.figures import Figure
from tests.chaos import mirror

BATCH = 100
CLAIMS = 60
FIRST_NUMBER = 1_000_000  # beyond all that the deliveries tell of
SIZES = {"first": FIRST_NUMBER, "open": 500, "labels": 40, "milestones": 20}  # the last two of each repository

# Of ten conversations three are pull requests, every second has a comment, and all but one in five a milestone. Each
# pull request has a review and two checks, and the feed has told of each conversation twice. It is the past that grows:
# as many are open as ever, and these alone carry labels of today. The labels of the others are of the past, since what
# renames a label has to write all that carry it, however fast these are found.
FILL = """
SET LOCAL session_replication_role = replica;  -- no triggers: nothing is to be linked
CREATE TEMPORARY TABLE homes ON COMMIT DROP AS
SELECT id AS repository_id, tracked_name, row_number() OVER (ORDER BY github_id) - 1 AS place FROM github_repositories r
WHERE EXISTS (SELECT FROM github_issues i WHERE i.repository_id = r.id);

CREATE TEMPORARY TABLE carried ON COMMIT DROP AS
SELECT repository_id, false AS past, row_number() OVER (PARTITION BY repository_id ORDER BY github_id) - 1 AS place,
       jsonb_build_array(jsonb_build_object('id', github_id::bigint, 'name', name, 'color', color,
                                            'description', description)) AS labels
FROM github_labels JOIN homes USING (repository_id);
INSERT INTO github_labels (repository_id, github_id, name, color, observed_at, observed_by, sync_source)
SELECT repository_id, 8000000000 + 100 * place + n, 'past-' || n, 'd73a4a', now(), 'api', 'backfill'
FROM homes, generate_series(0, %(labels)s - 1) n;
INSERT INTO carried
SELECT h.repository_id, true, n,
       jsonb_agg(jsonb_build_object('id', l.github_id::bigint, 'name', l.name, 'color', l.color, 'description', NULL)
                 ORDER BY l.github_id)
FROM homes h CROSS JOIN generate_series(0, %(labels)s - 1) n
JOIN github_labels l ON l.repository_id = h.repository_id
 AND l.name IN ('past-' || n, 'past-' || (n + 7) %% %(labels)s)
GROUP BY h.repository_id, n;

INSERT INTO github_milestones (repository_id, github_id, number, title, state, observed_at, observed_by, sync_source)
SELECT repository_id, 8000000000 + 100 * place + n, n + 1, n || '.0', 'closed', now(), 'api', 'backfill'
FROM homes, generate_series(0, %(milestones)s - 1) n;

CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT h.repository_id, h.tracked_name, n, %(first)s + n AS number, n %% 10 < 3 AS pull,
       CASE WHEN n <= %(open)s THEN 'open' ELSE 'closed' END AS state, c.labels,
       CASE WHEN n %% 5 > 0 THEN jsonb_build_object('id', m.github_id::bigint, 'number', m.number, 'title', m.title,
                                                   'state', m.state, 'due_on', NULL) END AS milestone
FROM generate_series(1, %(rows)s) n
JOIN homes h ON h.place = n %% (SELECT count(*) FROM homes)
JOIN carried c ON c.repository_id = h.repository_id AND c.past = (n > %(open)s)
 AND c.place = n / 7 %% CASE WHEN n > %(open)s THEN %(labels)s ELSE 3 END
JOIN github_milestones m ON m.repository_id = h.repository_id AND m.number = n / 11 %% %(milestones)s + 1;

INSERT INTO github_issues (repository_id, github_id, number, title, body, state, labels, milestone, created_by,
                           created_at, updated_at, observed_at, observed_by, sync_source)
SELECT repository_id, 9000000000 + n, number, 'The lamp goes out ' || n, repeat('It drifts. ', 30), state, labels,
       milestone, 'octocat-' || n %% 50, now(), now(), now(), 'api', 'backfill' FROM made WHERE NOT pull;
INSERT INTO github_pull_requests (repository_id, github_id, number, title, body, state, labels, milestone, head_ref,
                                  head_sha, base_ref, created_by, created_at, updated_at, observed_at, observed_by,
                                  sync_source)
SELECT repository_id, 9000000000 + n, number, 'Change the orbit ' || n, repeat('It drifts. ', 30), state, labels,
       milestone, 'orbit-' || n, md5(n::text), 'main', 'octocat-' || n %% 50, now(), now(), now(), 'api', 'backfill'
FROM made WHERE pull;
INSERT INTO pr_tracking (repository_id, pull_request_id, pr_number, pr_url, repository_name, title, branch_name, status,
                         author, labels)
SELECT p.repository_id, p.id, p.number, '', m.tracked_name, p.title, p.head_ref,
       CASE p.state WHEN 'open' THEN 'open' ELSE 'closed' END, p.created_by, p.labels
FROM made m JOIN github_pull_requests p ON p.repository_id = m.repository_id AND p.number = m.number WHERE m.pull;
INSERT INTO github_check_runs (repository_id, github_id, head_sha, name, status, conclusion, observed_at, observed_by,
                               sync_source)
SELECT repository_id, 9000000000 + 2 * n + each, md5(n::text), 'check ' || each, 'completed', 'success', now(), 'api',
       'backfill'
FROM made, generate_series(0, 1) each WHERE pull;
INSERT INTO github_reviews (repository_id, github_id, number, author, state, observed_at, observed_by, sync_source)
SELECT repository_id, 9000000000 + n, number, 'hubot', 'approved', now(), 'api', 'backfill' FROM made WHERE pull;
INSERT INTO github_comments (repository_id, github_id, kind, number, body, author, observed_at, observed_by,
                             sync_source)
SELECT repository_id, 9000000000 + n, 'issue_comment', number, 'So it is.', 'octocat', now(), 'api', 'backfill'
FROM made WHERE n %% 2 = 0;
INSERT INTO github_mentions (repository_id, kind, number, source, target_number, evidence, observed_at)
SELECT repository_id, 'pull_request', number, 'closing_keyword', number - 1, 'Fixes it', now() FROM made WHERE pull;

INSERT INTO change_events (seq, entity_type, entity_id, repository_id, number, operation, old_values, new_values,
                           sync_source, created_at)
SELECT (SELECT last_seq FROM change_feed) + row_number() OVER (), of.entity_type, of.id, of.repository_id, of.number,
       what.operation, what.old, what.new, 'backfill', now()
FROM (SELECT 'github_issues' AS entity_type, id, repository_id, number FROM github_issues UNION ALL
      SELECT 'github_pull_requests', id, repository_id, number FROM github_pull_requests) of
CROSS JOIN (VALUES ('insert', NULL::jsonb, jsonb_build_object('title', 'The lamp', 'body', repeat('It drifts. ', 30))),
                   ('update', '{"title": "The lamp"}', '{"title": "The lamp goes out"}')) what (operation, old, new)
WHERE of.number > %(first)s;
UPDATE change_feed SET last_seq = (SELECT max(seq) FROM change_events);
"""

DONE = """
INSERT INTO webhook_deliveries (hook_target, guid, month, event, repository, status, headers, body, received_at,
                                processed_at)
SELECT 'integration:1', n::text, %(month)s, 'issues', 'acme/repository-' || n %% 50, 'processed', '{}', '{}',
       now() - interval '1 second' * (%(rows)s - n), now()
FROM generate_series(1, %(rows)s) n
"""


async def milliseconds_of_a_delivery(url: str, rows: int, count: int) -> float:
    """Of a delivery in a batch, where the mirror has so many rows besides, which changes nothing of what it shows."""
    busy = traffic.busy(2 * count)
    engine = worker.create_engine(url)
    try:
        await deliveries.fill(engine, busy.deliveries)
        one = Worker(engine, batch_size=BATCH, poll_seconds=1, max_attempts=1)
        for _ in range(count // BATCH):
            await one.step()
        with psycopg.connect(url, autocommit=True) as connection:
            with connection.transaction():
                psycopg.ClientCursor(connection).execute(FILL, SIZES | {"rows": rows})
            connection.execute("VACUUM ANALYZE")
        await _warm(one)
        started = time.perf_counter()
        done = await one.drain()
        seconds = time.perf_counter() - started
        with psycopg.connect(url) as connection:
            mirror.is_done(connection)
            mirror.shows(connection, busy, below=FIRST_NUMBER)
        return seconds / done * 1000
    finally:
        await engine.dispose()


async def _warm(one: Worker) -> None:
    """Let plans be made and pages be read."""
    for _ in range(2):
        await one.step()


async def milliseconds_of_a_claim(url: str, rows: int) -> float:
    """Of a claim of what is pending, where so many deliveries are done; nothing is done with what is claimed."""
    sent = traffic.busy(500).deliveries
    engine = worker.create_engine(url)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            psycopg.ClientCursor(connection).execute(DONE, {"rows": rows, "month": _month(sent[-1])})
        await deliveries.fill(engine, sent)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE webhook_deliveries")
        taken = [await _claim(engine) for _ in range(CLAIMS)]
        return statistics.median(taken) * 1000
    finally:
        await engine.dispose()


def _month(delivery: RecordedDelivery) -> date:
    """That of a delivery's partition."""
    assert delivery.sent_at is not None
    return delivery.sent_at.date().replace(day=1)


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
    few, more, many, done, count = (
        (1_000, 10_000, 100_000, 200_000, 500) if short else (10_000, 100_000, 1_000_000, 5_000_000, 2_000)
    )
    costs, claims = {}, {}
    for rows in (few, more, many):
        with postgres.database(url) as own:
            migrate.upgrade(own)
            costs[rows] = uvloop.run(milliseconds_of_a_delivery(own, rows, count))
    for rows in (10_000, done):
        with postgres.database(url) as own:
            migrate.upgrade(own)
            claims[rows] = uvloop.run(milliseconds_of_a_claim(own, rows))
    of_many = costs[many] / costs[few]
    return [
        Figure(
            "growth of a delivery",
            f"time of a delivery, {many:,} items as a share of {few:,}",
            of_many,
            "x",
            at_most=1.2,
        ),
        Figure(
            "growth to some", f"time of a delivery, {more:,} items as a share of {few:,}", costs[more] / costs[few], "x"
        ),
        Figure(
            "growth of a claim",
            f"time of a claim, {done:,} done as a share of 10,000",
            claims[done] / claims[10_000],
            "x",
            at_most=1.1,
        ),
    ]
