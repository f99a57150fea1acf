"""Strays: rows that stand for what another row stands for, under another repository or another id.

GitHub's ids are one thing's each, so of two rows with one id only one can be right: the one that a complete reading
confirms, when before it neither counts as confirmed. Nothing but a change by hand makes strays, and so only who insists
looks for them (I11).
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import branch
from ghsync.mirror.guard import last_moment
from ghsync.mirror.noun import Noun
from ghsync.mirror.nouns import IN_REPOSITORIES
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import Session

NOUNS = tuple(noun for noun in IN_REPOSITORIES if noun.key[-1] in ("github_id", "node_id"))
"""Those that are found by an id; issues and pull requests have numbers, and are asked for one by one."""


def _pairs(noun: Noun) -> str:
    """Rows of one repository with others that have an id of theirs."""
    ids = [name for name in ("github_id", "node_id") if name in noun.table.c]
    same_kind = "AND stray.kind = known.kind" if "kind" in noun.key else ""
    return " UNION ".join(
        f"""
SELECT known.id AS known_id, stray.id AS stray_id
FROM {noun.name} known JOIN {noun.name} stray ON stray.{name} = known.{name} AND stray.id <> known.id {same_kind}
WHERE known.repository_id = :repository AND known.deleted_at IS NULL AND stray.deleted_at IS NULL"""
        for name in ids
    )


def _doubt(noun: Noun) -> sa.TextClause:
    return sa.text(f"""
UPDATE {noun.name} SET verified_at = NULL WHERE id IN (
  SELECT id FROM {noun.name} WHERE verified_at IS NOT NULL AND id IN (
    SELECT unnest(ARRAY[known_id, stray_id]) FROM ({_pairs(noun)}) pair)
  ORDER BY id FOR UPDATE SKIP LOCKED)""")


def _strays(noun: Noun) -> sa.TextClause:
    keys = ", ".join(f"stray.{name}" for name in noun.key[1:])
    return sa.text(f"""
SELECT DISTINCT r.github_id AS repository, {keys}
FROM ({_pairs(noun)}) pair
JOIN {noun.name} known ON known.id = pair.known_id JOIN {noun.name} stray ON stray.id = pair.stray_id
JOIN github_repositories r ON r.id = stray.repository_id
WHERE known.verified_at >= :began_at
  AND coalesce(stray.verified_at, '-infinity') NOT BETWEEN :began_at AND {last_moment(":began_at")}
ORDER BY 1, 2""")


# Of a table that grew since it was analyzed PostgreSQL thinks that it is small, and would compare each row with each.
_BY_HASH = sa.text("SELECT set_config('enable_nestloop', 'off', true)")

_DOUBTS = tuple(_doubt(noun) for noun in NOUNS)
_STRAYS = tuple((noun, _strays(noun)) for noun in NOUNS)


# No reading tells of pushes, so what claims to be one to come would stand for ever.
_PUSHES_TO_COME = sa.text(f"""
UPDATE {branch.noun.name} SET observed_at = :now
WHERE repository_id = :repository AND observed_at > {last_moment(":now")}
""")


async def doubt(engine: AsyncEngine, place: Place, now: datetime) -> None:
    """Forget, before a repository is read, what nothing confirms that is read: pushes to come, and that the API has
    confirmed rows of which others have an id.
    """
    async with transaction(engine) as conn:
        await conn.execute(_BY_HASH)
        await conn.execute(_PUSHES_TO_COME, {"repository": place.id, "now": now})
        for statement in _DOUBTS:
            await conn.execute(statement, {"repository": place.id})


async def bury(session: Session, engine: AsyncEngine, known: KnownRepository, began_at: datetime) -> None:
    """Make tombstones of rows with the id of another, of which the reading that began then has confirmed the other."""
    batch = known.batch()
    asked = {"repository": known.place.id, "began_at": began_at}
    now = session.github.now()
    async with transaction(engine) as conn:
        await conn.execute(_BY_HASH)
        for noun, statement in _STRAYS:
            for row in await conn.execute(statement, asked):
                repository_id, *key = row
                batch.mention(int(repository_id))
                batch.bury(noun, int(repository_id), dict(zip(noun.key[1:], key, strict=True)), now)
    if batch.gone:
        await session.gate.write(batch)
