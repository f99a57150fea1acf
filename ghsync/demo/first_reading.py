"""The first scene: what was there before the App was is read through the API."""

from collections.abc import AsyncIterator

import sqlalchemy as sa

from ghsync import wording
from ghsync.database import transaction
from ghsync.demo.patience import until
from ghsync.demo.stage import Stage

_COMPLETE = sa.text("SELECT count(*) FROM sync_marks WHERE complete_at IS NOT NULL")


async def play(stage: Stage) -> AsyncIterator[str]:
    """Wait until `ghsync serve` has read every repository by itself."""
    repositories = stage.github.repositories
    count = sum(len(each.issues) for each in repositories)
    what = f"{count} issues and pull requests of {wording.count(len(repositories), 'repository', 'repositories')}"
    yield f"`ghsync serve` reads {what} through the API."

    async def is_complete() -> bool:
        async with transaction(stage.engine) as conn:
            return bool(await conn.scalar(_COMPLETE) == len(repositories))

    await until(is_complete, "every repository was read")
    yield f"{what} read through the API, with {wording.count(stage.github.site.answered, 'request')}."
