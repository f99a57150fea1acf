"""What is wrong with a database is one sentence that says what to do, before anything is written or begun."""

import gc
from collections.abc import Iterator, Mapping
from uuid import uuid4

import psycopg
import pytest

from ghsync import migrate
from ghsync.settings import Settings
from tests import postgres
from tests.cli.conftest import FIRST_STORY, Ghsync
from tests.github.keys import private_key
from tests.postgres import as_role

APP = {"GHSYNC_APP_ID": "1", "GHSYNC_PRIVATE_KEY": private_key(), "GHSYNC_API_URL": "http://127.0.0.1:1"}


@pytest.fixture
def role(server_url: str) -> Iterator[str]:
    """A role that may do nothing, but connect."""
    name = f"ghsync_{uuid4().hex}"
    postgres.execute(server_url, f"CREATE ROLE {name} LOGIN")
    yield name
    postgres.execute(server_url, f"DROP ROLE {name}")


def test_a_role_that_is_missing_is_to_be_made(ghsync: Ghsync, database_url: str) -> None:
    result = ghsync("status", GHSYNC_DATABASE_URL=as_role(database_url, "nobody_at_all"))

    assert result.exit_code == 1
    assert result.stderr.startswith('PostgreSQL has no role "nobody_at_all": make it with `createuser ')
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["status", "migrate", "serve", "replay"])
def test_a_database_that_is_missing_is_to_be_made(ghsync: Ghsync, database_url: str, command: str) -> None:
    arguments = (command, FIRST_STORY) if command == "replay" else (command,)
    result = ghsync(*arguments, GHSYNC_DATABASE_URL=postgres.named(database_url, "not_there"))

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith('PostgreSQL has no database "not_there": make it with `createdb ')
    assert "does not answer" not in result.text


def test_a_status_that_fails_leaves_nothing_behind(
    ghsync: Ghsync, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ghsync("status", GHSYNC_DATABASE_URL=postgres.named(database_url, "not_there"))
    gc.collect()

    assert "never retrieved" not in capsys.readouterr().err


def test_a_doctor_says_the_same(ghsync: Ghsync, database_url: str) -> None:
    result = ghsync("doctor", GHSYNC_DATABASE_URL=postgres.named(database_url, "not_there"))

    assert 'PostgreSQL has no database "not_there"' in result.text


@pytest.mark.slow
def test_a_role_that_may_make_no_tables_gets_the_grant(ghsync: Ghsync, empty_database_url: str, role: str) -> None:
    url = as_role(empty_database_url, role)
    refused = ghsync("migrate", GHSYNC_DATABASE_URL=url)
    grant = refused.stderr.partition("run ")[2].partition(" there.")[0]
    postgres.execute(empty_database_url, grant)
    granted = ghsync("migrate", GHSYNC_DATABASE_URL=url)
    postgres.execute(empty_database_url, f"DROP OWNED BY {role}")

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert grant == f'GRANT USAGE, CREATE ON SCHEMA public TO "{role}";'
    assert granted.exit_code == 0


def test_a_role_that_may_read_nothing_is_told_so(ghsync: Ghsync, database_url: str, role: str) -> None:
    result = ghsync("status", GHSYNC_DATABASE_URL=as_role(database_url, role))

    assert result.exit_code == 1
    assert result.stderr.startswith("PostgreSQL does not let the role do that (permission denied for table ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("serve",), ("work",), ("migrate",), ("heal",), ("resync", "--all")])
@pytest.mark.parametrize("database", ["database_url", "empty_database_url"])
def test_a_server_that_takes_no_writes_is_one_sentence(
    ghsync: Ghsync, request: pytest.FixtureRequest, database: str, arguments: tuple[str, ...]
) -> None:
    url = request.getfixturevalue(database)
    migrated = migrate.current(url)
    name = postgres.name_of(url)
    postgres.execute(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    result = ghsync(*arguments, GHSYNC_DATABASE_URL=url, **APP)
    told = (result.exit_code, result.stderr.startswith("PostgreSQL takes no writes there: "), result.stderr.count("\n"))

    assert told == ((0, False, 0) if arguments == ("migrate",) and migrated else (1, True, 1))
    assert migrate.current(url) == migrated


def test_a_replay_before_the_first_migration_says_what_to_run(ghsync: Ghsync, empty_database_url: str) -> None:
    result = ghsync("replay", FIRST_STORY, GHSYNC_DATABASE_URL=empty_database_url)

    assert (result.exit_code, result.stderr.splitlines()[-1]) == (3, migrate.EMPTY)


@pytest.mark.parametrize(
    "arguments", [("status",), ("deliveries", "list"), ("tasks", "list"), ("repos", "list"), ("tail", "--no-follow")]
)
def test_who_reads_an_empty_database_is_told_what_fills_it(
    ghsync: Ghsync, empty_database_url: str, arguments: tuple[str, ...]
) -> None:
    result = ghsync(*arguments, GHSYNC_DATABASE_URL=empty_database_url)

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "The database is empty: start `ghsync serve`, or run `ghsync migrate`.\n"


def test_who_reads_a_database_that_is_older_is_told_what_is_missing(
    ghsync: Ghsync, connection: psycopg.Connection
) -> None:
    connection.execute("ALTER TABLE sync_processes RENAME TO of_later")
    result = ghsync("status")

    assert result.exit_code == 3
    assert result.stderr == (
        'The database is not migrated (relation "sync_processes" does not exist): run `ghsync migrate`.\n'
    )


@pytest.mark.parametrize("arguments", [("heal",), ("resync", "--all"), ("resync", "--all", "--dry-run")])
def test_without_credentials_an_empty_database_stays_empty(
    ghsync: Ghsync, empty_database_url: str, arguments: tuple[str, ...]
) -> None:
    result = ghsync(*arguments, GHSYNC_DATABASE_URL=empty_database_url)

    assert result.exit_code == 3
    assert result.stderr.startswith("Nothing may read GitHub's API yet: ")
    assert migrate.current(empty_database_url) is None


def test_a_rehearsal_migrates_nothing(ghsync: Ghsync, empty_database_url: str) -> None:
    result = ghsync("resync", "--all", "--dry-run", GHSYNC_DATABASE_URL=empty_database_url, **APP)

    assert (result.exit_code, result.stderr) == (3, f"{migrate.EMPTY}\n")
    assert migrate.current(empty_database_url) is None


@pytest.mark.parametrize("url", [
    "postgresql://ghsync:pass/hunter2@localhost/ghsync",
    "postgresql://ghsync:hunter2@home@localhost/ghsync",
    "postgresql://ghsync:hunter2%zz@localhost/ghsync",
    "postgresql://ghsync:hunter2@localhost:54x2/ghsync",
    "postgresql://ghsync:1/hunter2@localhost/ghsync",
    "postgresql://ghsync:hunter2@localhost/ghsync?nonsense=1",
    "hunter2",
])  # fmt: skip
@pytest.mark.parametrize("command", ["status", "doctor"])
def test_a_malformed_url_is_one_sentence_without_its_password(ghsync: Ghsync, command: str, url: str) -> None:
    result = ghsync(command, GHSYNC_DATABASE_URL=url)

    assert result.exit_code == {"status": 3, "doctor": 1}[command]
    assert "GHSYNC_DATABASE_URL is wrong: " in result.text
    assert "hunter2" not in result.text
    assert len(result.stderr.splitlines() + result.stdout.splitlines()) == {"status": 1, "doctor": 3}[command]


@pytest.mark.parametrize("url", [
    "postgresql://ghsync:p%40ss%2Fw@localhost/ghsync",
    "postgresql://ghsync@one:5432,two:5433/ghsync?target_session_attrs=read-write",
    "postgresql:///ghsync?host=/var/run/postgresql",
    "postgresql://ghsync@[::1]:5432/ghsync",
])  # fmt: skip
def test_a_url_that_libpq_reads_is_taken(url: str) -> None:
    assert Settings(database_url=url).database_url.get_secret_value() == url  # type: ignore[union-attr]


@pytest.fixture
def newer(connection: psycopg.Connection, environment: Mapping[str, str]) -> str:
    """A database that the next version has migrated."""
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    return environment["GHSYNC_DATABASE_URL"]


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("arguments", [("migrate",), ("migrate", "--check")])
def test_a_database_newer_than_the_code_is_well_and_told_of(ghsync: Ghsync, arguments: tuple[str, ...]) -> None:
    result = ghsync(*arguments)

    assert result.exit_code == 0
    assert result.stderr.startswith("The database is at 9999, which a newer version of ghsync has brought it to")
    assert result.text.count(".") == 2


@pytest.mark.usefixtures("newer")
def test_with_a_newer_database_one_goes_on(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    assert ghsync("replay", FIRST_STORY, "--process").exit_code == 0
    assert ghsync("status").exit_code == 0
    assert connection.execute("SELECT count(*) > 0 FROM github_issues").fetchone() == (True,)


@pytest.mark.usefixtures("newer")
def test_the_doctor_warns_of_a_newer_database_in_a_sentence(ghsync: Ghsync) -> None:
    (found,) = (one for one in ghsync("doctor", "--json").json if one["check"] == "database")

    assert found["state"] == "warning"
    assert "at 9999, which a newer version of ghsync has brought it to" in found["said"]


def test_to_go_back_is_refused_in_a_sentence(ghsync: Ghsync, database_url: str) -> None:
    before = migrate.current(database_url)
    result = ghsync("migrate", "--to", "0024")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"The database is at {before}, and 0024 is older: ")
    assert migrate.current(database_url) == before
