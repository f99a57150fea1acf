"""Strangers are let in one at a time, in order, and each leaves a turn to others."""

import asyncio
from typing import Any

import pytest

from ghsync.receiver.turnstile import Turnstile

pytestmark = pytest.mark.anyio


async def test_one_goes_in_at_each_turn_in_the_order_of_arrival() -> None:
    turnstile, entered = Turnstile(), []
    for number in range(5):
        turnstile.enter(asyncio.get_running_loop(), lambda number=number: entered.append(number))  # type: ignore[misc]
    for turn in range(6):
        assert entered == list(range(turn))[:5]
        await asyncio.sleep(0)
    turnstile.enter(asyncio.get_running_loop(), lambda: entered.append(5))
    await asyncio.sleep(0)
    assert entered == [0, 1, 2, 3, 4, 5]


async def test_one_that_stumbles_keeps_nobody_out() -> None:
    loop, turnstile, entered, told = asyncio.get_running_loop(), Turnstile(), [], []

    def stumble() -> None:
        raise ValueError("It stumbled.")

    def tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        told.append(str(context["exception"]))

    loop.set_exception_handler(tell)
    turnstile.enter(loop, stumble)
    turnstile.enter(loop, lambda: entered.append("the next"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (entered, told) == (["the next"], ["It stumbled."])
