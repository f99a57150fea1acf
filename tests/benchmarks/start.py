"""How soon a command is there: the help, and `ghsync serve` on a database that is migrated already.

An interpreter of its own each time, as people start it; ready is when `/readyz` says so.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import uvloop

from tests import service
from tests.benchmarks.figures import Figure


def seconds_of_help() -> float:
    """How long the help takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ghsync", "--help"], check=True, capture_output=True)
    return time.perf_counter() - started


async def seconds_until_ready(folder: Path, url: str) -> float:
    """How long it takes until deliveries may be sent."""
    started = time.perf_counter()
    async with service.serving(url, folder / "start.log", anew=True, log_level="warning"):
        return time.perf_counter() - started


def figures(url: str, folder: Path, *, short: bool) -> list[Figure]:
    """The medians; the first of each, which reads files from the disk, is not counted."""
    rounds = 3 if short else 9
    helps = [seconds_of_help() for _ in range(rounds + 1)][1:]
    ready = [uvloop.run(seconds_until_ready(folder, url)) for _ in range(rounds + 1)][1:]
    return [
        Figure("help", "`ghsync --help`", statistics.median(helps), "s", at_most=0.25),
        Figure("ready", "`ghsync serve` until it is ready", statistics.median(ready), "s", at_most=1.5),
    ]
