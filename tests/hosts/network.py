"""Hosts: network namespaces with two cables each, to who delivers and to PostgreSQL; the latter can be cut.

https://man7.org/linux/man-pages/man7/network_namespaces.7.html
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

FRONT, BACK = "198.18", "198.19"  # for tests of networks (RFC 2544); each network has a part of its own


@dataclass(frozen=True, slots=True)
class Host:
    """One of them; the bridges have the other ends of its cables."""

    name: str
    part: int
    place: int
    bridges: dict[str, str]

    @property
    def front(self) -> str:
        """Where it is delivered to."""
        return f"{FRONT}.{self.part}.{self.place}"

    @property
    def back(self) -> str:
        """Its address among those who use one PostgreSQL."""
        return f"{BACK}.{self.part}.{self.place}"

    @property
    def words(self) -> list[str]:
        """Before a command that is to run there."""
        return ["ip", "netns", "exec", self.name]

    def unplug(self) -> None:
        """Its cable to PostgreSQL is pulled, of which this end hears."""
        _ip("-netns", self.name, "link", "set", "back", "down")

    def plug(self) -> None:
        """It is in its place again."""
        _ip("-netns", self.name, "link", "set", "back", "up")

    def swallow(self) -> None:
        """What goes over it is lost, and nobody hears of that: the other end leads nowhere."""
        _ip("link", "set", self.end("back"), "nomaster")

    def pass_on(self) -> None:
        """It arrives again."""
        _ip("link", "set", self.end("back"), "master", self.bridges["back"])

    def end(self, cable: str) -> str:
        """The other end of a cable."""
        return f"{cable[0]}{self.name[-6:]}"


@dataclass
class Network:
    """Two bridges, and who is on them; this process is on both."""

    part: int
    bridges: dict[str, str]
    hosts: list[Host] = field(default_factory=list)

    def join(self) -> Host:
        """One host more."""
        host = Host(f"ghsync-{secrets.token_hex(3)}", self.part, len(self.hosts) + 2, self.bridges)
        _ip("netns", "add", host.name)
        self.hosts.append(host)
        for cable, address in (("front", host.front), ("back", host.back)):
            _ip("link", "add", host.end(cable), "type", "veth", "peer", "name", cable, "netns", host.name)
            _ip("link", "set", host.end(cable), "master", self.bridges[cable], "up")
            _ip("-netns", host.name, "addr", "add", f"{address}/24", "dev", cable)
            _ip("-netns", host.name, "link", "set", cable, "up")
        _ip("-netns", host.name, "link", "set", "lo", "up")
        return host


@contextmanager
def standing() -> Iterator[Network]:
    """A network that nobody has joined yet; without the means the test is skipped."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces take root and `ip` (`apt-get install iproute2`)")
    mark = secrets.token_hex(3)
    network = Network(secrets.randbelow(256), {"front": f"gf{mark}", "back": f"gb{mark}"})
    try:
        _begin(network)
        yield network
    finally:
        for host in network.hosts:
            for cable in network.bridges:
                _quietly("link", "delete", host.end(cable))
            _quietly("netns", "delete", host.name)
        for bridge in network.bridges.values():
            _quietly("link", "delete", bridge)


def _begin(network: Network) -> None:
    try:
        for (_, bridge), prefix in zip(network.bridges.items(), (FRONT, BACK), strict=True):
            _ip("link", "add", bridge, "type", "bridge")
            _ip("addr", "add", f"{prefix}.{network.part}.1/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine allows no bridges ({error.stderr.strip()})")


def _quietly(*words: str) -> None:
    with suppress(subprocess.CalledProcessError):
        _ip(*words)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
