"""`pr_tracking`, derived set-based from the mirror: the same statement for a hook, a link and a recomputation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror.keys import PullRequestKey, RepositoryId
from ghsync.mirror.upsert import difference
from ghsync.tracking.derivation import COLUMNS, FROM


@dataclass(frozen=True, slots=True)
class TrackingChange:
    """One written row of pr_tracking; ``undecided`` means that mergeability is worth a refetch."""

    id: str
    repository_id: RepositoryId
    number: int
    created: bool
    fields: frozenset[str]
    old: str | None
    new: str | None
    observed_at: datetime
    sync_source: str
    undecided: bool
    task_id: str | None
    task_before: str | None


def _statement() -> sa.TextClause:
    names = list(COLUMNS)
    derived = ",\n         ".join(f"{expression} AS {name}" for name, expression in COLUMNS.items())
    kept = ["pull_request_id", *names]  # a row that was removed by hand comes back under another id
    changed = " OR ".join(f"t.{name} IS DISTINCT FROM {_new(name)}" for name in kept)
    # They are looked up first, one by one: a plan that was made while there were few would derive all others too.
    return sa.text(f"""
WITH asked AS MATERIALIZED (
  SELECT p.*
  FROM unnest(CAST(:repositories AS uuid[]), CAST(:numbers AS int[])) AS item(repository_id, number)
  CROSS JOIN LATERAL (
    SELECT * FROM github_pull_requests g
    WHERE g.repository_id = item.repository_id AND g.number = item.number OFFSET 0) p
), derived AS MATERIALIZED (
  SELECT p.repository_id, p.id AS pull_request_id, p.number AS pr_number,
         {derived}
  FROM {FROM}
), before AS MATERIALIZED (
  SELECT t.* FROM pr_tracking t JOIN derived d ON t.repository_id = d.repository_id AND t.pr_number = d.pr_number
), written AS (
  INSERT INTO pr_tracking AS t (repository_id, pull_request_id, pr_number, {", ".join(names)})
  SELECT repository_id, pull_request_id, pr_number, {", ".join(names)}
  FROM derived ORDER BY repository_id, pr_number
  ON CONFLICT (repository_id, pr_number) DO UPDATE SET {", ".join(f"{name} = {_new(name)}" for name in kept)}
  WHERE {changed}
  RETURNING t.*
)
SELECT w.id::text AS id, w.repository_id::text AS repository_id, w.pr_number AS number, b.id IS NULL AS created,
       changed.*, p.observed_at, p.sync_source, w.merge_status = 'pending' AS undecided,
       w.task_id::text AS task_id, b.task_id::text AS task_before
FROM written w JOIN github_pull_requests p ON p.id = w.pull_request_id
LEFT JOIN before b ON b.id = w.id
{difference(names)}
""")


def _new(name: str) -> str:
    """What a stored row's column becomes; others may have added to its metadata."""
    return "coalesce(t.metadata, '{}') || excluded.metadata" if name == "metadata" else f"excluded.{name}"


_REFRESH = _statement()

_RENAMED = ("repository_name", "repository_url")
_RENAME = sa.text(f"""
WITH before AS MATERIALIZED (
  SELECT t.* FROM pr_tracking t JOIN github_repositories r ON r.id = t.repository_id
  WHERE r.id = ANY(CAST(:ids AS uuid[])) AND t.repository_name <> r.tracked_name
), written AS (
  UPDATE pr_tracking t SET {", ".join(f"{name} = {COLUMNS[name]}" for name in _RENAMED)}
  FROM before b JOIN github_repositories r ON r.id = b.repository_id WHERE t.id = b.id
  RETURNING t.*
)
SELECT w.id::text AS id, w.repository_id::text AS repository_id, w.pr_number AS number, false AS created,
       changed.*, r.observed_at, r.sync_source, false AS undecided,
       w.task_id::text AS task_id, b.task_id::text AS task_before
FROM written w LEFT JOIN before b ON b.id = w.id JOIN github_repositories r ON r.id = w.repository_id
{difference(_RENAMED)}
""")


async def refresh(conn: AsyncConnection, items: Iterable[PullRequestKey]) -> list[TrackingChange]:
    """Derive the rows of these pull requests (repository id, number) anew; answers those that changed."""
    unique = sorted(set(items))
    if not unique:
        return []
    result = await fetch(
        conn, _REFRESH, {"repositories": [item[0] for item in unique], "numbers": [item[1] for item in unique]}
    )
    return [_tracked(row) for row in result]


def _tracked(row: Any) -> TrackingChange:
    return TrackingChange(**{**row._asdict(), "fields": frozenset(row.fields or ())})


async def rename(conn: AsyncConnection, repository_ids: Sequence[str]) -> list[TrackingChange]:
    """Let the rows of renamed repositories follow, all at once because names may be swapped."""
    if not repository_ids:
        return []
    return [_tracked(row) for row in await fetch(conn, _RENAME, {"ids": list(repository_ids)})]
