"""What is left out of queries: what a GitHub's schema lacks, and what a credential is not shown.

It is kept in the database, for all processes, and for a day at most: then GitHub may know it, or the permission be
granted. What an installation was denied with the permissions of its token, it is asked for again as soon as it is known
to have others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import document, metadata, moment, transaction
from ghsync.github.credentials import Credential
from ghsync.github.parts import PARTS

table = sa.Table(
    "sync_omissions",
    metadata,
    sa.Column("asker", sa.Text, primary_key=True, comment="Address of the API that lacks it, or who is not shown it"),
    document("left_out", "Parts of GraphQL's documents that are not asked for, each with the reason", nullable=False),
    document("permissions", "Permissions of the installation's token at that time", default=None),
    moment("learned_at", "When that was found out; it is for a day", default=True, nullable=False),
    comment="What GraphQL is not asked for, by who lacks it",
)


@dataclass(frozen=True, slots=True)
class Omission:
    """A part that somebody is not asked for, or not shown; ``asker`` is an API's address or a credential's key."""

    asker: str
    part: str
    reason: str

    @property
    def who(self) -> str:
        """Who lacks it, or is not shown it, in words."""
        kind, _, number = self.asker.partition(":")
        return {"token": "the token", "installation": f"installation {number}"}.get(kind, self.asker)

    @property
    def sentence(self) -> str:
        """What is missing, and why."""
        known = PARTS.get(self.part)
        shows = known.shows if known else f"what `{self.part}` asks for, for which REST is asked"
        return f"{shows} ({self.part}): {self.reason}"


_KNOWN = """
SELECT o.asker, o.left_out FROM sync_omissions o
LEFT JOIN github_installations i ON o.asker = 'installation:' || i.github_id
WHERE o.learned_at > now() - interval '1 day' AND coalesce(o.permissions, '{}') @> coalesce(i.permissions, '{}')
"""
_OF = sa.text(f"{_KNOWN} AND o.asker = ANY(:askers)")
_ALL = sa.text(f"{_KNOWN} ORDER BY o.asker")

_LEARN = sa.text("""
INSERT INTO sync_omissions AS o (asker, left_out, permissions)
VALUES (:asker, CAST(:left_out AS jsonb), coalesce(CAST(:permissions AS jsonb),
        (SELECT permissions FROM github_installations WHERE 'installation:' || github_id = :asker)))
ON CONFLICT (asker) DO UPDATE SET
  left_out = CASE WHEN :replaces OR o.learned_at <= now() - interval '1 day'
                    OR o.permissions IS DISTINCT FROM excluded.permissions
                  THEN excluded.left_out ELSE o.left_out || excluded.left_out END,
  learned_at = CASE WHEN :replaces OR o.learned_at <= now() - interval '1 day' THEN now() ELSE o.learned_at END,
  permissions = excluded.permissions
""")


async def of(engine: AsyncEngine, api_url: str, credential: Credential) -> list[Omission]:
    """What is left out of this credential's queries to this API."""
    async with transaction(engine) as conn:
        rows = await conn.execute(_OF, {"askers": [api_url, credential.key]})
        return _read(rows)


async def everything(conn: AsyncConnection) -> list[Omission]:
    """What is left out of anybody's queries."""
    return _read(await conn.execute(_ALL))


async def learn(
    engine: AsyncEngine,
    asker: str,
    reasons: Mapping[str, str],
    permissions: Mapping[str, str] | None = None,
    *,
    complete: bool = False,
) -> None:
    """Leave these parts out from now on, each for a reason; ``complete`` says that there are no others.

    An installation was denied them with a token that has these permissions; where they are not known, with those that
    it has. Where it is known to have more, it is asked again the next time.
    """
    said = {
        "asker": asker,
        "left_out": msgspec.json.encode(reasons).decode(),
        "permissions": None if permissions is None else msgspec.json.encode(permissions).decode(),
        "replaces": complete,
    }
    async with transaction(engine) as conn:
        await conn.execute(_LEARN, said)


def _read(rows: sa.CursorResult[tuple[str, dict[str, str]]]) -> list[Omission]:
    return [Omission(row.asker, part, reason) for row in rows for part, reason in sorted(row.left_out.items())]
