"""What a database wants done now and then: `pr_tracking` derived anew."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import audit
from ghsync.actor import Actor
from ghsync.database import transaction
from ghsync.verification import recomputation


async def recompute_tracking(engine: AsyncEngine, watch: Callable[[int, int], None], *, actor: Actor) -> dict[str, int]:
    """Derive every row of `pr_tracking` anew; answers of how many pull requests, and how many became others."""
    async with transaction(engine) as conn:
        await audit.record(
            conn,
            action="pr_tracking.recompute_started",
            resource_type="pr_tracking",
            entity_name="every pull request",
            actor=actor,
        )
    done = await recomputation.recompute(engine, watch)
    return {"derived": done.pull_requests, "changed": done.changed}
