"""The command line, called in this process on a database of its own, or as a process."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from ghsync import log
from ghsync.__main__ import app
from ghsync.simulator.generator import Plan
from tests import forked
from tests.cli.hub import PATIENCE_SECONDS, SMALL, Hub, opened
from tests.cli.result import Result
from tests.fixtures.recorded import FIXTURES
from tests.rows import Rows
from tests.service import free_port

FIRST_STORY = FIXTURES / "stories" / "01-an-issues-life"
SECRET = "a secret of these tests"
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


Ghsync = Callable[..., Result]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of these tests."""
    return {
        "GHSYNC_DATABASE_URL": database_url,
        "GHSYNC_DATA_DIR": str(tmp_path),
        "GHSYNC_WEBHOOK_SECRETS": SECRET,
        "GHSYNC_ENCRYPTION_KEYS": KEY,
        "GHSYNC_LOG_LEVEL": "error",
        "GHSYNC_PORT": str(free_port()),
    }


@pytest.fixture
def ghsync(environment: Mapping[str, str]) -> Ghsync:
    """Calls a command in this process."""

    def call(*arguments: object, stdin: str | None = None, **settings: str) -> Result:
        result = CliRunner().invoke(
            app, [str(argument) for argument in arguments], input=stdin, env={**environment, **settings}
        )
        log.configure("console", "error")  # the command has logged as it was told to
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def process(environment: Mapping[str, str], tmp_path: Path) -> Ghsync:
    """Calls a command in a process of its own, none of whose streams is a terminal."""

    def call(*arguments: object, **settings: str) -> Result:
        files = tmp_path / "stdout", tmp_path / "stderr"
        with files[0].open("w") as stdout, files[1].open("w") as stderr:
            done = forked.start(
                list(map(str, arguments)), {**os.environ, **environment, **settings},
                stdout=stdout.fileno(), stderr=stderr.fileno(),
            )  # fmt: skip
        return Result(done.join(PATIENCE_SECONDS), *(file.read_text() for file in files))

    return call


@pytest.fixture
def told(ghsync: Ghsync) -> Ghsync:
    """The same, after the first story was replayed and projected."""
    assert ghsync("replay", FIRST_STORY, "--as-of-now", "--process").exit_code == 0
    return ghsync


OpenHub = Callable[[Plan], Awaitable[Hub]]


@pytest.fixture
async def open_hub(environment: Mapping[str, str], connection: psycopg.Connection) -> AsyncIterator[OpenHub]:
    """Opens a simulated GitHub after a plan, for real commands to read."""
    async with AsyncExitStack() as stack:

        async def open_one(plan: Plan) -> Hub:
            return await stack.enter_async_context(opened(plan, environment, connection))

        yield open_one


@pytest.fixture
async def hub(open_hub: OpenHub) -> Hub:
    """A small GitHub, of which nothing is known yet."""
    return await open_hub(SMALL)


@pytest.fixture
async def mirrored(hub: Hub, readings: dict[tuple[str, Plan], Rows]) -> None:
    """All of that GitHub is mirrored, by ``resync --all``."""
    key = "resync --all", SMALL
    if key in readings:
        readings[key].put_back(hub.connection)
    else:
        assert (await hub.run("resync", "--all")).exit_code == 0
        readings[key] = Rows(hub.connection)
