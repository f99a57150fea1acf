"""Two servers for each test."""

from collections.abc import Iterator

import pytest

from tests import debian
from tests.cli.conftest import environment, ghsync
from tests.failover import pair as pairs
from tests.failover.pair import Pair

__all__ = ["environment", "ghsync"]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A primary, and a standby that has all that it commits."""
    with debian.folder() as folder, pairs.running(folder) as found:
        yield found
