"""Members of organizations and projects, as GitHub reports them.

Rows that local people made (``source`` local) are never touched. A person known only to GitHub gets a user with
GitHub's no-reply address: https://docs.github.com/en/account-and-profile/reference/email-addresses-reference
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror.noun import Origin, Row
from ghsync.mirror.upsert import parameter
from ghsync.mirror.user import User

_SHAPE = """json_to_recordset(:rows) AS r(
  github_id text, login text, role text, account text, repository text,
  removed_at timestamptz, observed_at timestamptz, confirmed_at timestamptz)"""

# A person shows the login seen last, until people give the person another name.
_USERS = sa.text(f"""
INSERT INTO users AS u (email, name, github_id, github_login, observed_at, auth_provider)
SELECT DISTINCT ON (r.github_id) r.github_id || '@users.noreply.github.com', r.login, r.github_id, r.login,
       r.observed_at, 'github'
FROM {_SHAPE}
ORDER BY r.github_id, r.observed_at DESC, r.login
ON CONFLICT (github_id) DO UPDATE SET
  name = CASE WHEN u.name = u.github_login THEN excluded.name ELSE u.name END,
  github_login = excluded.github_login, observed_at = excluded.observed_at
WHERE (coalesce(u.observed_at, '-infinity'), coalesce(u.github_login, ''))
      < (excluded.observed_at, excluded.github_login)
""")


# The role is versioned by itself: a report that names none says nothing of it.
def _membership(table: str, parent: str, join: str) -> sa.TextClause:
    return sa.text(f"""
INSERT INTO {table} AS m ({parent}, user_id, role, role_observed_at, source, removed_at, observed_at,
                        confirmed_at)
SELECT parent.id, u.id,
       coalesce((array_agg(r.role ORDER BY r.observed_at DESC) FILTER (WHERE r.role <> ''))[1], 'member'),
       max(r.observed_at) FILTER (WHERE r.role <> ''), 'github',
       (array_agg(r.removed_at ORDER BY r.observed_at DESC))[1], max(r.observed_at), max(r.confirmed_at)
FROM {_SHAPE}
JOIN users u ON u.github_id = r.github_id
JOIN {join}
GROUP BY parent.id, u.id
ORDER BY parent.id, u.id
ON CONFLICT ({parent}, user_id) DO UPDATE SET
  role = CASE WHEN excluded.role_observed_at > coalesce(m.role_observed_at, '-infinity')
              THEN excluded.role ELSE m.role END,
  role_observed_at = greatest(m.role_observed_at, excluded.role_observed_at),
  removed_at = CASE WHEN excluded.observed_at > m.observed_at THEN excluded.removed_at ELSE m.removed_at END,
  observed_at = greatest(m.observed_at, excluded.observed_at),
  confirmed_at = greatest(m.confirmed_at, excluded.confirmed_at)
WHERE m.source = 'github' AND (m.observed_at < excluded.observed_at
   OR excluded.role_observed_at > coalesce(m.role_observed_at, '-infinity'))
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


_UNAFFILIATED = "unaffiliated"  # what GitHub calls who has just left


def row(user: User, role: str | None, origin: Origin, *, removed: bool) -> Row:
    """A member; the caller adds ``account`` (GitHub's id) or ``repository`` (GitHub's id)."""
    return {
        "github_id": str(user.id),
        "login": user.login,
        "role": None if role == _UNAFFILIATED else role,
        "removed_at": origin.observed_at if removed else None,
        "observed_at": origin.observed_at,
        "confirmed_at": origin.columns()["verified_at"],
    }


async def write(conn: AsyncConnection, rows: Sequence[Row]) -> None:
    """Write memberships where they are newer than what is stored."""
    if rows:
        rows_text = {"rows": parameter(rows)}
        await fetch(conn, _USERS, rows_text)
        for statement in _MEMBERSHIPS:
            await fetch(conn, statement, rows_text)
