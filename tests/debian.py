"""Servers of Debian's PostgreSQL 15, started as their user: to be copied, followed, killed and restored."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests import service

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
USER = "postgres"
END_SECONDS = 30

# What is lost with a machine is not lost with its processes. The rest is what a base backup and a standby need.
SETTINGS = {
    "fsync": "off",
    "dynamic_shared_memory_type": "mmap",  # whoever is killed leaves it in its directory
    "listen_addresses": "127.0.0.1",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "hot_standby": "on",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "200ms",
}


def run(program: str | Path, *arguments: object, folder: Path, **environment: str) -> str:
    """Run a program as the user that PostgreSQL runs as; answers what it says, `AssertionError` where it fails."""
    with tempfile.TemporaryFile() as output:  # a server that is started would hold a pipe open
        done = subprocess.run(
            [program if "/" in str(program) else PROGRAMS / program, *map(str, arguments)],
            cwd=folder, env={**os.environ, "LC_ALL": "C.UTF-8", **environment}, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, **_identity(),
        )  # fmt: skip
        output.seek(0)
        said = output.read().decode(errors="replace")
    assert done.returncode == 0, f"{program}: {said}"
    return said


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    return {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []}


@contextmanager
def folder() -> Iterator[Path]:
    """A directory for servers; the test is skipped where these programs, or their user, are missing."""
    if not (PROGRAMS / "pg_basebackup").exists():
        pytest.skip(f"{PROGRAMS} is missing: `apt-get install postgresql-15`")
    if os.geteuid() == 0 and USER not in {each.pw_name for each in pwd.getpwall()}:
        pytest.skip(f"there is no user {USER}, and PostgreSQL refuses root")
    with tempfile.TemporaryDirectory(prefix="ghsync-debian-") as name:
        path = Path(name)
        if os.geteuid() == 0:
            shutil.chown(path, USER)
        yield path


@contextmanager
def disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A disk in memory that is mounted in a folder, or, where it has no size, the folder itself.

    The test is skipped where nobody may mount.
    """
    if not size_bytes:
        yield folder
        return
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "none", str(place)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nobody may mount here: {done.stderr.strip()}")
    shutil.chown(place, USER)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@dataclass
class Node:
    """A server whose files are in ``folder/name``."""

    folder: Path
    name: str
    port: int

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / self.name

    def url(self, database: str = "postgres", role: str = "postgres") -> str:
        """The URL of one of its databases."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *arguments: object, **environment: str) -> str:
        """Run a program on its data directory."""
        return run(program, "-D", self.data, *arguments, folder=self.folder, **environment)

    def create(self) -> None:
        """Make its files."""
        self.run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C.UTF-8")
        self.set(**SETTINGS)

    def set(self, **settings: str) -> None:
        """Put settings into its file; they count from its next start."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def follow(self, primary: "Node") -> None:
        """Be a standby of another server, whose name for it is its own."""
        where = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self.name}"
        self.run("pg_basebackup", "-d", where, "--checkpoint=fast", "--no-sync", "-R", "-C", "-S", self.name)

    def start(self, **environment: str) -> None:
        """Start it, and return when it answers."""
        options = f"-p {self.port} -k {self.folder}"
        log = self.folder / f"{self.name}.log"
        self.run("pg_ctl", "start", "-w", "-t", END_SECONDS, "-l", log, "-o", options, **environment)

    def promote(self) -> None:
        """Make the standby a primary, and return when it is one."""
        self.run("pg_ctl", "promote", "-w", "-t", END_SECONDS)

    def stop(self) -> None:
        """End it in order."""
        self.run("pg_ctl", "stop", "-m", "fast", "-w", "-t", END_SECONDS)

    def processes(self) -> list[Any]:
        """Its processes, the postmaster first."""
        try:
            postmaster = psutil.Process(int((self.data / "postmaster.pid").read_text().splitlines()[0]))
            return [postmaster, *postmaster.children(recursive=True)]
        except (FileNotFoundError, psutil.NoSuchProcess):
            return []

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to all of them."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(which)

    def kill(self) -> None:
        """End all of them as a power cut does."""
        killed = self.processes()
        self.signal(signal.SIGKILL)
        psutil.wait_procs(killed, timeout=END_SECONDS)

    def end(self) -> None:
        """End it at once, if it is still there, and take along what of it the system would keep."""
        left = self.processes()
        self.signal(signal.SIGCONT)
        for process in left[:1]:
            process.send_signal(signal.SIGQUIT)
        psutil.wait_procs(left, timeout=END_SECONDS)
        with suppress(FileNotFoundError, IndexError):  # what was killed has not removed this
            *_, segment = (self.data / "postmaster.pid").read_text().splitlines()[6].split()
            subprocess.run(["ipcrm", "--shmem-id", segment], check=False, capture_output=True)


@contextmanager
def node(folder: Path, name: str) -> Iterator[Node]:
    """A server that has yet to get its files; whatever became of it, it is gone afterwards."""
    one = Node(folder, name, service.free_port())
    try:
        yield one
    finally:
        one.end()
