"""Where deliveries may come from, if that is set: a second wall. The first is the signature, and it stands by itself.

GitHub names the networks that its hooks come from, and changes them: https://docs.github.com/en/rest/meta/meta
Until it has named some, and while it names none, everybody is let before the first wall.
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal

import httpx
import msgspec
import structlog
from starlette.requests import Request

from ghsync.errors import ForeignSender
from ghsync.receiver import peers
from ghsync.receiver.proxies import Proxies

Network = IPv4Network | IPv6Network
Named = Sequence[Network | Literal["github"]]

ASK_SECONDS = 3600.0
ASK_AGAIN_SECONDS = 60.0
ANSWER_SECONDS = 10.0

log = structlog.get_logger()


class _Meta(msgspec.Struct):
    hooks: list[str] = []


class Senders:
    """The networks that deliveries may come from: those that are named, and with ``github`` what GitHub names."""

    def __init__(self, named: Named, proxies: Proxies) -> None:
        self._named = tuple(each for each in named if each != "github")
        self._asks = "github" in named
        self._told: tuple[Network, ...] = ()
        self._proxies = proxies
        self._include = lru_cache(maxsize=1024)(self._look_up)

    @property
    def asks(self) -> bool:
        """Whether GitHub is asked."""
        return self._asks

    def check(self, request: Request) -> None:
        """Raises `ForeignSender` for a request from elsewhere."""
        if not self._named and not self._told:
            return
        address = self._proxies.sender(request.client.host if request.client else "", request.headers.raw)
        if not self._include(address):
            raise ForeignSender(f"{address or 'This address'} is not among GHSYNC_ALLOWED_SENDERS.")

    async def follow(self, api_url: str) -> None:
        """Ask GitHub once an hour where its hooks come from, until cancelled; what it told last stays meanwhile."""
        while True:
            seconds = ASK_SECONDS if await self._ask(api_url) else ASK_AGAIN_SECONDS
            await asyncio.sleep(seconds)

    async def _ask(self, api_url: str) -> bool:
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
                answer = (await client.get(f"{api_url}/meta")).raise_for_status()
            told = tuple(ip_network(each) for each in msgspec.json.decode(answer.content, type=_Meta).hooks)
        except (httpx.HTTPError, msgspec.MsgspecError, ValueError) as error:
            log.warning(
                "senders_not_told", error=str(error) or type(error).__name__, again_in_seconds=ASK_AGAIN_SECONDS
            )
            return False
        if told != self._told:
            log.info("senders_told", networks=len(told))
            self._told = told
            self._include.cache_clear()
        return True

    def _look_up(self, address: str) -> bool:
        try:
            found = peers.parse(address)
        except ValueError:
            return False
        return any(found in network for network in (*self._named, *self._told))
