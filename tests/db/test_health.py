"""How the database is, in rows that say what to do, and what can be done for it from within."""

import re
from typing import Any

import psycopg
import pytest

from ghsync import partitions
from ghsync.database import create_engine
from tests import months

Connection = psycopg.Connection[Any]


def health(connection: Connection) -> dict[str, tuple[str, float, str | None]]:
    """Status, value and advice, by component."""
    rows = connection.execute("SELECT component, status, value, detail FROM database_health_check()").fetchall()
    return {component: (status, value, detail) for component, status, value, detail in rows}


@pytest.mark.anyio
async def test_a_database_that_is_well_says_so(connection: Connection, database_url: str) -> None:
    engine = create_engine(database_url)
    await partitions.make(engine)
    await engine.dispose()
    found = health(connection)
    # Other tests of this run share the server.
    of_the_server = {"connections", "oldest transaction", "kept for replicas", "transaction ids"}
    assert {name: status for name, (status, _, _) in found.items() if name not in of_the_server} == {
        name: "ok" for name in found if name not in of_the_server
    }
    assert found["size"][1] > 1
    assert all(detail is None for status, _, detail in found.values() if status == "ok")


DELIVERY = "INSERT INTO webhook_deliveries (hook_target, guid, event, headers, body, received_at) "
DROP_ONE = """
DO $$ BEGIN EXECUTE format('DROP TABLE IF EXISTS %I', (SELECT min(name) FROM partitions_by_month())); END $$"""
PARKED = "UPDATE webhook_deliveries SET status = 'parked', processed_at = now(), last_error = 'x'"


@pytest.mark.parametrize(
    ("component", "change", "status"),
    [
        ("parked deliveries", f"{DELIVERY} VALUES ('h', 'g', 'e', '{{}}', '', now()); {PARKED}", "warning"),
        ("oldest delivery waits", f"{DELIVERY} VALUES ('h', 'g', 'e', '{{}}', '', now() - '2m'::interval)", "warning"),
        ("oldest delivery waits", f"{DELIVERY} VALUES ('h', 'g', 'e', '{{}}', '', now() - '1h'::interval)", "critical"),
        ("parked jobs", "INSERT INTO sync_jobs (kind, key, parked_at) VALUES ('heal', 'a', now())", "warning"),
        ("invalid indexes", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_users_email'::regclass",
         "warning"),
        ("partitions missing", DROP_ONE, "warning"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_to_do(
    connection: Connection, component: str, change: str, status: str
) -> None:
    connection.execute(change.encode())
    found, _, advice = health(connection)[component]
    assert found == status
    assert advice
    assert advice.endswith(".")


def test_whoever_holds_a_transaction_open_is_seen(connection: Connection, database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("SELECT 1")
        assert health(connection)["oldest transaction"][1] >= 0


def test_maintenance_lets_go_what_is_old_and_renews_statistics(connection: Connection) -> None:
    connection.execute("SELECT make_partition('change_events', %s)", months.months(-20))
    done = connection.execute("SELECT task, object, outcome FROM perform_database_maintenance()").fetchall()
    assert "dropped" in {outcome for task, _, outcome in done if task == "cleanup"}
    assert {outcome for task, name, outcome in done if (task, name) == ("statistics", "github_issues")} == {"done"}
    assert connection.execute(
        "SELECT count(*) FROM perform_database_maintenance(p_vacuum_analyze := true, p_cleanup_old_data := false, "
        "p_update_statistics := false) WHERE task <> 'vacuum'"
    ).fetchone() == (0,)


def test_what_to_vacuum_is_told_as_a_statement(connection: Connection) -> None:
    connection.execute("ALTER TABLE users SET (autovacuum_enabled = false)")
    connection.execute("INSERT INTO users (email, name) SELECT n::text, 'x' FROM generate_series(1, 3000) n")
    connection.execute("DELETE FROM users WHERE email::int > 1")
    connection.execute("SELECT pg_stat_force_next_flush()")
    told = connection.execute("SELECT object, outcome FROM perform_database_maintenance(true, false, false)").fetchall()
    assert ("users", "run: VACUUM (ANALYZE) users") in told
    connection.execute("VACUUM (ANALYZE) users")


def test_sizes_and_uses_count_partitions_with_their_table(connection: Connection) -> None:
    sizes = dict(connection.execute("SELECT name, total_bytes FROM table_sizes()").fetchall())
    assert sizes["webhook_deliveries"] > 0
    assert not [name for name in sizes if re.search(r"_y\d{4}m\d\d|_default$", name)]
    used = connection.execute("SELECT table_name, index_name, is_key, valid FROM index_usage()").fetchall()
    assert ("users", "idx_users_email", True, True) in used
    assert not [name for _, name, _, _ in used if re.search(r"_y\d{4}m\d\d", name)]


def test_slow_queries_are_none_without_the_extension_that_counts_them(connection: Connection) -> None:
    assert connection.execute("SELECT * FROM slow_queries()").fetchall() == []


@pytest.mark.parametrize(
    "function",
    ["database_health_check()", "perform_database_maintenance(boolean, boolean, boolean)", "index_usage()",
     "table_sizes()", "slow_queries(double precision)"],
)  # fmt: skip
def test_they_are_for_operators(connection: Connection, function: str) -> None:
    allowed = connection.execute("SELECT has_function_privilege('public', %s, 'EXECUTE')", [function]).fetchone()
    assert allowed == (False,)
