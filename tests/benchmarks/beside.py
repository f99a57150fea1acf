"""Processes beside a benchmark: what loads ghsync, and what is measured apart from it."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from tests.benchmarks import room

spawning = multiprocessing.get_context("spawn")


@contextmanager
def process(target: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """Run ``target(*arguments, connection)`` in a process of its own; however the block ends, that is gone afterwards.

    Yields the other end of its connection.
    """
    ours, theirs = spawning.Pipe()
    running = spawning.Process(target=room.told, args=(target, *arguments, theirs))
    running.start()
    theirs.close()  # so that one that fails is noticed
    try:
        yield ours
    finally:
        running.terminate()
        running.join()
