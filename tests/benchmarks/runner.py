"""Runs one benchmark in a process of its own, on a new database."""

import importlib
import multiprocessing
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from ghsync import embedded, log, migrate
from tests.benchmarks.figures import Figure

spawning = multiprocessing.get_context("spawn")


def measure(name: str, short: bool, answer: Connection) -> None:
    """Run one benchmark and tell its figures."""
    log.configure("json", "warning")
    module = importlib.import_module(f"{__package__}.{name}")
    with tempfile.TemporaryDirectory(prefix="ghsync-bench-") as folder:
        directory = Path(folder)
        with embedded.running(directory / "database") as url:
            migrate.upgrade(url)
            answer.send(module.figures(url, directory, short=short))


def measured(name: str, *, short: bool) -> list[Figure]:
    """The figures of one benchmark, from a process of its own."""
    ours, theirs = spawning.Pipe(duplex=False)
    process = spawning.Process(target=measure, args=(name, short, theirs))
    process.start()
    theirs.close()  # so that one that fails is noticed
    try:
        found: list[Figure] = ours.recv()
    except EOFError:
        raise SystemExit(f"{name} failed; what it said is above.") from None
    finally:
        process.join()
    return found
