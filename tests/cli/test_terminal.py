"""What strangers wrote is shown, and neither obeyed by the terminal nor taken for markup; nothing is cut in a pipe."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from ghsync.printable import OBEYED
from tests import forked
from tests.cli.conftest import Ghsync
from tests.cli.hub import PATIENCE_SECONDS

CONTROLS = [*range(0x01, 0x20), 0x7F, *range(0x80, 0xA0), 0x200F, 0x202E, 0x2066, 0x2069]
HOSTILE = "".join(map(chr, CONTROLS)) + " [red]not red[/] :bug: " + "long " * 20 + "end"

SHOWING = {
    "tail": ("tail", "--no-follow"),
    "status": ("status",),
    "deliveries list": ("deliveries", "list"),
    "deliveries show": ("deliveries", "show", "abc", "--body"),
    "repos list": ("repos", "list"),
    "tasks list": ("tasks", "list"),
}
MACHINES = {name: (*arguments, "--json") for name, arguments in SHOWING.items()}


@pytest.fixture
def hostile(ghsync: Ghsync, connection: psycopg.Connection) -> Ghsync:
    """A database in which a stranger has written wherever strangers can."""
    write = connection.execute
    write(
        "INSERT INTO webhook_deliveries (hook_target, guid, event, action, repository, headers, body, status,"
        " processed_at, last_error) VALUES ('integration:1', 'abc', %(text)s, 'opened', %(text)s,"
        " jsonb_build_object('user-agent', %(text)s::text), %(body)s, 'parked', now(), %(text)s)",
        {"text": HOSTILE, "body": json.dumps({"title": HOSTILE}, ensure_ascii=False).encode()},
    )
    write("INSERT INTO organizations (name, slug) VALUES ('acme', 'acme')")
    write("INSERT INTO projects (organization_id, name, slug) SELECT id, 'app', 'app' FROM organizations")
    write(
        "INSERT INTO github_repositories"
        " (project_id, github_id, full_name, tracked_name, name, owner, observed_at, observed_by, sync_source)"
        " SELECT id, '1', %(text)s, %(text)s, %(text)s, 'acme', now(), 'arrival', 'webhook' FROM projects",
        {"text": HOSTILE},
    )
    write("INSERT INTO tasks (project_id, title) SELECT id, %s FROM projects", [HOSTILE])
    write(
        "INSERT INTO change_events (seq, entity_type, entity_id, repository_id, operation, new_values, sync_source)"
        " SELECT 1, 'github_issues', gen_random_uuid(), id, 'insert', jsonb_build_object('title', %s::text), 'webhook'"
        " FROM github_repositories",
        [HOSTILE],
    )
    write("UPDATE change_feed SET last_seq = 1")
    return ghsync


@pytest.mark.parametrize("arguments", SHOWING.values(), ids=SHOWING)
def test_nothing_that_a_terminal_obeys_is_printed_and_markup_is_text(hostile: Ghsync, arguments: tuple[str]) -> None:
    result = hostile(*arguments)

    assert result.exit_code == 0
    assert set(OBEYED.findall(result.stdout + result.stderr)) == set()
    assert all(escape in result.stdout for escape in (r"\x1b", r"\x9b", r"\x7f", r"\u202e"))


@pytest.mark.parametrize("name", ["deliveries list", "deliveries show", "repos list", "tasks list"])
def test_in_a_pipe_a_line_is_as_long_as_what_it_says(hostile: Ghsync, name: str) -> None:
    result = hostile(*SHOWING[name], COLUMNS="40")

    assert " [red]not red[/] :bug: " + "long " * 20 + "end" in result.stdout


@pytest.mark.parametrize("arguments", MACHINES.values(), ids=MACHINES)
def test_json_says_all_of_it_in_escapes(hostile: Ghsync, arguments: tuple[str]) -> None:
    result = hostile(*arguments)

    assert set(OBEYED.findall(result.stdout)) == set()
    assert r"\u001b" in result.stdout
    assert r"\u009b" in result.stdout
    assert r"\u007f" in result.stdout
    assert HOSTILE in str_values(result.json)


def str_values(value: object) -> str:
    """All strings of a document, one after the other."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value if isinstance(value, str) else "\0".join(map(str_values, inner))


@pytest.mark.slow
@pytest.mark.usefixtures("hostile")
def test_a_terminal_without_utf_8_gets_escapes(environment: Mapping[str, str], connection: psycopg.Connection) -> None:
    connection.execute("""UPDATE change_events SET operation = 'update', new_values = '{"title": "Å → B"}'""")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}

    def shown(*options: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ghsync", "tail", "--no-follow", *options],
            env={**os.environ, **environment, **ascii_only}, capture_output=True, check=True, encoding="ascii",
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout

    assert r"title null \u2192 \xc5 \u2192 B" in shown()
    assert json.loads(shown("--json"))["new_values"] == {"title": "Å → B"}


@pytest.mark.parametrize(
    "arguments", [*SHOWING.values(), *MACHINES.values()], ids=[*SHOWING, *map("{} --json".format, MACHINES)]
)
@pytest.mark.usefixtures("hostile")
def test_a_disk_that_is_full_is_one_sentence(
    environment: Mapping[str, str], arguments: tuple[str], tmp_path: Path
) -> None:
    said = tmp_path / "said"
    with open("/dev/full", "w") as full, said.open("w") as stderr:
        done = forked.start(arguments, {**os.environ, **environment}, stdout=full.fileno(), stderr=stderr.fileno())
    assert done.join(PATIENCE_SECONDS) == 1
    assert said.read_text() == "The output cannot be written: No space left on device.\n"


@pytest.mark.parametrize("arguments", [("status",), ("status", "--json")])
def test_who_closes_a_pipe_has_read_enough(
    environment: Mapping[str, str], arguments: tuple[str], tmp_path: Path
) -> None:
    said = tmp_path / "said"
    ours, theirs = os.pipe()
    os.close(ours)
    with said.open("w") as stderr:
        done = forked.start(arguments, {**os.environ, **environment}, stdout=theirs, stderr=stderr.fileno())
    os.close(theirs)
    assert (done.join(PATIENCE_SECONDS), said.read_text()) == (1, "")


@pytest.mark.slow
def test_a_supervisor_may_have_closed_what_nobody_reads(database_url: str) -> None:
    shell = f"{shlex.quote(sys.executable)} -m ghsync status --check <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", shell], env={**os.environ, "GHSYNC_DATABASE_URL": database_url}, check=False)
    assert done.returncode == 0


def test_in_a_pipe_no_line_ends_with_blanks(hostile: Ghsync) -> None:
    lines = hostile("status").stdout.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
