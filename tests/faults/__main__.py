"""Every fault in turn, and a table of what became of the deliveries: `docs/faults.md`.

    python -m tests.faults [--keep] [--only WORD]

It ends with 1 if one delivery was lost that was answered 202, or the mirror is not right in the end.
"""

import argparse
import asyncio
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from ghsync import log
from tests import traffic
from tests.faults import arena
from tests.faults.arena import Kind, Outcome
from tests.faults.kinds import KINDS

KEPT = Path(__file__).parents[2] / "docs" / "faults.md"
COUNT = 2_000

ABOUT = """\
# Faults

What becomes of deliveries when something goes wrong while they come. `make faults ARGS=--keep` lets each of these
happen, with real processes, a real PostgreSQL 15 and real HTTP, and writes this page. Eight connections deliver {count}
deliveries of a busy organization, as fast as they are answered; what is not answered 202 is sent again, as people do on
the App's page, and `ghsync heal` from GitHub's log. A quarter is in when the fault begins.

*Lost* is what was answered 202 and is not in the inbox. In the end the mirror is compared with what GitHub would show,
and the change feed with the mirror. *No 202 for* is the longest time in which no delivery was taken, of which the fault
itself took what is beside it; after *all projected* the last one was in the mirror, counted from the end of the fault:
most of that the other deliveries take, which come meanwhile. Processes are forked from one that has imported ghsync: to
start `ghsync serve` from nothing takes most of a second more.

"""


def main() -> None:
    """Let all of them happen."""
    parser = argparse.ArgumentParser(prog="make faults ARGS=", description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="write the table to docs/faults.md")
    parser.add_argument("--only", default="", metavar="WORD", help="those that are called so")
    asked = parser.parse_args()
    if not (arena.debian.PROGRAMS / "initdb").exists():
        sys.exit(f"Skipped: {arena.debian.PROGRAMS} is missing, and so is a PostgreSQL that can be killed.")
    log.configure("console", "critical")
    chosen = [kind for kind in KINDS if asked.only in kind.name]
    outcomes = asyncio.run(_play_all(chosen))
    if asked.keep:
        KEPT.write_text(_document(outcomes))
    if any(each.lost for each in outcomes):
        sys.exit("Deliveries were lost.")


async def _play_all(kinds: Sequence[Kind]) -> list[Outcome]:
    outcomes = []
    for disk_bytes, alike in groupby(kinds, key=lambda kind: kind.disk_bytes):
        async with arena.server(disk_bytes) as (_, node):
            for kind in alike:
                with tempfile.TemporaryDirectory() as room:
                    outcomes.append(await play(kind, Path(room), node))
                sys.stdout.write(f"{_row(outcomes[-1])}\n")
                sys.stdout.flush()
    return outcomes


async def play(kind: Kind, room: Path, node: arena.Node, count: int = COUNT) -> Outcome:
    """Let one happen, in a directory of its own."""
    settings = {name: room / "spool" if name == "spool_dir" else value for name, value in kind.settings.items()}
    kind = replace(kind, settings=settings)
    async with arena.opened(kind, room, node) as opened:
        return await arena.play(kind, opened, traffic.busy(count))


def _document(outcomes: Sequence[Outcome]) -> str:
    return "\n".join(_lines(outcomes)) + "\n"


def _lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield from ABOUT.format(count=f"{COUNT:,}").splitlines()
    yield f"Of {datetime.now(UTC):%Y-%m-%d}, on {platform.machine()} with two processors."
    yield ""
    yield "| fault | deliveries | attempts | answered 202 | lost | it lasted | no 202 for | all projected |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    yield from map(_row, outcomes)


def _row(each: Outcome) -> str:
    figures = (each.deliveries, each.attempts, each.accepted, each.lost)
    told = " | ".join(f"{figure:,}" for figure in figures)
    times = (each.fault_seconds, each.silent_seconds, each.projected_seconds)
    return f"| {each.kind.name} | {told} | {' | '.join(f'{seconds:.1f} s' for seconds in times)} |"


if __name__ == "__main__":
    main()
