"""What is asked for here and done by whoever leads the schedule: a repository read from GitHub."""

from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import audit, jobs, lookup, processes
from ghsync.actor import Actor
from ghsync.errors import Permanent
from ghsync.reconciler import requested


async def resync(conn: AsyncConnection, repository: str, *, full: bool, actor: Actor) -> str:
    """Have one read as soon as may be; answers its name. Raises `NotFound`, and `Permanent` for one that cannot be."""
    found = await lookup.repository(conn, repository)
    if (state := lookup.state(found)) in ("deleted", "removed"):
        raise Permanent(f"{found.full_name} is {state}: GitHub does not show it any more.")
    if not any(process["leading_since"] for process in await processes.all_of_them(conn)):
        raise Permanent("Nobody reads GitHub's API at present: `ghsync serve` does, with an App or a token set up.")
    await jobs.call(conn, [requested.job(found.id, full=full)])
    await audit.record(
        conn,
        action="repository.resync_requested",
        resource_type="github_repository",
        resource_id=found.id,
        entity_name=found.full_name,
        new_values={"full": full},
        actor=actor,
    )
    return str(found.full_name)
