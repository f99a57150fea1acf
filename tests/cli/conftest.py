"""The command line, called in this process on a database of its own, or as a process."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
import structlog
from typer.testing import CliRunner

from ghsync.__main__ import app
from ghsync.simulator.generator import Plan
from tests.cli.hub import SMALL, Hub, opened
from tests.cli.result import Result
from tests.fixtures.recorded import FIXTURES

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
    }


@pytest.fixture
def ghsync(environment: Mapping[str, str]) -> Ghsync:
    """Calls a command in this process."""

    def call(*arguments: object, stdin: str | None = None, **settings: str) -> Result:
        result = CliRunner().invoke(
            app, [str(argument) for argument in arguments], input=stdin, env={**environment, **settings}
        )
        structlog.reset_defaults()
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def process(environment: Mapping[str, str]) -> Ghsync:
    """Calls a command as people do."""

    def call(*arguments: object, **settings: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "ghsync", *map(str, arguments)],
            env={**os.environ, **environment, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Result(done.returncode, done.stdout, done.stderr)

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
