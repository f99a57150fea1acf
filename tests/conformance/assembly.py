"""A whole ghsync in this process: the application, its inbox and a worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from ghsync import app, database
from ghsync.projector.events import HANDLED
from ghsync.settings import Settings
from ghsync.worker import Worker
from tests.receiver import hook


@dataclass(frozen=True)
class Assembly:
    """Takes deliveries in at one end, and projects them at the other."""

    client: httpx.AsyncClient
    worker: Worker

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Deliver once; ``headers`` are signed ones."""
        return await self.client.post("/webhooks/github", content=body, headers=headers)


@asynccontextmanager
async def assembled(url: str) -> AsyncIterator[Assembly]:
    """ghsync on a migrated database, with a worker that parks at the first failure."""
    engine = database.create_engine(url, planned_once=True)
    application = app.create_app(Settings(webhook_secrets=(SecretStr(hook.SECRET),)), engine, handled=HANDLED)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://ghsync") as client:
        yield Assembly(client, Worker(engine, batch_size=500, poll_seconds=1, max_attempts=1))
    await engine.dispose()
