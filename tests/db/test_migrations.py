"""The migrations make the declared schema, step by step, whoever runs them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ghsync import definitions, migrate, schema
from ghsync.errors import DatabaseRefused, DatabaseUnavailable, NotDefined, NotFound, Permanent
from tests import postgres, roles
from tests.db import catalog

SQL = migrate.scripts_directory() / "sql"
REVISIONS = [path.name[:4] for path in sorted(migrate.scripts_directory().glob("versions/*.py"))]
FIRST = REVISIONS[0]

ROWS = (
    "INSERT INTO organizations (name, slug, github_account_id, github_login) VALUES ('acme', 'acme', '10', 'acme')",
    "INSERT INTO projects (organization_id, name, slug) SELECT id, 'app', 'app' FROM organizations",
    """INSERT INTO github_repositories (project_id, github_id, owner, name, full_name, tracked_name,
                                        observed_at, observed_by, sync_source)
       SELECT id, '1', 'acme', 'app', 'acme/app', 'acme/app', now(), 'api', 'backfill' FROM projects""",
    """INSERT INTO github_issues (repository_id, github_id, number, title, state, observed_at, observed_by, sync_source)
       SELECT id, '1', 1, 'An issue', 'open', now(), 'guid', 'webhook' FROM github_repositories""",
)
"""What a mirror may hold; rows of another program, which may leave out whatever has a default."""


@pytest.fixture(scope="session")
def declared(server_url: str) -> dict[str, tuple]:
    """The catalog of a database made from the declared tables and the SQL beside them."""
    with postgres.database(server_url) as url:
        with migrate.engine(url).begin() as conn:
            schema.metadata.create_all(conn)
        postgres.execute(url, *definitions.texts(SQL), *definitions.POLICIES, "SELECT make_partitions()")
        return catalog.read(url)


def test_the_migrated_schema_is_the_declared_one(database_url: str, declared: dict[str, tuple]) -> None:
    assert catalog.read(database_url) == declared


def lasting(url: str) -> dict[str, tuple]:
    """The catalog without the months of partitions, which are made over the newest tables, and stay."""
    return {name: facts for name, facts in catalog.read(url).items() if not re.search(r"_y\d{4}m\d\d", name)}


@pytest.mark.slow
def test_every_migration_goes_up_and_down_and_up_again(empty_database_url: str) -> None:
    url, below = empty_database_url, "base"
    for revision in REVISIONS:
        before = lasting(url)
        migrate.upgrade(url, revision)
        after = lasting(url)
        migrate.downgrade(url, below)
        assert lasting(url) == before
        migrate.upgrade(url, revision)
        assert lasting(url) == after
        below = revision
    migrate.downgrade(url, "base")
    assert lasting(url) == {}


def test_a_definition_comes_after_those_that_it_builds_on(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("CREATE OR REPLACE VIEW a AS SELECT * FROM c -- as d does")
    (tmp_path / "b.sql").write_text("CREATE OR REPLACE VIEW b AS SELECT 1")
    (tmp_path / "c.sql").write_text("CREATE OR REPLACE VIEW c AS SELECT * FROM b")
    (tmp_path / "d.sql").write_text("CREATE OR REPLACE VIEW d AS SELECT * FROM a")
    assert [text.split()[4] for text in definitions.texts(tmp_path)] == ["b", "c", "a", "d"]


def test_a_definition_that_changed_is_applied_and_one_that_did_not_is_left(
    connection: psycopg.Connection, database_url: str, declared: dict[str, tuple]
) -> None:
    connection.execute("CREATE OR REPLACE VIEW active_tasks_now AS SELECT * FROM active_tasks")
    connection.execute("COMMENT ON VIEW active_tasks IS 'something else'")
    migrate.upgrade(database_url)
    assert catalog.read(database_url)["relation active_tasks"][-1] == "something else"
    connection.execute("COMMENT ON TABLE alembic_version IS 'as another version left it'")
    migrate.upgrade(database_url)
    assert catalog.read(database_url).items() >= declared.items()


@pytest.mark.parametrize("dropped", [
    "VIEW latest_releases", "FUNCTION readable_duration CASCADE", "TRIGGER tasks_due_for_linking ON tasks",
    "FUNCTION pr_blockers(text, integer)", "INDEX idx_project_task_stats",
])  # fmt: skip
def test_what_somebody_dropped_is_defined_again(
    connection: psycopg.Connection, database_url: str, declared: dict[str, tuple], dropped: str
) -> None:
    connection.execute(f"DROP {dropped}".encode())
    assert not migrate.is_defined(database_url)
    migrate.upgrade(database_url)
    assert migrate.is_defined(database_url)
    assert catalog.read(database_url) == declared


def test_a_trigger_of_that_name_on_another_table_is_not_it(connection: psycopg.Connection, database_url: str) -> None:
    connection.execute("ALTER TRIGGER tasks_due_for_linking ON tasks RENAME TO another")
    connection.execute("ALTER TRIGGER projects_due_for_tracking ON projects RENAME TO tasks_due_for_linking")
    assert not migrate.is_defined(database_url)


def test_what_is_in_the_way_of_a_view_is_named_and_the_tables_are_there(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE VIEW latest_releases AS SELECT 1 AS mine")
        with pytest.raises(NotDefined, match=r"latest_releases\.sql .*cannot change name of view column"):
            migrate.upgrade(empty_database_url)
        migrate.upgrade_to_serve(empty_database_url)
        assert migrate.current(empty_database_url) == migrate.newest()
        connection.execute("DROP VIEW latest_releases")
    migrate.upgrade(empty_database_url)
    assert migrate.is_defined(empty_database_url)


@pytest.mark.parametrize("table", ["github_issues", "github_pull_requests"])
def test_a_column_of_somebody_s_own_is_in_nobody_s_way(
    connection: psycopg.Connection, database_url: str, table: str
) -> None:
    connection.execute(f"ALTER TABLE {table} ADD COLUMN jira text".encode())
    assert not migrate.is_defined(database_url)
    migrate.upgrade(database_url)
    assert migrate.is_defined(database_url)
    assert connection.execute(f"SELECT count(jira) FROM {table}_as_of(now())".encode()).fetchall() == [(0,)]


def test_who_owns_no_table_goes_on_where_a_view_was_dropped_and_not_where_texts_changed(
    connection: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(migrate.log, "warning", lambda event, **values: told.append(f"{event}: {values['detail']}"))
    with roles.service(database_url) as service_url:
        connection.execute("DROP VIEW latest_releases")
        migrate.upgrade(service_url)
        assert told == [f"not_defined: {migrate.UNDEFINED}"]
        connection.execute("COMMENT ON TABLE alembic_version IS 'another text'")
        with pytest.raises(DatabaseRefused, match="has yet to be migrated"):
            migrate.upgrade(service_url)


@pytest.mark.slow
def test_an_index_is_made_however_long_others_read(empty_database_url: str, declared: dict[str, tuple]) -> None:
    """A report may read in one transaction for hours, which CREATE INDEX CONCURRENTLY waits for."""
    migrate.upgrade(empty_database_url, "0026")
    with psycopg.connect(empty_database_url) as reading, ThreadPoolExecutor() as threads:
        reading.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reading.execute("SELECT count(*) FROM github_issues")
        migrating = threads.submit(migrate.upgrade, empty_database_url)
        with pytest.raises(TimeoutError):
            migrating.result(timeout=6)  # longer than a migration waits for a lock
        reading.rollback()
        migrating.result()
    assert catalog.read(empty_database_url) == declared


WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INDEX CONCURRENTLY%'
"""


@contextmanager
def waiting(url: str) -> Iterator[int]:
    """The process id of the session that makes or drops an index, and waits for a reader until the block ends."""
    with psycopg.connect(url) as reading, psycopg.connect(url, autocommit=True) as outside:
        reading.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reading.execute("SELECT count(*) FROM github_issues")
        until = time.monotonic() + 30
        while not (found := outside.execute(WAITING).fetchall()):
            assert time.monotonic() < until
            time.sleep(0.02)
        yield found[0][0]


@pytest.mark.slow
@pytest.mark.parametrize("before", ["0026", "0027"])
def test_a_migration_whose_session_ends_outside_of_a_transaction_says_why_and_can_be_run_again(
    empty_database_url: str, declared: dict[str, tuple], before: str
) -> None:
    migrate.upgrade(empty_database_url, before)
    with ThreadPoolExecutor() as threads:
        migrating = threads.submit(migrate.upgrade, empty_database_url)
        with waiting(empty_database_url) as pid:
            postgres.execute(empty_database_url, f"SELECT pg_terminate_backend({pid})")
            with pytest.raises(DatabaseUnavailable, match="terminating connection"):
                migrating.result()
    migrate.upgrade(empty_database_url)
    assert catalog.read(empty_database_url) == declared


@pytest.mark.slow
def test_ctrl_c_in_a_migration_is_no_error(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url, "0027")
    migrating = subprocess.Popen(
        [sys.executable, "-m", "ghsync", "migrate"],
        env={**os.environ, "GHSYNC_DATABASE_URL": empty_database_url},
        stderr=subprocess.PIPE,
    )
    with waiting(empty_database_url):
        migrating.send_signal(signal.SIGINT)
        _, said = migrating.communicate()
    assert (migrating.returncode, said) == (130, b"")


def test_migrations_are_numbered_in_a_line(empty_database_url: str) -> None:
    assert migrate.pending(empty_database_url) == REVISIONS
    assert [int(revision) for revision in REVISIONS] == list(range(int(FIRST), int(FIRST) + len(REVISIONS)))


@pytest.mark.slow
def test_two_migrations_at_once_are_one_after_the_other(empty_database_url: str, declared: dict[str, tuple]) -> None:
    program = [sys.executable, "-c", "import sys; from ghsync import migrate; migrate.upgrade(sys.argv[1])"]
    both = [subprocess.Popen([*program, empty_database_url]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert catalog.read(empty_database_url) == declared


def test_the_printed_sql_makes_the_same_database(empty_database_url: str, declared: dict[str, tuple]) -> None:
    postgres.execute(empty_database_url, migrate.sql())
    assert catalog.read(empty_database_url) == declared
    assert migrate.pending(empty_database_url) == []


def test_pending_lists_what_is_left(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url, FIRST)
    assert migrate.current(empty_database_url) == FIRST
    assert migrate.pending(empty_database_url) == REVISIONS[1:]


def test_a_database_from_the_future_is_gone_on_with_and_not_touched(
    connection: psycopg.Connection, database_url: str
) -> None:
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    migrate.upgrade(database_url)
    assert (migrate.current(database_url), migrate.ahead(database_url)) == ("9999", "9999")
    assert migrate.pending(database_url) == []


def test_a_database_of_another_program_is_refused(connection: psycopg.Connection, database_url: str) -> None:
    connection.execute("UPDATE alembic_version SET version_num = 'abcdef'")
    with pytest.raises(NotFound, match="abcdef"):
        migrate.upgrade(database_url)


def test_a_database_of_before_the_first_release_is_told_so(connection: psycopg.Connection, database_url: str) -> None:
    connection.execute("UPDATE alembic_version SET version_num = '0010'")
    for look in (migrate.upgrade, migrate.pending, migrate.current):
        with pytest.raises(Permanent, match="at migration 0010, of before the first release: bring it to 0024"):
            look(database_url)


@pytest.mark.slow
def test_releases_that_were_ignored_are_projected_now(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url, "0025")
    postgres.execute(
        empty_database_url,
        """INSERT INTO webhook_deliveries (hook_target, guid, event, body, status, processed_at)
           VALUES ('integration:1', 'a', 'release', '', 'ignored', now()),
                  ('integration:1', 'b', 'star', '', 'ignored', now())""",
    )
    migrate.upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        kept = connection.execute("SELECT guid, status FROM webhook_deliveries ORDER BY guid").fetchall()
    assert kept == [("a", "pending"), ("b", "ignored")]


def test_there_is_no_way_back_by_upgrading(database_url: str) -> None:
    with pytest.raises(Permanent, match=f"The database is at {REVISIONS[-1]}, and {FIRST} is older"):
        migrate.upgrade(database_url, FIRST)
    assert migrate.current(database_url) == REVISIONS[-1]


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        migrate.upgrade(f"postgresql:///ghsync?host={tmp_path}")


@pytest.mark.slow
def test_a_database_with_rows_in_it_takes_every_later_migration(
    empty_database_url: str, declared: dict[str, tuple]
) -> None:
    url = empty_database_url
    migrate.upgrade(url, FIRST)
    postgres.execute(url, *ROWS)
    migrate.upgrade(url)
    assert catalog.read(url) == declared
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT title, labels FROM github_issues").fetchall() == [("An issue", [])]


@pytest.mark.parametrize(
    "change", ["labels = '{}'", "milestone = '[]'", """transferred_to = '{"number": "x"}'""", "assignees = '1'"]
)
def test_a_column_of_json_refuses_another_shape(database_url: str, change: str) -> None:
    postgres.execute(database_url, *ROWS)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"UPDATE github_issues SET {change}")
