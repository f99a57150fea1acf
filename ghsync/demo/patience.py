"""Waiting for what others do, for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from ghsync.errors import Transient

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.01


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> float:
    """Wait for a condition; answers how many seconds that took. `Transient` says what did not come."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await holds():  # noqa: ASYNC110 (other processes set no events)
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise Transient(f"Within {PATIENCE_SECONDS:g} s it did not happen that {what}.") from None
    return time.monotonic() - began
