"""`ghsync grants`: two roles, made from the printed SQL, do all that ghsync does."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ghsync import embedded, rights
from ghsync.schema import metadata
from tests import postgres, roles, service, traffic
from tests.cli.conftest import FIRST_STORY, Ghsync
from tests.cli.hub import Hub
from tests.cli.test_database_errors import APP
from tests.cli.test_heal import lose
from tests.cli.test_maintain import PULL_REQUEST_STORY
from tests.postgres import as_role
from tests.roles import OWNER

ODD = 'it\'s "$ghsync$" 100% {of} '
PLACES = "SELECT DISTINCT schemaname, tableowner FROM pg_tables WHERE tablename IN ('alembic_version', 'tasks')"
ACCESS = "SELECT relacl, ARRAY(SELECT defaclacl FROM pg_default_acl ORDER BY oid) FROM pg_class WHERE relname = 'tasks'"


@pytest.fixture
def environment(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The settings of other tests, but for a role that owns nothing."""
    with roles.service(environment["GHSYNC_DATABASE_URL"]) as url:
        yield environment | {"GHSYNC_DATABASE_URL": url}


@pytest.fixture
def owner(connection: psycopg.Connection) -> str:
    """Who owns the tables."""
    ((name,),) = connection.execute(OWNER).fetchall()
    return str(name)


def user(environment: dict[str, str]) -> str:
    """The role that owns nothing."""
    with psycopg.connect(environment["GHSYNC_DATABASE_URL"]) as connection:
        return connection.info.user


@contextmanager
def two_roles(url: str) -> Iterator[tuple[str, str]]:
    """Names that want to be quoted, of roles that are removed in the end."""
    names = ODD + roles.named("o")[-20:], ODD + roles.named("s")[-20:]
    try:
        yield names
    finally:
        roles.forget(url, *reversed(names))


def psql(url: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script as an administrator does."""
    program = [embedded.binaries() / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", url]
    return subprocess.run(program, input=script, text=True, capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("schema", ["public", "it's the mirror"])
def test_the_owner_migrates_a_new_database_and_the_service_lacks_nothing(
    ghsync: Ghsync, empty_database_url: str, schema: str
) -> None:
    path = '"' + schema.replace(" ", "\\ ") + '"'
    url = postgres.with_options(empty_database_url, search_path=path)
    with two_roles(empty_database_url) as (owner, user):
        printed = ghsync("grants", "--owner", owner, "--service", user, GHSYNC_DATABASE_URL=url)
        ran = psql(empty_database_url, printed.stdout)
        migrated = ghsync("migrate", GHSYNC_DATABASE_URL=as_role(url, owner))
        replayed = ghsync("replay", FIRST_STORY, "--process", GHSYNC_DATABASE_URL=as_role(url, user))
        rights.check(as_role(url, user))
        with psycopg.connect(empty_database_url) as connection:
            places = connection.execute(PLACES).fetchall()

    assert (ran.returncode, migrated.exit_code, replayed.exit_code) == (0, 0, 0)
    assert places == [(schema, owner)]


def test_a_database_that_was_migrated_before_keeps_its_owner_and_the_sql_may_be_run_again(
    ghsync: Ghsync, connection: psycopg.Connection, database_url: str, owner: str
) -> None:
    found = []
    with two_roles(database_url) as (other, user):
        refused = psql(database_url, ghsync("grants", "--owner", other, "--service", user).stdout)
        nobody = connection.execute("SELECT FROM pg_roles WHERE rolname IN (%s, %s)", [other, user]).fetchall()
        for _ in range(2):
            assert psql(database_url, ghsync("grants", "--owner", owner, "--service", user).stdout).returncode == 0
            found.append(connection.execute(ACCESS).fetchall())
        rights.check(as_role(database_url, user))
        postgres.execute(database_url, sql.SQL("CREATE ROLE {}").format(sql.Identifier(other)).as_string())

    assert f"The tables belong to {owner}: name that role with --owner." in refused.stderr
    assert nobody == []
    assert found[0] == found[1]


def test_the_schema_is_that_of_the_url_unless_it_is_named(ghsync: Ghsync) -> None:
    url = "postgresql://localhost/ghsync?options="
    printed = {
        "": "public",
        "-c%20search_path%3DMirror": "mirror",
        "-c%20timezone%3DUTC%20--search_path%3D%22%24user%22%2Cmirror%2Cpublic": "mirror",
    }
    for options, schema in printed.items():
        result = ghsync("grants", GHSYNC_DATABASE_URL=url + options)
        assert f'GRANT USAGE ON SCHEMA "{schema}" TO "ghsync_service";' in result.stdout
    assert 'ON SCHEMA "else where" TO' in ghsync("grants", "--schema", "else where").stdout


@pytest.mark.parametrize("name", ["", "a" * 64, "a\nb", "a\x00b"])
def test_what_is_no_name_is_refused(ghsync: Ghsync, name: str) -> None:
    result = ghsync("grants", "--owner", name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "PostgreSQL has names of 1 to 63 bytes" in result.stderr


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("workers", [1, 2])
async def test_the_service_receives_and_projects(
    environment: dict[str, str], tmp_path: Path, connection: psycopg.Connection, workers: int
) -> None:
    delivery = traffic.busy(1).deliveries[0]
    url, command = environment["GHSYNC_DATABASE_URL"], f"serve --workers {workers}"
    async with service.serving(url, tmp_path / "log", command=command) as receiver:
        assert (await service.post(receiver.client, delivery)).status_code == 202
        await service.drained(connection)
        assert receiver.told("warning", "error") == []
    assert connection.execute("SELECT status FROM webhook_deliveries").fetchall() == [("processed",)]


@pytest.mark.anyio
async def test_the_service_works(
    process: Ghsync, environment: dict[str, str], tmp_path: Path, connection: psycopg.Connection
) -> None:
    assert process("replay", FIRST_STORY).exit_code == 0
    async with service.working(environment["GHSYNC_DATABASE_URL"], tmp_path / "log") as program:
        await service.drained(connection)
        assert program.told("warning", "error") == []


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_service_reads_github_and_heals(hub: Hub) -> None:
    for arguments in (("resync", "--all"), ("resync", "--all", "--full"), ("resync", "--all", "--full", "--dry-run")):
        result = await hub.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, "")
    await lose(hub)
    healed = await hub.run("heal")
    assert (healed.exit_code, healed.stderr) == (0, "")
    assert "3 deliveries brought in" in healed.stdout


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_schedule_of_the_service_has_no_trouble(hub: Hub, tmp_path: Path) -> None:
    async def led() -> bool:
        done = hub.rows("SELECT DISTINCT kind FROM sync_runs WHERE status = 'succeeded'")
        return {("backfill",), ("heal",), ("sweep",), ("audit",)} <= set(done)

    settings = hub.settings() | {"log_level": "info", "sweep_seconds": "1", "audit_seconds": "1", "heal_seconds": "1"}
    async with service.working(settings.pop("database_url"), tmp_path / "log", **settings) as program:
        await service.until(led, "each part of the schedule had its turn")
        assert program.told("error") == []
    assert hub.rows("SELECT last_error FROM sync_runs WHERE last_error IS NOT NULL") == []


@pytest.mark.slow
def test_the_service_does_all_that_an_operator_asks_for(
    told: Ghsync, tmp_path: Path, connection: psycopg.Connection
) -> None:
    name, ids = "tarnfield/stationd", connection.execute("SELECT id::text FROM webhook_deliveries").fetchall()
    (guid,), *_ = ids
    project = told("projects", "create", "--organization", "tarnfield", "ops").stdout.strip()
    task = told("tasks", "create", "Trim the wick", "--project", project).stdout.strip()
    commands = [
        ("status",), ("status", "--repo", name), ("migrate",), ("migrate", "--check"), ("doctor",),
        ("tail", "--no-follow"), ("record", tmp_path / "recorded"),
        ("deliveries", "list"), ("deliveries", "show", guid), ("deliveries", "replay", guid),
        ("deliveries", "park", guid, "--reason", "odd"), ("deliveries", "dismiss", guid, "--reason", "odd"),
        ("replay", PULL_REQUEST_STORY, "--process"),
        ("projects", "list"), ("tasks", "list"), ("tasks", "suggest"),
        ("tasks", "link", task, f"{name}#1"), ("tasks", "unlink", task, f"{name}#1"),
        ("repos", "list"), ("repos", "assign", name, "--project", project), ("repos", "aliases", name),
        ("repos", "secret", name),
    ]  # fmt: skip
    failed = {command: done.text for command in commands if (done := told(*command, stdin="hush")).exit_code}
    assert failed == {}


def test_the_service_refreshes_views_where_others_than_their_owner_may(
    told: Ghsync, environment: dict[str, str], connection: psycopg.Connection, owner: str
) -> None:
    result = told("maintain", "--recompute-tracking", "--json")
    if connection.info.server_version >= 170000:
        assert (result.exit_code, result.stderr) == (0, "")
        connection.execute(revoked("MAINTAIN ON project_task_stats", environment))
        result = told("maintain", "--recompute-tracking", "--json")
    assert (result.exit_code, result.json["refreshed"], result.json["tracking"]["changed"]) == (1, [], 0)
    assert result.stderr.startswith(f'The role "{user(environment)}" may not refresh project_task_stats: run ')
    assert f'run `ghsync maintain` as its owner, "{owner}"' in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_verification_is_the_owner_s(ghsync: Ghsync, empty_database_url: str) -> None:
    with two_roles(empty_database_url) as (owner, user):
        roles.grant(empty_database_url, owner, user)
        theirs, own = ({"GHSYNC_DATABASE_URL": as_role(empty_database_url, name)} for name in (user, owner))
        assert ghsync("migrate", **own).exit_code == 0
        assert ghsync("replay", FIRST_STORY, "--process", **theirs).exit_code == 0
        refused = ghsync("replay", "--verify", **theirs)
        verified = ghsync("replay", "--verify", **own)

    assert (refused.exit_code, refused.stderr.count("\n")) == (3, 1)
    assert refused.stderr.startswith(
        "A verification makes a schema for itself, which this role may not: run it as the "
    )
    assert verified.exit_code == 0
    assert "The mirror is what its inbox and its change feed say." in verified.text


WITH_API = [("serve",), ("work",), ("migrate",), ("resync", "--all"), ("heal",)]
OLDER = ["UPDATE alembic_version SET version_num = '0024'", "COMMENT ON TABLE alembic_version IS 'an older text'"]


@pytest.mark.parametrize("older", OLDER, ids=["tables", "views"])
@pytest.mark.parametrize("arguments", WITH_API, ids=" ".join)
def test_what_is_to_be_migrated_is_left_to_the_owner(
    ghsync: Ghsync, connection: psycopg.Connection, owner: str, arguments: tuple[str, ...], older: str
) -> None:
    connection.execute(older)
    result = ghsync(*arguments, **APP)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("The database has yet to be migrated for this version of ghsync, and the role ")
    assert result.stderr.endswith(f'does not own its tables: run `ghsync migrate` as "{owner}", who does.\n')


def test_where_everybody_may_make_tables_the_owner_migrates_all_the_same(
    ghsync: Ghsync, connection: psycopg.Connection
) -> None:
    connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    connection.execute(OLDER[0])

    assert "does not own its tables: run `ghsync migrate` as " in ghsync("migrate").stderr


MISSING = [
    ("SELECT ON alembic_version", ("serve", "work", "migrate", "replay", "resync", "heal", "doctor")),
    ("USAGE ON SCHEMA public", ("serve", "work", "migrate", "status", "replay", "resync", "heal", "doctor", "tail")),
    ("INSERT ON webhook_deliveries", ("serve", "work", "replay", "doctor")),
    ("USAGE ON SEQUENCE webhook_deliveries_id_seq", ("serve", "work", "replay", "doctor")),
    ("SELECT ON change_feed", ("serve", "work", "tail", "doctor")),
    ("DELETE ON sync_jobs", ("serve", "work", "doctor")),
    ("INSERT ON audit_logs", ("serve", "work", "tasks", "projects", "doctor")),
    ("EXECUTE ON FUNCTION tracking_rules(jsonb)", ("serve", "work", "doctor")),
]
ARGUMENTS = {
    "replay": ("replay", str(FIRST_STORY), "--as-of-now"),
    "resync": ("resync", "--all"),
    "tail": ("tail", "--no-follow"),
    "tasks": ("tasks", "create", "Trim the wick", "--project", "stationd"),
    "projects": ("projects", "create", "ops", "--organization", "tarnfield"),
}


@pytest.mark.parametrize(
    ("right", "command"), [(right, command) for right, commands in MISSING for command in commands]
)
def test_a_right_that_is_missing_is_one_sentence_that_says_what_gives_it(
    told: Ghsync, environment: dict[str, str], connection: psycopg.Connection, right: str, command: str
) -> None:
    connection.execute(revoked(right, environment))
    result = told(*ARGUMENTS.get(command, (command,)), **APP)

    assert result.exit_code == 1
    told_of = [line for line in (result.stdout + result.stderr).splitlines() if "ghsync grants" in line]
    assert len(told_of) == 1 or command == "doctor"
    assert len(result.stderr.splitlines()) == (command != "doctor")


def test_a_role_that_may_not_connect_gets_the_grant(
    ghsync: Ghsync, environment: dict[str, str], connection: psycopg.Connection
) -> None:
    database = postgres.name_of(environment["GHSYNC_DATABASE_URL"])
    connection.execute(revoked(f"CONNECT ON DATABASE {database}", environment))
    result = ghsync("status")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f'may not connect: GRANT CONNECT ON DATABASE "{database}" to it' in result.stderr


@pytest.mark.slow
def test_whichever_table_may_not_be_read_no_report_ends_in_a_traceback(
    told: Ghsync, environment: dict[str, str], connection: psycopg.Connection
) -> None:
    reports = [("status",), ("tail", "--no-follow"), ("repos", "list"), ("tasks", "list"), ("deliveries", "list")]
    for table in metadata.tables:
        connection.execute(revoked(f"SELECT ON {table}", environment))
        for result in [told(*arguments) for arguments in reports]:
            assert (result.exit_code, result.stderr.count("\n")) in ((0, 0), (1, 1))
        connection.execute(
            revoked(f"SELECT ON {table}", environment).replace("REVOKE", "GRANT").replace("FROM PUBLIC,", "TO")
        )


def test_the_doctor_says_what_is_missing_and_the_command_that_mends_it(
    ghsync: Ghsync, environment: dict[str, str], connection: psycopg.Connection, owner: str
) -> None:
    def found() -> tuple[str, str]:
        (one,) = (one for one in ghsync("doctor", "--json").json if one["check"] == "rights")
        return one["state"], one["said"]

    role = user(environment)
    assert found() == ("ok", f'The role "{role}" owns nothing, and has the rights that it needs.')
    for right in ("UPDATE, DELETE ON tasks", "EXECUTE ON FUNCTION link_task_due(uuid)"):
        connection.execute(revoked(right, environment))
    lacked = "UPDATE, DELETE on tasks; EXECUTE on function link_task_due(uuid)"
    command = f"`ghsync grants --owner {owner} --service '{role}'`"
    assert found() == (
        "failed",
        f'The role "{role}" lacks {lacked}: let an administrator run the SQL that {command} prints.',
    )
    roles.grant(postgres.as_role(environment["GHSYNC_DATABASE_URL"], owner), owner, role)
    assert found()[0] == "ok"


def revoked(right: str, environment: dict[str, str]) -> str:
    """The statement that takes a right away, from everybody where everybody has it."""
    return sql.SQL("REVOKE {} FROM PUBLIC, {}").format(sql.SQL(right), sql.Identifier(user(environment))).as_string()
