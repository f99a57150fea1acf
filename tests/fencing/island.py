"""A network of its own for one process, joined to this machine by a cable that can be cut."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from ghsync import embedded
from tests import service

HERE, THERE = "198.51.100.1", "198.51.100.2"  # for documentation: nobody has them (RFC 5737)


@dataclass(frozen=True, slots=True)
class Island:
    """A network namespace: https://man7.org/linux/man-pages/man7/network_namespaces.7.html"""

    name: str

    @property
    def words(self) -> list[str]:
        """Before a command that is to run there."""
        return ["ip", "netns", "exec", self.name]

    def cut(self) -> None:
        """Nothing arrives any more, on either side, and nobody is told."""
        _ip("-netns", self.name, "link", "set", "cable", "down")

    def mend(self) -> None:
        """The cable is whole again."""
        _ip("-netns", self.name, "link", "set", "cable", "up")


@contextmanager
def standing() -> Iterator[Island]:
    """An island, for as long as the block lasts; without the means the test is skipped."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network namespace takes root and `ip` (`apt-get install iproute2`)")
    island = Island(f"ghsync-{secrets.token_hex(4)}")
    here = f"gh{secrets.token_hex(4)}"
    try:
        _ip("netns", "add", island.name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine allows no network namespaces ({error.stderr.strip()})")
    try:
        _ip("link", "add", here, "type", "veth", "peer", "name", "cable", "netns", island.name)
        _ip("addr", "add", f"{HERE}/30", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-netns", island.name, "addr", "add", f"{THERE}/30", "dev", "cable")
        _ip("-netns", island.name, "link", "set", "cable", "up")
        yield island
    finally:
        with suppress(subprocess.CalledProcessError):
            _ip("link", "delete", here)
        _ip("netns", "delete", island.name)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A PostgreSQL that the island reaches, too; answers its URL."""
    directory, port = folder / "postgres", service.free_port()
    embedded._create(directory)
    with (directory / "pg_hba.conf").open("a") as access:
        access.write(f"host all all {HERE}/30 trust\n")
    options = f"-c listen_addresses={HERE} -c port={port} -c unix_socket_directories='' -c fsync=off"
    embedded._run("pg_ctl", directory, "start", f"--log={directory / 'log'}", f"--options={options}")
    try:
        yield f"postgresql://postgres@{HERE}:{port}/postgres"
    finally:
        embedded._run("pg_ctl", directory, "stop", "--mode=immediate")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
