"""Strangers are heard one by one, a turn of the event loop each: a crowd keeps only itself waiting."""

import asyncio
from collections import deque
from collections.abc import Callable


class Turnstile:
    """The requests of strangers that are to be answered."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()

    def enter(self, loop: asyncio.AbstractEventLoop, answer: Callable[[], None]) -> None:
        """Begin to answer as soon as all who came before have had their turn."""
        self._queue.append(answer)
        if len(self._queue) == 1:
            loop.call_soon(self._let_in, loop)

    def _let_in(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._queue[0]()
        finally:
            self._queue.popleft()
            if self._queue:
                loop.call_soon(self._let_in, loop)
