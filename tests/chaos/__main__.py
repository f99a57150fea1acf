"""Chaos with one seed or several in turn, and whether the mirror is right after each.

    python -m tests.chaos [--seeds 1-10] [--actions N] [--repositories N]

It ends with 1 if one of them is not.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from ghsync import log
from tests.chaos import server
from tests.chaos.convergence import Trouble, run
from tests.chaos.report import Report, rows
from tests.truth import Difference


def main() -> None:
    """Make trouble with each seed; a single one is told of in full, several in a line each."""
    parser = argparse.ArgumentParser(prog="make chaos ARGS=", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=_seeds, default=[1], metavar="1-10", help="such as 77, 1-10 or 1-10,77")
    parser.add_argument("--actions", type=int, default=Trouble.actions)
    parser.add_argument("--repositories", type=int, default=Trouble.repositories)
    asked = parser.parse_args()
    log.configure("console", "error")
    reports = [_run(Trouble(asked.actions, asked.repositories, seed=seed), asked.seeds) for seed in asked.seeds]
    if any(report.failed for report in reports):
        raise SystemExit(1)


def _run(trouble: Trouble, seeds: Sequence[int]) -> Report:
    def tell(differences: Sequence[Difference]) -> None:
        _say([f"seed {trouble.seed}: still {len(differences)} differences", *rows(differences)])

    with server.running() as database, tempfile.TemporaryDirectory(prefix="ghsync-chaos-") as folder:
        report = asyncio.run(run(trouble, database, Path(folder), tell))
    _say([f"seed {trouble.seed}: {report.line}" if len(seeds) > 1 else str(report)])
    if report.failed:
        _say([*rows(report.differences), *map(str, report.found)])
    return report


def _seeds(text: str) -> list[int]:
    """The numbers of `1-3,7`: 1, 2, 3 and 7."""
    try:
        ranges = [part.partition("-") for part in text.split(",")]
        found = [seed for first, _, last in ranges for seed in range(int(first), int(last or first) + 1)]
    except ValueError:
        found = []
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names no seeds: write 77, 1-10 or 1-10,77.")
    return found


def _say(lines: Iterable[str]) -> None:
    print("\n".join(lines), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
