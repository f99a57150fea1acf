"""Repositories that GitHub does not show any more go for good, once they were hidden for as long as the policy says.

With one goes all that refers to it, what the change feed tells of it (the entries stay, empty, so that the feed has no
gaps), the payloads of its deliveries and the name in these. What stays is the audit log, and tasks, which are people's.
"""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import audit, locks
from ghsync.actor import Actor
from ghsync.database import fetch, fetch_column, transaction
from ghsync.retention import CLOCK, REPOSITORIES

AT_ONCE = 2000
"""Rows that one transaction deletes at most."""

# Hidden is what is taken out, deleted, or of an installation that is gone or suspended, as in visible_repositories.sql.
_DUE = f"""
FROM data_retention_policies p
CROSS JOIN github_repositories r
LEFT JOIN github_installations i ON i.id = r.installation_id
CROSS JOIN LATERAL (SELECT least(r.removed_at, r.deleted_at, i.deleted_at, i.suspended_at) AS since) hidden
WHERE p.table_name = '{REPOSITORIES}' AND p.delete_enabled
  AND hidden.since <= now() - make_interval(days => p.retention_days)
"""

_LIST = sa.text(f"""
SELECT r.id::text, r.github_id, r.full_name, hidden.since,
       (SELECT count(*) FROM github_issues t WHERE t.repository_id = r.id) AS issues,
       (SELECT count(*) FROM github_pull_requests t WHERE t.repository_id = r.id) AS pull_requests
{_DUE} ORDER BY hidden.since, r.full_name
""")

# One that shows again meanwhile is left: what of it has gone is read again, for its marks went first.
_HOLD = sa.text(f"SELECT r.id {_DUE} AND r.id = CAST(:id AS uuid) FOR NO KEY UPDATE OF r SKIP LOCKED")

_TABLES = sa.text("""
SELECT c.conrelid::regclass::text AS name, a.attname AS column
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND c.confrelid = 'github_repositories'::regclass AND c.confdeltype = 'c'
ORDER BY c.conrelid::regclass::text <> 'sync_marks', 1
""")

_FORGET_CHANGES = sa.text("""
UPDATE change_events SET old_values = NULL, new_values = NULL
WHERE (seq, created_at) IN (
  SELECT seq, created_at FROM change_events
  WHERE repository_id = CAST(:id AS uuid) AND (old_values IS NOT NULL OR new_values IS NOT NULL)
  ORDER BY seq LIMIT :at_once)
""")

_NAMES = """
SELECT full_name FROM github_repositories WHERE id = CAST(:id AS uuid)
UNION SELECT tracked_name FROM github_repositories WHERE id = CAST(:id AS uuid)
UNION SELECT full_name FROM github_repository_aliases WHERE repository_id = CAST(:id AS uuid)
"""

# A name may be another repository's by now: the id in the payload decides. It is there as GitHub writes JSON, as people
# do, or as a form has it.
_MENTIONS = """(body IS NULL OR EXISTS (
  SELECT FROM unnest(ARRAY['"id":' || :github_id || ',', '"id": ' || :github_id || ',',
                           '%22id%22%3A' || :github_id || '%2C', '%22id%22%3A+' || :github_id || '%2C']) AS p(pattern)
  WHERE position(convert_to(pattern, 'UTF8') IN body) > 0))"""

# One that waits or is parked has nobody any more to whom it could tell something.
_FORGET_DELIVERIES = sa.text(f"""
UPDATE webhook_deliveries SET
  body = NULL, repository = NULL, processed_at = coalesce(processed_at, now()),
  dismissed_at = CASE WHEN status IN ('pending', 'parked') THEN now() ELSE dismissed_at END,
  last_error = CASE WHEN status IN ('pending', 'parked') THEN 'Its repository was purged.' ELSE last_error END,
  status = CASE WHEN status IN ('pending', 'parked') THEN 'ignored' ELSE status END
WHERE (id, month) IN (
  SELECT id, month FROM webhook_deliveries WHERE repository IN ({_NAMES}) AND {_MENTIONS}
  ORDER BY id LIMIT :at_once FOR UPDATE SKIP LOCKED)
""")

# What lists the repositories of an installation names it, too.
_FORGET_LISTS = sa.text(f"""
UPDATE webhook_deliveries SET body = NULL
WHERE event IN ('installation', 'installation_repositories') AND status IN ('processed', 'ignored')
  AND body IS NOT NULL AND {_MENTIONS}
""")

# What people keep there, or another repository that is in it, keeps the project.
_FORGET_PROJECT = sa.text("""
DELETE FROM projects p WHERE p.id = CAST(:project AS uuid)
  AND NOT EXISTS (SELECT FROM github_repositories t WHERE t.project_id = p.id)
  AND NOT EXISTS (SELECT FROM tasks t WHERE t.project_id = p.id)
  AND NOT EXISTS (SELECT FROM workflows t WHERE t.project_id = p.id)
  AND NOT EXISTS (SELECT FROM agents t WHERE t.project_id = p.id)
  AND NOT EXISTS (SELECT FROM project_members t WHERE t.project_id = p.id AND t.source = 'local')
""")

_DELETE = sa.text("DELETE FROM github_repositories WHERE id = CAST(:id AS uuid) RETURNING project_id::text")

_TAKE_LINKS = sa.text(f"SELECT pg_advisory_xact_lock({locks.LINKS})")

_SEEN_TO = sa.text(
    "UPDATE data_retention_policies SET last_run_at = now() WHERE table_name = :policy AND delete_enabled"
)


class HiddenRepository(NamedTuple):
    """One whose time is over: our id, GitHub's, its name, since when it is hidden, and what there is of it."""

    id: str
    github_id: str
    full_name: str
    since: datetime
    issues: int
    pull_requests: int


class Purged(NamedTuple):
    """One that has gone: its name, and how many rows, changes and payloads went with it."""

    full_name: str
    rows: int
    changes: int
    payloads: int


async def due(conn: AsyncConnection) -> list[HiddenRepository]:
    """Those whose time is over."""
    return [HiddenRepository(*row) for row in await fetch(conn, _LIST)]


async def enforce(engine: AsyncEngine, *, actor: Actor = CLOCK) -> list[Purged]:
    """Let go those whose time is over, some rows in each transaction; one that shows again, or is in use, stays."""
    async with transaction(engine) as conn:
        found = await due(conn)
        tables = [(row.name, row.column) for row in await fetch(conn, _TABLES)]
    purged = [await _purge(engine, each, tables, actor) for each in found]
    async with transaction(engine) as conn:
        await conn.execute(_SEEN_TO, {"policy": REPOSITORIES})
    return [each for each in purged if each]


async def _purge(
    engine: AsyncEngine, one: HiddenRepository, tables: list[tuple[str, str]], actor: Actor
) -> Purged | None:
    said = {"id": one.id, "github_id": one.github_id, "at_once": AT_ONCE}
    steps = [_deleting(*table) for table in tables if table[0] != "github_repository_aliases"]
    counts = []
    for step in (*steps, _FORGET_CHANGES, _FORGET_DELIVERIES):
        counts.append(await _to_its_end(engine, step, said))
        if counts[-1] is None:
            return None
    *rows, changes, payloads = (count or 0 for count in counts)
    async with transaction(engine) as conn:
        if not await fetch(conn, _HOLD, {"id": one.id}):
            return None
        await conn.execute(_TAKE_LINKS)
        lists = (await conn.execute(_FORGET_LISTS, {"github_id": one.github_id})).rowcount
        (project,) = await fetch_column(conn, _DELETE, {"id": one.id})
        await conn.execute(_FORGET_PROJECT, {"project": project})
        purged = Purged(one.full_name, sum(rows) + 1, changes, payloads + lists)
        await audit.record(
            conn,
            action="repository.purged",
            resource_type="github_repository",
            resource_id=one.id,
            entity_name=one.full_name,
            old_values={"hidden_since": one.since.isoformat()},
            new_values={"rows": purged.rows, "changes": purged.changes, "payloads": purged.payloads},
            actor=actor,
        )
    return purged


async def _to_its_end(engine: AsyncEngine, step: sa.TextClause, said: dict[str, object]) -> int | None:
    """Take a step until there is nothing left for it; None where the repository is not to go any more."""
    done, last = 0, AT_ONCE
    while last == AT_ONCE:
        async with transaction(engine) as conn:
            if not await fetch(conn, _HOLD, {"id": said["id"]}):
                return None
            last = (await conn.execute(step, said)).rowcount
        done += last
    return done


def _deleting(table: str, column: str) -> sa.TextClause:
    """Deletes rows of a table that refers to the repository."""
    called = sql.Identifier(column).as_string()
    return sa.text(f"""
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM {table} WHERE {called} = CAST(:id AS uuid) LIMIT :at_once))
""")
