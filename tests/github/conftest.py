"""Clients of GitHub, on a database that they share."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest
import respx
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.github.client import GitHub
from ghsync.settings import Settings
from tests.github.keys import private_key

API = "https://api.github.test"
APP_ID = "4711"
TOKEN = "ghp_of_these_tests"
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

Make = Callable[..., GitHub]


@pytest.fixture(name="private_key")
def _private_key() -> str:
    """The key of an App."""
    return private_key()


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    """What GitHub answers, request by request; what is not said is an error."""
    with respx.mock(base_url=API, assert_all_called=False) as router:
        yield router


class Time:
    """Time that passes for the budget as soon as somebody waits for it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Let everything in the database be so much sooner."""
        self.waits.append(seconds)
        self.passes(seconds)

    def passes(self, seconds: float) -> None:
        """So many seconds go by."""
        self._connection.execute(
            "UPDATE sync_budgets SET blocked_until = blocked_until - make_interval(secs => %(by)s),"
            " resets_at = resets_at - make_interval(secs => %(by)s)",
            {"by": seconds},
        )


@pytest.fixture
def time(connection: psycopg.Connection[Any]) -> Time:
    """The time of these clients."""
    return Time(connection)


@pytest.fixture
async def client(engine: AsyncEngine, time: Time) -> AsyncIterator[Make]:
    """Makes clients, as different processes would have them, with a personal token unless something else is said."""
    async with AsyncExitStack() as clients:

        def make(**settings: object) -> GitHub:
            said = {"api_url": API, **(settings or {"token": TOKEN})}
            github = GitHub(engine, Settings(**said), sleep=time.sleep)
            clients.push_async_callback(github.aclose)
            return github

        yield make
