"""What every command needs: settings, a database, a console, and errors told as one sentence."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import embedded, log, settings
from ghsync.database import create_engine
from ghsync.errors import GhsyncError, NotConfigured
from ghsync.settings import Settings

T = TypeVar("T")

FAILED, USAGE, NOT_CONFIGURED = 1, 2, 3

console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
notices = Console(stderr=True, highlight=False)


def explain(error: GhsyncError) -> int:
    """Tell a person what went wrong and answer the exit code."""
    notices.print(str(error), style="red", markup=False, soft_wrap=True)
    return NOT_CONFIGURED if isinstance(error, NotConfigured) else FAILED


@contextmanager
def configured(**overrides: object) -> Iterator[tuple[Settings, str]]:
    """The settings and the database's URL; starts the embedded PostgreSQL where none is named."""
    loaded = settings.load(**overrides)
    log.configure(loaded.log_format, loaded.log_level)
    if loaded.database_url is not None:
        yield loaded, loaded.database_url.get_secret_value()
        return
    with embedded.running(loaded.data_dir) as url:
        notices.print(f"Using the embedded PostgreSQL in {loaded.data_dir}.", style="dim", soft_wrap=True)
        yield loaded, url


def run(function: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    """Call an async function with an engine on the configured database."""

    async def call(url: str) -> T:
        engine = create_engine(url)
        try:
            return await function(engine)
        finally:
            await engine.dispose()

    with configured() as (_, url):
        return asyncio.run(call(url))


def print_json(value: Any) -> None:
    """One JSON document on standard output; times as ISO 8601."""
    print(json.dumps(value, default=str, ensure_ascii=False))  # noqa: T201 (for machines: no console in between)


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool, *, empty: str = "") -> None:
    """A table for people, or a JSON list of objects for machines."""
    found = [dict(row) for row in rows]
    if as_json:
        print_json(found)
    elif not found and empty:
        notices.print(empty)
    else:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in found:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        console.print(table)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text.replace("[", r"\[")
