"""Keys: what programs show to be let in over HTTP. Each is a person's, is for something, and ends.

A key is 256 random bits, so a SHA-256 of it hides it as well as a slow hash hides a password, and an index finds it:
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import document, metadata, moment, reference, uuid_key
from ghsync.errors import NotAllowed, NotAuthenticated

PREFIX = "ghsync_"
"""What each begins with, so that scanners for secrets find one in a text."""

SCOPES = ("read", "operate", "admin")
"""What keys are for; each may do what the ones before it may."""

FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")

table = sa.Table(
    "api_keys",
    metadata,
    uuid_key(),
    reference("user_id", "users.id", "Whose it is", ondelete="CASCADE", index=False),
    sa.Column("name", sa.String(255), nullable=False, comment="What people call it"),
    sa.Column("key_hash", sa.String(255), nullable=False, comment="SHA-256 of the key, which nobody else keeps"),
    document("permissions", "What it is for: read, operate or admin", default="[]", shape="array"),
    moment("expires_at", "When it ends; null for never"),
    moment("last_used_at", "When it was shown last, to the minute"),
    moment("created_at", "When it was made", default=True),
    moment("revoked_at", "When it was ended by hand"),
    sa.UniqueConstraint("key_hash", name="idx_api_keys_key_hash"),
    sa.Index("idx_api_keys_user_id", "user_id"),
    sa.Index("idx_api_keys_expires_at", "expires_at", postgresql_where=sa.text("expires_at IS NOT NULL")),
    sa.CheckConstraint('permissions <@ \'["read", "operate", "admin"]\'', name="permissions"),
    comment="Keys that programs show over HTTP",
)

# A person who belongs nowhere any more is let in nowhere: whoever leaves an organization leaves with their keys.
ADMISSION = """
k.id::text AS key_id, k.name AS key, k.permissions, u.id::text AS user_id, coalesce(u.github_login, u.name) AS person,
k.revoked_at IS NOT NULL AS revoked, coalesce(k.expires_at <= now(), false) AS expired,
u.deleted_at IS NOT NULL OR NOT (
  EXISTS (SELECT FROM organization_members m WHERE m.user_id = u.id AND m.removed_at IS NULL)
  OR EXISTS (SELECT FROM project_members m WHERE m.user_id = u.id AND m.removed_at IS NULL)) AS orphaned
"""
"""What is asked of a key ``k`` of a user ``u``, as SQL, for `admit`."""

_FIND = sa.text(f"SELECT {ADMISSION} FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.key_hash = :hash")

_USED = sa.text("""
UPDATE api_keys SET last_used_at = now()
WHERE id = CAST(:id AS uuid) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
""")


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who showed a key: the person whose it is, the key's id and name, and what it is for, empty for nothing."""

    user_id: str
    person: str
    key_id: str
    key: str
    scope: str


def make() -> str:
    """A new key."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(key.encode()).hexdigest()


def of_header(authorization: str | None) -> str:
    """The key in an Authorization header. Raises `NotAuthenticated` where there is none, or none of ours."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not FORM.fullmatch(key.strip()):
        raise NotAuthenticated("Show a key that `ghsync keys create` made: Authorization: Bearer ghsync_...")
    return key.strip()


async def check(conn: AsyncConnection, key: str, scope: str) -> Bearer:
    """Whose key it is. Raises `NotAuthenticated` for one that does not count, `NotAllowed` for one that is for less."""
    found = (await conn.execute(_FIND, {"hash": digest(key)})).one_or_none()
    if found is None:
        raise NotAuthenticated("This key is not known here: `ghsync keys create` makes one.")
    bearer = admit(found, scope)
    await conn.execute(_USED, {"id": bearer.key_id})
    return bearer


def admit(found: sa.Row[Any], scope: str) -> Bearer:
    """Who is let in by a key, as `ADMISSION` finds it. Raises what `check` raises."""
    if found.orphaned:
        raise NotAuthenticated(f"{found.person} belongs to no organization or project here any more.")
    if found.revoked or found.expired:
        ended = "was revoked" if found.revoked else "has expired"
        raise NotAuthenticated(f"This key {ended}: `ghsync keys create` makes another.")
    granted = max((each for each in SCOPES if each in found.permissions), key=SCOPES.index, default="")
    bearer = Bearer(found.user_id, found.person, found.key_id, found.key, granted)
    if not granted or SCOPES.index(granted) < SCOPES.index(scope):
        raise NotAllowed(f"This key may not do that: it takes one that may {scope}.", bearer)
    return bearer
