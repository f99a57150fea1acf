"""Measures: ``python -m tests.benchmarks [--short] [--keep] [NAME ...]``, or ``make bench``.

Each benchmark is a process of its own, on a new database. ``--keep`` writes what was found into ``results.json``, and
the chart and the README's table after it, each benchmark in its place as it ends.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import psutil

from tests import documents
from tests.benchmarks import chart, figures
from tests.benchmarks.figures import KeptFigure, Results, Run
from tests.benchmarks.runner import measured

SHORT = ("acknowledge", "project", "fresh", "start")
ALL = (
    "acknowledge",
    "project",
    "fresh",
    "sustained",
    "soak",
    "turns",
    "workers",
    "growth",
    "bloat",
    "reconcile",
    "views",
    "start",
)
BUSY_AT_MOST = 0.5
"""Processors that others may keep busy while something is measured that is kept."""

INTERRUPTED = 130
"""The exit status of what Ctrl-C has stopped: https://tldp.org/LDP/abs/html/exitcodes.html"""


def main() -> None:
    """Run what is asked for, and stop it at Ctrl-C."""
    asked = _asked()
    try:
        _measure(asked, figures.run())
    except KeyboardInterrupt:
        print("\nStopped; what had ended is kept." if asked.keep else "\nStopped.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure ghsync.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL)}; all where none is named")
    parser.add_argument("--short", action="store_true", help="take two minutes: fewer, and less of each")
    parser.add_argument("--keep", action="store_true", help="write results.json, the chart and the README's table")
    parser.add_argument("--although-busy", action="store_true", help="keep it although others keep processors busy")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(ALL):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: name some of {', '.join(ALL)}")
    if asked.short and asked.keep:
        parser.error("what is measured in short is not kept: use `make bench-short`")
    return asked


def _measure(asked: argparse.Namespace, run: Run) -> None:
    """Measure one benchmark after the other, print what is found, and keep it where that is asked for."""
    print(f"With {run.machine}.", flush=True)
    everything: list[KeptFigure] = []
    for name in asked.names or (SHORT if asked.short else ALL):
        busy = busy_processors()
        if asked.keep and busy > BUSY_AT_MOST and not asked.although_busy:
            sys.exit(_refusal(name, busy))
        started = time.perf_counter()
        found = run.found(measured(name, short=asked.short), others_busy=busy)
        took = f"{name}, which took {time.perf_counter() - started:.0f} s; others kept {busy:.1f} processors busy"
        print(f"\n{took}", *found, sep="\n  ", flush=True)
        everything += found
        if asked.keep:
            _keep(Results.kept().after(run, found))
    print("\n" + summary(everything, run.machine.processors))
    if asked.short:
        print("A short run tells whether something is wrong; the README's figures are of whole ones.")


def _refusal(name: str, busy: float) -> str:
    return (
        f"Others keep {busy:.1f} processors busy, more than {BUSY_AT_MOST}, so {name} is not measured to be kept: "
        "measure when they have ended, or with --although-busy."
    )


def summary(found: Sequence[KeptFigure], processors: int) -> str:
    """How many aims are reached, and whether those that are missed tell anything."""
    said = figures.summary(found)
    missed = [figure.others_busy or 0.0 for figure in found if figure.missed]
    if max(missed, default=0.0) > BUSY_AT_MOST:
        said += f"\nOthers kept {max(missed):.1f} of {processors} processors busy: these figures tell little."
    return said


def busy_processors() -> float:
    """How many processors are busy while nothing is measured."""
    return psutil.cpu_percent(interval=1.0) / 100 * (psutil.cpu_count() or 1)


def _keep(results: Results) -> None:
    """Write down what is known now, and what shows it."""
    results.keep()
    chart.FILE.write_text(chart.drawn(results))
    documents.README.write_text(documents.updated(documents.README.read_text()))


if __name__ == "__main__":
    main()
