"""The short version of `make chaos`: whatever goes wrong, in the end the mirror is as GitHub is."""

from pathlib import Path

import pytest

from tests.chaos import convergence, server
from tests.chaos.convergence import Trouble

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_after_trouble_of_every_kind_the_mirror_is_as_github_is(tmp_path: Path) -> None:
    trouble = Trouble(
        actions=1_000, repositories=6, kills=1, restarts=1, actions_a_second=80, shuffled_within_seconds=5, late=20
    )
    with server.running() as database:
        report = await convergence.run(trouble, database, tmp_path, print)
    assert report.differences == []
    assert report.found == []
    assert report.recomputed == 0
    assert report.agreeing > 0
    assert (report.actions, report.kills, report.restarts) == (1_000, 1, 1)
    assert report.healed > 0
