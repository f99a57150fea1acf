"""Every drill, and a table of when its alert fired and cleared: `docs/gameday.md`.

    python -m tests.gameday [--keep] [--only WORD]

It ends with 1 where an alert did not fire, another one did, or it did not clear.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ghsync import log
from tests import debian, postgres
from tests.gameday import arena, hastened
from tests.gameday.arena import Drill, Outcome
from tests.gameday.drills import DRILLS

KEPT = Path(__file__).parents[2] / "docs" / "gameday.md"
AT_ONCE = 4

UNPLAYED = {
    "GhsyncWorkerCrashes": "it takes a bug",
    "GhsyncSlow": "many are late only where more comes than is projected; in a hurry GhsyncDeliveriesWait is sooner",
}
"""Alerts of which promtool alone tells when they fire, and why."""

ABOUT = """\
# Game day

Whether the alerts tell what they should: `make gameday ARGS=--keep` makes each of these faults, and writes this page.
Each has a `ghsync serve` that reads a simulated GitHub, on which people act and which delivers; a PostgreSQL, which is
Debian's 15 where it is killed or followed; and a Prometheus with the rules of
[ghsync.rules.yml](../deploy/prometheus/ghsync.rules.yml), whose times are {speed} times shorter, and never longer than
{longest:g} s.

Before the fault nothing fires. Then its alert does, and no other, until what its [runbook](runbooks.md) says is done;
*mended* has the runbook's words for that. After that nothing fires. The seconds are those of the rules in a hurry.

"""


def main() -> None:
    """Play all of them."""
    parser = argparse.ArgumentParser(prog="make gameday ARGS=", description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="write the table to docs/gameday.md")
    parser.add_argument("--only", default="", metavar="WORD", help="those whose fault or alert is called so")
    asked = parser.parse_args()
    if shutil.which("prometheus") is None:
        sys.exit("Skipped: prometheus is missing: apt-get install prometheus")
    log.configure("console", "critical")
    chosen = [drill for drill in DRILLS if asked.only in drill.fault or asked.only in drill.alert]
    if not (debian.PROGRAMS / "pg_basebackup").exists():
        skipped = ", ".join(drill.alert for drill in chosen if drill.pair)
        sys.stderr.write(f"Skipped: {skipped}: {debian.PROGRAMS} is missing: apt-get install postgresql-15\n")
        chosen = [drill for drill in chosen if not drill.pair]
    outcomes, failures = asyncio.run(_play_all(chosen))
    if failures:
        sys.exit("\n".join(failures))
    if asked.keep and len(chosen) < len(DRILLS):
        sys.exit("Nothing is kept: the page has all of them.")
    if asked.keep:
        KEPT.write_text("\n".join(_lines(outcomes)) + "\n")


async def _play_all(drills: Sequence[Drill]) -> tuple[list[Outcome], list[str]]:
    room = asyncio.Semaphore(AT_ONCE)
    failures: list[str] = []

    async def one(drill: Drill, server_url: str) -> Outcome | None:
        async with room:
            try:
                outcome = await play(drill, server_url)
            except Exception as error:  # noqa: BLE001 (the others go on)
                failures.append(f"{drill.alert}: {type(error).__name__}: {error}")
                return None
            sys.stdout.write(f"{_row(outcome)}\n")
            sys.stdout.flush()
            return outcome

    with postgres.server() as server_url:
        outcomes = await asyncio.gather(*(one(drill, server_url) for drill in drills))
    return [outcome for outcome in outcomes if outcome], failures


async def play(drill: Drill, server_url: str) -> Outcome:
    """Play one, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="ghsync-gameday-") as name:
        folder = Path(name)
        settings = {key: folder / str(value) if key == "spool_dir" else value for key, value in drill.settings.items()}
        async with arena.opened(replace(drill, settings=settings), folder, server_url) as opened:
            return await arena.play(opened, drill)


def _lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield from ABOUT.format(speed=hastened.SPEED, longest=hastened.LONGEST_SECONDS).splitlines()
    yield f"Of {datetime.now(UTC):%Y-%m-%d}."
    yield ""
    yield "| fault | the alert that fires | after | mended | clears after |"
    yield "|---|---|--:|---|--:|"
    yield from map(_row, outcomes)
    yield ""
    yield "Of these alerts promtool alone tells when they fire, by figures that are made up:"
    yield ""
    yield from (f"* {alert}: {why}." for alert, why in UNPLAYED.items())


def _row(each: Outcome) -> str:
    drill = each.drill
    return (
        f"| {drill.fault} | [{drill.alert}](runbooks.md#{drill.alert.lower()}) | {each.fired_seconds:.0f} s "
        f"| {drill.runbook} | {each.cleared_seconds:.0f} s |"
    )


if __name__ == "__main__":
    main()
