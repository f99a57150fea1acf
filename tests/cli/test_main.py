import re
import subprocess
import sys

import pytest

from ghsync.__main__ import COMMANDS, load
from tests.cli.conftest import Ghsync

GROUPS = {
    "deliveries": ("list", "show", "replay", "park", "dismiss"),
    "projects": ("list", "create"),
    "repos": ("list", "assign", "aliases", "secret"),
    "tasks": ("list", "create", "link", "unlink", "suggest"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_says_what_the_list_says(name: str) -> None:
    command = load(name)

    assert command.name == name
    assert command.help.splitlines()[0] == COMMANDS[name].summary


@pytest.mark.parametrize("arguments", [(), ("--help",), ("tasks", "--help"), ("resync", "--help"), ("status", "--no")])
def test_what_no_terminal_shows_is_not_boxed_nor_cut(process: Ghsync, arguments: tuple[str, ...]) -> None:
    result = process(*arguments)
    assert "Usage: ghsync" in result.text
    assert not {"╭", "│", "…"} & set(result.text)
    assert not [line for line in result.text.splitlines() if line.endswith("...")]


def test_help_lists_every_command_and_imports_no_database_driver() -> None:
    code = (
        "import sys; from ghsync.__main__ import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'sqlalchemy', 'psycopg', 'uvicorn', 'alembic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert all(re.search(rf"\b{name}\b", done.stdout) for name in COMMANDS)
    assert done.stdout.rstrip().endswith("[]")


def test_a_process_that_has_nothing_to_migrate_or_to_leave_out_loads_neither_alembic_nor_a_parser() -> None:
    code = "import sys, ghsync.cli.serve; print({'alembic', 'mako', 'graphql'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


@pytest.mark.slow
def test_the_collector_has_nothing_to_do_with_what_a_command_imports() -> None:
    code = (
        "import gc; from ghsync.__main__ import load; load('status')\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 10 * len(gc.get_objects()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "True True\n"


@pytest.mark.parametrize(
    "name",
    [name for name in COMMANDS if name not in GROUPS]
    + [f"{group} {name}" for group, names in GROUPS.items() for name in names],
)
def test_help_is_the_same_by_its_short_name(ghsync: Ghsync, name: str) -> None:
    short, long = ghsync(*name.split(), "-h"), ghsync(*name.split(), "--help")

    assert (short.exit_code, short.stdout) == (0, long.stdout)
    assert ("--json" in long.stdout) is ("Print JSON" in long.stdout)


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_told(process: Ghsync, option: str) -> None:
    result = process(option)

    assert result.exit_code == 0
    assert re.fullmatch(r"ghsync \d+\.\d+\.\d+\n", result.stdout)


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(process: Ghsync) -> None:
    result = process("statsu")

    assert result.exit_code == 2
    assert "Did you mean 'status'" in result.text


def test_a_missing_setting_exits_with_3_and_one_sentence(process: Ghsync) -> None:
    result = process("serve", GHSYNC_WEBHOOK_SECRETS="")

    assert result.exit_code == 3
    assert "GHSYNC_WEBHOOK_SECRETS is not set" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_that_does_not_answer_exits_with_1_and_one_sentence(process: Ghsync) -> None:
    result = process("status", GHSYNC_DATABASE_URL="postgresql://127.0.0.1:1/nowhere")

    assert result.exit_code == 1
    assert re.fullmatch(r"PostgreSQL does not answer .* GHSYNC_DATABASE_URL, .* names it\.\n", result.stderr)


def test_a_database_without_the_schema_exits_with_3_and_says_what_to_run(
    process: Ghsync, empty_database_url: str
) -> None:
    result = process("status", GHSYNC_DATABASE_URL=empty_database_url)

    assert result.exit_code == 3
    assert result.stderr.endswith("run `ghsync migrate`.\n")
    assert len(result.stderr.splitlines()) == 1
