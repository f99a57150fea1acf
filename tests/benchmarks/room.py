"""Whether there is room for what a benchmark writes, and one sentence where there is none."""

import errno
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

GIB = 1024**3
NEEDED_GIB = {"sustained": 10, "soak": 8, "growth": 6, "bloat": 6, "views": 4}
"""What a whole one takes at its peak, with what PostgreSQL logs."""

LEAST_GIB = 2  # of every other one, and of each in short
FULL_BYTES = 64 * 1024**2  # with less than that free, PostgreSQL may have said no to anything


def check(name: str, *, short: bool) -> None:
    """End with one sentence where a benchmark would find too little room."""
    needed = LEAST_GIB if short else NEEDED_GIB.get(name, LEAST_GIB)
    if free() < needed * GIB:
        sys.exit(f"{name} needs {needed} GiB. {_said()}")


@contextmanager
def explained() -> Iterator[None]:
    """End with one sentence where the block fails for want of room; any other error stays as it is."""
    try:
        yield
    except Exception as error:
        said = isinstance(error, EOFError)  # by the process beside it that has ended
        if said or (not any(_is_full(each) for each in _chain(error)) and free() > FULL_BYTES):
            raise
        sys.exit(f"There is no room left. {_said()}")


def told(target: Callable[..., None], *arguments: Any) -> None:
    """Run what a process is there for."""
    with explained():
        target(*arguments)


def _said() -> str:
    folder = tempfile.gettempdir()
    return f"In {folder} {free() / GIB:.1f} GiB are free: make room there, or name another folder in TMPDIR."


def free() -> int:
    return shutil.disk_usage(tempfile.gettempdir()).free


def _is_full(error: BaseException) -> bool:
    return isinstance(error, psycopg.errors.DiskFull) or (isinstance(error, OSError) and error.errno == errno.ENOSPC)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from, and what it is a group of."""
    yield error
    for before in (error.__cause__ or error.__context__, *getattr(error, "exceptions", ())):
        if before is not None:
            yield from _chain(before)
