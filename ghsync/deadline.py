"""A limit to waiting for PostgreSQL."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from ghsync.errors import DatabaseUnavailable

T = TypeVar("T")

_abandoned: set[asyncio.Task[Any]] = set()  # the event loop itself keeps no task alive


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, or `DatabaseUnavailable` when it takes longer.

    Late work is cancelled and left behind, where `asyncio.timeout` would wait for its end: psycopg needs up to ten
    seconds to give up on a server that hangs.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_bury)  # also where who waits is cancelled at the moment in which it fails
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            _abandon(task)
    if not task.done():
        raise DatabaseUnavailable(f"PostgreSQL did not answer within {seconds:g} s.")
    return task.result()


def _abandon(task: asyncio.Task[Any]) -> None:
    task.cancel()
    _abandoned.add(task)


def _bury(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # asked for, it is not logged as never retrieved
