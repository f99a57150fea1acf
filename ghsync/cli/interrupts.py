"""Ctrl-C while a command runs in an event loop, which `terminal` is not to import: help is quick without."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from ghsync.cli import terminal


@contextmanager
def ended_once() -> Iterator[None]:
    """Let the first Ctrl-C cancel this task as long as the block lasts, and none disturb what cleans up after it."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    is_ended = task is None

    def end() -> None:
        nonlocal is_ended
        if task is not None and not is_ended:
            is_ended = True
            terminal.console.print("Stopping.")
            task.cancel()

    loop.add_signal_handler(signal.SIGINT, end)
    try:
        yield
    finally:
        is_ended = True
