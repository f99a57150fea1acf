"""Whether the mirror is compared with GitHub, and what is in the way: one that is not never looks healthy."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.settings import Settings

TURNS = 3
"""How many turns of the schedule may be missed."""

LEAST_SECONDS = 60.0
"""What is not too old, however often a part has its turn."""

NAMED = 3


@dataclass(frozen=True, slots=True)
class Health:
    """What makes the mirror stale, in sentences; ``hooks_only``: nothing may read the API, which is no failure."""

    reasons: tuple[str, ...]
    hooks_only: bool


# A sweep that reads much takes long: what it has read of single repositories is a sign of it.
_RUNS = sa.text("""
SELECT k.kind, now() AS now, succeeded.finished_at AS succeeded_at, greatest(succeeded.finished_at, part.at) AS sign_at,
       CASE WHEN succeeded.finished_at IS NULL OR failed.finished_at > succeeded.finished_at THEN failed.last_error END
         AS error
FROM unnest(ARRAY['sweep', 'heal']) AS k(kind)
LEFT JOIN LATERAL (
  SELECT finished_at FROM sync_runs WHERE kind = k.kind AND status = 'succeeded' AND repository_id IS NULL
  ORDER BY finished_at DESC LIMIT 1) succeeded ON true
LEFT JOIN LATERAL (
  SELECT finished_at, last_error FROM sync_runs WHERE kind = k.kind AND status = 'failed' AND repository_id IS NULL
  ORDER BY finished_at DESC LIMIT 1) failed ON true
LEFT JOIN LATERAL (
  SELECT greatest(
    (SELECT max(finished_at) FROM sync_runs WHERE kind = 'sweep' AND status = 'succeeded'),
    (SELECT max(finished_at) FROM sync_runs WHERE kind = 'backfill' AND status = 'succeeded')) AS at) part
  ON k.kind = 'sweep'
""")

_USED = sa.text("SELECT EXISTS (SELECT FROM sync_runs WHERE kind = :kind AND repository_id IS NULL)")

BLOCKED = "GitHub has blocked {} for everybody, for legal reasons: what is mirrored of it stays as it was."

_BLOCKED = sa.text("""
SELECT r.full_name FROM sync_marks m JOIN github_repositories r ON r.id = m.repository_id
WHERE r.id = CAST(:repository AS uuid) AND m.blocked_at IS NOT NULL
""")

_SUSPENDED = sa.text("""
SELECT coalesce(account_login, github_id) AS account, count(*) OVER () AS of FROM github_installations
WHERE suspended_at IS NOT NULL AND deleted_at IS NULL
  AND (CAST(:repository AS uuid) IS NULL
       OR id = (SELECT installation_id FROM github_repositories WHERE id = CAST(:repository AS uuid)))
ORDER BY 1 LIMIT :limit
""")


async def look(conn: AsyncConnection, settings: Settings, *, repository_id: str | None = None) -> Health:
    """What the runs and the installations say; ``settings`` tell how often each part has its turn.

    Where this process has no credentials, another may have: it has, if it ever swept. Of a single repository only its
    own installation counts, and whether GitHub has blocked it, which makes nothing else stale.
    """
    configured = settings.app_id is not None or settings.token is not None
    if not (configured or await _used(conn, "sweep")):
        return Health((), hooks_only=True)
    has_app = settings.app_id is not None if configured else await _used(conn, "heal")
    seconds = {"sweep": settings.sweep_seconds} | ({"heal": settings.heal_seconds} if has_app else {})
    runs = {row.kind: row for row in await conn.execute(_RUNS)}
    failures: dict[str, list[str]] = defaultdict(list)
    late: list[str] = []
    for kind, interval in seconds.items():
        if runs[kind].error is not None:
            failures[runs[kind].error].append(f"the last {kind}")
        elif sentence := _late(runs[kind], max(TURNS * interval, LEAST_SECONDS)):
            late.append(sentence)
    failed = [f"{_capital(' and '.join(names))} failed: {error}" for error, names in failures.items()]
    told = [*await _blocked(conn, repository_id), *await _suspended(conn, repository_id)]
    return Health((*failed, *late, *told), hooks_only=False)


def _late(run: sa.Row[Any], limit_seconds: float) -> str | None:
    if run.succeeded_at is None:
        return f"No {run.kind} has succeeded yet: until one has, the mirror may lack what no delivery told."
    if (run.now - run.sign_at).total_seconds() > limit_seconds:
        return f"No {run.kind} has succeeded since {moment(run.sign_at)}: does `ghsync serve` or `ghsync work` run?"
    return None


async def _blocked(conn: AsyncConnection, repository_id: str | None) -> list[str]:
    names = await conn.scalars(_BLOCKED, {"repository": repository_id})
    return [BLOCKED.format(name) for name in names]


async def _suspended(conn: AsyncConnection, repository_id: str | None) -> list[str]:
    found = (await conn.execute(_SUSPENDED, {"limit": NAMED, "repository": repository_id})).all()
    if not found:
        return []
    names = ", ".join(row.account for row in found)
    more = f" and {found[0].of - NAMED} more" if found[0].of > NAMED else ""
    return [f"The App is suspended on {names}{more}: the account's owner can lift that in GitHub's settings."]


async def _used(conn: AsyncConnection, kind: str) -> bool:
    return bool(await conn.scalar(_USED, {"kind": kind}))


def moment(value: datetime) -> str:
    """A time as sentences have it."""
    return f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
