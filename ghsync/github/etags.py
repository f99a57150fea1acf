"""ETags of answers, so that what has not changed is not paid for.

An ETag is good only with the token that it was given to; installation tokens are shared, so that ETags can be.
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
"""

from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import fetch, fetch_column, metadata, moment, transaction

table = sa.Table(
    "sync_etags",
    metadata,
    sa.Column("credential", sa.Text, primary_key=True, comment="Who asked"),
    sa.Column("url", sa.Text, primary_key=True, comment="What was asked"),
    sa.Column("token", sa.Text, nullable=False, comment="Fingerprint of the token that it was asked with"),
    sa.Column("etag", sa.Text, nullable=False, comment="GitHub's name for the answer"),
    moment("seen_at", "When it was answered", default=True, nullable=False),
    comment="ETags of answers of GitHub's API; kept for a day",
)
sa.Index("idx_sync_etags_seen_at", table.c.seen_at)

_FIND = sa.text("SELECT etag FROM sync_etags WHERE credential = :credential AND url = :url AND token = :token")

_KEEP = sa.text("""
INSERT INTO sync_etags (credential, url, token, etag) VALUES (:credential, :url, :token, :etag)
ON CONFLICT (credential, url) DO UPDATE SET token = excluded.token, etag = excluded.etag, seen_at = now()
""")

_FORGET = sa.text("""
DELETE FROM sync_etags WHERE (credential, url) IN (
  SELECT credential, url FROM sync_etags WHERE seen_at < now() - interval '1 day'
  ORDER BY seen_at LIMIT 100 FOR UPDATE SKIP LOCKED)
""")


@dataclass(frozen=True, slots=True)
class ETag:
    """The ETag of an answer, with who asked what; ``token`` is the token's fingerprint."""

    credential: str
    url: str
    token: str
    etag: str


async def find(engine: AsyncEngine, credential: str, url: str, token: str) -> str | None:
    """The ETag that was kept for this URL and this token."""
    async with transaction(engine) as conn:
        found = await fetch_column(conn, _FIND, {"credential": credential, "url": url, "token": token})
    return str(found[0]) if found else None


async def keep(conn: AsyncConnection, answered: ETag) -> None:
    """Remember an ETag, in the transaction that wrote what its answer told; forget some that are old.

    Before that it must not count: the answer would never come again.
    """
    await fetch(conn, _KEEP, asdict(answered))
    await fetch(conn, _FORGET)
