"""What a statement does grows with its rows and not with their pairs, though it was planned before there were any."""

import json

import psycopg
import pytest

from ghsync.database import _numbered
from ghsync.mirror import issue, overlay, upsert
from tests.mirror import test_plans

COUNT = 60

STATEMENTS = {
    "upsert": upsert._upsert_statement(issue.noun, False),
    "amend": upsert._amend_statement(issue.noun, overlay.EMBEDDED.columns, "true"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_step_is_taken_for_each_pair_of_rows(connection: psycopg.Connection, name: str) -> None:
    sql, _ = _numbered(STATEMENTS[name])
    for statement in (*test_plans.FILL[:3], "SET plan_cache_mode = force_generic_plan"):
        connection.execute(statement.encode())
    connection.execute(b"PREPARE write (json) AS " + sql)
    connection.execute("EXECUTE write ('[]')")  # plans it
    connection.execute(test_plans.FILL[3].replace("50000", str(COUNT)).encode())
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
    assert max(step["Actual Loops"] for step in test_plans._steps(plan)) <= COUNT
