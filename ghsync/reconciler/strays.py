"""Strays: rows that stand for what another row stands for, under another repository or another id.

GitHub's ids are one thing's each, so of two rows with one id only one can be right: the one that was written last, for
a complete reading has just written it, or found it as it is. Nothing but a change by hand makes strays, and so only who
insists looks for them (I11).
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import (
    check_run,
    check_suite,
    comment,
    commit_status,
    label,
    milestone,
    review,
    review_thread,
    workflow_run,
)
from ghsync.mirror.noun import Noun
from ghsync.reconciler.catalog import Known
from ghsync.reconciler.session import Session

NOUNS = (
    label.noun, milestone.noun, comment.noun, review.noun, review_thread.noun, check_suite.noun, check_run.noun,
    workflow_run.noun, commit_status.noun,
)  # fmt: skip
"""Those that are found by an id; issues and pull requests have numbers, and are asked for one by one."""


def _strays(noun: Noun) -> sa.TextClause:
    keys = ", ".join(f"stray.{name}" for name in noun.key[1:])
    ids = [name for name in ("github_id", "node_id") if name in noun.table.c]
    same_kind = "AND stray.kind = known.kind" if "kind" in noun.key else ""
    pairs = " UNION ".join(
        f"""
SELECT r.github_id AS repository, {keys}
FROM {noun.name} known
JOIN {noun.name} stray ON stray.{name} = known.{name} AND stray.id <> known.id {same_kind}
JOIN github_repositories r ON r.id = stray.repository_id
WHERE known.repository_id = :repository AND known.deleted_at IS NULL AND stray.deleted_at IS NULL
  AND known.synced_at > stray.synced_at"""
        for name in ids
    )
    return sa.text(f"{pairs} ORDER BY 1, 2")


_STRAYS = tuple((noun, _strays(noun)) for noun in NOUNS)


async def bury(session: Session, engine: AsyncEngine, known: Known) -> None:
    """Make tombstones of the rows that stand for something of this repository, which another row stands for."""
    batch = known.batch()
    now = session.github.now()
    async with transaction(engine) as conn:
        for noun, statement in _STRAYS:
            for row in await conn.execute(statement, {"repository": known.place.id}):
                repository_id, *key = row
                batch.mention(int(repository_id))
                batch.bury(noun, int(repository_id), dict(zip(noun.key[1:], key, strict=True)), now)
    if batch.gone:
        await session.gate.write(batch)
