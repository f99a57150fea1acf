"""An address is one process's, from the moment that it has it."""

import socket

import pytest

from ghsync import listening
from ghsync.errors import NotConfigured

HOST = "127.0.0.1"


@pytest.fixture
def port() -> int:
    """A port that nobody has."""
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def test_of_two_processes_that_start_at_once_one_is_told_that_the_address_is_taken(port: int) -> None:
    taken = pytest.raises(NotConfigured, match=f"cannot listen on {HOST}:{port}")
    with listening.webhooks(HOST, port), taken, listening.webhooks(HOST, port):
        pass
    with listening.webhooks(HOST, port):
        pass  # it is free again


def test_whoever_comes_before_it_serves_waits(port: int) -> None:
    with listening.webhooks(HOST, port) as (one,), socket.create_connection((HOST, port), timeout=5):
        accepted, _ = one.accept()
        accepted.close()
