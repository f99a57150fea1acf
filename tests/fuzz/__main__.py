"""Rounds of odd deliveries, one seed after another, until some minutes are over.

    python -m tests.fuzz [--minutes N] [--seed N] [--examples N]

It ends with 1 where something is not as it has to be, and shows the smallest example.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from ghsync import embedded, log, migrate
from tests import service
from tests.fuzz import payloads, rounds
from tests.fuzz.rounds import Target


async def fuzz(folder: Path, url: str, minutes: float, seed: int, examples: int) -> None:
    """Send, and print a line for each round."""
    async with service.serving(url, folder / "serve.log", anew=True, **rounds.SETTINGS) as receiver:
        with service.connect(url) as connection:
            target, until = Target(receiver, connection, folder / "serve.log"), time.monotonic() + 60 * minutes
            while time.monotonic() < until:
                rounds.run(target, seed, examples)
                rounds.readable(target)
                print(f"seed {seed}: {target}", flush=True)  # noqa: T201
                seed += 1


def main() -> None:
    """Fuzz."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1, help="the first one; the next round has the next")
    parser.add_argument("--examples", type=int, default=200, help="in each round")
    asked = parser.parse_args()
    log.configure("console", "error")
    print(f"{len(payloads.samples())} payloads.", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="ghsync-fuzz-") as folder, embedded.running(Path(folder)) as url:
        migrate.upgrade(url)
        asyncio.run(fuzz(Path(folder), url, asked.minutes, asked.seed, asked.examples))


if __name__ == "__main__":
    main()
