"""What the views say of a small world, and that each finds what it is asked for by an index."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ghsync import migrate, wording
from ghsync.settings import Settings
from tests import postgres
from tests.benchmarks import views

DB = Path(__file__).parents[2] / "db"
WORLD = (DB / "examples/world.sql").read_text()
VIEWS = (
    "active_tasks",
    "latest_releases",
    "pr_quality_dashboard",
    "pr_validation_status",
    "project_task_stats",
    "sync_health",
    "system_health_dashboard",
    "workflow_dashboard",
)

Connection = psycopg.Connection[Any]
Row = dict[str, Any]


@pytest.fixture
def world(database_url: str) -> Iterator[psycopg.Connection[Row]]:
    """A connection to the small world; in one transaction, so that its present stays."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute(WORLD.encode())
        yield connection


@pytest.fixture(scope="module")
def crowded(server_url: str, template: str) -> Iterator[Connection]:
    """A connection to a database as the benchmark fills it, for all tests here that only ask for plans."""
    with postgres.database(server_url, template=template) as url, psycopg.connect(url, autocommit=True) as connection:
        views.fill(connection, 2000)
        yield connection


def read(connection: Connection, view: str, condition: str = "true") -> list[Row]:
    """Rows of a view, in order of its columns."""
    return connection.execute(f"SELECT * FROM {view} WHERE {condition} ORDER BY 1, 2, 3".encode()).fetchall()


def one(connection: Connection, view: str, condition: str = "true") -> Row:
    """The only row."""
    (row,) = read(connection, view, condition)
    return row


def of(connection: Connection, view: str, name: str, number: int) -> Row:
    """The row of a pull request."""
    return one(connection, view, f"repository_name = '{name}' AND pr_number = {number}")


def change(connection: Connection, statement: str) -> None:
    """Change something."""
    connection.execute(statement.encode())


def test_every_view_has_an_example_and_a_test(connection: Connection) -> None:
    found = connection.execute("SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = "
                               "'public'::regnamespace ORDER BY relname").fetchall()  # fmt: skip
    assert tuple(name for (name,) in found) == VIEWS
    assert [name for name in VIEWS if not (DB / f"examples/{name}.sql").exists()] == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_an_empty_database_is_empty(connection: Connection, view: str) -> None:
    (count,) = connection.execute(f"SELECT count(*) FROM {view}".encode()).fetchone() or (None,)
    assert count == int(view == "system_health_dashboard")


@pytest.mark.parametrize("view", ["pr_quality_dashboard", "pr_validation_status"])
def test_tombstones_and_hidden_repositories_are_left_out(world: Connection, view: str) -> None:
    shown = {(row["repository_name"], row["pr_number"]) for row in read(world, view)}
    assert shown == {
        ("acme/app", 4),
        ("acme/app", 5),
        ("acme/app", 6),
        ("acme/app", 7),
        ("acme/app", 9),
        ("acme/lib", 1),
    }
    change(world, "UPDATE github_repositories SET deleted_at = now() WHERE name = 'lib'")
    assert read(world, view, "repository_name = 'acme/lib'") == []


def test_a_hidden_repository_has_no_health(world: Connection) -> None:
    assert [row["repository_name"] for row in read(world, "sync_health")] != []
    assert read(world, "sync_health", "repository_name = 'acme/old'") == []


def test_a_repository_with_nothing_in_its_way_is_not_stale(world: Connection) -> None:
    app = one(world, "sync_health", "repository_name = 'acme/app'")
    assert (app["stale"], app["stale_reason"], app["pending_deliveries"], app["parked_deliveries"]) == (
        False,
        None,
        0,
        0,
    )
    assert (app["project"], app["installation"], app["last_run"], app["last_run_error"]) == (
        "rocket",
        "acme",
        "sweep",
        None,
    )


TROUBLES = {
    """INSERT INTO webhook_deliveries (hook_target, guid, event, repository, headers, body, received_at)
       VALUES ('a:1', 'x', 'issues', 'acme/app', '{}', '{}', now() - interval '90 seconds')""":
        "1 delivery waits, for 1 min 30 s: does `ghsync serve` or `ghsync work` run?",
    """INSERT INTO webhook_deliveries (hook_target, guid, event, repository, headers, body, status, last_error,
                                       processed_at)
       VALUES ('a:1', 'x', 'issues', 'acme/app', '{}', '{}', 'parked', 'Broken', now())""":
        "1 delivery is parked: see `ghsync deliveries list --status parked`.",
    "UPDATE github_installations SET suspended_at = now()":
        "The App is suspended on acme: the account's owner can lift that in GitHub's settings.",
    """UPDATE sync_runs SET status = 'failed', last_error = 'GitHub answered 502.'
       WHERE kind = 'sweep' AND repository_id IS NOT NULL""":
        "Its last sweep failed: GitHub answered 502.",
    "UPDATE sync_runs SET status = 'failed', last_error = 'GitHub answered 502.' WHERE kind = 'sweep'":
        "The last sweep failed: GitHub answered 502.",
    "UPDATE sync_runs SET status = 'failed' WHERE kind = 'sweep' AND repository_id IS NOT NULL":
        "Its last sweep failed: nobody noted why.",
    "UPDATE sync_marks SET blocked_at = now()":
        "GitHub has blocked acme/app for everybody, for legal reasons: what is mirrored of it stays as it was.",
    "DELETE FROM sync_marks": "No complete reading of it has ended yet.",
    "UPDATE sync_marks SET complete_at = now() - interval '4 days'":
        "Its last complete reading began 4 d ago: does `ghsync serve` or `ghsync work` run?",
}  # fmt: skip


@pytest.mark.parametrize(
    ("trouble", "reason"),
    TROUBLES.items(),
    ids=["waits", "parked", "suspended", "failed", "all failed", "unexplained", "blocked", "unread", "old"],
)
def test_a_stale_repository_says_why(world: Connection, trouble: str, reason: str) -> None:
    change(world, trouble)
    app = one(world, "sync_health", "repository_name = 'acme/app'")
    assert (app["stale"], app["stale_reason"]) == (True, reason)


def test_how_old_a_complete_reading_may_be_follows_from_the_default_setting(world: Connection) -> None:
    seconds = 3 * Settings.model_fields["complete_seconds"].default
    for age, stale in ((seconds + 1, True), (seconds - 1, False)):
        world.execute("UPDATE sync_marks SET complete_at = now() - %s * interval '1 s'", [age])
        assert one(world, "sync_health", "repository_name = 'acme/app'")["stale"] is stale


def test_how_often_github_is_asked_makes_nothing_stale_here(world: Connection) -> None:
    """That is a setting, and only those who have it know what is too old; `ghsync status` goes by it."""
    change(world, "UPDATE sync_runs SET finished_at = now() - interval '30 days' WHERE repository_id IS NULL")
    assert one(world, "sync_health", "repository_name = 'acme/app'")["stale"] is False


def test_whoever_may_read_the_health_needs_no_other_right_and_no_path(world: Connection) -> None:
    expected = read(world, "sync_health")
    world.execute("CREATE ROLE reading_health")
    try:
        world.execute("GRANT USAGE ON SCHEMA public TO reading_health; GRANT SELECT ON sync_health TO reading_health")
        world.execute("SET LOCAL ROLE reading_health")
        world.execute("SET LOCAL search_path = ''")
        assert read(world, "public.sync_health") == expected
    finally:
        world.rollback()  # with the role


@pytest.mark.parametrize("seconds", [10, 59, 60, 61, 3599, 3600, 3660, 86_399, 86_400, 90_000, 864_000_061])
def test_a_length_of_time_reads_as_it_does_elsewhere(connection: Connection, seconds: int) -> None:
    statement = "SELECT readable_duration(make_interval(secs => %s))"
    assert connection.execute(statement.encode(), [seconds]).fetchone() == (wording.duration(seconds),)


def test_a_repository_that_only_hooks_tell_of_is_not_stale(world: Connection) -> None:
    change(world, "DELETE FROM sync_runs")
    change(world, "DELETE FROM sync_marks")
    assert one(world, "sync_health", "repository_name = 'acme/app'")["stale"] is False


def test_a_repository_counts_its_own_refetches(world: Connection) -> None:
    counts = ("refetches_due", "refetches_failing", "refetches_parked")
    assert [one(world, "sync_health", "github_id = '2'")[name] for name in counts] == [0, 1, 0]
    change(world, "UPDATE sync_jobs SET due_at = now()")
    assert [one(world, "sync_health", "github_id = '2'")[name] for name in counts] == [1, 1, 0]
    change(world, "UPDATE sync_jobs SET parked_at = now()")
    assert [one(world, "sync_health", "github_id = '2'")[name] for name in counts] == [0, 0, 1]
    assert [one(world, "sync_health", "github_id = '1'")[name] for name in counts] == [0, 0, 0]


def test_a_repository_that_lost_its_name_has_no_backlog_of_it(world: Connection) -> None:
    change(world, "UPDATE github_repositories SET tracked_name = 'acme/lib~2' WHERE name = 'lib'")
    assert one(world, "sync_health", "github_id = '2'")["pending_deliveries"] == 0


def test_of_releases_of_one_second_the_one_that_was_made_last_is_the_latest(world: Connection) -> None:
    change(
        world,
        """INSERT INTO github_releases (repository_id, github_id, tag_name, draft, prerelease, published_at,
                                        observed_at, observed_by, sync_source)
           SELECT r.id, number, 'v' || number, false, false, now() - interval '1 day', now(), 'api', 'backfill'
           FROM github_repositories r, unnest(ARRAY['9', '100', '11']) AS number WHERE r.name = 'app'""",
    )
    assert one(world, "latest_releases", "repository_name LIKE '%/app'")["tag_name"] == "v100"


def test_quality_tells_size_and_age(world: Connection) -> None:
    open_one = of(world, "pr_quality_dashboard", "acme/app", 4)
    assert [open_one[name] for name in ("lines_added", "lines_deleted", "lines_changed")] == [120, 30, 150]
    assert [float(open_one[name]) for name in ("quality_score", "age_days", "idle_days")] == [94, 3, 1]
    merged = of(world, "pr_quality_dashboard", "acme/app", 7)
    assert (float(merged["age_days"]), merged["idle_days"]) == (3, None)


def test_ready_is_mergeable_and_approved_and_checked(world: Connection) -> None:
    ready = of(world, "pr_validation_status", "acme/app", 4)
    assert (ready["ready"], ready["waits_for"], ready["check_runs"], ready["commit_statuses"]) == (True, [], 2, 0)
    assert [row["pr_number"] for row in read(world, "pr_validation_status", "ready")] == [4]


def test_a_check_that_is_gone_is_not_counted(world: Connection) -> None:
    change(
        world,
        """UPDATE github_check_runs SET deleted_at = now() WHERE id IN (
             SELECT c.id FROM github_check_runs c
             JOIN github_pull_requests p ON p.repository_id = c.repository_id AND p.head_sha = c.head_sha
             JOIN github_repositories r ON r.id = p.repository_id AND r.name = 'app'
             WHERE p.number = 4 ORDER BY c.id LIMIT 1)""",
    )
    assert of(world, "pr_validation_status", "acme/app", 4)["check_runs"] == 1


@pytest.mark.parametrize(
    ("column", "value", "waits_for"),
    [
        ("merge_status", "pending", "GitHub to say whether it can be merged"),
        ("merge_status", "conflicting", "its conflicts to be resolved"),
        ("merge_status", "blocked", "what the rules of its base branch ask for"),
        ("merge_status", "behind", "its branch to be brought up to date"),
        ("merge_status", "unstable", "every check to pass"),
        ("review_status", "pending", "a review"),
        ("review_status", "review_requested", "the review that was asked for"),
        ("review_status", "commented", "a review that approves"),
        ("review_status", "changes_requested", "the changes that a review asks for"),
        ("ci_status", "none", "a check to run"),
        ("ci_status", "pending", "its checks to end"),
        ("ci_status", "failure", "its failed checks to pass"),
    ],
)
def test_whatever_is_not_ready_waits_for_something(world: Connection, column: str, value: str, waits_for: str) -> None:
    change(world, f"UPDATE pr_tracking SET {column} = '{value}' WHERE pr_number = 4")
    row = of(world, "pr_validation_status", "acme/app", 4)
    assert (row["ready"], row["waits_for"]) == (False, [waits_for])


def test_what_is_merged_or_closed_waits_for_nothing(world: Connection) -> None:
    done = read(world, "pr_validation_status", "status IN ('merged', 'closed')")
    assert [(row["pr_number"], row["ready"], row["waits_for"]) for row in done] == [(7, False, []), (9, False, [])]


def test_a_workflow_adds_up_what_belongs_to_it(world: Connection) -> None:
    release = one(world, "workflow_dashboard")
    counted = {
        name: release[name] for name in release if name.endswith(("executions", "tasks", "requests", "sessions"))
    }
    assert counted == {
        "executions": 4, "active_executions": 1, "completed_executions": 2, "failed_executions": 1,
        "tasks": 3, "active_tasks": 2, "completed_tasks": 1, "failed_tasks": 0,
        "pull_requests": 2, "open_pull_requests": 1, "merged_pull_requests": 1,
        "sessions": 1, "active_sessions": 1,
    }  # fmt: skip
    assert [float(release[name]) for name in ("success_rate", "average_duration_seconds")] == [66.67, 1500]
    assert (release["tokens_used"], float(release["cost_usd"])) == (12000, 0.36)


def test_a_workflow_that_never_ran_has_no_success_rate(world: Connection) -> None:
    change(world, "INSERT INTO workflows (project_id, name) SELECT id, 'New' FROM projects WHERE slug = 'station'")
    new = one(world, "workflow_dashboard", "name = 'New'")
    assert (new["success_rate"], new["tasks"], new["sessions"], new["tokens_used"]) == (None, 0, 0, 0)


def test_active_tasks_are_those_that_are_not_done(world: Connection) -> None:
    assert {row["title"] for row in read(world, "active_tasks")} == {"Light the engine", "Lift off", "Open the hatch"}
    change(world, "UPDATE tasks SET status = 'cancelled' WHERE title = 'Open the hatch'")
    assert read(world, "active_tasks", "title = 'Open the hatch'") == []


def test_a_task_counts_the_tasks_that_it_waits_for(world: Connection) -> None:
    assert one(world, "active_tasks", "title = 'Lift off'")["waits_for_tasks"] == 1
    change(world, "UPDATE tasks SET status = 'completed' WHERE title = 'Light the engine'")
    assert one(world, "active_tasks", "title = 'Lift off'")["waits_for_tasks"] == 0


def test_a_task_shows_its_open_pull_request(world: Connection) -> None:
    change(world, "UPDATE pr_tracking SET task_id = (SELECT id FROM tasks WHERE title = 'Light the engine')"
                  " WHERE pr_number IN (8, 9) AND repository_name = 'acme/app'")  # fmt: skip
    task = one(world, "active_tasks", "title = 'Light the engine'")
    assert (task["repository_name"], task["pr_number"], task["pr_status"]) == ("acme/app", 4, "open")


def test_the_system_is_one_row(world: Connection) -> None:
    system = one(world, "system_health_dashboard")
    assert [system[name] for name in ("deliveries_pending", "deliveries_parked", "jobs_waiting", "jobs_failing")] == [
        2,
        1,
        1,
        1,
    ]
    assert [float(system[name]) for name in ("oldest_pending_seconds", "lag_seconds")] == [300, 0.04]
    assert (system["runs_failed_last_day"], system["feed_position"], system["repositories"]) == (1, 6, 2)
    assert [(budget["resource"], budget["remaining"]) for budget in system["budgets"]] == [
        ("core", 4200),
        ("graphql", 1900),
    ]
    assert float(system["budget_least_percent"]) == 38
    assert system["database_size_bytes"] > 0


def test_a_budget_whose_window_has_ended_is_whole_again(world: Connection) -> None:
    change(world, "UPDATE sync_budgets SET resets_at = now() - interval '1 second'")
    assert float(one(world, "system_health_dashboard")["budget_least_percent"]) == 100


def test_silence_that_github_asks_for_leaves_no_budget(world: Connection) -> None:
    change(world, "INSERT INTO sync_budgets (credential, resource, blocked_until) "
                  "VALUES ('installation:7', 'all', now() + interval '1 minute')")  # fmt: skip
    assert one(world, "system_health_dashboard")["budget_least_percent"] == 0


def test_project_task_stats_are_refreshed_while_they_are_read(connection: Connection, database_url: str) -> None:
    change(connection, WORLD)
    change(connection, "UPDATE tasks SET status = 'failed' WHERE title = 'Lift off'")
    with psycopg.connect(database_url) as reader:
        stats = """SELECT total_tasks, completed_tasks, failed_tasks
                   FROM project_task_stats s JOIN projects p ON p.id = s.project_id WHERE p.slug = 'rocket'"""
        assert reader.execute(stats).fetchone() == (3, 1, 0)  # and its lock is kept
        connection.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY project_task_stats")
        assert reader.execute(stats).fetchone() == (3, 1, 1)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("pr_quality_dashboard, one repository", "idx_pr_tracking_repo_pr"),
        ("pr_quality_dashboard, one project", "idx_pr_tracking_active"),
        ("pr_quality_dashboard, the 50 worst", "idx_pr_tracking_open_quality"),
        ("pr_validation_status, one", "idx_pr_tracking_repo_pr"),
        ("pr_validation_status, one project", "idx_pr_tracking_active"),
        ("workflow_dashboard, one project", "idx_pr_tracking_workflow_id"),
        ("active_tasks, the first 50", "idx_tasks_active"),
    ],
)
def test_a_condition_reaches_the_table_s_index(crowded: Connection, asked: str, index: str) -> None:
    cursor = psycopg.ClientCursor(crowded)
    cursor.execute("SET enable_seqscan = off")  # the tables are small for a test
    plan = "\n".join(line for (line,) in cursor.execute(f"EXPLAIN {views.QUERIES[asked]}", {"n": 3}))
    assert index in plan


def test_no_view_stands_in_the_way_of_the_migrations(database_url: str) -> None:
    migrate.downgrade(database_url, "base")
    assert migrate.current(database_url) is None
