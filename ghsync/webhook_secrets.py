"""Secrets of webhooks that the database keeps beside the environment's, so that one replaces another and both count.

An App's begins as one that receivers accept (`created_at`), then GitHub signs with it (`told_at`), and then a delivery
has shown that it does (`proved_at`): from then on what came before counts for a while, and no longer.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import encrypted, metadata, moment, uuid_key

APP = "integration"
"""What deliveries of an App's webhook call their target, before its id."""

table = sa.Table(
    "sync_secrets",
    metadata,
    uuid_key(),
    sa.Column("hook_target", sa.Text, nullable=False, comment="Whose webhook: integration:ID of an App, repository:ID"),
    encrypted("secret", "The secret, encrypted with GHSYNC_ENCRYPTION_KEYS", key="id", nullable=False),
    moment("created_at", "From when on receivers accept it", default=True, nullable=False),
    moment("told_at", "When GitHub was told to sign with it; null of one that it signed with before"),
    moment("proved_at", "When a delivery that was signed with it had arrived"),
    moment("accepted_until", "Until when it counts; null while none has replaced it"),
    sa.Index(
        "idx_sync_secrets_under_way",
        "hook_target",
        unique=True,
        postgresql_where=sa.text("proved_at IS NULL AND accepted_until IS NULL"),
    ),
    sa.Index("idx_sync_secrets_hook_target", "hook_target", "created_at"),
    comment="Secrets of webhooks beside the environment's: an App's, and those that a repository's replaced",
)

_OF_APPS = sa.text(f"""
SELECT hook_target, secret FROM sync_secrets
WHERE starts_with(hook_target, '{APP}:') AND (accepted_until IS NULL OR accepted_until > now())
ORDER BY created_at DESC
""")

_OF_REPOSITORY = sa.text("""
SELECT r.webhook_secret, ARRAY(
  SELECT s.secret FROM sync_secrets s WHERE s.hook_target = 'repository:' || r.github_id AND s.accepted_until > now()
  ORDER BY s.created_at DESC) AS replaced
FROM github_repositories r WHERE r.github_id = :github_id
""")

_REPLACE = sa.text("""
INSERT INTO sync_secrets (hook_target, secret, accepted_until)
SELECT 'repository:' || github_id, webhook_secret, now() + make_interval(secs => CAST(:grace AS float8))
FROM github_repositories WHERE id = :id AND webhook_secret <> '' AND CAST(:grace AS float8) > 0
RETURNING accepted_until
""")

_FORGET = sa.text("DELETE FROM sync_secrets WHERE accepted_until <= now() OR hook_target = CAST(:hook_target AS text)")


_UNDER_WAY = sa.text("""
SELECT id::text, secret, created_at, told_at FROM sync_secrets
WHERE hook_target = :hook_target AND proved_at IS NULL AND accepted_until IS NULL
""")

_BEGIN = sa.text("""
INSERT INTO sync_secrets (hook_target, secret) VALUES (:hook_target, :secret)
ON CONFLICT (hook_target) WHERE proved_at IS NULL AND accepted_until IS NULL DO NOTHING
RETURNING true
""")

_TOLD = sa.text("""
UPDATE sync_secrets SET told_at = now() WHERE id = CAST(:id AS uuid) AND told_at IS NULL RETURNING true
""")

_UNTOLD = sa.text("UPDATE sync_secrets SET told_at = NULL WHERE id = CAST(:id AS uuid) AND proved_at IS NULL")

_PROVED = sa.text("""
WITH proved AS (
  UPDATE sync_secrets SET proved_at = now() WHERE id = CAST(:id AS uuid) AND proved_at IS NULL RETURNING id, hook_target
), replaced AS (
  UPDATE sync_secrets s SET accepted_until = now() + make_interval(secs => CAST(:grace AS float8)) FROM proved p
  WHERE s.hook_target = p.hook_target AND s.id <> p.id AND s.accepted_until IS NULL
)
SELECT now() + make_interval(secs => CAST(:grace AS float8)) FROM proved
""")


async def of_apps(conn: AsyncConnection) -> Sequence[Any]:
    """Those that count of Apps' webhooks, the newest first: ``hook_target``, and ``secret``, encrypted."""
    return (await conn.execute(_OF_APPS)).all()


async def of_repository(conn: AsyncConnection, github_id: str) -> list[str]:
    """Those that count of a repository's own webhook, encrypted, the newest first."""
    found = (await conn.execute(_OF_REPOSITORY, {"github_id": github_id})).one_or_none()
    return [token for token in (found.webhook_secret, *found.replaced) if token] if found else []


def app_has_one(connection: sa.Connection) -> bool:
    """Whether an App's webhook has one here."""
    return connection.execute(_OF_APPS).first() is not None


async def keep_replaced(conn: AsyncConnection, repository: str, grace_seconds: float) -> Any:
    """Let a repository's own secret count for a while, that is about to be replaced; answers until when, or None."""
    return await conn.scalar(_REPLACE, {"id": repository, "grace": grace_seconds})


async def forget(conn: AsyncConnection, hook_target: str | None = None) -> None:
    """Forget those that count no longer, and all of one webhook."""
    await conn.execute(_FORGET, {"hook_target": hook_target})


async def under_way(conn: AsyncConnection, hook_target: str) -> Any:
    """The one that is about to replace those before: ``id``, ``secret``, ``created_at`` and ``told_at``; or None."""
    return (await conn.execute(_UNDER_WAY, {"hook_target": hook_target})).one_or_none()


async def begin(conn: AsyncConnection, hook_target: str, encrypted: str) -> bool:
    """Accept another secret from now on; whether none was under way yet."""
    return bool(await conn.scalar(_BEGIN, {"hook_target": hook_target, "secret": encrypted}))


async def note_told(conn: AsyncConnection, key: str) -> bool:
    """GitHub signs with it by now; whether that was not known yet."""
    return bool(await conn.scalar(_TOLD, {"id": key}))


async def note_untold(conn: AsyncConnection, key: str) -> None:
    """GitHub does not sign with it, whatever was noted: it is to be told again."""
    await conn.execute(_UNTOLD, {"id": key})


async def note_proved(conn: AsyncConnection, key: str, grace_seconds: float) -> Any:
    """A delivery has shown that GitHub signs with it: those before count until the time that this answers.

    None where that was known.
    """
    return await conn.scalar(_PROVED, {"id": key, "grace": grace_seconds})
