"""Runs one benchmark in a process of its own, on a new database."""

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from ghsync import embedded, log, migrate
from tests.benchmarks import room
from tests.benchmarks.figures import Figure

PATIENCE_SECONDS = 5
"""How long one that is stopped may go on with a statement; then that is given up too."""

spawning = multiprocessing.get_context("spawn")


def measure(name: str, short: bool, answer: Connection) -> None:
    """Run one benchmark and tell its figures; whatever stops it, nothing of it is left."""
    # Ctrl-C goes to a whole session. Here it goes to the one who started this, who tells us when all is to end.
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="ghsync-bench-") as folder, room.explained():
            answer.send(_figures(name, Path(folder), short=short))
    except (KeyboardInterrupt, EOFError):  # it was told to end, or a process beside it has failed and said why
        sys.exit(1)


def _figures(name: str, folder: Path, *, short: bool) -> list[Figure]:
    log.configure("json", "warning")
    module = importlib.import_module(f"{__package__}.{name}")
    with embedded.running(folder / "database") as url:
        migrate.upgrade(url)
        try:
            found: list[Figure] = module.figures(url, folder, short=short)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what stops the server and removes its files goes on
    return found


def measured(name: str, *, short: bool) -> list[Figure]:
    """The figures of one benchmark, from a process of its own."""
    room.check(name, short=short)
    ours, theirs = spawning.Pipe(duplex=False)
    process = spawning.Process(target=measure, args=(name, short, theirs))
    with _unheard():  # until it has a session of its own
        process.start()
    theirs.close()  # so that one that fails is noticed
    try:
        found: list[Figure] = ours.recv()
    except EOFError:
        raise SystemExit(f"{name} failed; what it said is above.") from None
    except KeyboardInterrupt:
        _stop(process)
        raise
    finally:
        process.join()
    return found


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Have what is started in the block ignore Ctrl-C from its first moment."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop(process: SpawnProcess) -> None:
    """Have a benchmark end as Ctrl-C would, and what it waits for too; who presses it again changes nothing."""
    with _unheard():
        while process.is_alive() and process.pid:
            os.kill(process.pid, signal.SIGINT)
            process.join(PATIENCE_SECONDS)
