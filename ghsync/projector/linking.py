"""Links that no delivery brings: of tasks that other programs write, and of people.

Links lock tasks, and tracking locks repositories, which a batch locks first: in one transaction they could wait in a
circle. So whoever changes links makes the tracking of their pull requests due, and commits both at once; another
transaction tracks. A crash in between loses nothing: the job is still there. A batch tracks what it has locked itself,
and makes the tracking of pull requests elsewhere due in the same way.

Jobs are removed before their work is done. Whoever makes one due once more is so waited for, and what they wrote seen.
"""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs
from ghsync.jobs import DueJobs, Job
from ghsync.mirror import locking
from ghsync.mirror.keys import PullRequestKey, RepositoryId
from ghsync.projector import project
from ghsync.tasks import creation, lifecycle, links, neighbourhood

SETTINGS, LINK, TRACK = "apply_task_settings", "link_task", project.TRACK


async def relink(conn: AsyncConnection, task_ids: Iterable[str], reason: str) -> None:
    """Make the linking of these tasks due."""
    await jobs.call(conn, [Job(LINK, task_id, reason=reason) for task_id in task_ids])


async def retrack(conn: AsyncConnection, pulls: Iterable[PullRequestKey]) -> DueJobs:
    """Make the tracking of these pull requests due; answers the jobs, for `track` to do after the commit."""
    return await jobs.call(conn, project.tracking_jobs(pulls))


async def apply_settings(conn: AsyncConnection, due: DueJobs) -> None:
    """Create the tasks that the settings of these projects ask for, and make the tracking that moves tasks due.

    Whoever has read the settings as they were is waited for, so that what they wrote is seen: batches hold their
    repositories, and whoever links holds the derivation of links.
    """
    repositories = await creation.repositories(conn, due.keys)
    await locking.lock(conn, repositories)
    await neighbourhood.lock(conn, ())
    await jobs.remove(conn, SETTINGS, due)
    changed = await creation.create_in(conn, repositories)
    await retrack(conn, {*changed, *await lifecycle.pull_requests(conn, due.keys)})


async def adopt(conn: AsyncConnection, due: DueJobs) -> None:
    """Link these tasks, and make the tracking of all their pull requests due."""
    await neighbourhood.lock(conn, due.keys)
    await jobs.remove(conn, LINK, due)
    changed = await links.adopt(conn, due.keys)
    await retrack(conn, {*changed, *await links.pull_requests(conn, due.keys)})


async def track(conn: AsyncConnection, due: DueJobs) -> None:
    """Derive the tracking of these pull requests."""
    pulls = [
        PullRequestKey(RepositoryId(repository_id), int(number))
        for repository_id, number in (key.split("#") for key in due.keys)
    ]
    await locking.lock(conn, {pull.repository_id for pull in pulls})
    await jobs.remove(conn, TRACK, due)
    await project.track(conn, pulls)
