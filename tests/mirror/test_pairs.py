"""What a statement does grows with its rows and not with their pairs, though it was planned before there were any."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ghsync.database import _numbered
from ghsync.mirror import issue, overlay, upsert

COUNT = 60

REPOSITORY = (
    "INSERT INTO organizations (name, slug) VALUES ('acme', 'acme')",
    "INSERT INTO projects (organization_id, name, slug) SELECT id, 'app', 'app' FROM organizations",
    """INSERT INTO github_repositories (project_id, github_id, owner, name, full_name, tracked_name,
                                        observed_at, observed_by, sync_source)
       SELECT id, '1', 'acme', 'app', 'acme/app', 'acme/app', now(), 'api', 'backfill' FROM projects""",
)
FILL = f"""INSERT INTO github_issues (repository_id, github_id, number, title, state,
                                      observed_at, observed_by, sync_source)
           SELECT id, n::text, n, 'An issue', 'open', now(), 'guid', 'webhook'
           FROM github_repositories, generate_series(1, {COUNT}) n"""

STATEMENTS = {
    "upsert": upsert._upsert_statement(issue.noun, False),
    "amend": upsert._amend_statement(issue.noun, overlay.EMBEDDED.columns, "true"),
}


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's node and all below."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from steps(below)


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_step_is_taken_for_each_pair_of_rows(connection: psycopg.Connection, name: str) -> None:
    sql, _ = _numbered(STATEMENTS[name])
    for statement in (*REPOSITORY, "SET plan_cache_mode = force_generic_plan"):
        connection.execute(statement.encode())
    connection.execute(b"PREPARE write (json) AS " + sql)
    connection.execute("EXECUTE write ('[]')")  # plans it
    connection.execute(FILL.encode())
    (repository,) = connection.execute("SELECT id::text FROM github_repositories").fetchone() or ("",)
    rows = [{"repository_id": repository, "number": n, "labels": [{"id": n}]} for n in range(1, COUNT + 1)]
    if name == "upsert":
        told = {"title": "Another", "state": "open", "observed_by": "guid", "sync_source": "webhook"}
        times = {"updated_at": "2100-01-01T00:00:00Z", "observed_at": "2100-01-01T00:00:00Z"}
        rows = [{**row, **told, **times, "github_id": str(row["number"])} for row in rows]
    explain = psycopg.sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE write ({})").format(json.dumps(rows))
    ((found,),) = connection.execute(explain).fetchall()
    plan = found[0]["Plan"]
    assert plan["Actual Rows"] == COUNT
    assert max(step["Actual Loops"] for step in steps(plan)) <= COUNT
