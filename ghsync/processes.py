"""The processes that run for years: each tells that it lives, and one of them leads.

What the leader writes begins with a look whether it still leads. Who takes over waits for what is being written, so
that nothing of its predecessor's comes later: a process that was stopped may go on at any time.
"""

import asyncio
import os
import platform
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import connections, deadline
from ghsync.database import fetch, metadata, moment, one_of, transaction
from ghsync.errors import DatabaseUnavailable, Locked, NotLeading

BEAT_SECONDS = 3.0
SILENT_SECONDS = 15.0
"""Who has said nothing for so long is stopped, cut off or dead."""

FAREWELL_SECONDS = 2.0

log = structlog.get_logger()

processes = sa.Table(
    "sync_processes",
    metadata,
    sa.Column("id", sa.UUID(as_uuid=False), primary_key=True, comment="Key, made by the process"),
    sa.Column("kind", sa.String(20), nullable=False, comment="serve or work"),
    sa.Column("host", sa.Text, nullable=False, comment="Name of its host"),
    sa.Column("pid", sa.Integer, nullable=False, comment="Its number there"),
    sa.Column("version", sa.Text, nullable=False, comment="Version of ghsync"),
    moment("started_at", "When it started", default=True, nullable=False),
    moment("seen_at", "When it last told that it lives", default=True, nullable=False),
    moment("leading_since", "Since when it leads the schedule; null when it does not"),
    moment("replaced_at", "When another took the lead from it, because it did not prove that it lives"),
    moment("secrets_read_at", "As of when it accepts the webhook secrets that the database has; null for never"),
    one_of("kind", ("serve", "work")),
    comment="Processes at work; who ends in order takes its row along",
)

_TELL = sa.text("""
INSERT INTO sync_processes (id, kind, host, pid, version) VALUES (:id, :kind, :host, :pid, :version)
ON CONFLICT (id) DO UPDATE SET seen_at = now()
""")

_FORGET = sa.text("DELETE FROM sync_processes WHERE seen_at < now() - interval '1 day'")

_END = sa.text("DELETE FROM sync_processes WHERE id = :id")

# The row lock waits for what its leader is writing at this moment, for `_LEADS` shares it until commit.
_REPLACE = sa.text("""
UPDATE sync_processes p SET leading_since = NULL, replaced_at = now()
FROM (SELECT id FROM sync_processes WHERE leading_since IS NOT NULL AND id <> :id FOR UPDATE) before
WHERE p.id = before.id
RETURNING p.host, p.pid, extract(epoch FROM now() - p.seen_at)::float8 AS silent_seconds
""")

_LEAD = sa.text("UPDATE sync_processes SET leading_since = now(), replaced_at = NULL WHERE id = :id")

_RESIGN = sa.text("UPDATE sync_processes SET leading_since = NULL WHERE id = :id")

_LEADS = sa.text("SELECT pid FROM sync_processes WHERE id = :id AND leading_since IS NOT NULL FOR KEY SHARE")

_SECRETS_READ = sa.text("UPDATE sync_processes SET secrets_read_at = now() WHERE id = :id")

_UNAWARE = sa.text("""
SELECT host, pid, version, secrets_read_at IS NULL AS never, seen_at <= now() - make_interval(secs => :silent) AS silent
FROM sync_processes
WHERE kind = 'serve' AND seen_at > now() - interval '1 hour' AND coalesce(secrets_read_at <= :since, true)
ORDER BY started_at, id
""")

_ALL = sa.text("""
SELECT kind, host, pid, version, started_at, seen_at, leading_since, replaced_at,
       extract(epoch FROM greatest(now() - seen_at, '0'))::float8 AS silent_seconds
FROM sync_processes WHERE seen_at > now() - interval '1 hour' ORDER BY started_at, id
""")


@dataclass(frozen=True, slots=True)
class Process:
    """This process, as others see it."""

    kind: str
    id: str = field(default_factory=lambda: str(uuid4()))
    version: str = field(default_factory=lambda: version("ghsync"))

    async def live(self, engine: AsyncEngine, url: str, *, patience_seconds: float = 10) -> None:
        """Tell every few seconds that it lives, until cancelled; then take the row along.

        When PostgreSQL has not answered for so long, this process hangs up, unless the server answers whoever comes
        anew: it may be that another one has taken the place of one that hangs. ``url`` is what the engine connects to.
        """
        answered = time.monotonic()
        try:
            while True:
                try:
                    await deadline.within(patience_seconds, self._beat(engine))
                    answered = time.monotonic()
                except DatabaseUnavailable:
                    if time.monotonic() - answered > patience_seconds:
                        alive = await connections.answering(url, patience_seconds)
                        count = connections.hang_up(patience_seconds, unless_to=alive)
                        silent = round(time.monotonic() - answered, 1)
                        if count:
                            log.warning("hung_up", connections=count, silent_seconds=silent)
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            with suppress(DatabaseUnavailable, Locked, sa.exc.DBAPIError):
                await deadline.within(FAREWELL_SECONDS, self._end(engine))

    async def tell(self, engine: AsyncEngine) -> None:
        """Tell that it lives."""
        async with transaction(engine) as conn:
            await self._tell(conn)

    async def tell_of_secrets(self, conn: AsyncConnection) -> None:
        """Tell that it accepts the webhook secrets as they were when this transaction began."""
        await fetch(conn, _SECRETS_READ, {"id": self.id})

    async def lead(self, engine: AsyncEngine) -> None:
        """Take the lead from whoever has it, as soon as nothing of theirs is being written any more."""
        async with transaction(engine) as conn:
            await fetch(conn, _FORGET)
            replaced = await fetch(conn, _REPLACE, {"id": self.id})
            await self._tell(conn)
            await fetch(conn, _LEAD, {"id": self.id})
        for one in replaced:
            log.warning("lead_taken", host=one.host, pid=one.pid, silent_seconds=round(one.silent_seconds, 1))

    async def resign(self, engine: AsyncEngine) -> None:
        """Leave the lead to others."""
        async with transaction(engine) as conn:
            await fetch(conn, _RESIGN, {"id": self.id})

    async def check_lead(self, conn: AsyncConnection) -> None:
        """Make sure of the lead until commit; raises `NotLeading` where another has it by now."""
        if not await fetch(conn, _LEADS, {"id": self.id}):
            raise NotLeading("Another process leads by now: what this one still wanted to write is left to it.")

    async def _beat(self, engine: AsyncEngine) -> None:
        with suppress(Locked, sa.exc.DBAPIError):  # it answers
            await self.tell(engine)

    async def _tell(self, conn: AsyncConnection) -> None:
        await fetch(
            conn,
            _TELL,
            {
                "id": self.id, "kind": self.kind, "host": platform.node(), "pid": os.getpid(),
                "version": self.version,
            },
        )  # fmt: skip

    async def _end(self, engine: AsyncEngine) -> None:
        async with transaction(engine) as conn:
            await fetch(conn, _END, {"id": self.id})


def is_silent(process: Mapping[str, Any]) -> bool:
    """Whether a process has not told for too long that it lives."""
    return bool(process["silent_seconds"] > SILENT_SECONDS)


async def unaware(conn: AsyncConnection, since: datetime) -> list[Any]:
    """Who receives, and has not read the webhook secrets since a moment of the database's clock.

    ``never`` it did, ``silent`` it is: `host`, `pid` and `version` tell who.
    """
    return await fetch(conn, _UNAWARE, {"since": since, "silent": SILENT_SECONDS})


async def all_of_them(conn: AsyncConnection) -> list[dict[str, Any]]:
    """Who was heard of within an hour, the oldest first."""
    return [row._asdict() for row in await fetch(conn, _ALL)]
