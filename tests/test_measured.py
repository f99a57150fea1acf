"""Requests are counted and timed by route, and strangers make up no series."""

from collections.abc import AsyncIterator

import httpx
import pytest

from ghsync import app, metrics
from ghsync.database import create_engine
from ghsync.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    served = app.create_app(Settings(), create_engine(database_url), handled=frozenset())
    transport = httpx.ASGITransport(served, raise_app_exceptions=False)
    async with (
        served.router.lifespan_context(served),
        httpx.AsyncClient(transport=transport, base_url="http://ghsync") as client,
    ):
        yield client


def counted() -> dict[tuple[str, str], float]:
    """Requests so far, by route and status."""
    (family,) = metrics.http_requests.collect()
    return {
        (each.labels["route"], each.labels["status"]): each.value
        for each in family.samples
        if each.name.endswith("_total")
    }


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/healthz", "/healthz", 200),
        ("POST", "/webhooks/github", "/webhooks/github", 401),
        ("GET", "/webhooks/github", "/webhooks/github", 405),
        ("GET", "/wp-admin.php", "other", 404),
        ("GET", "/api/nothing/7", "other", 404),
        ("POST", "/api/deliveries/7/replay", "/api/deliveries/{delivery}/replay", 401),
    ],
)
async def test_a_request_is_counted_by_its_route(
    client: httpx.AsyncClient, method: str, path: str, route: str, status: int
) -> None:
    before = counted()
    assert (await client.request(method, path)).status_code == status
    after = counted()
    changed = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    assert changed == {(route, str(status)): 1}


async def test_how_long_it_took_is_in_a_histogram(client: httpx.AsyncClient) -> None:
    def of_health() -> float:
        (family,) = metrics.http_seconds.collect()
        return sum(s.value for s in family.samples if s.name.endswith("_count") and s.labels["route"] == "/healthz")

    before = of_health()
    await client.get("/healthz")
    assert of_health() == before + 1
