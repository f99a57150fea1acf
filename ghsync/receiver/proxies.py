"""Proxies that are trusted to say for whom they ask; of all others that header is hearsay.

https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

from ghsync.receiver import peers

FORWARDED_FOR = b"x-forwarded-for"
HOPS = 16  # more proxies in a row than anybody has

# Some write the port too.
ADDRESS = re.compile(r"(?:\[([\da-fA-F:.]{2,45})\]|(\d{1,3}(?:\.\d{1,3}){3}))(?::\d{1,5})?|([\da-fA-F:.]{2,45})")


class Proxies:
    """The networks of the proxies before this process; none is trusted unless it is named."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network] = ()) -> None:
        self._networks = networks
        self._include = lru_cache(maxsize=1024)(self._look_up)

    def include(self, address: str) -> bool:
        """Whether there is a trusted proxy."""
        return bool(self._networks) and self._include(address)

    def sender(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Where a request comes from: the peer, or for whom it asks, where it is a trusted proxy."""
        return self.client(peer, headers) if self.include(peer) else peer

    def client(self, proxy: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """For whom a trusted proxy asks: the last address that is not a proxy's own, else the proxy itself.

        What stands before that one was said by whom nobody trusts, and is not read.
        """
        said = b",".join(value for name, value in headers if name == FORWARDED_FOR).decode("latin-1")
        for text in reversed(said.rsplit(",", HOPS)):
            found = ADDRESS.fullmatch(text.strip())
            if found is None:
                break
            address = found[found.lastindex or 0]
            if not self.include(address):
                return address if _is_address(address) else proxy
        return proxy

    def _look_up(self, address: str) -> bool:
        if not _is_address(address):
            return False
        found = peers.parse(address)
        return any(found in network for network in self._networks)


def _is_address(text: str) -> bool:
    try:
        peers.parse(text)
    except ValueError:
        return False
    return True
