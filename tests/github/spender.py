"""A process that asks GitHub as a sweep until its limit stops it: ``python -m tests.github.spender``.

It says that it is there, and begins when it is told to.
"""

import asyncio
import os

from ghsync.database import create_engine
from ghsync.errors import RateLimited
from ghsync.github.client import GitHub, Meter
from ghsync.settings import load


async def spend() -> int:
    """How many requests were sent before there were no more."""
    engine, meter = create_engine(os.environ["GHSYNC_DATABASE_URL"]), Meter()
    try:
        async with GitHub(engine, load()) as github, asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(_until_stopped(github, meter))
    finally:
        await engine.dispose()
    return meter.requests


async def _until_stopped(github: GitHub, meter: Meter) -> None:
    credential = await github.credential_for(None)
    try:
        while True:
            await github.get(credential, "/user", priority="sweep", meter=meter)
    except RateLimited:
        return


if __name__ == "__main__":
    print("here", flush=True)  # noqa: T201 (the test waits for it)
    input()
    print(asyncio.run(spend()))  # noqa: T201 (the test reads it)
