"""What is asked wrongly is told at once: names that are not there, options that do nothing, ports that are taken."""

import socket
from pathlib import Path

import psycopg
import pytest

from ghsync import migrate, settings
from ghsync.__main__ import COMMANDS
from tests.cli.conftest import SECRET, Ghsync
from tests.cli.test_database_errors import APP
from tests.service import free_port


@pytest.mark.parametrize("arguments", [
    ("deliveries", "list", "--repo", "nobody/nothing"),
    ("record", "DIR", "--repo", "nobody/nothing"),
    ("status", "--repo", "nobody/nothing"),
    ("tail", "--repo", "nobody/nothing", "--no-follow"),
    ("tasks", "list", "--project", "nothing"),
    ("repos", "aliases", "nobody/nothing"),
])  # fmt: skip
def test_a_name_that_is_not_there_fails(told: Ghsync, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = told(*(tmp_path / "files" if each == "DIR" else each for each in arguments))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "noth" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_repository_is_found_as_github_does_without_case(told: Ghsync, tmp_path: Path) -> None:
    assert len(told("deliveries", "list", "--repo", "TARNFIELD/Stationd", "--json").json) > 1
    assert told("record", tmp_path / "files", "--repo", "TARNFIELD/Stationd", "--json").json["recorded"] > 1


def test_a_folder_that_cannot_be_written_is_one_sentence(told: Ghsync, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = told("record", tmp_path / "file" / "folder")

    assert result.exit_code == 1
    assert result.stderr == f"{tmp_path}/file/folder cannot be written (Not a directory).\n"


def test_a_port_that_is_taken_is_one_sentence_and_nothing_before(ghsync: Ghsync) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = ghsync("serve", "--port", port)

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith(f"ghsync cannot listen on 127.0.0.1:{port} (Address already in use): set ")
    assert result.stderr.count("\n") == 1


def test_one_port_for_deliveries_and_for_probes_is_one_sentence(ghsync: Ghsync) -> None:
    result = ghsync("serve", GHSYNC_PORT="8123", GHSYNC_OPERATIONS_PORT="8123")
    assert result.exit_code == 3
    assert result.stderr == "GHSYNC_OPERATIONS_PORT is the port that deliveries come to: give it another one.\n"


@pytest.mark.parametrize("name", ["LOCK_SECONDS", "IDLE_SECONDS", "STATEMENT_SECONDS", "NETWORK_SECONDS"])
@pytest.mark.parametrize("value", ["inf", "1e12", "0.0004", "nan"])
def test_a_limit_that_is_none_is_one_sentence(ghsync: Ghsync, name: str, value: str) -> None:
    result = ghsync("status", **{f"GHSYNC_{name}": value})
    assert result.exit_code == 3
    assert result.stderr.startswith(f"GHSYNC_{name} is ")
    assert ": it has to be " in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", 'GHSYNC_PORT is "abc": it has to be a whole number.'),
        ("PORT", "70000", "GHSYNC_PORT is 70000: it has to be 65535 or less."),
        ("BATCH_SIZE", "0", "GHSYNC_BATCH_SIZE is 0: it has to be 1 or more."),
        ("MAX_ATTEMPTS", "1.5", "GHSYNC_MAX_ATTEMPTS is 1.5: it has to be a whole number."),
        ("SWEEP_SECONDS", "2m", 'GHSYNC_SWEEP_SECONDS is "2m": it has to be a number.'),
        ("SWEEP_SECONDS", "-1", "GHSYNC_SWEEP_SECONDS is -1: it has to be more than 0."),
        ("COMMIT_TIMEOUT_SECONDS", "9.5", "GHSYNC_COMMIT_TIMEOUT_SECONDS is 9.5: it has to be 9 or less."),
        ("LISTEN", "maybe", 'GHSYNC_LISTEN is "maybe": it has to be true or false.'),
        ("LOG_FORMAT", "xml", 'GHSYNC_LOG_FORMAT is "xml": it has to be console or json.'),
        ("PORT", "9" * 50 + "x", f'GHSYNC_PORT is "{"9" * 40}…": it has to be a whole number.'),
    ],
)
def test_a_setting_that_is_wrong_is_told_with_what_it_has_to_be(
    ghsync: Ghsync, name: str, value: str, said: str
) -> None:
    result = ghsync("status", **{f"GHSYNC_{name}": value})
    assert (result.exit_code, result.stderr) == (3, f"{said}\n")


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "DIRECT_DATABASE_URL", "ENCRYPTION_KEYS", "WEBHOOK_SECRETS", "PRIVATE_KEY", "TOKEN"]
)
def test_a_secret_is_not_told_however_wrong_it_is(ghsync: Ghsync, name: str) -> None:
    result = ghsync("doctor", **{f"GHSYNC_{name}": "hunter2"})
    assert "hunter2" not in result.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("deliveries", "list", "--status"), "'nonsense' is none of pending, processed, ignored, parked."),
        (("tasks", "list", "--status"), "'nonsense' is none of pending, queued, assigned, "),
        (("tail", "--kind"), "'nonsense' is none of "),
    ],
)
def test_a_word_that_is_none_of_some_is_told_alike(ghsync: Ghsync, arguments: tuple[str, ...], said: str) -> None:
    result = ghsync(*arguments, "nonsense")
    assert result.exit_code == 2
    assert f"Invalid value for '{arguments[-1]}': {said}" in result.text


@pytest.mark.slow
def test_where_the_embedded_database_is_is_told_where_it_is_asked_for(ghsync: Ghsync, tmp_path: Path) -> None:
    read, migrated = (ghsync(command, GHSYNC_DATABASE_URL="") for command in ("status", "migrate"))
    assert (read.exit_code, read.stderr) == (3, f"{migrate.EMPTY}\n")
    assert (migrated.exit_code, migrated.stderr) == (0, f"Using the embedded PostgreSQL in {tmp_path}.\n")
    nothing = ghsync("tasks", "list", GHSYNC_DATABASE_URL="")
    assert (nothing.exit_code, nothing.stderr) == (0, "")
    assert nothing.stdout == "There are no tasks yet: `ghsync tasks create TITLE --project PROJECT` makes one.\n"


@pytest.mark.parametrize("roles", [("--owner", "a", "--service", "a"), ("--service", "public"), ("--owner", "pg_read")])
def test_roles_that_cannot_be_are_refused(ghsync: Ghsync, roles: tuple[str, ...]) -> None:
    result = ghsync("grants", *roles)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_spool_that_cannot_be_written_is_one_sentence_and_nothing_before(ghsync: Ghsync, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = ghsync("serve", "--port", free_port(), GHSYNC_SPOOL_DIR=str(tmp_path / "file" / "spool"))

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == f"GHSYNC_SPOOL_DIR: {tmp_path}/file/spool cannot be written (Not a directory).\n"


def test_to_pull_without_a_worker_is_refused(ghsync: Ghsync) -> None:
    result = ghsync("serve", "--pull", "--no-worker", **APP)

    assert result.exit_code == 2
    assert "--pull reads the delivery log" in result.text


@pytest.mark.parametrize("title", ["", " "])
def test_a_task_has_a_title(told: Ghsync, connection: psycopg.Connection, title: str) -> None:
    assert told("tasks", "create", title, "--project", "stationd").exit_code == 2
    assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)


def test_a_misspelt_setting_is_told_with_the_nearest(ghsync: Ghsync) -> None:
    result = ghsync("status", GHSYNC_WEBHOOK_SECRET=SECRET, GHSYNC_ZZZ="1")

    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "GHSYNC_WEBHOOK_SECRET is no setting of ghsync's: do you mean GHSYNC_WEBHOOK_SECRETS?",
        "GHSYNC_ZZZ is no setting of ghsync's.",
    ]


def test_cron_is_told_of_a_misspelt_setting_too(ghsync: Ghsync) -> None:
    result = ghsync("status", "--check", GHSYNC_DATABASE_URI="postgresql://elsewhere")

    assert result.stderr == "GHSYNC_DATABASE_URI is no setting of ghsync's: do you mean GHSYNC_DATABASE_URL?\n"


def test_the_doctor_finds_a_misspelt_setting(ghsync: Ghsync) -> None:
    result = ghsync("doctor", "--json", GHSYNC_WEBHOOK_SECRET=SECRET)

    assert result.stderr == ""
    said = "GHSYNC_WEBHOOK_SECRET is no setting of ghsync's: do you mean GHSYNC_WEBHOOK_SECRETS?"
    assert {"check": "settings", "state": "warning", "said": said} in result.json


def test_settings_and_what_processes_tell_each_other_are_known() -> None:
    names = [settings.PREFIX + name.upper() for name in settings.Settings.model_fields]
    assert settings.unknown(dict.fromkeys([*names, "GHSYNC_NO_WORKER", "GHSYNC_PULL", "PATH"], "")) == []


def test_cron_is_told_by_the_exit_code_that_the_mirror_is_stale(told: Ghsync, connection: psycopg.Connection) -> None:
    fresh = told("status", "--check")
    connection.execute("""
        UPDATE webhook_deliveries SET status = 'parked', last_error = 'x'
        WHERE id = (SELECT min(id) FROM webhook_deliveries)""")
    stale, machines = told("status", "--check"), told("status", "--check", "--json")

    assert (fresh.exit_code, fresh.stdout) == (0, "")
    assert (stale.exit_code, machines.exit_code) == (1, 1)
    assert stale.stdout == "1 delivery is parked: see `ghsync deliveries list --status parked`.\n"
    assert machines.json["reasons"] == [stale.stdout.strip()]
    assert told("status").exit_code == 0


def test_limits_of_installations_that_are_gone_are_not_told(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO github_installations (github_id, account_login, observed_at, observed_by, sync_source, deleted_at)
        VALUES ('1', 'gone', now(), 'arrival', 'webhook', now()), ('2', 'here', now(), 'arrival', 'webhook', NULL)""")
    connection.execute("""
        INSERT INTO sync_budgets (credential, resource, request_limit, remaining, resets_at, updated_at)
        SELECT credential, 'core', 5000, 1, now() + interval '1 hour', now()
        FROM unnest(ARRAY['installation:1', 'installation:2', 'app:1']) credential""")

    assert [each["credential"] for each in ghsync("status", "--json").json["budgets"]] == ["app:1", "installation:2"]


@pytest.mark.parametrize("name", COMMANDS)
def test_completion_is_offered_by_no_command(ghsync: Ghsync, name: str) -> None:
    assert "--install-completion" not in ghsync(name, "--help").text
