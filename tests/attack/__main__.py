"""Every attack for some seconds beside a hundred signed deliveries a second, then all of them at once.

    python -m tests.attack [--seconds N] [--together N]

It ends with 1 where a delivery that was acknowledged is lost, or waits for longer than it may.
"""

import argparse
import asyncio
import gc
import tempfile
from pathlib import Path

from ghsync import embedded, log, migrate
from tests import service
from tests.attack import siege
from tests.attack.siege import MIB, Siege

TIMES_ALONE, LONGEST_SECONDS = 3.0, 1.0
NICE = 19  # attackers have the least priority: they would be on machines of their own


async def attack(folder: Path, url: str, seconds: float, together: float) -> bool:
    """Attack in all ways and print a line each; answers whether all was as it should be."""
    fine = True
    async with service.serving(url, folder / "serve.log", anew=True, log_level="error") as receiver:
        with service.connect(url) as connection:
            await siege.besiege(receiver, connection, (), 1)
            alone = await siege.besiege(receiver, connection, (), seconds, name="alone")
            _tell(alone)
            for name in siege.ALL:
                found = await siege.besiege(receiver, connection, (name,), seconds, nice=NICE)
                _tell(found)
                fine &= not found.lost and found.p99 <= min(LONGEST_SECONDS, TIMES_ALONE * alone.p99)
            everything = await siege.besiege(receiver, connection, siege.ALL, together, name="all at once", nice=NICE)
            _tell(everything)
            fine &= not everything.lost and everything.waits[-1] <= LONGEST_SECONDS
    return fine


def _tell(found: Siege) -> None:
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(found.answers.items()))
    print(  # noqa: T201
        f"{found.name:32} p50 {found.p50 * 1000:6.1f} ms   p99 {found.p99 * 1000:6.1f} ms   "
        f"longest {found.waits[-1] * 1000:6.1f} ms   lost {found.lost}   {found.peak_bytes / MIB:5.0f} MiB   {answers}",
        flush=True,
    )


def main() -> None:
    """Run the attacks."""
    parser = argparse.ArgumentParser(prog="make attack ARGS=", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each attack")
    parser.add_argument("--together", type=float, default=60.0, help="of all at once")
    asked = parser.parse_args()
    log.configure("console", "error")
    with tempfile.TemporaryDirectory(prefix="ghsync-attack-") as folder, embedded.running(Path(folder)) as url:
        migrate.upgrade(url)
        gc.collect()
        gc.freeze()  # else our own looking for garbage is told as the receiver's delay
        if not asyncio.run(attack(Path(folder), url, asked.seconds, asked.together)):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
