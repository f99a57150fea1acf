"""Keys: made for a person, listed, and ended."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import audit, keys, lookup
from ghsync.actor import Actor
from ghsync.errors import NotFound, Permanent

Row = dict[str, Any]

_CREATE = sa.text("""
INSERT INTO api_keys (user_id, name, key_hash, permissions, expires_at)
VALUES (CAST(:user AS uuid), :name, :hash, jsonb_build_array(CAST(:scope AS text)),
        now() + make_interval(days => CAST(:days AS int)))
RETURNING id::text, expires_at
""")

_TAKEN = sa.text("""
SELECT EXISTS (SELECT FROM api_keys WHERE name = :name AND revoked_at IS NULL AND coalesce(expires_at > now(), true))
""")

_BELONGS = sa.text("""
SELECT EXISTS (SELECT FROM organization_members m WHERE m.user_id = CAST(:user AS uuid) AND m.removed_at IS NULL)
    OR EXISTS (SELECT FROM project_members m WHERE m.user_id = CAST(:user AS uuid) AND m.removed_at IS NULL)
""")

_REVOKE = sa.text("""
UPDATE api_keys SET revoked_at = now() WHERE (name = :name OR id::text = :name) AND revoked_at IS NULL
RETURNING id::text, name
""")

_LIST = sa.text("""
SELECT k.name, coalesce(u.github_login, u.email) AS user, k.permissions ->> 0 AS scope, k.created_at, k.expires_at,
       k.last_used_at,
       CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= now() THEN 'expired'
            WHEN u.deleted_at IS NOT NULL THEN 'orphaned' ELSE 'valid' END AS state, k.id::text
FROM api_keys k JOIN users u ON u.id = k.user_id ORDER BY k.created_at, k.name
""")


async def listing(conn: AsyncConnection) -> list[Row]:
    """All keys, ended ones too; what is kept of a key itself is not shown."""
    return [dict(row._mapping) for row in await conn.execute(_LIST)]


async def create(
    conn: AsyncConnection, name: str, person: str, scope: str, days: int | None, *, actor: Actor
) -> dict[str, Any]:
    """Make a key; answers it, which nobody can do again. Raises `NotFound`.

    And `Permanent` for a name in use, or a person who belongs nowhere.
    """
    user = await lookup.user(conn, person)
    if not await conn.scalar(_BELONGS, {"user": user.id}):
        raise Permanent(
            f"{user.name} belongs to no organization or project here, and so may see nothing: name somebody who does."
        )
    if await conn.scalar(_TAKEN, {"name": name}):
        raise Permanent(f"A key {name} is in use: give another name, or revoke it first.")
    key = keys.make()
    values = {"user": user.id, "name": name, "hash": keys.digest(key), "scope": scope, "days": days}
    made = (await conn.execute(_CREATE, values)).one()
    told = {"user": user.name, "scope": scope, "expires_at": made.expires_at.isoformat() if made.expires_at else None}
    await _record(conn, "key.created", made.id, name, told, actor)
    return {"name": name, "key": key, "user": user.name, "scope": scope, "expires_at": made.expires_at}


async def revoke(conn: AsyncConnection, name: str, *, actor: Actor) -> None:
    """End keys of this name or id, from now on. Raises `NotFound`."""
    ended = (await conn.execute(_REVOKE, {"name": name})).all()
    if not ended:
        raise NotFound(f"No key {name} is in use: `ghsync keys list` shows which there are.")
    for one in ended:
        await _record(conn, "key.revoked", one.id, one.name, None, actor)


async def _record(conn: AsyncConnection, action: str, key: str, name: str, new: Row | None, actor: Actor) -> None:
    await audit.record(
        conn,
        action=action,
        resource_type="api_key",
        resource_id=key,
        entity_name=name,
        new_values=new,
        actor=actor,
    )
