"""The third scene: a webhook gets lost on its way, and is brought in from GitHub's delivery log."""

import time
from collections.abc import AsyncIterator

from ghsync import wording
from ghsync.demo import exhibit
from ghsync.demo.patience import until
from ghsync.demo.stage import Stage, command
from ghsync.errors import Permanent
from ghsync.simulator.actions import issues

TITLE = "The export stops at midnight"


async def play(stage: Stage) -> AsyncIterator[str]:
    """Lose exactly the one that tells of a change, and heal."""
    site, shown = stage.github.site, await exhibit.put_up(stage, TITLE)
    site.keep_time()
    issues.close(site.world, shown.issue, by=stage.person)
    guid = site.world.deliveries[-1].guid
    site.faults.planned_hook[guid] = "failed"

    async def is_lost() -> bool:
        return any(attempt.delivery.guid == guid for attempt in site.hook_log.newest_first("failure"))

    await until(is_lost, "a webhook was lost")
    if await shown.is_mirrored():
        raise Permanent(f"The mirror says that {shown} was closed, and nothing told it.")
    yield f"{shown} was closed, and the mirror says open. `ghsync heal` asks what got lost."
    began = time.monotonic()
    await command(stage, "heal")
    await until(shown.is_mirrored, f"{shown} was closed in the mirror")
    healed = wording.duration(time.monotonic() - began)
    yield f"{shown} was closed untold: `ghsync heal` brought it in within {healed}."
