"""Sessions: begun with a key, listed, and ended."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import audit, lookup, web_sessions
from ghsync.actor import Actor
from ghsync.keys import Bearer

Row = dict[str, Any]

_LIST = sa.text("""
SELECT coalesce(u.github_login, u.email) AS user, k.name AS key, host(s.ip_address) AS address,
       s.user_agent AS program, s.created_at, s.last_activity_at, s.expires_at
FROM sessions s JOIN users u ON u.id = s.user_id JOIN api_keys k ON k.id = s.api_key_id
WHERE s.expires_at > now() AND s.last_activity_at > now() - make_interval(hours => :idle) AND k.revoked_at IS NULL
ORDER BY s.created_at
""")

_END = sa.text("DELETE FROM sessions WHERE user_id = CAST(:user AS uuid)")


async def listing(conn: AsyncConnection) -> list[Row]:
    """Those that have not ended."""
    return [dict(row._mapping) for row in await conn.execute(_LIST, {"idle": web_sessions.IDLE_HOURS})]


async def begin(conn: AsyncConnection, bearer: Bearer, *, actor: Actor) -> tuple[str, datetime]:
    """Begin one for who showed a key; answers what the browser is to show, and until when that is."""
    token, until = await web_sessions.begin(conn, bearer, actor.address, actor.program)
    await _record(conn, "session.begun", bearer.person, {"expires_at": until.isoformat()}, actor)
    return token, until


async def end(conn: AsyncConnection, token: str, *, actor: Actor) -> None:
    """End the one that a browser shows, if it has not ended."""
    if await web_sessions.end(conn, token):
        await _record(conn, "session.ended", actor.name, None, actor)


async def end_all(conn: AsyncConnection, person: str, *, actor: Actor) -> int:
    """End all of a person's; answers how many there were. Raises `NotFound` for who is nobody."""
    user = await lookup.user(conn, person)
    ended = (await conn.execute(_END, {"user": user.id})).rowcount
    if ended:
        await _record(conn, "session.ended", user.name, {"count": ended}, actor)
    return ended


async def _record(conn: AsyncConnection, action: str, person: str, new: Row | None, actor: Actor) -> None:
    await audit.record(conn, action=action, resource_type="session", entity_name=person, new_values=new, actor=actor)
