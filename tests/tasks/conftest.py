"""A database with facts about tasks."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.tasks.world import World


@pytest.fixture
def world(engine: AsyncEngine) -> World:
    """Nothing yet, and ways to add to it."""
    return World(engine)
