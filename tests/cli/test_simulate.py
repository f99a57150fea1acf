"""`ghsync simulate`: a GitHub that ghsync's own commands can be tried on, with the settings that it prints."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from tests import service
from tests.cli.conftest import Ghsync
from tests.cli.result import Result
from tests.service import Program, Receiver

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

EXPORTED = re.compile(r"^  export (GHSYNC_\w+)=(\S+)$", re.MULTILINE)
DONE = re.compile(r"^\d\d:\d\d:\d\d  \S", re.MULTILINE)
WAYS = ("webhook", "reconcile")
CONVERSATIONS = 60  # unless something else is asked for


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's cache is: not where a developer's is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Simulated:
    """A simulated GitHub under way."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @property
    def settings(self) -> dict[str, str]:
        """What it tells to set."""
        return dict(EXPORTED.findall(self.program.log()))

    @property
    def deeds(self) -> int:
        """How much was done there."""
        return len(DONE.findall(self.program.log()))


@asynccontextmanager
async def simulated(database_url: str, log: Path, *options: object) -> AsyncIterator[Simulated]:
    command = " ".join(map(str, ("simulate", "--port", service.free_port(), "--seconds", 90, *options)))
    program = Program(command, database_url, log)
    await program.start()
    found = Simulated(program)

    async def is_there() -> bool:
        return "What happens there" in program.log()

    await service.until(is_there, "it says what to set")
    try:
        yield found
    finally:
        if program.running:
            await program.terminate()


@asynccontextmanager
async def receiving(found: Simulated, database_url: str, log: Path, **settings: object) -> AsyncIterator[None]:
    """`ghsync serve` with the settings that were printed, and more."""
    told = {name.removeprefix("GHSYNC_").lower(): value for name, value in found.settings.items()}
    receiver = Receiver(database_url, log, **told, **settings)
    await receiver.start()
    try:
        yield
    finally:
        await receiver.terminate()


def count(connection: psycopg.Connection, condition: str) -> int:
    """Deliveries in the inbox."""
    statement = f"SELECT count(*) FROM webhook_deliveries WHERE {condition}"
    return int((connection.execute(statement.encode()).fetchone() or (0,))[0])


async def test_it_is_read_with_the_settings_that_it_prints(
    database_url: str, tmp_path: Path, process: Ghsync, connection: psycopg.Connection
) -> None:
    async with simulated(database_url, tmp_path / "log", "--a-minute", 0) as found:
        resync: Result = process("resync", "--all", "--json", **found.settings)
        assert [row["error"] for row in resync.json["repositories"]] == [None] * 3
        mirrored = connection.execute(
            "SELECT (SELECT count(*) FROM github_issues), (SELECT count(*) FROM github_pull_requests)"
        ).fetchone()
        assert mirrored is not None
        assert sum(mirrored) == CONVERSATIONS

        doctor = process("doctor", **found.settings).stdout
        assert [line for line in doctor.splitlines() if line.startswith("failed")] == []
        assert "ok       app " in doctor

        key = found.settings["GHSYNC_PRIVATE_KEY_PATH"]
        assert os.stat(key).st_mode & 0o077 == os.stat(Path(key).parent).st_mode & 0o077 == 0
        assert await found.program.terminate() == 0
        assert found.program.log().endswith("Stopping.\nThis GitHub is gone.\n")


async def test_what_a_terminal_has_exported_is_good_for_the_next_start(database_url: str, tmp_path: Path) -> None:
    port = service.free_port()
    told = []
    for log, seed in (("first", 1), ("again", 1), ("another", 2)):
        options = ("--port", port, "--a-minute", 0, "--conversations", 1, "--seed", seed)
        async with simulated(database_url, tmp_path / log, *options) as found:
            told.append(found.settings)
    first, again, another = told
    assert again == first
    assert another["GHSYNC_WEBHOOK_SECRETS"] != first["GHSYNC_WEBHOOK_SECRETS"]


@pytest.mark.parametrize("key", ["no key", "a link"])
async def test_a_key_that_is_none_is_made_anew_and_no_link_is_followed(
    database_url: str, tmp_path: Path, cache: Path, key: str
) -> None:
    port = service.free_port()
    folder = cache / "ghsync" / "simulate" / str(port)
    folder.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    if key == "a link":
        (folder / "private-key.pem").symlink_to(elsewhere)
    else:
        (folder / "private-key.pem").write_text(key)
    async with simulated(database_url, tmp_path / "log", "--port", port, "--a-minute", 0, "--conversations", 1):
        assert (folder / "private-key.pem").read_text().startswith("-----BEGIN")
        assert (os.stat(folder / "private-key.pem").st_mode & 0o777, os.stat(folder).st_mode & 0o777) == (0o600, 0o700)
    assert elsewhere.read_text() == "precious"


async def test_where_nothing_can_be_kept_the_key_is_gone_with_it(
    database_url: str, tmp_path: Path, cache: Path
) -> None:
    os.close(os.open(cache, os.O_CREAT))  # a file, and no folder
    async with simulated(database_url, tmp_path / "log", "--a-minute", 0, "--conversations", 1) as found:
        key = found.settings["GHSYNC_PRIVATE_KEY_PATH"]
        os.stat(key)
    with pytest.raises(FileNotFoundError):
        os.stat(key)


@pytest.mark.parametrize("command", ["serve", "serve --pull"])
async def test_what_nobody_listened_to_is_read_from_the_log(
    database_url: str, tmp_path: Path, connection: psycopg.Connection, command: str
) -> None:
    nowhere = f"http://127.0.0.1:{service.free_port()}/webhooks/github"
    async with simulated(database_url, tmp_path / "log", "--a-minute", 600, "--hook", nowhere) as found:
        often = {"heal_seconds": 1, "pull_seconds": 0.5}
        async with receiving(found, database_url, tmp_path / "serve.log", command=command, **often):

            async def is_mirrored() -> bool:
                return count(connection, "(status, sync_source) = ('processed', 'reconcile')") > 10

            await service.until(is_mirrored, "what was not delivered is healed")
        assert found.deeds > 10


async def test_deliveries_are_signed_with_the_secret_that_it_prints_and_those_that_are_lost_are_healed(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    port = service.free_port()
    hook = f"http://127.0.0.1:{port}/webhooks/github"
    async with (
        simulated(database_url, tmp_path / "log", "--a-minute", 600, "--lose", 0.5, "--hook", hook) as found,
        receiving(found, database_url, tmp_path / "serve.log", port=port, heal_seconds=1),
    ):

        async def have_arrived() -> bool:
            ways = (count(connection, f"(status, sync_source) = ('processed', '{way}')") for way in WAYS)
            return all(number > 10 for number in ways)

        await service.until(have_arrived, "deliveries arrive in both ways")


def test_a_port_that_is_taken_and_a_hook_that_is_no_url_are_one_sentence(ghsync: Ghsync) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = ghsync("simulate", "--port", port, "--seconds", 1)
    assert (taken.exit_code, taken.stderr) == (
        3, f"Nothing can listen on port {port} (Address already in use): name another, --port.\n",
    )  # fmt: skip
    for hook in ("localhost:8010", "http://[", "http://here:99999/x", "http://he re/x"):
        wrong = ghsync("simulate", "--hook", hook)
        assert wrong.exit_code == 2
        assert f"'{hook}' is no URL that can be called, as http://127.0.0.1:8010/webhooks/github is." in wrong.text


def test_whoever_reads_no_more_ends_it(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "ghsync", "simulate", "--port", str(service.free_port())]
    command += ["--seconds", "60", "--a-minute", "6000"]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as reading:
        assert reading.stdout is not None
        reading.stdout.readline()
        reading.stdout.close()
        assert reading.stderr is not None
        assert (reading.stderr.read(), reading.wait(timeout=60)) == (b"", 1)


def test_it_ends_by_itself(ghsync: Ghsync) -> None:
    result = ghsync(
        "simulate", "--port", service.free_port(), "--seconds", 1, "--repositories", 1, "--conversations", 5
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert ": 1 repository, 5 issues and pull requests\n" in result.stdout
    assert result.stdout.endswith("This GitHub is gone.\n")
