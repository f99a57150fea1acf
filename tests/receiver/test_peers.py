"""Strangers get so much and no more; who has signed is none."""

from dataclasses import dataclass

import pytest

from ghsync.receiver import peers
from ghsync.receiver.peers import BURST_SECONDS, SIGNER_SECONDS, SIGNERS, STRANGERS, Peers

HERE, THERE = "203.0.113.1", "203.0.113.2"


@dataclass
class Clock:
    """A clock that stands still unless it is told otherwise."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def used_up(found: Peers, peer: str) -> int:
    """How many requests are granted before one is not."""
    granted = 0
    while found.ask(peer):
        granted += 1
    return granted


def test_a_stranger_makes_a_burst_of_requests_and_then_so_many_a_second(clock: Clock) -> None:
    found = Peers(5.0, 10, clock=clock)
    assert used_up(found, HERE) == 5 * BURST_SECONDS
    clock.now += 1.0
    assert used_up(found, HERE) == 5
    clock.now += 2 * BURST_SECONDS
    assert used_up(found, HERE) == 5 * BURST_SECONDS


def test_what_is_refused_costs_nothing(clock: Clock) -> None:
    found = Peers(5.0, 10, clock=clock)
    used_up(found, HERE)
    assert not any(found.ask(HERE) for _ in range(1000))
    clock.now += 1.0
    assert used_up(found, HERE) == 5


def test_one_stranger_takes_nothing_from_another(clock: Clock) -> None:
    found = Peers(5.0, 1, clock=clock)
    used_up(found, HERE)
    assert (found.ask(HERE), found.connect(HERE)) == (False, False)
    assert (found.ask(THERE), found.connect(THERE)) == (True, True)


def test_even_the_slowest_budget_grants_a_request(clock: Clock) -> None:
    assert used_up(Peers(0.001, 10, clock=clock), HERE) == 1


def test_a_stranger_has_so_many_connections_at_one_time(clock: Clock) -> None:
    found = Peers(5.0, 2, clock=clock)
    assert [found.connect(HERE) for _ in range(3)] == [True, True, False]
    found.disconnect(HERE)
    assert [found.connect(HERE) for _ in range(2)] == [True, False]


def test_a_connection_costs_a_request(clock: Clock) -> None:
    found = Peers(1.0, 1000, clock=clock)
    assert [found.connect(HERE) for _ in range(11)] == 10 * [True] + [False]
    assert not found.ask(HERE)


def test_where_a_right_signature_came_from_there_is_no_limit_for_a_day(clock: Clock) -> None:
    found = Peers(1.0, 2, clock=clock)
    used_up(found, HERE)
    found.prove(HERE)
    assert all(found.connect(HERE) and found.ask(HERE) for _ in range(1000))
    clock.now += SIGNER_SECONDS + 1
    assert found.is_stranger(HERE)
    assert not found.connect(HERE)
    for _ in range(1000):
        found.disconnect(HERE)
    assert found.connect(HERE)


def test_the_least_recently_seen_strangers_are_forgotten_and_no_signer_for_them(clock: Clock) -> None:
    found = Peers(0.1, 10, clock=clock)
    found.prove(HERE)
    assert (found.ask("oldest"), found.ask("seen")) == (True, True)
    for number in range(STRANGERS - 1):
        found.ask(f"stranger {number}")
        assert not found.ask("seen")
    assert (found.ask("oldest"), found.is_stranger(HERE)) == (True, False)


def test_the_least_recent_signers_are_forgotten(clock: Clock) -> None:
    found = Peers(1.0, 10, clock=clock)
    for number in range(SIGNERS):
        found.prove(f"signer {number}")
    found.prove("signer 0")
    found.prove("one more")
    assert [found.is_stranger(name) for name in ("signer 0", "signer 1", "one more")] == [False, True, False]


@pytest.mark.parametrize(("address", "name"), [
    ("203.0.113.1", "203.0.113.1"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
    ("fe80::1%eth0", "fe80::/64"),
    ("::ffff:203.0.113.1", "203.0.113.1"),
    ("", ""),
])  # fmt: skip
def test_a_peer_is_an_address_and_of_ipv6_a_network(address: str, name: str) -> None:
    assert peers.name(address) == name
