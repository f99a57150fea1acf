import psycopg
import pytest

from ghsync.cli import terminal
from tests.cli.conftest import Ghsync
from tests.fixtures.recorded import FIXTURES

PULL_REQUEST_STORY = FIXTURES / "stories" / "02-a-pull-request-from-draft-to-merge"


@pytest.fixture
def tracked(ghsync: Ghsync) -> Ghsync:
    """Calls a command, after a pull request's story was replayed and projected."""
    assert ghsync("replay", PULL_REQUEST_STORY, "--as-of-now", "--process").exit_code == 0
    return ghsync


def test_materialized_views_are_refreshed_whether_they_can_be_read_meanwhile_or_not(
    ghsync: Ghsync, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int)")
    for view in ("plain", "indexed", "empty"):
        data = "WITH NO DATA" if view == "empty" else ""
        connection.execute(f"CREATE MATERIALIZED VIEW {view} AS SELECT id FROM things {data}")
    connection.execute("CREATE UNIQUE INDEX ON indexed (id)")
    connection.execute("INSERT INTO things VALUES (1)")

    result = ghsync("maintain", "--json")

    assert {"empty", "indexed", "plain"} <= set(result.json["refreshed"])
    assert result.json["tracking"] is None
    for view in ("plain", "indexed", "empty"):
        assert connection.execute(f"SELECT id FROM {view}").fetchall() == [(1,)]


def test_partitions_of_months_to_come_are_made(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    ((last,),) = connection.execute("SELECT max(relid::text) FROM pg_partition_tree('audit_logs')").fetchall()
    for make in (lambda: ghsync("maintain").text, lambda: " ".join(ghsync("maintain", "--json").json["partitions"])):
        connection.execute(f"DROP TABLE {last}".encode())
        assert last in make()
    assert ghsync("maintain", "--json").json["partitions"] == []
    up_to = f"{last[-7:-3]}-{last[-2:]}"
    assert ghsync("maintain", "--json").json["partitions_made_up_to"] >= up_to  # or later, where a month has begun
    assert "Partitions are made up to " in ghsync("maintain").text


def test_a_table_in_the_place_of_a_partition_is_told_in_a_sentence_and_the_rest_is_done(
    ghsync: Ghsync, connection: psycopg.Connection
) -> None:
    connection.execute("SELECT make_partitions()")
    ((taken,), (missing,)) = connection.execute(
        "SELECT max(relid::text) FROM unnest(ARRAY['audit_logs', 'change_events']) t, pg_partition_tree(t)"
        " GROUP BY t ORDER BY t"
    ).fetchall()
    connection.execute(f"ALTER TABLE audit_logs DETACH PARTITION {taken}".encode())
    connection.execute(f"DROP TABLE {missing}".encode())

    result = ghsync("maintain")

    said = f"{taken} is in the place of a partition of audit_logs, and is none: rename it or attach it."
    assert (result.exit_code, result.stderr.splitlines()) == (terminal.FAILED, [said])
    assert f"Made {missing}." in result.text
    assert "Refreshed project_task_stats." in result.text


def test_tasks_are_counted_anew(tracked: Ghsync, connection: psycopg.Connection) -> None:
    (project,) = connection.execute("SELECT id::text FROM projects LIMIT 1").fetchall()[0]
    tracked("tasks", "create", "Trim the wick", "--project", project)
    counted = "SELECT active_tasks, refreshed_at FROM project_task_stats WHERE project_id = %s"
    assert connection.execute(counted, [project]).fetchall() == []

    assert "project_task_stats" in tracked("maintain", "--json").json["refreshed"]
    ((tasks, first),) = connection.execute(counted, [project]).fetchall()
    assert tasks == 1

    assert "Refreshed project_task_stats." in tracked("maintain").text
    ((tasks, second),) = connection.execute(counted, [project]).fetchall()
    assert (tasks, second > first) == (1, True)


def test_tracking_that_is_right_is_derived_anew_and_told_to_nobody(
    tracked: Ghsync, connection: psycopg.Connection
) -> None:
    position = connection.execute("SELECT last_seq FROM change_feed").fetchone()

    assert tracked("maintain", "--recompute-tracking", "--json").json["tracking"] == {"derived": 2, "changed": 0}
    assert "Derived 2 pull requests anew: none became another." in tracked("maintain", "--recompute-tracking").text
    assert connection.execute("SELECT last_seq FROM change_feed").fetchone() == position


def test_tracking_that_is_wrong_is_put_right_and_told(tracked: Ghsync, connection: psycopg.Connection) -> None:
    row = "SELECT title, merge_status FROM pr_tracking ORDER BY pr_number"
    right = connection.execute(row).fetchall()
    connection.execute(
        "UPDATE pr_tracking SET title = 'by hand' WHERE pr_number = (SELECT min(pr_number) FROM pr_tracking)"
    )

    assert "Derived 2 pull requests anew: 1 became another." in tracked("maintain", "--recompute-tracking").text
    assert connection.execute(row).fetchall() == right
    acts = connection.execute("SELECT action, resource_type FROM audit_logs").fetchall()
    assert acts == [("pr_tracking.recompute_started", "pr_tracking")]
    newest = "SELECT entity_type, old_values FROM change_events ORDER BY seq DESC LIMIT 1"
    assert connection.execute(newest).fetchall() == [("pr_tracking", {"title": "by hand"})]
