"""Sessions: what a browser shows instead of the key that a person signed in with, until they leave.

One ends by time, by hand, with the key, and with the person's last membership.
"""

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import keys
from ghsync.database import metadata, moment, reference, uuid_key
from ghsync.errors import NotAuthenticated
from ghsync.keys import Bearer

HOURS = 12
"""How long one lasts, whatever is done in it."""

IDLE_HOURS = 2
"""How long one lasts in which nothing is done."""

table = sa.Table(
    "sessions",
    metadata,
    uuid_key(),
    reference("user_id", "users.id", "Whose it is", nullable=False, ondelete="CASCADE", index=False),
    sa.Column("token_hash", sa.String(255), nullable=False, comment="SHA-256 of what the browser shows"),
    sa.Column("ip_address", INET, comment="Address that it began from"),
    sa.Column("user_agent", sa.Text, comment="Program that it began with"),
    moment("expires_at", "When it ends, whatever is done in it", nullable=False),
    moment("created_at", "When it began", default=True),
    moment("last_activity_at", "When something was done in it last, to the minute", default=True),
    reference(
        "api_key_id", "api_keys.id", "The key that it began with, and ends with", nullable=False, ondelete="CASCADE"
    ),
    sa.UniqueConstraint("token_hash", name="idx_sessions_token_hash"),
    sa.Index("idx_sessions_user_id", "user_id"),
    sa.Index("idx_sessions_expires_at", "expires_at"),
    comment="People who are signed in over HTTP",
)

_FORGET = sa.text("DELETE FROM sessions WHERE expires_at <= now()")

_BEGIN = sa.text("""
INSERT INTO sessions (user_id, token_hash, ip_address, user_agent, expires_at, api_key_id)
VALUES (CAST(:user AS uuid), :hash, CAST(:address AS inet), :program, now() + make_interval(hours => :hours),
        CAST(:key AS uuid))
RETURNING expires_at
""")

_FIND = sa.text(f"""
SELECT {keys.ADMISSION}, s.id::text AS session,
       s.expires_at <= now() OR s.last_activity_at <= now() - make_interval(hours => :idle) AS over
FROM sessions s JOIN api_keys k ON k.id = s.api_key_id JOIN users u ON u.id = s.user_id WHERE s.token_hash = :hash
""")

_USED = sa.text("""
UPDATE sessions SET last_activity_at = now()
WHERE id = CAST(:id AS uuid) AND last_activity_at < now() - interval '1 minute'
""")

_END = sa.text("DELETE FROM sessions WHERE token_hash = :hash")


async def begin(
    conn: AsyncConnection, bearer: Bearer, address: str | None, program: str | None
) -> tuple[str, datetime]:
    """Begin one for who showed a key; answers what the browser is to show, and until when that is."""
    await conn.execute(_FORGET)
    token = secrets.token_urlsafe(32)
    said = {
        "user": bearer.user_id,
        "hash": keys.digest(token),
        "address": address,
        "program": program,
        "hours": HOURS,
        "key": bearer.key_id,
    }
    return token, (await conn.execute(_BEGIN, said)).scalar_one()


async def check(conn: AsyncConnection, token: str, scope: str) -> Bearer:
    """Whose session it is. Raises `NotAuthenticated` for one that has ended, `NotAllowed` for one that is for less."""
    found = (await conn.execute(_FIND, {"hash": keys.digest(token), "idle": IDLE_HOURS})).one_or_none()
    if found is None or found.over:
        raise NotAuthenticated("This session has ended: sign in again.")
    bearer = keys.admit(found, scope)
    await conn.execute(_USED, {"id": found.session})
    return bearer


async def end(conn: AsyncConnection, token: str) -> bool:
    """End one; answers whether it was still there."""
    return bool((await conn.execute(_END, {"hash": keys.digest(token)})).rowcount)
