"""The secrets a webhook request may be signed with."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database, deadline
from ghsync.encryption import Encryption
from ghsync.errors import DatabaseUnavailable, GhsyncError, NotConfigured

LOOKUP_SECONDS = 2.0
REMEMBERED_SECONDS = 5.0
REMEMBERED_REPOSITORIES = 10_000

FIND = sa.text("SELECT webhook_secret FROM github_repositories WHERE github_id = :github_id")


@dataclass(frozen=True, slots=True)
class Candidates:
    """The secrets to try; ``unknown`` says why there may be another one."""

    secrets: tuple[bytes, ...]
    unknown: GhsyncError | None = None


class Secrets:
    """The shared secrets, and those of repositories that have a webhook and a secret of their own."""

    def __init__(
        self,
        shared: Iterable[SecretStr],
        engine: AsyncEngine,
        encryption: Encryption,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        texts = (secret.get_secret_value() for secret in shared)
        self._shared = tuple(text.encode() for text in texts if text)
        self._engine = engine
        self._encryption = encryption
        self._clock = clock
        self._remembered: dict[str, tuple[float, bytes | None]] = {}
        self._one_lookup = asyncio.Lock()

    async def candidates(self, hook_target: str) -> Candidates:
        """The secrets of a hook. The database is asked for repositories only, whose id anyone can claim:

        one lookup at a time, and what it found, nothing too, is remembered for some seconds.
        """
        kind, _, github_id = hook_target.partition(":")
        if kind != "repository" or not github_id.isdecimal():
            return Candidates(self._shared)
        try:
            own = await deadline.within(LOOKUP_SECONDS, self._own(github_id))
        except (DatabaseUnavailable, NotConfigured) as error:
            return Candidates(self._shared, unknown=error)
        return Candidates((own, *self._shared) if own else self._shared)

    async def _own(self, github_id: str) -> bytes | None:
        async with self._one_lookup:
            forgotten_at, secret = self._remembered.get(github_id, (0.0, None))
            if forgotten_at <= self._clock():
                secret = await self._look_up(github_id)
                self._remember(github_id, secret)
            return secret

    async def _look_up(self, github_id: str) -> bytes | None:
        async with database.transaction(self._engine) as conn:
            token = await conn.scalar(FIND, {"github_id": github_id})
        return self._encryption.decrypt(token).encode() if token else None

    def _remember(self, github_id: str, secret: bytes | None) -> None:
        self._remembered.pop(github_id, None)
        if len(self._remembered) >= REMEMBERED_REPOSITORIES:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[github_id] = (self._clock() + REMEMBERED_SECONDS, secret)
