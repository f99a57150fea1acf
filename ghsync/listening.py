"""The ports that a process listens on: that of webhooks, which no flood may close, and that of its operators."""

import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from ghsync.errors import NotConfigured
from ghsync.settings import PREFIX

# Of each listening socket libuv accepts one connection in a turn of the event loop: in a flood the kernel's queue runs
# over, and deliveries with it. As many copies of the socket are as many in a turn. https://github.com/libuv/libuv/pull/3696
ACCEPTED_AT_ONCE = 16

BACKLOG = 4096
"""Connections that may wait to be accepted: as many as Linux allows unless told otherwise.

Who finds no place among them tries again after a second.
"""


@contextlib.contextmanager
def webhooks(host: str, port: int) -> Iterator[list[socket.socket]]:
    """The sockets of an address, one for each that its name has; raises `NotConfigured` where they cannot be had.

    Whoever comes before they are accepted waits.
    """
    with contextlib.ExitStack() as opened:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            bound = [
                _bind(opened.enter_context(socket.socket(family, socket.SOCK_STREAM)), address)
                for family, _, _, _, address in dict.fromkeys(found)
            ]
        except OSError as error:
            raise NotConfigured(
                f"ghsync cannot listen on {host}:{port} ({error.strerror or error}): "
                f"set {PREFIX}HOST and {PREFIX}PORT, or --host and --port, to an address that is free here."
            ) from None
        yield bound


def operations(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """The port of those who operate it, perhaps ``shared`` by processes; `NotConfigured` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, reuse_port=shared)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise NotConfigured(f"{PREFIX}OPERATIONS_PORT: cannot listen on {host}:{port}: {why}.") from error


def copies(bound: Sequence[socket.socket]) -> list[socket.socket]:
    """The same sockets, as often as connections are to be accepted in a turn; the first are closed."""
    made = [each.dup() for each in bound for _ in range(ACCEPTED_AT_ONCE)]
    for each in bound:  # else connections would be taken on after the end
        each.close()
    return made


def _bind(listening: socket.socket, address: Any) -> socket.socket:
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listening.family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listening.bind(address)
    listening.listen(BACKLOG)  # at once: until one listens, another process can bind the same address on Linux
    return listening
