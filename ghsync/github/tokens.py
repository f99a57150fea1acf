"""Tokens of installations: an hour long, and the same for all processes, so that ETags go on working.

They are kept in the database, encrypted. Without GHSYNC_ENCRYPTION_KEYS each process has its own, in memory: a token in
clear text would let whoever reads the database act as the App.
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import document, encrypted, metadata, moment, transaction
from ghsync.encryption import Encryption
from ghsync.errors import NotConfigured
from ghsync.github.clock import Clock
from ghsync.github.credentials import fingerprint
from ghsync.settings import Settings

RENEWED = timedelta(minutes=5)
"""A token is renewed so long before it expires."""

USABLE = timedelta(minutes=1)
"""And used so long before it expires, where another process is renewing it."""

SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 300.0
"""How long a token is kept that lacks what the last one lacked: the next may, too, and ETags are of one token."""

ANY_REQUEST = "any request"
"""What a token is denied where GitHub names no permission."""

LEASE_SECONDS = 60
LOOK_SECONDS = 0.1

table = sa.Table(
    "sync_tokens",
    metadata,
    sa.Column("installation_id", sa.Text, primary_key=True, comment="GitHub's id of the installation"),
    encrypted("token", "Its access token, encrypted; null until the first is there", key="installation_id"),
    moment("expires_at", "When the token expires, by GitHub's clock"),
    document("permissions", "What it was granted when it was made, where known", default=None, shape="object"),
    moment("leased_until", "A process is fetching the next one, and has until then"),
    comment="Access tokens of installations, shared by all processes",
)


@dataclass(frozen=True, slots=True)
class Token:
    """An installation's token, and when it expires by GitHub's clock.

    It has the ``permissions`` that were granted when it was made, and never more; None where they are not known.
    """

    text: str = field(repr=False)
    expires_at: datetime
    permissions: Mapping[str, str] | None = None


Fetch = Callable[[int], Awaitable[Token]]

_FIND = sa.text("""
SELECT token, expires_at, permissions, leased_until > clock_timestamp() AS leased FROM sync_tokens
WHERE installation_id = :installation
""")

# Only if nobody is at it, and nobody was since we looked.
_LEASE = sa.text("""
INSERT INTO sync_tokens AS t (installation_id, leased_until)
VALUES (:installation, clock_timestamp() + make_interval(secs => :lease))
ON CONFLICT (installation_id) DO UPDATE SET leased_until = excluded.leased_until
WHERE (t.leased_until IS NULL OR t.leased_until <= clock_timestamp()) AND t.token IS NOT DISTINCT FROM :seen
RETURNING true
""")

_KEEP = sa.text("""
UPDATE sync_tokens SET
  token = :token, expires_at = :expires_at, permissions = CAST(:permissions AS jsonb), leased_until = NULL
WHERE installation_id = :installation
""")

_RELEASE = sa.text("UPDATE sync_tokens SET leased_until = NULL WHERE installation_id = :installation")

_DISCARD = sa.text("""
UPDATE sync_tokens SET token = NULL, expires_at = NULL WHERE installation_id = :installation AND token = :seen
""")


class Tokens:
    """The tokens that this process uses; ``fetch`` asks GitHub for a new one."""

    def __init__(self, engine: AsyncEngine, settings: Settings, clock: Clock, fetch: Fetch) -> None:
        self._engine = engine
        self._encryption = Encryption(settings.encryption_keys) if settings.encryption_keys else None
        self._clock = clock
        self._fetch = fetch
        self._held: dict[int, Token] = {}
        self._one_at_a_time: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._denied: dict[tuple[int, str], tuple[float, float]] = {}  # until when, and how long that pause is

    async def replace(self, installation: int, denied: str, what: Collection[str]) -> bool:
        """Give up a token (its fingerprint) that was ``denied`` what may have been granted since; whether the next
        request has another.

        It has, where another is in use by now. It has not, where some of it was denied lately to one made for it.
        """
        held = self._held.get(installation)
        if held is None or fingerprint(held.text) != denied:
            return True
        if self.denied(installation).intersection(what):
            return False
        await self.discard(installation, held.text)
        return True

    def deny(self, installation: int, what: Iterable[str]) -> None:
        """A token made for it was denied this, too. From the second time on none is made for it for a growing while."""
        now = time.monotonic()
        for each in what:
            until, pause = self._denied.get((installation, each), (now, None))
            if until <= now:
                grown = 0.0 if pause is None else min(max(2 * pause, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
                self._denied[installation, each] = now + grown, grown

    def show(self, installation: int, what: Iterable[str]) -> None:
        """This is shown, so that a token is made for it at once where it is denied again."""
        for each in what:
            self._denied.pop((installation, each), None)

    def denied(self, installation: int) -> frozenset[str]:
        """For what no other token is made at present."""
        now = time.monotonic()
        return frozenset(
            what for (whose, what), (until, _) in self._denied.items() if whose == installation and until > now
        )

    async def token(self, installation: int) -> Token:
        """A token that is good for some minutes."""
        async with self._one_at_a_time[installation]:
            held = self._held.get(installation)
            if held is None or not self._lasts(held, RENEWED):
                if self._encryption:
                    held = await self._shared(installation, self._encryption)
                else:
                    held = await self._fetch(installation)
                self._held[installation] = held
            return held

    async def discard(self, installation: int, text: str) -> None:
        """Use a token no more that GitHub does not accept, in no process."""
        async with self._one_at_a_time[installation]:  # nobody takes it up again meanwhile
            held = self._held.get(installation)
            if held is not None and held.text == text:
                del self._held[installation]
            if self._encryption:
                await self._discard_shared(installation, text, self._encryption)

    async def _discard_shared(self, installation: int, text: str, encryption: Encryption) -> None:
        async with transaction(self._engine) as conn:
            row = (await conn.execute(_FIND, {"installation": str(installation)})).one_or_none()
            stored = _read(row, encryption)
            if row is not None and stored is not None and stored.text == text:
                await conn.execute(_DISCARD, {"installation": str(installation), "seen": row.token})

    async def _shared(self, installation: int, encryption: Encryption) -> Token:
        asked = {"installation": str(installation)}
        while True:
            async with transaction(self._engine) as conn:
                row = (await conn.execute(_FIND, asked)).one_or_none()
                stored = _read(row, encryption)
                leased_by_another = row is not None and row.leased
                if stored and self._lasts(stored, USABLE if leased_by_another else RENEWED):
                    return stored
                seen = row.token if row is not None else None
                mine = await conn.scalar(_LEASE, asked | {"lease": LEASE_SECONDS, "seen": seen})
            if mine:
                return await self._renew(installation, encryption)
            await asyncio.sleep(LOOK_SECONDS)

    async def _renew(self, installation: int, encryption: Encryption) -> Token:
        asked = {"installation": str(installation)}
        try:
            fresh = await self._fetch(installation)
        except BaseException:
            async with transaction(self._engine) as conn:
                await conn.execute(_RELEASE, asked)
            raise
        granted = None if fresh.permissions is None else msgspec.json.encode(fresh.permissions).decode()
        kept = {"token": encryption.encrypt(fresh.text), "expires_at": fresh.expires_at, "permissions": granted}
        async with transaction(self._engine) as conn:
            await conn.execute(_KEEP, asked | kept)
        return fresh

    def _lasts(self, token: Token, needed: timedelta) -> bool:
        return token.expires_at - self._clock.now() > needed


def _read(row: sa.Row[Any] | None, encryption: Encryption) -> Token | None:
    if row is None or row.token is None:
        return None
    try:
        return Token(encryption.decrypt(row.token), row.expires_at, row.permissions)
    except NotConfigured:  # encrypted with a key that was taken away: the next one replaces it
        return None
