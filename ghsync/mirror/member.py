"""Members of organizations and projects, as GitHub reports them.

Rows that local people made (``source`` local) are never touched. A person known only to GitHub gets a user with
GitHub's no-reply address: https://docs.github.com/en/account-and-profile/reference/email-addresses-reference
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.mirror.noun import Origin, Row
from ghsync.mirror.upsert import parameter
from ghsync.mirror.user import User

_SHAPE = """json_to_recordset(:rows) AS r(
  github_id text, name text, role text, account text, repository text,
  removed_at timestamptz, observed_at timestamptz)"""

_USERS = sa.text(f"""
INSERT INTO users (email, name, github_id, auth_provider)
SELECT DISTINCT ON (r.github_id) r.github_id || '@users.noreply.github.com', r.name, r.github_id, 'github'
FROM {_SHAPE}
WHERE NOT EXISTS (SELECT FROM users u WHERE u.github_id = r.github_id)
ORDER BY r.github_id, r.observed_at DESC
ON CONFLICT DO NOTHING
""")


def _membership(table: str, parent: str, join: str) -> sa.TextClause:
    return sa.text(f"""
INSERT INTO {table} AS m ({parent}, user_id, role, source, removed_at, observed_at)
SELECT DISTINCT ON (parent.id, u.id) parent.id, u.id, coalesce(r.role, 'member'), 'github', r.removed_at, r.observed_at
FROM {_SHAPE}
JOIN users u ON u.github_id = r.github_id
JOIN {join}
ORDER BY parent.id, u.id, r.observed_at DESC
ON CONFLICT ({parent}, user_id) DO UPDATE SET
  role = excluded.role, removed_at = excluded.removed_at, observed_at = excluded.observed_at
WHERE m.source = 'github' AND m.observed_at < excluded.observed_at
""")


_MEMBERSHIPS = (
    _membership(
        "organization_members", "organization_id", "organizations parent ON parent.github_account_id = r.account"
    ),
    _membership(
        "project_members",
        "project_id",
        "github_repositories g ON g.github_id = r.repository JOIN projects parent ON parent.id = g.project_id",
    ),
)


def row(user: User, role: str | None, origin: Origin, *, removed: bool) -> Row:
    """A member; the caller adds ``account`` (GitHub's id) or ``repository`` (GitHub's id)."""
    return {
        "github_id": str(user.id),
        "name": user.login,
        "role": role,
        "removed_at": origin.observed_at if removed else None,
        "observed_at": origin.observed_at,
    }


async def write(conn: AsyncConnection, rows: Sequence[Row]) -> None:
    """Write memberships where they are newer than what is stored."""
    if rows:
        rows_text = {"rows": parameter(rows)}
        await conn.execute(_USERS, rows_text)
        for statement in _MEMBERSHIPS:
            await conn.execute(statement, rows_text)
