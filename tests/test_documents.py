"""What the documents say is so: the names in them exist, their SQL runs, and generated text is up to date."""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.routing import Route

from ghsync import app, database
from ghsync.__main__ import COMMANDS
from ghsync.doctor.permissions import WANTED_EVENTS
from ghsync.projector.events import HANDLED
from ghsync.settings import PREFIX, Settings
from ghsync.simulator.app import ALWAYS_SENT
from tests import service
from tests.documents import CHECKOUT, README, updated
from tests.service import SECRET

DOCUMENTS = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "db/README.md",
    "docs/runbooks.md",
    "fixtures/README.md",
    "tests/field.md",
]
DEPLOYED = [str(path.relative_to(CHECKOUT)) for path in sorted(CHECKOUT.glob("deploy/**/*.*"))]
MACHINERY = ["Makefile", ".ci/run", ".pre-commit-config.yaml", "Dockerfile", "compose.yaml", *DEPLOYED]

PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w.-]+\.(?:md|py|sql|toml|txt|yaml))`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
TARGET = re.compile(r"\bmake ([a-z]+(?:-[a-z]+)*)\b(?! it)")
COMMAND = re.compile(r"`ghsync ([a-z][a-z-]*)\b")
VARIABLE = re.compile(rf"\b{PREFIX}([A-Z_]+)\b")
FIRST_DELIVERY = re.compile(r"<!-- a first delivery -->\n```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
SQL = re.compile(r"^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)

# Variables that are no settings of ghsync's.
OTHER_VARIABLES = {"TEST_CORPUS", "TEST_DATABASE_URL", "DATABASE_PASSWORD"}

# In pieces, so that this file does not hold them.
ELSEWHERE = re.compile(
    r"(?:^|[\s\"'=:(])/(?:work|root|home|Users)/\w"
    + "|".join(
        ["", r"py" + r"pi\.org", r"python" + r"hosted", r"registry\." + r"npm", r"deb\." + r"debian", r"file:" + "//"]
    )
)


def text_of(name: str) -> str:
    """A document's text."""
    return (CHECKOUT / name).read_text()


def missing_paths(name: str) -> list[str]:
    """Paths that a document names and that are not there; a bare file name may be anywhere."""
    here = (CHECKOUT / name).parent
    tops = {entry.name for entry in CHECKOUT.iterdir()} | {entry.name for entry in here.iterdir()}
    named = [path for path in PATH.findall(text_of(name)) if path.split("/")[0] in tops or "/" not in path]
    named += LINK.findall(text_of(name))
    return [
        path for path in named if not (CHECKOUT / path).exists() and not (here / path).exists() and not any_file(path)
    ]


def any_file(name: str) -> bool:
    """Whether a bare file name is that of some file of ours."""
    folders = ("ghsync", "db", "fixtures", "release", "tests")
    return "/" not in name and any(True for folder in folders for _ in (CHECKOUT / folder).rglob(name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_in_a_document_exists(name: str) -> None:
    assert missing_paths(name) == []


def test_every_test_that_a_report_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`:\s+((?:`test_\w+`,?\s+)+)", text_of("tests/field.md"))
    tests = [(path, test) for path, several in named for test in re.findall(r"\w+", several)]
    assert len(tests) == len(re.findall(r"`test_\w+`", text_of("tests/field.md")))
    assert [one for one in tests if f"def {one[1]}(" not in text_of(one[0])] == []


@pytest.mark.parametrize("name", [*DOCUMENTS, *MACHINERY])
def test_every_make_target_that_is_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    code = "\n".join(re.findall(r"`[^`\n]+`|^\$ .*|^ *entry: .*|^make .*", text_of(name), re.MULTILINE))
    assert set(TARGET.findall(code)) <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_is_named_exists(name: str) -> None:
    assert set(COMMAND.findall(text_of(name))) <= set(COMMANDS)


@pytest.mark.parametrize("name", [*DOCUMENTS, *MACHINERY])
def test_every_variable_that_is_named_is_a_setting(name: str) -> None:
    settings = {setting.upper() for setting in Settings.model_fields}
    assert set(VARIABLE.findall(text_of(name))) <= settings | OTHER_VARIABLES


def test_compose_passes_on_all_that_connects_github() -> None:
    passed = re.findall(r"^ +GHSYNC_(\w+): \${GHSYNC_\1:", text_of("compose.yaml"), re.MULTILINE)
    assert {"WEBHOOK_SECRETS", "APP_ID", "PRIVATE_KEY", "TOKEN", "API_URL", "ENCRYPTION_KEYS"} <= set(passed)


def test_the_generated_parts_of_the_readme_are_current() -> None:
    assert updated(README.read_text()) == README.read_text(), "run `make fix`"


def test_readme_and_doctor_list_the_events_that_have_an_effect() -> None:
    table = re.findall(r"^ *\| (?:Repository|Organization|none): ?.*\| (.*) \|$", README.read_text(), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", "".join(table))) == HANDLED
    assert {*WANTED_EVENTS, *ALWAYS_SENT} - {"ping"} == HANDLED


def test_the_readme_lists_what_is_served() -> None:
    engine = database.create_engine("postgresql://nowhere.invalid/ghsync")
    served = app.create_app(Settings(), engine, handled=HANDLED)
    routes = [*served.routes, *served.state.probes.routes]
    listed = set(re.findall(r"^\| `[A-Z]+ (/\S+)`", README.read_text(), re.MULTILINE))
    assert listed == {re.sub(r":int", "", route.path) for route in routes if isinstance(route, Route)}


@pytest.mark.parametrize("query", SQL.findall(README.read_text()), ids=lambda query: query.split("\n")[1])
def test_the_readme_s_queries_run(connection: psycopg.Connection[Any], query: str) -> None:
    assert connection.execute(query).description


@pytest.mark.anyio
async def test_the_readme_s_first_delivery_arrives_and_its_examples_find_it(
    database_url: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    (recipe,) = re.findall(
        r"<!-- a first delivery -->\n```console\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE
    )
    *commands, answer = re.sub(r"^\$ ", "", recipe, flags=re.MULTILINE).splitlines()

    async with service.serving(database_url, tmp_path / "log", webhook_secrets=SECRET) as receiver:
        script = "\n".join(commands).replace("127.0.0.1:8010", f"127.0.0.1:{receiver.port}")
        shell = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script,
            env={**os.environ, "GHSYNC_WEBHOOK_SECRETS": SECRET}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await shell.communicate()
        assert json.loads(said) == json.loads(answer) == {"delivery": "the-first", "status": "queued"}
        await service.drained(connection)

    (updating,) = (query for query in SQL.findall(README.read_text()) if query.startswith("UPDATE"))
    assert connection.execute("SELECT repository_id IS NOT NULL, number FROM github_issues").fetchall() == [(True, 7)]
    assert [row[0] for row in connection.execute(updating).fetchall()] == ["acme/app"]


def test_no_file_names_a_place_on_somebody_s_machine_or_a_package_registry() -> None:
    # What is tracked: a log or a note of one's own in the checkout may say what it likes.
    listed = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    found = []
    for name in listed.stdout.splitlines():
        path = CHECKOUT / name
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        found += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if ELSEWHERE.search(line)]
    assert found == []


@pytest.mark.parametrize("name", [".ci/run", "deploy/backup.sh"])
def test_what_is_run_is_a_shell_script(name: str) -> None:
    script = CHECKOUT / name
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o111


PROVED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_line_of_the_threat_model_has_a_test_that_is_there() -> None:
    text = (CHECKOUT / "SECURITY.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ") and "::" in line]
    (table,) = re.findall(r"^\|---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table.splitlines() == lines
    for path, name in PROVED.findall(text):
        assert re.search(rf"^(async )?def {name}\(", (CHECKOUT / path).read_text(), re.MULTILINE), (path, name)
