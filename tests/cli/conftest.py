"""The command line, called in this process on a database of its own, or as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from ghsync.__main__ import app
from tests.fixtures.recorded import FIXTURES

FIRST_STORY = FIXTURES / "stories" / "01-an-issues-life"
SECRET = "a secret of these tests"
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


class Result:
    """What a command said, and how it ended."""

    def __init__(self, exit_code: int, stdout: str, stderr: str) -> None:
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def text(self) -> str:
        """Everything that was said, in one line."""
        return " ".join((self.stdout + self.stderr).split())


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
