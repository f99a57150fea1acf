"""Everything a deployment has, in one temporary directory: an embedded PostgreSQL and a `ghsync serve` process."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from ghsync import embedded, migrate
from ghsync.errors import Transient
from ghsync.settings import PREFIX

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """Where things are while the demo runs."""

    directory: Path
    database_url: str
    address: str
    secret: str

    @property
    def endpoint(self) -> str:
        """Where deliveries go."""
        return f"{self.address}/webhooks/github"


@contextmanager
def running(*, port: int | None, keep: bool) -> Iterator[Stage]:
    """Start the database and the server, and stop both, whatever happens; the files go unless ``keep``."""
    chosen = _free_port(port)
    directory = Path(tempfile.mkdtemp(prefix="ghsync-demo-"))
    try:
        with embedded.running(directory) as database_url:
            migrate.upgrade(database_url)
            stage = Stage(directory, database_url, f"http://{HOST}:{chosen}", secrets.token_hex(20))
            with _serving(stage, chosen):
                yield stage
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _serving(stage: Stage, port: int) -> Iterator[None]:
    """The real `ghsync serve`, in a session of its own: Ctrl-C is for the demo, which then stops it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {
        f"{PREFIX}DATABASE_URL": stage.database_url,
        f"{PREFIX}WEBHOOK_SECRETS": stage.secret,
        f"{PREFIX}LOG_LEVEL": "warning",
    }
    log = stage.directory / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (ourselves)
            [sys.executable, "-m", "ghsync", "serve", "--host", HOST, "--port", str(port)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(stage, process, log)
        yield
    finally:
        _stop(process)


def _wait_until_ready(stage: Stage, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{stage.address}/readyz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass  # not yet
        time.sleep(POLL_SECONDS)
    said = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    raise Transient(f"`ghsync serve` did not start on {stage.address}: {said[-1]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port(wanted: int | None) -> int:
    """The wanted port, else any; whoever else answered there would be taken for our server."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except OSError as error:
            raise Transient(f"Port {wanted} cannot be used ({error.strerror}): choose another with --port.") from error
        port: int = probe.getsockname()[1]
        return port
