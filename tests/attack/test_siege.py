"""In short: whatever strangers do, no signed delivery is lost, refused or kept waiting for long."""

from pathlib import Path

import psycopg
import pytest

from tests import service
from tests.attack import siege

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# Those that hold what others need; to flood a machine that runs other tests would tell how fast that is.
HOLDING = (
    "an endless head", "2,000 idle connections", "slow heads", "slow bodies", "16 stalled bodies of 25 MB", "smuggling",
    "a million form fields", "13,000 requests ahead", "offers of HTTP/2",
)  # fmt: skip
SECONDS = 6.0
LONGEST_SECONDS = 10.0  # as long as GitHub waits; `make attack` is stricter, on a machine that does nothing else
MOST_BYTES = 450 * siege.MIB


async def test_under_attacks_no_delivery_is_lost_or_late(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    async with service.serving(database_url, tmp_path / "log", log_level="error") as receiver:
        found = await siege.besiege(receiver, connection, HOLDING, SECONDS)
    assert found.lost == 0
    assert found.waits[-1] < LONGEST_SECONDS
    assert found.peak_bytes < MOST_BYTES
    assert found.answers.keys() >= {"held", "400", "401", "404"}
    assert sum(found.answers.values()) > 500  # half of what came before those that were sent away waited twice as long
