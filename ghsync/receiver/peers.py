"""Strangers are told apart by where they come from, and each may ask for so much until something of theirs is signed.

Where a right signature came from is no stranger's place any more. A proxy is one address with all that comes through
it: who shares it with deliveries could else keep them out.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

BURST_SECONDS = 10.0
"""What may be asked for at once: as much as else in so many seconds."""

SIGNER_SECONDS = 86_400.0  # a small repository may be silent for hours
SIGNERS = 1024  # GitHub delivers from a few dozen addresses
STRANGERS = 4096


class Peers:
    """What every peer of a process has asked for lately; the least recently seen are forgotten."""

    def __init__(
        self, requests_a_second: float, connections: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds_a_request = 1 / requests_a_second
        # Half a request less than a burst takes: sums of fractions are not exact.
        self._latest_seconds = max(BURST_SECONDS, self._seconds_a_request) - self._seconds_a_request / 2
        self._connections = connections
        self._clock = clock
        self._open: dict[str, int] = {}
        self._spent_until: dict[str, float] = {}  # when a stranger has its whole burst back
        self._signed_at: dict[str, float] = {}

    def connect(self, peer: str) -> bool:
        """Count a connection and the request that is to come on it; false where a stranger may have no more."""
        open_already = self._open.get(peer, 0)
        if self.is_stranger(peer) and (open_already >= self._connections or not self._spend(peer)):
            return False
        self._open[peer] = open_already + 1
        return True

    def disconnect(self, peer: str) -> None:
        """A connection that was counted has ended."""
        left = self._open.pop(peer) - 1
        if left:
            self._open[peer] = left

    def ask(self, peer: str) -> bool:
        """Count one more request; false where a stranger may make no more for now."""
        return not self.is_stranger(peer) or self._spend(peer)

    def prove(self, peer: str) -> None:
        """A signature was right that came from there."""
        self._signed_at.pop(peer, None)
        self._signed_at[peer] = self._clock()
        _forget(self._signed_at, SIGNERS)

    def is_stranger(self, peer: str) -> bool:
        """Whether nothing that was signed has come from there lately."""
        signed_at = self._signed_at.get(peer)
        return signed_at is None or self._clock() - signed_at > SIGNER_SECONDS

    def _spend(self, peer: str) -> bool:
        """A token bucket as one time: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm."""
        now = self._clock()
        until = max(now, self._spent_until.pop(peer, now))
        enough = until - now < self._latest_seconds
        self._spent_until[peer] = until + self._seconds_a_request if enough else until
        _forget(self._spent_until, STRANGERS)
        return enough


def _forget(times: dict[str, float], most: int) -> None:
    if len(times) > most:
        del times[next(iter(times))]


@lru_cache(maxsize=STRANGERS)
def name(address: str) -> str:
    """The peer that has an address: of IPv6 whoever has a network of 64 bits has all addresses in it."""
    try:
        found = parse(address)
    except ValueError:
        return address
    return str(IPv6Network((int(found) >> 64 << 64, 64))) if isinstance(found, IPv6Address) else str(found)


def parse(address: str) -> IPv4Address | IPv6Address:
    """An address; one of IPv4 that a socket of IPv6 shows is one of IPv4. Raises `ValueError`."""
    found = ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found
