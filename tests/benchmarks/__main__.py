"""Measures: ``python -m tests.benchmarks [--short] [--keep] [NAME ...]``, or ``make bench``.

Each benchmark is a process of its own, on a new database. ``--keep`` writes what was found into ``results.json``, and
the chart and the README's table after it, each benchmark in its place as it ends.
"""

import argparse
import time
from collections.abc import Sequence

import psutil

from tests import documents
from tests.benchmarks import chart, figures
from tests.benchmarks.figures import RESULTS, Figure, Results
from tests.benchmarks.runner import measured

SHORT = ("acknowledge", "project", "fresh", "start")
ALL = (
    "acknowledge",
    "project",
    "fresh",
    "sustained",
    "turns",
    "workers",
    "growth",
    "bloat",
    "reconcile",
    "views",
    "start",
)


def merged(kept: Sequence[Figure], found: Sequence[Figure]) -> list[Figure]:
    """What was kept, with what was found in its place, and what is new at the end."""
    new = {figure.name: figure for figure in found}
    return [new.pop(figure.name, figure) for figure in kept] + list(new.values())


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure ghsync.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL)}; all where none is named")
    parser.add_argument("--short", action="store_true", help="take two minutes: fewer, and less of each")
    parser.add_argument("--keep", action="store_true", help="write results.json, the chart and the README's table")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(ALL):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: name some of {', '.join(ALL)}")
    if asked.short and asked.keep:
        parser.error("what is measured in short is not kept: leave out --short or --keep")
    print(f"With {figures.machine()}, where others keep {_busy():.1f} processors busy.", flush=True)
    everything: list[Figure] = []
    for name in asked.names or (SHORT if asked.short else ALL):
        started = time.perf_counter()
        found = measured(name, short=asked.short)
        print(f"\n{name}, which took {time.perf_counter() - started:.0f} s", *found, sep="\n  ", flush=True)
        everything += found
        if asked.keep:
            _keep(figures.of(found, short=asked.short))
    print("\n" + figures.summary(everything))
    if asked.short:
        print("A short run tells whether something is wrong; the README's figures are of whole ones.")


def _busy() -> float:
    """How many processors are busy while nothing is measured."""
    return psutil.cpu_percent(interval=1.0) / 100 * (psutil.cpu_count() or 1)


def _keep(results: Results) -> None:
    """Write what one benchmark found in its place among what was found before, with where and when that was now."""
    if RESULTS.exists():
        results.figures[:] = merged(Results.kept().figures, results.figures)
    results.keep()
    chart.FILE.write_text(chart.drawn(results))
    documents.README.write_text(documents.updated(documents.README.read_text()))


if __name__ == "__main__":
    main()
