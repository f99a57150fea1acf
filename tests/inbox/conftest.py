"""A database that goes away and comes back."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database
from tests.relay import Relay, relay


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Relay]:
    """A door to the database, open."""
    async with relay(database_url) as opened:
        yield opened


@pytest.fixture
async def engine_behind_door(door: Relay) -> AsyncIterator[AsyncEngine]:
    """Connections through it."""
    engine = database.create_engine(door.url)
    yield engine
    await engine.dispose()
