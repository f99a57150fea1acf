"""Readers: roles of PostgreSQL that are let in, each bound to a person or to all that is to be seen."""

from typing import Any

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import audit, lookup
from ghsync.actor import Actor
from ghsync.database import FORBIDDEN
from ghsync.errors import DatabaseRefused, NotFound, Permanent
from ghsync.readers import READ, WRITE

Row = dict[str, Any]

# Who owns the tables, or may go around policies, or has rights beyond a reader's, would see more than a reader.
_ROLE = sa.text("""
SELECT r.rolcanlogin AS logs_in,
       r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, c.relowner, 'MEMBER')
       OR has_table_privilege(r.oid, 'webhook_deliveries', 'SELECT')
 AS sees_more,
       to_regrole('ghsync_read') IS NOT NULL AS prepared
FROM pg_roles r, pg_class c WHERE r.rolname = :role AND c.oid = 'users'::regclass
""")

_BIND = sa.text("""
INSERT INTO database_readers (role, user_id) VALUES (:role, CAST(:user AS uuid))
ON CONFLICT (role) DO UPDATE SET user_id = excluded.user_id
""")

_UNBIND = sa.text("DELETE FROM database_readers WHERE role = :role RETURNING user_id::text")

_LIST = sa.text("""
SELECT d.role, coalesce(u.github_login, u.email, 'everything') AS sees, d.created_at,
       coalesce(pg_has_role(r.oid, g.oid, 'MEMBER'), false) AS writes, r.oid IS NOT NULL AS exists
FROM database_readers d LEFT JOIN users u ON u.id = d.user_id
LEFT JOIN pg_roles r ON r.rolname = d.role LEFT JOIN pg_roles g ON g.rolname = 'ghsync_write'
ORDER BY d.role
""")


async def listing(conn: AsyncConnection) -> list[Row]:
    """The roles that are let in, and with whose eyes each sees."""
    return [dict(row._mapping) for row in await conn.execute(_LIST)]


async def admit(conn: AsyncConnection, role: str, person: str | None, *, writes: bool = False, actor: Actor) -> str:
    """Let a role read what a person may see, or with None what is to be seen of all; answers whose eyes it has.

    One that ``writes`` makes and changes tasks, workflows and agents there, too.

    Raises `NotFound` for a role or person that is not there, and `Permanent` for a role that would see more.
    """
    await _check(conn, role)
    user = await lookup.user(conn, person) if person else None
    await _put(conn, role, WRITE if writes else READ, READ if writes else WRITE)
    await conn.execute(_BIND, {"role": role, "user": user.id if user else None})
    sees = str(user.name) if user else "everything"
    await _record(conn, "reader.admitted", role, {"sees": sees, "writes": writes}, actor)
    return sees


async def dismiss(conn: AsyncConnection, role: str, *, actor: Actor) -> None:
    """Let a role see nothing any more, at once. Raises `NotFound` for one that is not let in."""
    found = (await conn.execute(_UNBIND, {"role": role})).one_or_none()
    if found is None:
        raise NotFound(f'The role "{role}" is no reader: `ghsync grant list` shows which there are.')
    await _record(conn, "reader.dismissed", role, None, actor)


async def _check(conn: AsyncConnection, role: str) -> None:
    found = (await conn.execute(_ROLE, {"role": role})).one_or_none()
    if found is None:
        raise NotFound(f'PostgreSQL has no role "{role}": make it with CREATE ROLE, with a password of its own.')
    if not found.prepared:
        raise Permanent("Readers are not set up: let an administrator run the SQL that `ghsync grants` prints.")
    if found.sees_more:
        raise Permanent(
            f'The role "{role}" would see more than a reader: it is a superuser or goes around row policies, owns the '
            "tables, or may read deliveries. Give a role of its own."
        )


async def _put(conn: AsyncConnection, role: str, group: str, other: str) -> None:
    """Into one group, and out of the other."""
    grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(role))
    revoke = sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(other), sql.Identifier(role))
    try:
        for statement in (grant, revoke):
            await conn.exec_driver_sql(statement.as_string())
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != FORBIDDEN:
            raise
        raise DatabaseRefused(
            f'This role may not put "{role}" into {group}: let the owner of the tables or a superuser run this command.'
        ) from error


async def _record(conn: AsyncConnection, action: str, role: str, new: dict[str, Any] | None, actor: Actor) -> None:
    await audit.record(
        conn, action=action, resource_type="database_reader", entity_name=role, new_values=new, actor=actor
    )
