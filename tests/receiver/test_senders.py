"""The second wall: who comes from elsewhere is refused, whatever they have signed; being there is no signature."""

import asyncio
from ipaddress import ip_network
from typing import Any

import httpx
import psycopg
import pytest
import respx
from pydantic import SecretStr
from starlette.requests import Request

from ghsync import app, settings
from ghsync.database import create_engine
from ghsync.errors import NotConfigured
from ghsync.inbox import recording
from ghsync.receiver import senders
from ghsync.receiver.proxies import Proxies
from ghsync.receiver.senders import Senders
from ghsync.settings import Settings
from tests import traffic

pytestmark = pytest.mark.anyio

SECRET = "a lamp that turns"
META = "https://api.github.test/meta"


async def deliver(database_url: str, *, sent_by: str, secret: str = SECRET, said: str = "", **chosen: Any) -> int:
    """What a delivery is answered that an address sends."""
    configured = Settings(webhook_secrets=(SecretStr(SECRET),), **chosen)
    served = app.create_app(configured, create_engine(database_url), handled=frozenset({"issues"}))
    (delivery,) = traffic.busy(1).deliveries[-1:]
    headers = recording.sign(delivery, secret) | ({"X-Forwarded-For": said} if said else {})
    transport = httpx.ASGITransport(served, client=(sent_by, 4711))
    async with (
        served.router.lifespan_context(served),
        httpx.AsyncClient(transport=transport, base_url="http://ghsync") as client,
    ):
        return (await client.post("/webhooks/github", content=delivery.body, headers=headers)).status_code


@pytest.mark.parametrize(
    ("sent_by", "status"),
    [
        ("192.0.2.7", 202),
        ("::ffff:192.0.2.7", 202),
        ("2001:db8::7", 202),
        ("198.51.100.1", 403),
        ("::1", 403),
        ("x", 403),
    ],
)
async def test_only_from_where_deliveries_may_come_is_one_taken(database_url: str, sent_by: str, status: int) -> None:
    allowed = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    assert await deliver(database_url, sent_by=sent_by, allowed_senders=allowed) == status


async def test_where_it_comes_from_is_no_signature(database_url: str, connection: psycopg.Connection) -> None:
    allowed = (ip_network("192.0.2.0/24"),)
    assert await deliver(database_url, sent_by="192.0.2.7", secret="another", allowed_senders=allowed) == 401
    assert connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() == (0,)


async def test_behind_a_proxy_it_is_who_the_proxy_asks_for(database_url: str) -> None:
    chosen = {"allowed_senders": (ip_network("192.0.2.0/24"),), "trusted_proxies": (ip_network("10.0.0.2"),)}
    assert await deliver(database_url, sent_by="10.0.0.2", said="192.0.2.7", **chosen) == 202
    assert await deliver(database_url, sent_by="10.0.0.2", said="198.51.100.1", **chosen) == 403
    assert await deliver(database_url, sent_by="198.51.100.1", said="192.0.2.7", **chosen) == 403  # hearsay


async def test_unless_it_is_set_everybody_may_sign(database_url: str) -> None:
    assert await deliver(database_url, sent_by="198.51.100.1") == 202


def request_of(address: str) -> Any:
    """A request, as far as it is looked at."""
    return Request({"type": "http", "client": (address, 1), "headers": [], "method": "POST", "path": "/"})


async def until(check: Any) -> None:
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110 (what it waits for sets no event)
            await asyncio.sleep(0.01)


@respx.mock
async def test_github_says_where_its_hooks_come_from_and_may_say_otherwise_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(senders, "ASK_SECONDS", 0.02)
    monkeypatch.setattr(senders, "ASK_AGAIN_SECONDS", 0.02)
    told = respx.get(META)
    told.side_effect = [
        httpx.Response(500),
        httpx.Response(200, text="no JSON"),
        httpx.Response(200, json={"hooks": ["192.0.2.0/24"]}),
        httpx.ConnectError("away"),
    ]
    one = Senders(("github",), Proxies())
    one.check(request_of("198.51.100.1"))  # nothing is known yet: the signature decides
    following = asyncio.create_task(one.follow("https://api.github.test"))

    def refused(address: str) -> bool:
        try:
            one.check(request_of(address))
        except senders.ForeignSender:
            return True
        return False

    await until(lambda: refused("198.51.100.1"))
    assert not refused("192.0.2.7")
    told.side_effect = None
    told.return_value = httpx.Response(200, json={"hooks": ["198.51.100.0/24"]})
    await until(lambda: refused("192.0.2.7"))
    assert not refused("198.51.100.1")
    following.cancel()


def test_words_that_are_neither_networks_nor_github_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHSYNC_ALLOWED_SENDERS", "github, 10.0.0.0/24")
    assert settings.load().allowed_senders == ("github", ip_network("10.0.0.0/24"))
    monkeypatch.setenv("GHSYNC_ALLOWED_SENDERS", "gitlab")
    with pytest.raises(NotConfigured, match="GHSYNC_ALLOWED_SENDERS is wrong: 'gitlab' does not appear to be"):
        settings.load()
