"""`status`: how fresh the mirror is. Fast however many deliveries are done: large tables are estimated, not counted."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.cli import arguments, lookup, terminal
from ghsync.cli.context import run
from ghsync.database import transaction
from ghsync.readiness import STALE_SECONDS

Report = dict[str, Any]

MIRRORED = (
    "github_repositories", "github_issues", "github_pull_requests", "pr_tracking", "github_comments", "github_reviews",
    "github_check_runs", "github_labels", "github_milestones", "task_github_links", "change_events",
)  # fmt: skip
INBOX = "webhook_deliveries"
COUNTED_PAGES = 4096  # 32 MiB; what is larger is estimated
ERRORS_SHOWN = 5

# Both counts are read from partial indexes. Ids follow arrival, so the smallest id waits longest.
_BACKLOG = sa.text("""
WITH pending AS (SELECT count(*) AS count, min(id) AS first FROM webhook_deliveries WHERE status = 'pending')
SELECT p.count AS pending, p.first AS first_pending,
       (SELECT extract(epoch FROM greatest(now() - received_at, '0'))::float8
        FROM webhook_deliveries WHERE id = p.first) AS oldest_pending_seconds,
       (SELECT count(*) FROM webhook_deliveries WHERE status = 'parked') AS parked
FROM pending p
""")

# The newest processed one is among the newest of all, or else just before those that wait.
_NEWEST = sa.text("""
WITH recent AS (
  (SELECT status, received_at, processed_at FROM webhook_deliveries ORDER BY id DESC LIMIT 1000)
  UNION ALL
  (SELECT status, received_at, processed_at FROM webhook_deliveries WHERE id < :first_pending
   ORDER BY id DESC LIMIT 1000)
)
SELECT received_at, processed_at, extract(epoch FROM greatest(now() - processed_at, '0'))::float8 AS age_seconds,
       extract(epoch FROM greatest(processed_at - received_at, '0'))::float8 AS lag_seconds
FROM recent WHERE status = 'processed' ORDER BY processed_at DESC LIMIT 1
""")

# As the planner does it: rows per page when last analyzed, times pages now.
_SIZES = sa.text("""
SELECT c.relname AS name, pg_relation_size(c.oid) / current_setting('block_size')::int AS pages,
       CASE WHEN c.reltuples >= 0 AND c.relpages > 0
            THEN c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::int) END AS rows
FROM unnest(CAST(:names AS text[])) AS n(name) JOIN pg_class c ON c.oid = to_regclass(n.name)
""")

_FREQUENCY = sa.text("""
SELECT coalesce((most_common_freqs)[array_position(most_common_vals::text::text[], 'ignored')], 0)::float8
FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'webhook_deliveries' AND attname = 'status'
""")

_JOBS = sa.text("""
SELECT kind, count(*) AS waiting, count(*) FILTER (WHERE due_at <= now()) AS due,
       count(*) FILTER (WHERE attempts > 0) AS failing, min(due_at) AS first_due_at
FROM sync_jobs
WHERE parked_at IS NULL AND (CAST(:repository_id AS uuid) IS NULL OR repository_id = :repository_id)
GROUP BY kind ORDER BY kind
""")

_PARKED_JOBS = sa.text("""
SELECT kind, key, attempts, parked_at, last_error AS error, count(*) OVER () AS of
FROM sync_jobs
WHERE parked_at IS NOT NULL AND (CAST(:repository_id AS uuid) IS NULL OR repository_id = :repository_id)
ORDER BY parked_at DESC, kind, key LIMIT :limit
""")

# A failed delivery that waits for its next attempt is due last.
_ERRORS = sa.text("""
(SELECT id, event, action, status, repository, received_at, split_part(last_error, E'\\n', 1) AS error
 FROM webhook_deliveries WHERE status = 'parked' AND (CAST(:name AS text) IS NULL OR repository = :name)
 ORDER BY id DESC LIMIT :limit)
UNION ALL
(SELECT id, event, action, status, repository, received_at, split_part(last_error, E'\\n', 1)
 FROM (SELECT * FROM webhook_deliveries WHERE status = 'pending' ORDER BY next_attempt_at DESC, id DESC LIMIT 100) p
 WHERE last_error IS NOT NULL AND (CAST(:name AS text) IS NULL OR repository = :name)
 ORDER BY id DESC LIMIT :limit)
ORDER BY id DESC LIMIT :limit
""")

_REPOSITORY = sa.text("""
SELECT
  (SELECT count(*) FROM github_issues WHERE repository_id = :id AND deleted_at IS NULL) AS issues,
  (SELECT count(*) FROM github_issues WHERE repository_id = :id AND deleted_at IS NULL AND state = 'open')
    AS open_issues,
  (SELECT count(*) FROM github_pull_requests WHERE repository_id = :id AND deleted_at IS NULL) AS pull_requests,
  (SELECT count(*) FROM github_pull_requests WHERE repository_id = :id AND deleted_at IS NULL AND state = 'open')
    AS open_pull_requests,
  (SELECT count(*) FROM github_comments WHERE repository_id = :id AND deleted_at IS NULL) AS comments,
  (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending' AND repository = :name) AS pending,
  (SELECT extract(epoch FROM greatest(now() - min(received_at), '0'))::float8 FROM webhook_deliveries
   WHERE status = 'pending' AND repository = :name) AS oldest_pending_seconds,
  (SELECT count(*) FROM webhook_deliveries WHERE status = 'parked' AND repository = :name) AS parked,
  (SELECT max(received_at) FROM (SELECT received_at FROM webhook_deliveries WHERE repository = :name
    ORDER BY id DESC LIMIT 1) d) AS last_received_at
""")


def status(
    repo: Annotated[
        str | None, typer.Option(parser=arguments.full_name, metavar="OWNER/NAME", help="Only this repository.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Tell how fresh the mirror is and what is in its way.

    It is stale when a delivery has waited for more than a minute, or is parked.
    Numbers with "about" are estimated.
    """

    async def read(engine: AsyncEngine) -> Report:
        async with transaction(engine) as conn:
            return await (_of_repository(conn, repo) if repo else _of_all(conn))

    report = run(read)
    if as_json:
        terminal.print_json(report)
    elif repo:
        _show_repository(report)
    else:
        _show(report)


async def _of_all(conn: AsyncConnection) -> Report:
    backlog = (await conn.execute(_BACKLOG)).one()
    newest = (await conn.execute(_NEWEST, {"first_pending": backlog.first_pending})).one_or_none()
    rows = await _counts(conn, (*MIRRORED, INBOX))
    received = rows.pop(INBOX)
    reasons = _reasons(backlog.pending, backlog.oldest_pending_seconds or 0, backlog.parked)
    return {
        "stale": bool(reasons),
        "reasons": reasons,
        "newest_processed": dict(newest._mapping) if newest else None,
        "deliveries": {
            "pending": backlog.pending,
            "oldest_pending_seconds": backlog.oldest_pending_seconds,
            "parked": backlog.parked,
            "done": _less(received, backlog.pending + backlog.parked),
            "ignored": await _ignored(conn, received),
        },
        "jobs": await _all(conn, _JOBS, repository_id=None),
        "parked_jobs": await _all(conn, _PARKED_JOBS, repository_id=None, limit=ERRORS_SHOWN),
        "rows": rows,
        "errors": await _all(conn, _ERRORS, name=None, limit=ERRORS_SHOWN),
    }


async def _of_repository(conn: AsyncConnection, name: str) -> Report:
    found = await lookup.repository(conn, name)
    counts = (await conn.execute(_REPOSITORY, {"id": found.id, "name": found.full_name})).one()
    reasons = _reasons(counts.pending, counts.oldest_pending_seconds or 0, counts.parked)
    return {
        "stale": bool(reasons),
        "reasons": reasons,
        "repository": found.full_name,
        "github_id": found.github_id,
        "project": found.project,
        "state": lookup.state(found),
        "observed_at": found.observed_at,
        "synced_at": found.synced_at,
        "verified_at": found.verified_at,
        **counts._mapping,
        "jobs": await _all(conn, _JOBS, repository_id=found.id),
        "parked_jobs": await _all(conn, _PARKED_JOBS, repository_id=found.id, limit=ERRORS_SHOWN),
        "errors": await _all(conn, _ERRORS, name=found.full_name, limit=ERRORS_SHOWN),
    }


async def _all(conn: AsyncConnection, statement: sa.TextClause, **parameters: Any) -> list[Report]:
    return [dict(row._mapping) for row in await conn.execute(statement, parameters)]


async def _counts(conn: AsyncConnection, names: Sequence[str]) -> Report:
    """How many rows each table has: counted where it is small, else estimated, null where even that cannot be."""
    sizes = {row.name: row for row in await conn.execute(_SIZES, {"names": list(names)})}
    small = [name for name in names if name in sizes and sizes[name].pages < COUNTED_PAGES]
    columns = ", ".join(f"(SELECT count(*) FROM {name}) AS {name}" for name in small)
    counted = (await conn.execute(sa.text(f"SELECT {columns}"))).one()._mapping if small else {}
    return {
        name: {"count": counted[name], "about": False}
        if name in counted
        else {"count": None if sizes[name].rows is None else round(sizes[name].rows), "about": True}
        for name in names
        if name in sizes
    }


async def _ignored(conn: AsyncConnection, received: Report) -> Report:
    if not received["about"]:
        statement = sa.text("SELECT count(*) FROM webhook_deliveries WHERE status = 'ignored'")
        return {"count": await conn.scalar(statement), "about": False}
    frequency = await conn.scalar(_FREQUENCY)
    known = frequency is not None and received["count"] is not None
    return {"count": round(frequency * received["count"]) if known else None, "about": True}


def _less(total: Report, waiting: int) -> Report:
    return {**total, "count": None if total["count"] is None else max(total["count"] - waiting, 0)}


def _reasons(pending: int, oldest_seconds: float, parked: int) -> list[str]:
    """Why the mirror is stale, in sentences that say what to do."""
    reasons = []
    if oldest_seconds > STALE_SECONDS:
        wait = "delivery waits" if pending == 1 else "deliveries wait"
        since = f"for {terminal.duration(oldest_seconds)}" + ("" if pending == 1 else " at most")
        reasons.append(f"{pending:,} {wait}, {since}: does `ghsync serve` or `ghsync work` run?")
    if parked:
        are = "delivery is" if parked == 1 else "deliveries are"
        reasons.append(f"{parked:,} {are} parked: see `ghsync deliveries list --status parked`.")
    return reasons


def _show(report: Report) -> None:
    newest, inbox = report["newest_processed"], report["deliveries"]
    _show_verdict(report, "Fresh: all that arrived is mirrored." if newest else "Nothing has arrived yet.")
    facts = _facts()
    if newest:
        age, lag = terminal.duration(newest["age_seconds"]), terminal.duration(newest["lag_seconds"])
        facts.add_row("Newest change", f"mirrored {age} ago, {lag} after it arrived")
    waiting = f"{inbox['pending']:,}"
    if inbox["pending"]:
        waiting += f", the oldest for {terminal.duration(inbox['oldest_pending_seconds'])}"
    facts.add_row("Waiting", waiting)
    facts.add_row("Parked", f"{inbox['parked']:,}")
    facts.add_row("Done", f"{_number(inbox['done'])}, of these {_number(inbox['ignored'])} ignored")
    terminal.console.print(facts)
    _show_jobs(report["jobs"])
    _show_parked_jobs(report["parked_jobs"])
    rows = terminal.table("Mirrored", "rows")
    rows.columns[1].justify = "right"
    for name, number in report["rows"].items():
        rows.add_row(name, _number(number))
    _section(rows)
    _show_errors(report["errors"])


def _show_repository(report: Report) -> None:
    _show_verdict(report, f"{report['repository']} is {report['state']}.")
    facts = _facts()
    if report["reasons"]:
        facts.add_row("Repository", f"{terminal.cell(report['repository'])}, {report['state']}")
    facts.add_row("Project", terminal.cell(report["project"]))
    facts.add_row("Last delivery", _time(report["last_received_at"]))
    facts.add_row("Last observed", _time(report["observed_at"]))
    facts.add_row("Verified by API", _time(report["verified_at"]))
    facts.add_row("Issues", f"{report['issues']:,}, of these {report['open_issues']:,} open")
    facts.add_row("Pull requests", f"{report['pull_requests']:,}, of these {report['open_pull_requests']:,} open")
    facts.add_row("Comments", f"{report['comments']:,}")
    facts.add_row("Waiting", f"{report['pending']:,}")
    facts.add_row("Parked", f"{report['parked']:,}")
    terminal.console.print(facts)
    _show_jobs(report["jobs"])
    _show_parked_jobs(report["parked_jobs"])
    _show_errors(report["errors"])


def _show_verdict(report: Report, otherwise: str) -> None:
    if report["stale"]:
        for reason in report["reasons"]:
            terminal.console.print(f"[bold red]Stale:[/] {reason}", soft_wrap=True)
    else:
        terminal.console.print(otherwise, style="green", markup=False)
    terminal.console.print()


def _show_jobs(jobs: Sequence[Mapping[str, Any]]) -> None:
    if jobs:
        shown = terminal.table("Work to do", "waiting", "due", "failing", "first due")
        for job in jobs:
            counts = (f"{job[name]:,}" for name in ("waiting", "due", "failing"))
            shown.add_row(job["kind"], *counts, terminal.moment(job["first_due_at"]))
        _section(shown)


def _show_parked_jobs(jobs: Sequence[Mapping[str, Any]]) -> None:
    """The last of the jobs that failed too often; what they are about has to change before they are tried again."""
    if jobs:
        shown = terminal.table(f"Work given up, {jobs[0]['of']:,} in all", "about", "error")
        for job in jobs:
            shown.add_row(job["kind"], terminal.cell(job["key"]), terminal.cell(job["error"]))
        _section(shown)


def _show_errors(errors: Sequence[Mapping[str, Any]]) -> None:
    if errors:
        shown = terminal.table("Last errors", "event", "status", "error")
        for error in errors:
            event = ".".join(filter(None, (error["event"], error["action"])))
            shown.add_row(str(error["id"]), terminal.cell(event), error["status"], terminal.cell(error["error"]))
        _section(shown)


def _facts() -> Table:
    facts = Table.grid(padding=(0, 3))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    return facts


def _section(table: Table) -> None:
    terminal.console.print()
    terminal.console.print(table)


def _number(number: Mapping[str, Any]) -> str:
    if number["count"] is None:
        return "unknown until ANALYZE"
    return f"about {number['count']:,}" if number["about"] else f"{number['count']:,}"


def _time(value: Any) -> str:
    return terminal.moment(value) if value else "never"
