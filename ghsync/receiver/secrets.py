"""The secrets a webhook request may be signed with."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database, deadline, webhook_secrets
from ghsync.encryption import Encryption
from ghsync.errors import DatabaseUnavailable, GhsyncError, Locked, NotConfigured
from ghsync.processes import Process

LOOKUP_SECONDS = 2.0
REMEMBERED_SECONDS = 5.0
REMEMBERED_REPOSITORIES = 10_000

READ_SECONDS = 3.0
"""How often the secrets of Apps are read."""

DOUBTED_SECONDS = 10.0
"""How old that reading may be; then there may be secrets that are not known here. Others count us as silent later."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Candidates:
    """The secrets to try; ``unknown`` says why there may be another one."""

    secrets: tuple[bytes, ...] = field(repr=False)
    unknown: GhsyncError | None = None


class Secrets:
    """The shared secrets, those that the database has for Apps, and those of repositories with a webhook of their own.

    Those of Apps are read beforehand, so that a delivery waits for no database: what was read last counts while it is
    away. A ``process`` is told as of when it accepts them.
    """

    def __init__(
        self,
        shared: Iterable[SecretStr],
        engine: AsyncEngine,
        encryption: Encryption,
        *,
        process: Process | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        texts = (secret.get_secret_value() for secret in shared)
        self._shared = tuple(text.encode() for text in texts if text)
        self._engine = engine
        self._encryption = encryption
        self._process = process
        self._clock = clock
        self._of_apps: Mapping[str, tuple[bytes, ...]] = {}
        self._read_at: float | None = None
        self._doubt: GhsyncError | None = None
        self._remembered: dict[str, tuple[float, tuple[bytes, ...]]] = {}
        self._one_lookup = asyncio.Lock()

    async def begin(self) -> None:
        """Read the secrets of Apps before the first delivery; who asks whether we accept them knows of us by then."""
        self._read_at = float("-inf")
        if self._process:
            with suppress(DatabaseUnavailable, Locked, sa.exc.DBAPIError):
                await deadline.within(LOOKUP_SECONDS, self._process.tell(self._engine))
        await self._read()

    async def keep_up(self) -> None:
        """Read them again and again, until cancelled."""
        while True:
            await asyncio.sleep(READ_SECONDS)
            await self._read()

    async def candidates(self, hook_target: str) -> Candidates:
        """The secrets of a hook. The database is asked for repositories only, whose id anyone can claim:

        one lookup at a time, and what it found, nothing too, is remembered for some seconds.
        """
        kind, _, github_id = hook_target.partition(":")
        if kind != "repository":
            return Candidates((*self._of_app(hook_target), *self._shared), unknown=self._doubted())
        if not github_id.isdecimal():
            return Candidates(self._shared)
        try:
            own = await deadline.within(LOOKUP_SECONDS, self._own(github_id))
        except (DatabaseUnavailable, NotConfigured) as error:
            return Candidates(self._shared, unknown=error)
        return Candidates((*own, *self._shared))

    def _of_app(self, hook_target: str) -> tuple[bytes, ...]:
        """An App's; of a delivery that does not say whose it is, those of all."""
        if hook_target.startswith(f"{webhook_secrets.APP}:"):
            return self._of_apps.get(hook_target, ())
        return tuple(secret for secrets in self._of_apps.values() for secret in secrets)

    def _doubted(self) -> GhsyncError | None:
        if self._read_at is not None and self._clock() - self._read_at > DOUBTED_SECONDS:
            return DatabaseUnavailable("the webhook secrets there could not be read for a while")
        return self._doubt

    async def _read(self) -> None:
        """Read those of Apps; while the database is away, or commits nothing, those of the last time count."""
        with suppress(DatabaseUnavailable, Locked, sa.exc.DBAPIError):  # told by those who cannot do without
            await deadline.within(LOOKUP_SECONDS, self._read_now())

    async def _read_now(self) -> None:
        of_apps: dict[str, tuple[bytes, ...]] = {}
        doubt: GhsyncError | None = None
        async with database.transaction(self._engine) as conn:
            for hook_target, token in await webhook_secrets.of_apps(conn):
                try:
                    secret = self._encryption.decrypt(token).encode()
                except NotConfigured as error:
                    doubt = error
                else:
                    of_apps[hook_target] = (*of_apps.get(hook_target, ()), secret)
            if self._process and not doubt:
                await self._process.tell_of_secrets(conn)
        if doubt and not self._doubt:
            log.error("webhook_secrets_not_read", error=str(doubt))
        self._of_apps, self._doubt, self._read_at = of_apps, doubt, self._clock()

    async def _own(self, github_id: str) -> tuple[bytes, ...]:
        async with self._one_lookup:
            forgotten_at, found = self._remembered.get(github_id, (0.0, ()))
            if forgotten_at <= self._clock():
                found = await self._look_up(github_id)
                self._remember(github_id, found)
            return found

    async def _look_up(self, github_id: str) -> tuple[bytes, ...]:
        async with database.transaction(self._engine) as conn:
            tokens = await webhook_secrets.of_repository(conn, github_id)
        secrets = (self._encryption.decrypt(token).encode() for token in tokens)
        return tuple(secret for secret in secrets if secret)

    def _remember(self, github_id: str, found: tuple[bytes, ...]) -> None:
        self._remembered.pop(github_id, None)
        if len(self._remembered) >= REMEMBERED_REPOSITORIES:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[github_id] = (self._clock() + REMEMBERED_SECONDS, found)
