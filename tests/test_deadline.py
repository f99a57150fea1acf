"""Deadlines: late work is left behind, not waited for."""

import asyncio
import gc

import pytest

from ghsync import deadline
from ghsync.errors import DatabaseUnavailable

pytestmark = pytest.mark.anyio


async def test_work_in_time_gives_its_result() -> None:
    async def work() -> int:
        return 17

    assert await deadline.within(5, work()) == 17


async def test_an_error_in_time_is_raised() -> None:
    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await deadline.within(5, work())


async def test_late_work_is_cancelled_but_not_waited_for() -> None:
    cancelled, allowed_to_end = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
            await allowed_to_end.wait()
            raise LookupError  # nobody is told any more

    with pytest.raises(DatabaseUnavailable, match=r"within 0\.01 s"):
        await deadline.within(0.01, work())
    await cancelled.wait()
    allowed_to_end.set()


async def test_an_error_at_the_moment_in_which_who_waits_is_cancelled_is_nobody_s() -> None:
    fail = asyncio.Event()

    async def work() -> None:
        await fail.wait()
        raise LookupError

    waiting = asyncio.create_task(deadline.within(5, work()))
    await asyncio.sleep(0)
    fail.set()
    await asyncio.sleep(0)  # it has failed, and who waits has yet to hear of it
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gc.collect()  # anyio lets a test fail of an exception that nobody has asked for


async def test_work_ends_with_who_waits_for_it() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = asyncio.create_task(deadline.within(5, work()))
    await started.wait()
    waiting.cancel()
    await cancelled.wait()
