"""How long the views take to answer over a large mirror, asked as db/README.md asks them.

A database is filled set-based: 20 repositories in 5 projects, with 100,000 pull requests (one in twenty is open), ten
check runs of each head, 20,000 tasks with their links, workflows, runs, jobs, an inbox and a change feed. Then every
query is asked again and again, each time of another repository, project or moment. The plan of each, with
what it really did, is kept in ``views.plans.txt`` beside where all of them are asked. The aim is 100 ms at the
95th percentile for each, with nothing else at work; what PostgreSQL itself worked is told beside.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.figures import FOLDER, Figure

P95_MS_AT_MOST = 100
PLANS = FOLDER / "views.plans.txt"
REPOSITORIES = 20
CHECKS_OF_A_HEAD = 10

Connection = psycopg.Connection[Any]

# Every twentieth pull request is open; each has a head of its own, and every fifth a task.
FILL = """
SET LOCAL session_replication_role = replica;  -- no triggers: nothing is to be linked
INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme');
INSERT INTO projects (organization_id, name, slug)
SELECT id, 'Project ' || n, 'project-' || n FROM organizations, generate_series(0, 4) n;
INSERT INTO github_installations (github_id, account_login, observed_at, observed_by, sync_source)
VALUES ('7', 'acme', now(), 'api', 'backfill');
INSERT INTO github_repositories (project_id, installation_id, github_id, owner, name, full_name, tracked_name,
                                 verified_at, observed_at, observed_by, sync_source)
SELECT p.id, i.id, n::text, 'acme', 'repository-' || n, 'acme/repository-' || n, 'acme/repository-' || n,
       now(), now(), 'api', 'backfill'
FROM generate_series(0, %(repositories)s - 1) n
JOIN projects p ON p.slug = 'project-' || n %% 5 CROSS JOIN github_installations i;
INSERT INTO sync_marks (repository_id, complete_at) SELECT id, now() - interval '5 hours' FROM github_repositories;

INSERT INTO github_pull_requests (repository_id, github_id, number, title, body, state, merged, head_ref, head_sha,
                                  base_ref, created_by, created_at, updated_at, closed_at, deleted_at, observed_at,
                                  observed_by, sync_source)
SELECT r.id, n::text, n / %(repositories)s + 1, 'Change the orbit of satellite ' || n, repeat('It drifts. ', 30),
       CASE WHEN n / %(repositories)s %% 20 = 0 THEN 'open' ELSE 'closed' END, n / %(repositories)s %% 20 > 2,
       'orbit-' || n, md5(n::text), 'main', 'octocat-' || n %% 50, opened.at, opened.at + interval '1 day',
       CASE WHEN n / %(repositories)s %% 20 > 0 THEN opened.at + interval '2 days' END,
       CASE WHEN n %% 501 = 7 THEN now() END, now(), 'api', 'backfill'
FROM generate_series(0, %(pull_requests)s - 1) n
JOIN github_repositories r ON r.github_id = (n %% %(repositories)s)::text
CROSS JOIN LATERAL (SELECT now() - interval '1 minute' * (%(pull_requests)s - n) AS at) opened;

INSERT INTO workflows (project_id, name, definition, environment)
SELECT p.id, 'Workflow ' || n, '{}', 'production' FROM projects p, generate_series(1, 10) n;
INSERT INTO workflow_executions (workflow_id, status, started_at, completed_at)
SELECT w.id, CASE WHEN n %% 10 = 0 THEN 'failed' ELSE 'completed' END, now() - interval '1 hour' * n,
       now() - interval '1 hour' * n + interval '5 minutes'
FROM workflows w, generate_series(1, 40) n;
INSERT INTO tasks (project_id, workflow_execution_id, title, status, priority, created_at, completed_at)
SELECT w.project_id, e.id, 'Task ' || n, CASE WHEN n %% 5 = 0 THEN 'in_progress' ELSE 'completed' END, n %% 7,
       now() - interval '2 days', CASE WHEN n %% 5 > 0 THEN now() - interval '1 day' END
FROM workflow_executions e JOIN workflows w ON w.id = e.workflow_id,
     generate_series(1, greatest(%(tasks)s / 2000, 1)) n;
INSERT INTO task_dependencies (task_id, depends_on_task_id)
SELECT task.id, task.previous
FROM (SELECT id, lag(id) OVER (PARTITION BY project_id ORDER BY id) AS previous FROM tasks) task
WHERE task.previous IS NOT NULL;
INSERT INTO agent_sessions (session_id, agent_name, workflow_id, tokens_used)
SELECT n::text, 'Agent', w.id, 1000
FROM generate_series(1, %(pull_requests)s / 20) n
JOIN (SELECT id, row_number() OVER () AS place FROM workflows) w ON w.place = n %% 50 + 1;

INSERT INTO pr_tracking (repository_id, pull_request_id, pr_number, pr_url, repository_name, title, branch_name, status,
                         merge_status, review_status, ci_status, quality_score, lines_added, lines_deleted, author,
                         created_at, updated_at, closed_at, task_id, workflow_id)
SELECT p.repository_id, p.id, p.number, '', r.tracked_name, p.title, p.head_ref,
       CASE WHEN p.state = 'open' THEN 'open' WHEN p.merged THEN 'merged' ELSE 'closed' END,
       CASE WHEN p.state <> 'open' THEN 'merged' WHEN p.number / 20 %% 3 = 0 THEN 'mergeable' ELSE 'blocked' END,
       CASE WHEN p.number / 20 %% 2 = 0 THEN 'approved' ELSE 'pending' END,
       CASE WHEN p.number / 20 %% 4 = 1 THEN 'failure' ELSE 'success' END,
       hashtext(p.github_id) & 63, 100, 10, p.created_by, p.created_at, p.updated_at, p.closed_at, t.id, t.workflow_id
FROM github_pull_requests p JOIN github_repositories r ON r.id = p.repository_id
LEFT JOIN (
  SELECT t.id, e.workflow_id, row_number() OVER () AS place
  FROM tasks t JOIN workflow_executions e ON e.id = t.workflow_execution_id
) t ON t.place * 5 = p.github_id::int;
INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence)
SELECT task_id, repository_id, 'pull_request', pr_number, 'task_trailer', 1 FROM pr_tracking WHERE task_id IS NOT NULL;

INSERT INTO github_check_runs (repository_id, github_id, head_sha, name, status, conclusion, observed_at, observed_by,
                               sync_source)
SELECT p.repository_id, p.github_id || '0' || n, p.head_sha, 'check ' || n, 'completed', 'success', now(), 'api',
       'backfill'
FROM github_pull_requests p, generate_series(0, %(checks)s - 1) n;
INSERT INTO github_reviews (repository_id, github_id, number, author, state, observed_at, observed_by, sync_source)
SELECT repository_id, github_id, number, 'hubot', 'approved', now(), 'api', 'backfill' FROM github_pull_requests;

-- Every pull request was opened, then changed twice within the last days.
INSERT INTO change_events (seq, entity_type, entity_id, repository_id, number, operation, old_values, new_values,
                           sync_source, created_at)
SELECT row_number() OVER (ORDER BY what.at, p.id), 'github_pull_requests', p.id, p.repository_id, p.number,
       what.operation, what.old, '{"title": "Change the orbit"}', 'webhook', what.at
FROM github_pull_requests p CROSS JOIN LATERAL (VALUES
  ('insert', NULL::jsonb, now() - interval '100 days'),
  ('update', '{"title": "Change an orbit"}', p.created_at),
  ('update', '{"title": "Change orbits", "draft": true}', p.updated_at)) AS what (operation, old, at);
UPDATE change_feed SET last_seq = (SELECT max(seq) FROM change_events);

INSERT INTO webhook_deliveries (hook_target, guid, event, repository, status, headers, body, processed_at)
SELECT 'integration:1', n::text, 'issues', 'acme/repository-' || n %% %(repositories)s,
       CASE WHEN n %% 100 = 0 THEN 'pending' ELSE 'processed' END, '{}', '{}', CASE WHEN n %% 100 > 0 THEN now() END
FROM generate_series(1, %(pull_requests)s) n;
INSERT INTO sync_jobs (kind, key, repository_id)
SELECT 'refetch_pull_request', r.id || '#' || n, r.id FROM github_repositories r, generate_series(1, 50) n;
INSERT INTO sync_runs (kind, repository_id, status, started_at, finished_at)
SELECT 'sweep', r.id, 'succeeded', now() - interval '2 minutes' * n, now() - interval '2 minutes' * n
FROM github_repositories r, generate_series(1, %(pull_requests)s / %(repositories)s) n;
REFRESH MATERIALIZED VIEW project_task_stats;
"""

OF_REPOSITORY = "repository_name = 'acme/repository-' || %(n)s"
OF_PROJECT = "project = 'project-' || %(n)s %% 5"
OPEN = "status IN ('draft', 'open')"
MOMENT = "now() - interval '1 hour' * (%(n)s + 1)"

QUERIES = {
    "sync_health, all": "SELECT * FROM sync_health ORDER BY stale DESC, repository_name",
    "sync_health, one repository": f"SELECT * FROM sync_health WHERE {OF_REPOSITORY}",
    "pr_quality_dashboard, one repository": f"SELECT * FROM pr_quality_dashboard WHERE {OF_REPOSITORY} AND {OPEN}",
    "pr_quality_dashboard, one project": f"SELECT * FROM pr_quality_dashboard WHERE {OF_PROJECT} AND {OPEN}",
    "pr_quality_dashboard, the 50 worst":
        f"SELECT * FROM pr_quality_dashboard WHERE {OPEN} ORDER BY quality_score, repository_name, pr_number LIMIT 50",
    "pr_quality_dashboard, a repository's mean":
        f"SELECT avg(quality_score), avg(age_days) FROM pr_quality_dashboard WHERE {OF_REPOSITORY}",
    "pr_validation_status, one": f"SELECT * FROM pr_validation_status WHERE {OF_REPOSITORY} AND pr_number = 21",
    "pr_validation_status, one repository": f"SELECT * FROM pr_validation_status WHERE {OF_REPOSITORY} AND {OPEN}",
    "pr_validation_status, one project": f"SELECT * FROM pr_validation_status WHERE {OF_PROJECT} AND {OPEN}",
    "pr_validation_status, ready":
        f"SELECT repository_name, pr_number FROM pr_validation_status WHERE ready AND {OPEN} "
        "ORDER BY updated_at LIMIT 50",
    "pr_blockers, one": "SELECT * FROM pr_blockers('acme/repository-' || %(n)s, 21)",
    "workflow_dashboard, all": "SELECT * FROM workflow_dashboard ORDER BY project, name",
    "workflow_dashboard, one project": f"SELECT * FROM workflow_dashboard WHERE {OF_PROJECT} ORDER BY name",
    "active_tasks, one project":
        f"SELECT * FROM active_tasks WHERE {OF_PROJECT} ORDER BY priority DESC, created_at LIMIT 50",
    "active_tasks, the first 50": "SELECT * FROM active_tasks ORDER BY priority DESC, created_at LIMIT 50",
    "system_health_dashboard": "SELECT * FROM system_health_dashboard",
    "project_task_stats": "SELECT * FROM project_task_stats ORDER BY total_tasks DESC",
    "github_pull_requests_as_of, one":
        f"SELECT a.title FROM github_pull_requests_as_of({MOMENT}) a JOIN github_repositories r "
        "ON r.id = a.repository_id WHERE r.full_name = 'acme/repository-' || %(n)s AND a.number = 21",
    "github_pull_requests_as_of, a repository":
        f"SELECT a.number, a.title FROM github_pull_requests_as_of({MOMENT}) a JOIN github_repositories r "
        "ON r.id = a.repository_id WHERE r.full_name = 'acme/repository-' || %(n)s",
    "github_pull_requests_as_of, all":
        f"SELECT count(*) FROM github_pull_requests_as_of({MOMENT}) WHERE state = 'open'",
}  # fmt: skip

# A report, not a page: it grows with the repository, or with all of them.
NO_AIM = {"github_pull_requests_as_of, a repository", "github_pull_requests_as_of, all"}


@dataclass(frozen=True)
class Measured:
    """How one query did: rows that it answered, milliseconds, and how many of them PostgreSQL worked on average."""

    name: str
    rows: int
    p50: float
    p95: float
    worked: float


def fill(connection: Connection, pull_requests: int) -> None:
    """Make the mirror, and let the planner know it."""
    sizes = {
        "repositories": REPOSITORIES,
        "pull_requests": pull_requests,
        "checks": CHECKS_OF_A_HEAD,
        "tasks": pull_requests // 5,
    }
    with connection.transaction():
        psycopg.ClientCursor(connection).execute(FILL, sizes)
    connection.execute("VACUUM ANALYZE")


def measure(connection: Connection, rounds: int) -> list[Measured]:
    """Ask every query ``rounds`` times, each time of something else."""
    return [_measure(connection, name, query, rounds) for name, query in QUERIES.items()]


def _measure(connection: Connection, name: str, query: str, rounds: int) -> Measured:
    cursor = psycopg.ClientCursor(connection)
    taken, found = [], []
    worked = worked_ms(connection)
    for round_number in range(rounds):
        started = time.perf_counter()
        found.append(len(cursor.execute(query, {"n": round_number % REPOSITORIES}).fetchall()))
        taken.append((time.perf_counter() - started) * 1000)
    worked = (worked_ms(connection) - worked) / rounds
    return Measured(name, max(found), statistics.median(taken), statistics.quantiles(taken, n=20)[-1], worked)


# What only those who operate this read.
OPERATORS = {"sync_health, all", "sync_health, one repository", "system_health_dashboard", "project_task_stats"}

READER = """
WITH reader AS (INSERT INTO users (email, name) VALUES ('mona@acme.example', 'Mona') RETURNING id),
     member AS (INSERT INTO organization_members (organization_id, user_id)
                SELECT o.id, reader.id FROM organizations o, reader)
SELECT set_config('app.current_user_id', id::text, false) FROM reader
"""


def share_of_policies(connection: Connection, measured: Sequence[Measured], rounds: int) -> float:
    """What PostgreSQL works for a reader who sees all of it, as a share of what it does for the owner."""
    connection.execute(READER)
    connection.execute("SET ROLE ghsync_read")
    seen = [_measure(connection, name, query, rounds) for name, query in QUERIES.items() if name not in OPERATORS]
    connection.execute("RESET ROLE")
    print("\nThe same for a reader, whom row policies hold:")
    report(seen)
    of_owner = {query.name: query.worked for query in measured}
    pages = [query for query in seen if query.name not in NO_AIM]  # a report would hide all of these
    return sum(query.worked for query in pages) / sum(of_owner[query.name] for query in pages)


def worked_ms(connection: Connection) -> float:
    """How long a connection's process has had a processor, whatever else had one: Linux tells it in nanoseconds."""
    times = Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text()
    return int(times.split()[0]) / 1e6


def explain(connection: Connection) -> str:
    """What PostgreSQL did for each query."""
    cursor = psycopg.ClientCursor(connection)
    parts = []
    for name, query in QUERIES.items():
        lines = cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {query}", {"n": 3}).fetchall()
        parts.append("\n".join([f"-- {name}", *(line for (line,) in lines)]))
    return "\n\n".join(parts) + "\n"


def report(measured: Sequence[Measured]) -> None:
    """Print what each took."""
    row = "{:42} {:>8} {:>9} {:>9} {:>9}  {}"
    print(row.format("", "rows", "p50 ms", "p95 ms", "worked ms", "").rstrip())
    for query in measured:
        aim = "" if query.name in NO_AIM else f"(at most {P95_MS_AT_MOST})"
        print(
            row.format(
                query.name, f"{query.rows:,}", f"{query.p50:.1f}", f"{query.p95:.1f}", f"{query.worked:.1f}", aim
            ).rstrip()
        )


def figures(url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """The slowest at the 95th percentile; what each took is printed."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync = off", "max_wal_size = '8GB'"):  # it may be lost
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")
        count = 10_000 if short else 100_000
        fill(connection, count)
        measured = measure(connection, 10 if short else 40)
        report(measured)
        share = share_of_policies(connection, measured, 10 if short else 40)
        if not short:
            PLANS.write_text(explain(connection))
    slowest = max((query for query in measured if query.name not in NO_AIM), key=lambda query: query.p95)
    return [
        Figure(
            "views",
            f"slowest view over {count:,} pull requests, p95",
            slowest.p95,
            "ms",
            at_most=P95_MS_AT_MOST,
            note=f"with {count * CHECKS_OF_A_HEAD:,} checks",
        ),
        Figure("views for readers", "work for a reader's views as a share of the owner's", share, "x", at_most=1.3),
    ]
