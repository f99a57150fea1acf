"""What commands say: tables for people, JSON for machines, and errors as one sentence. Imports nothing heavy."""

import errno
import getpass
import ipaddress
import json
import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ghsync.actor import Actor
from ghsync.errors import DatabaseUnavailable, GhsyncError, NotConfigured
from ghsync.printable import json_text, printable

R = TypeVar("R")

FAILED, USAGE, NOT_CONFIGURED = 1, 2, 3

STOPPED = 130
"""The exit code of what Ctrl-C has ended, as shells have it: 128 and the number of the signal."""

UNWRITABLE = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EPIPE)
"""What is wrong where a file or a disk takes no more, or whoever read a pipe has gone."""

UNCUT = 100_000
"""Columns where nobody looks: a line as long as what it says."""


def _nowhere() -> TextIO:
    return open(os.devnull, "w")


# A supervisor may have closed what nobody reads: https://docs.python.org/3/library/sys.html#sys.__stdout__
sys.stdout = sys.stdout or _nowhere()
sys.stderr = sys.stderr or _nowhere()


class Printer(Console):
    """The one that prints: nothing a stranger wrote is obeyed by a terminal, and nothing is cut where there is none."""

    def __init__(self, *, stderr: bool = False) -> None:
        self._is_looked_at = (sys.stderr if stderr else sys.stdout).isatty()
        super().__init__(stderr=stderr, highlight=False, emoji=False, width=None if self._is_looked_at else UNCUT)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; where there is no terminal, without the blanks that fill a column up to a line's end."""
        if self._is_looked_at:
            super().print(*objects, **options)
            return
        with self.capture() as said:
            super().print(*objects, **options)
        self.file.write("\n".join(line.rstrip(" ") for line in said.get().split("\n")))
        self.file.flush()

    def render_str(self, text: str, **options: Any) -> Text:
        """All text comes past here, before it is measured."""
        return super().render_str(printable(text), **options)


console = Printer()
notices = Printer(stderr=True)


def speak_any_encoding() -> None:
    """Spell out what the terminal's encoding lacks, rather than fail at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def give_up_output(error: OSError) -> None:
    """Say that nothing can be written where output goes, and let the interpreter not try it again at its end.

    Who closes a pipe has read enough, as `head` does: nothing is said to them.
    """
    sys.stdout = _nowhere()
    if error.errno != errno.EPIPE:
        note(f"The output cannot be written: {error.strerror}.", style="red")


def explain(error: GhsyncError) -> int:
    """Tell a person what went wrong and answer the exit code."""
    note(error.sentence if isinstance(error, DatabaseUnavailable) else str(error), style="red")
    return NOT_CONFIGURED if isinstance(error, NotConfigured) else FAILED


def note(sentence: str, style: str = "yellow") -> None:
    """Tell a person something besides what was asked for."""
    notices.print(sentence, style=style, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output; times as ISO 8601. What a terminal would obey is escaped, and not lost."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(value, default=_json, ensure_ascii=not unicode)
    print(json_text(text))  # noqa: T201 (for machines: no console in between)


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool, *, empty: str = "") -> None:
    """A plain table of these columns for people, or a JSON list of objects for machines."""

    def plain(found: Sequence[Mapping[str, Any]]) -> Table:
        shown = table(*(column.replace("_", " ") for column in columns))
        for row in found:
            shown.add_row(*(cell(row.get(column)) for column in columns))
        return shown

    print_listing([dict(row) for row in rows], plain, as_json, empty=empty)


def print_listing(found: Sequence[R], listing: Callable[[Sequence[R]], Table], as_json: bool, *, empty: str) -> None:
    """What was found: as ``listing`` shows it to people, or as JSON for machines; ``empty`` says that it is nothing."""
    if as_json:
        print_json(found)
    elif found or not empty:
        console.print(listing(found))
    else:
        console.print(empty)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the one style that all commands share."""
    made = Table(title=title, title_style="bold", title_justify="left", box=None, header_style="dim", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def cell(value: Any) -> str:
    """Any value as text that Rich does not take for markup."""
    if isinstance(value, datetime):
        return moment(value)
    return "" if value is None else escape(str(value))


def moment(value: datetime) -> str:
    """A time for people, in UTC and to the second: `2026-03-02 09:10:00Z`."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def brief(value: datetime) -> str:
    """A recent time for people, in UTC, where there is little room: `03-02 09:10:00Z`."""
    return f"{value.astimezone(UTC):%m-%d %H:%M:%S}Z"


def called() -> str:
    """What to type for this program: its name, or its path where a shell would not find it by that."""
    installed = Path(sys.executable).with_name("ghsync")
    if (found := shutil.which("ghsync")) and installed.exists() and Path(found).samefile(installed):
        return "ghsync"
    return shlex.quote(str(installed)) if installed.exists() else f"{shlex.quote(sys.executable)} -m ghsync"


def operator() -> Actor:
    """Who sits at the terminal, for the audit log."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = "operator"
    return Actor(name, address=_address(), program=f"ghsync on {socket.gethostname()}")


def _address() -> str | None:
    """Where they sit, if they came by SSH."""
    try:
        return str(ipaddress.ip_address(os.environ["SSH_CONNECTION"].split()[0]))
    except (KeyError, IndexError, ValueError):
        return None


class _Description(ProgressColumn):
    """What is worked on: a repository's name, which a stranger gave it, for one."""

    def render(self, task: Task) -> Text:
        return Text(printable(task.description))


class _Rate(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="dim")


def progress() -> Progress:
    """A bar with rate and remaining time, on a terminal only; it is gone when the work is done."""
    return Progress(
        _Description(),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(compact=True),
        console=notices,
        transient=True,
        disable=not notices.is_terminal,
    )


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Clean up when a terminal is closed or the process is ended, as for Ctrl-C, which asyncio.run cancels tasks for.

    To raise from here would break off whatever runs just then, in the middle.
    """

    def interrupt(number: int, frame: object) -> None:
        signal.raise_signal(signal.SIGINT)

    ends = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in ends}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
